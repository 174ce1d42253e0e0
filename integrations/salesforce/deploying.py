"""Packages of the Metadata API: put there, or only tried, and what Salesforce says of them."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from simple_salesforce import Salesforce

from integrations.errors import RetryLater

Call = Callable[[Callable[[Salesforce], Any]], Any]

POLLS = 30
PAUSE_SECONDS = 0.5
VERSION = "62.0"
_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


@dataclass(frozen=True)
class Problem:
    """Why Salesforce would not take a component, in its own words."""

    name: str
    text: str


def deploy(call: Call, package: bytes, *, check_only: bool) -> list[Problem]:
    """Put a package there as a whole or not at all; ``check_only`` changes nothing there.

    Not by simple-salesforce's own deploy, which leaves its headers on every later call. Raises RetryLater when it
    takes longer than we wait; the same package may be put there again."""
    body, kind = _multipart(package, check_only=check_only)
    answer = call(
        partial(_restful, "metadata/deployRequest", method="POST", data=body, headers={"Content-Type": kind})
    )
    path = f"metadata/deployRequest/{answer['id']}"
    for _ in range(POLLS):
        told = call(partial(_restful, path, params={"includeDetails": "true"}))["deployResult"]
        if told.get("done"):
            return _problems(told)
        time.sleep(PAUSE_SECONDS)
    raise RetryLater("Salesforce has not finished with what was sent. Look again in a minute.")


def packed(files: Mapping[str, str]) -> bytes:
    """A zip of texts by their path."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for path, text in files.items():
            package.writestr(path, text)
    return out.getvalue()


def document(root: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{inside}</{root}>\n'


def manifest(members: Mapping[str, list[str]]) -> str:
    """package.xml, or destructiveChanges.xml: names by type."""
    inside = "".join(
        f"<types>{''.join(f'<members>{name}</members>' for name in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return document("Package", f"{inside}<version>{VERSION}</version>")


def _multipart(package: bytes, *, check_only: bool) -> tuple[bytes, str]:
    """(body, content type) of a deploy."""
    boundary = f"gtmops-{uuid.uuid4().hex}"
    options = {
        "deployOptions": {
            "checkOnly": check_only,
            "rollbackOnError": True,
            "singlePackage": True,
            "testLevel": "NoTestRun",
        }
    }
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n'
        f"{json.dumps(options)}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    )
    body = head.encode() + package + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _problems(told: Mapping[str, Any]) -> list[Problem]:
    if told.get("success"):
        return []
    failures = (told.get("details") or {}).get("componentFailures") or []
    found = [
        Problem(
            str(f.get("fullName") or f.get("fileName") or ""), str(f.get("problem") or "It was not accepted.")
        )
        for f in (failures if isinstance(failures, list) else [failures])
    ]
    text = str(told.get("errorMessage") or told.get("status") or "It was not accepted.")
    return found or [Problem("", text)]


def _restful(path: str, client: Salesforce, **options: Any) -> Any:
    return client.restful(path, **options)
