"""The Metadata API of the stand-in Salesforce: packages that are tried, or put there as a whole or not at all."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from integrations.standins.faults import Faults
from integrations.standins.http import Refused, Request, Response, json_response
from integrations.standins.salesforce_analytics import Analytics
from integrations.standins.salesforce_rules import SYSTEM, RuleError
from integrations.standins.salesforce_validation import fault_of
from integrations.standins.store import Fields, Store
from integrations.standins.tooling import RULE_COLUMNS
from integrations.standins.world import salesforce_id

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


class Deploys:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def routes(self, prefix: str) -> Iterator[tuple[str, str, Any]]:
        """(method, path, handler) of each; ``prefix`` is that of the API's versions."""
        yield "POST", f"{prefix}/metadata/deployRequest", self.deploy
        yield "GET", f"{prefix}/metadata/deployRequest/{{deploy_id}}", self.deployed

    def deploy(self, request: Request) -> Response:
        """Takes a package and answers at once; what came of it is asked for with the id."""
        options, package = _parts(request)
        check_only = bool(options.get("checkOnly"))
        failures, count = self._tried(package)
        analytics = Analytics(self.store, package)
        failures += analytics.failures()
        if self.faults.hits("deployfail"):
            failures.append(
                failure("", "", "package.xml", "UNKNOWN_EXCEPTION: An unexpected error occurred.")
            )
        if not check_only and not failures:
            analytics.put()
        deploy_id = salesforce_id("0Af", self.store.next_number("0Af"))
        known = {"failures": failures, "count": count + analytics.count, "asked": 0, "check_only": check_only}
        self.store.set_meta(f"deploy:{deploy_id}", known)
        result = {
            "id": deploy_id,
            "done": False,
            "status": "Pending",
            "success": False,
            "checkOnly": check_only,
        }
        return json_response({"id": deploy_id, "deployOptions": options, "deployResult": result}, 201)

    def deployed(self, request: Request, deploy_id: str) -> Response:
        key = f"deploy:{deploy_id}"
        known = self.store.meta(key)
        if known is None:
            raise RuleError("NOT_FOUND", "The requested resource does not exist", status=404)
        known["asked"] += 1
        self.store.set_meta(key, known)
        failures = known["failures"]
        done = known["asked"] > 1
        status = "InProgress" if not done else "Failed" if failures else "Succeeded"
        result: Fields = {
            "id": deploy_id, "done": done, "status": status, "success": done and not failures,
            "checkOnly": known["check_only"], "numberComponentErrors": len(failures),
            "numberComponentsTotal": known["count"],
        }  # fmt: skip
        if done and request.arg("includeDetails") == "true":
            result["details"] = {"componentFailures": failures, "componentSuccesses": []}
        return json_response({"id": deploy_id, "deployResult": result})

    def _tried(self, package: zipfile.ZipFile) -> tuple[list[Fields], int]:
        """(component failures, components)."""
        failures: list[Fields] = []
        count = 0
        names = package.namelist()
        if "package.xml" not in names:
            return [failure("", "", "package.xml", "No package.xml found")], 0
        made = {
            n.rpartition("/")[2].removesuffix(".customPermission")
            for n in names
            if n.startswith("customPermissions/")
        }
        known = {str(r.fields.get("DeveloperName")) for r in self.store.all_of(SYSTEM, "CustomPermission")}
        for file_name in names:
            if not file_name.startswith("objects/"):
                continue
            object_name = file_name.removeprefix("objects/").removesuffix(".object")
            tree = ElementTree.fromstring(package.read(file_name))  # noqa: S314  # a client on this machine sends it
            for element in tree.iter(f"{NAMESPACE}validationRules"):
                count += 1
                told = {child.tag.removeprefix(NAMESPACE): child.text or "" for child in element}
                fields = {column: told.get(key) for key, column in RULE_COLUMNS.items()}
                fields |= {"ValidationName": told.get("fullName"), "EntityDefinitionId": object_name}
                fault = fault_of(self.store, fields, permissions=frozenset(made | known))
                if fault:
                    full_name = f"{object_name}.{told.get('fullName')}"
                    failures.append(failure("ValidationRule", full_name, file_name, fault))
        return failures, count + len(made)


def failure(kind: str, full_name: str, file_name: str, problem: str) -> Fields:
    return {
        "componentType": kind, "fullName": full_name, "fileName": file_name, "problem": problem,
        "problemType": "Error", "success": False,
    }  # fmt: skip


def _parts(request: Request) -> tuple[Fields, zipfile.ZipFile]:
    """Deploy options and package of a multipart request."""
    kind, _, boundary = request.headers.get("Content-Type", "").partition("boundary=")
    if not kind.startswith("multipart/form-data") or not boundary:
        raise Refused(Response(415, b"", "text/plain"))
    found: dict[str, bytes] = {}
    for part in request.body.split(b"--" + boundary.strip('"').encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]*)"', head)
        found[name[1].decode() if name else ""] = content.removesuffix(b"\r\n")
    try:
        options = json.loads(found["json"])["deployOptions"]
        return options, zipfile.ZipFile(io.BytesIO(found["file"]))
    except (KeyError, ValueError, zipfile.BadZipFile):
        raise RuleError("INVALID_INPUT", "A deploy needs the parts json and file (a zip).") from None
