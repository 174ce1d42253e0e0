"""The Tooling API's validation rules, and the Metadata API's check-only deploy, of the stand-in Salesforce."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from integrations.standins.http import Refused, Request, Response, json_response
from integrations.standins.salesforce_rules import API_ACTOR, SYSTEM, RuleError, delete, new_id
from integrations.standins.salesforce_validation import VALIDATION_RULE, fault_of
from integrations.standins.store import Fields, Store, Stored
from integrations.standins.world import salesforce_id, salesforce_id_18

_COLUMNS = {
    "active": "Active",
    "description": "Description",
    "errorConditionFormula": "ErrorConditionFormula",
    "errorDisplayField": "ErrorDisplayField",
    "errorMessage": "ErrorMessage",
}
"""Metadata key to stored field."""
_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


class Tooling:
    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self, prefix: str) -> Iterator[tuple[str, str, Any]]:
        """(method, path, handler) of each; ``prefix`` is that of the API's versions."""
        one = f"{prefix}/tooling/sobjects/{VALIDATION_RULE}"
        yield "POST", one, self.create_rule
        yield "GET", f"{one}/{{remote_id}}", self.get_rule
        yield "PATCH", f"{one}/{{remote_id}}", self.update_rule
        yield "DELETE", f"{one}/{{remote_id}}", self.delete_rule
        yield "POST", f"{prefix}/metadata/deployRequest", self.deploy
        yield "GET", f"{prefix}/metadata/deployRequest/{{deploy_id}}", self.deployed

    # -- validation rules ----------------------------------------------------------------------------------

    def create_rule(self, request: Request) -> Response:
        body = _body(request)
        object_name, _, name = str(body.get("FullName", "")).partition(".")
        fields = {"ValidationName": name, "EntityDefinitionId": object_name, **_from_metadata(body)}
        self._check(fields)
        if self._named(object_name, name):
            raise RuleError(
                "DUPLICATE_DEVELOPER_NAME",
                f"There is already a validation rule with the name {name} on {object_name}.",
                ["ValidationName"],
            )
        fields |= {"CreatedById": API_ACTOR.by, "LastModifiedById": API_ACTOR.by}
        with self.store.transaction():
            row = self.store.create(
                SYSTEM, VALIDATION_RULE, new_id(self.store, VALIDATION_RULE), fields, API_ACTOR
            )
        answer = {"id": row.remote_id, "success": True, "errors": [], "warnings": [], "infos": []}
        return json_response(answer, 201)

    def get_rule(self, request: Request, remote_id: str) -> Response:
        row = self._row(remote_id)
        shown = {k: v for k, v in row.fields.items() if k != "ErrorConditionFormula"}
        own = {"Id": row.remote_id, "CreatedDate": row.created, "LastModifiedDate": row.modified}
        attributes = {"attributes": {"type": VALIDATION_RULE, "url": request.path}}
        return json_response({**attributes, **own, **shown, **rule_extras(row)})

    def update_rule(self, request: Request, remote_id: str) -> Response:
        row = self._row(remote_id)
        changes = {**_from_metadata(_body(request)), "LastModifiedById": API_ACTOR.by}
        self._check({**row.fields, **changes})
        self.store.update(row, changes, API_ACTOR)
        return Response(204)

    def delete_rule(self, request: Request, remote_id: str) -> Response:
        delete(self.store, self._row(remote_id), API_ACTOR)
        return Response(204)

    def _check(self, fields: Fields) -> None:
        fault = fault_of(self.store, fields)
        if fault:
            raise RuleError("FIELD_INTEGRITY_EXCEPTION", fault, ["ErrorConditionFormula"])

    def _named(self, object_name: str, name: str) -> list[Stored]:
        where = "json_extract(fields, '$.EntityDefinitionId') = ? AND json_extract(fields, '$.ValidationName') = ?"
        return self.store.all_of(SYSTEM, VALIDATION_RULE, where, [object_name, name])

    def _row(self, remote_id: str) -> Stored:
        row = self.store.get(SYSTEM, VALIDATION_RULE, salesforce_id_18(remote_id))
        if row is None or row.deleted:
            raise RuleError("NOT_FOUND", "The requested resource does not exist", status=404)
        return row

    # -- a deploy that only checks ---------------------------------------------------------------------------

    def deploy(self, request: Request) -> Response:
        """Takes a package and answers at once; what came of it is asked for with the id."""
        options, package = _parts(request)
        if not options.get("checkOnly"):
            raise RuleError("INVALID_OPERATION", "This stand-in takes deploys that only check.")
        failures, count = self._tried(package)
        deploy_id = salesforce_id("0Af", self.store.next_number("0Af"))
        self.store.set_meta(f"deploy:{deploy_id}", {"failures": failures, "count": count, "asked": 0})
        result = {"id": deploy_id, "done": False, "status": "Pending", "success": False, "checkOnly": True}
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
            "id": deploy_id, "done": done, "status": status, "success": done and not failures, "checkOnly": True,
            "numberComponentErrors": len(failures), "numberComponentsTotal": known["count"],
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
            return [_failure("", "", "package.xml", "No package.xml found")], 0
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
            for element in tree.iter(f"{_NAMESPACE}validationRules"):
                count += 1
                told = {child.tag.removeprefix(_NAMESPACE): child.text or "" for child in element}
                fields = {column: told.get(key) for key, column in _COLUMNS.items()}
                fields |= {"ValidationName": told.get("fullName"), "EntityDefinitionId": object_name}
                fault = fault_of(self.store, fields, permissions=frozenset(made | known))
                if fault:
                    full_name = f"{object_name}.{told.get('fullName')}"
                    failures.append(_failure("ValidationRule", full_name, file_name, fault))
        return failures, count + len(made)


def whole_extras(row: Stored) -> Fields:
    """FullName and Metadata, which a query gives for one row only."""
    if row.object == "CustomField":
        return {"FullName": row.fields["FullName"], "Metadata": row.fields.get("Metadata") or {}}
    return rule_extras(row)


def rule_extras(row: Stored) -> Fields:
    metadata: Fields = {key: row.fields.get(column) for key, column in _COLUMNS.items()}
    metadata["active"] = bool(metadata["active"])
    full_name = f"{row.fields['EntityDefinitionId']}.{row.fields['ValidationName']}"
    return {"FullName": full_name, "Metadata": {**metadata, "urls": None}}


def _from_metadata(body: Fields) -> Fields:
    """The stored fields of a Metadata, which takes the place of the earlier one as a whole."""
    metadata = body.get("Metadata")
    if not isinstance(metadata, dict):
        raise RuleError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", ["Metadata"])
    unknown = sorted(metadata.keys() - _COLUMNS.keys() - {"fullName", "urls"})
    if unknown:
        raise RuleError("JSON_PARSER_ERROR", f"Unrecognized field '{unknown[0]}' in Metadata")
    missing = [k for k in ("errorConditionFormula", "errorMessage") if not metadata.get(k)]
    if missing:
        raise RuleError(
            "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
        )
    fields: Fields = {column: metadata.get(key) or None for key, column in _COLUMNS.items()}
    fields["Active"] = bool(metadata.get("active"))
    return fields


def _failure(kind: str, full_name: str, file_name: str, problem: str) -> Fields:
    return {
        "componentType": kind, "fullName": full_name, "fileName": file_name, "problem": problem,
        "problemType": "Error", "success": False,
    }  # fmt: skip


def _body(request: Request) -> Fields:
    try:
        body = request.json()
    except ValueError:
        raise RuleError("JSON_PARSER_ERROR", "Unexpected character") from None
    if not isinstance(body, dict):
        raise RuleError("JSON_PARSER_ERROR", "an object is expected")
    return body


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
