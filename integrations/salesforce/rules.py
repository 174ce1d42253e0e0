"""Validation rules in Salesforce, and the custom permission with which our own user passes them.

Rules are made by the Tooling API; a package deployed with checkOnly says beforehand whether Salesforce would take them.
Its answers give a rule's formula for one row at a time only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from simple_salesforce import Salesforce

from integrations.errors import Misconfigured, Rejected, RetryLater
from integrations.salesforce import names
from integrations.salesforce.deploying import Call, Problem, deploy, document, manifest, packed
from integrations.salesforce.names import OURS

Rows = Callable[[str], Iterator[Mapping[str, Any]]]

_DEVELOPER_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


@dataclass(frozen=True)
class Rule:
    """A validation rule as it should be or as it is. ``formula``: true refuses the save. ``field`` "": top of page."""

    remote_object: str
    name: str
    formula: str
    message: str
    field: str = ""
    is_active: bool = False
    description: str = OURS

    @property
    def full_name(self) -> str:
        return f"{self.remote_object}.{self.name}"


@dataclass(frozen=True)
class FoundRule:
    remote_id: str
    rule: Rule
    modified_at: datetime | None = None
    modified_by: str = ""

    @property
    def is_ours(self) -> bool:
        return self.rule.description.startswith(OURS)


@dataclass(frozen=True)
class RuleLine:
    """What a list of rules says of each: all but the formula."""

    remote_id: str
    name: str
    is_active: bool
    message: str


class Rules:
    """Each method may raise what every call to Salesforce may raise, and Rejected for what it refuses for good."""

    def __init__(self, call: Call, rows: Rows) -> None:
        self._call = call
        self._rows_of_data = rows

    # -- rules ---------------------------------------------------------------------------------------------------

    def lines(self, remote_object: str) -> list[RuleLine]:
        """All rules of an object, whoever made them."""
        soql = (
            "SELECT Id, ValidationName, Active, ErrorMessage FROM ValidationRule "  # noqa: S608 (ours)
            f"WHERE EntityDefinition.QualifiedApiName = '{_api_name(remote_object)}' ORDER BY ValidationName"
        )
        return [
            RuleLine(
                str(r["Id"]),
                str(r["ValidationName"]),
                bool(r.get("Active")),
                str(r.get("ErrorMessage") or ""),
            )
            for r in self._tooling_rows(soql)
        ]

    def find(self, remote_object: str, name: str) -> FoundRule | None:
        where = (
            f"EntityDefinition.QualifiedApiName = '{_api_name(remote_object)}' "
            f"AND ValidationName = '{_developer_name(name)}'"
        )
        return self._one(where)

    def read(self, remote_id: str) -> FoundRule | None:
        """The rule as it is; None when it is gone."""
        return self._one(f"Id = {names.soql_ids([remote_id])}")

    def create(self, rule: Rule) -> str:
        """The new rule's id."""
        body = {"FullName": rule.full_name, "Metadata": _metadata(rule)}
        answer = self._call(partial(_restful, "tooling/sobjects/ValidationRule/", method="POST", json=body))
        return str(answer["id"])

    def put(self, remote_id: str, rule: Rule) -> None:
        """Make an existing rule say this, active or not."""
        path = f"tooling/sobjects/ValidationRule/{remote_id}"
        self._call(partial(_restful, path, method="PATCH", json={"Metadata": _metadata(rule)}))

    def delete(self, remote_id: str) -> None:
        self._call(partial(_restful, f"tooling/sobjects/ValidationRule/{remote_id}", method="DELETE"))

    def check(self, rules: Sequence[Rule], permission: str) -> list[Problem]:
        """What Salesforce would say against these rules and the permission they name; nothing is changed there."""
        return deploy(self._call, _package(rules, permission), check_only=True)

    def _one(self, where: str) -> FoundRule | None:
        soql = (
            "SELECT Id, FullName, Metadata, LastModifiedDate, LastModifiedById FROM ValidationRule "  # noqa: S608 (ours)
            f"WHERE {where} LIMIT 1"
        )
        for row in self._tooling_rows(soql):
            remote_object, _, name = str(row["FullName"]).partition(".")
            told = row["Metadata"]
            rule = Rule(
                remote_object,
                name,
                str(told.get("errorConditionFormula") or ""),
                str(told.get("errorMessage") or ""),
                str(told.get("errorDisplayField") or ""),
                bool(told.get("active")),
                str(told.get("description") or ""),
            )
            return FoundRule(
                str(row["Id"]),
                rule,
                _instant(row.get("LastModifiedDate")),
                str(row.get("LastModifiedById") or ""),
            )
        return None

    # -- who may pass --------------------------------------------------------------------------------------------

    def our_user(self) -> str:
        return str(self._call(lambda client: client.oauth2("userinfo"))["user_id"])

    def find_permission(self, name: str) -> str:
        """The id of our custom permission; empty when there is none. Raises Misconfigured when it is another's."""
        return self._find_named("CustomPermission", "DeveloperName", name)

    def find_permission_set(self, name: str) -> str:
        return self._find_named("PermissionSet", "Name", name)

    def find_access(self, permission_set: str, permission: str) -> str:
        return self._find(
            "SetupEntityAccess",
            f"ParentId = {names.soql_ids([permission_set])} AND SetupEntityId = {names.soql_ids([permission])}",
        )

    def find_assignment(self, permission_set: str, user: str) -> str:
        return self._find(
            "PermissionSetAssignment",
            f"PermissionSetId = {names.soql_ids([permission_set])} AND AssigneeId = {names.soql_ids([user])}",
        )

    def create_permission(self, name: str) -> str:
        label = "gtmops: pass the model's rules"
        return self._create(
            "CustomPermission", {"DeveloperName": name, "MasterLabel": label, "Description": OURS}
        )

    def create_permission_set(self, name: str) -> str:
        label = "gtmops: pass the model's rules"
        return self._create("PermissionSet", {"Name": name, "Label": label, "Description": OURS})

    def create_access(self, permission_set: str, permission: str) -> str:
        return self._create("SetupEntityAccess", {"ParentId": permission_set, "SetupEntityId": permission})

    def create_assignment(self, permission_set: str, user: str) -> str:
        return self._create(
            "PermissionSetAssignment", {"PermissionSetId": permission_set, "AssigneeId": user}
        )

    def exists(self, remote_object: str, remote_id: str) -> bool:
        return bool(self._find(remote_object, f"Id = {names.soql_ids([remote_id])}"))

    def delete_row(self, remote_object: str, remote_id: str) -> None:
        path = f"sobjects/{_api_name(remote_object)}/{remote_id}"
        self._call(partial(_restful, path, method="DELETE"))

    def _create(self, remote_object: str, values: Mapping[str, Any]) -> str:
        """The new row's id; empty when Salesforce says that it is there already."""
        try:
            answer = self._call(
                partial(_restful, f"sobjects/{remote_object}/", method="POST", json=dict(values))
            )
        except Rejected as error:
            if error.code.startswith("DUPLICATE"):
                return ""
            raise
        return str(answer["id"])

    def _find(self, remote_object: str, where: str) -> str:
        for row in self._rows_of_data(f"SELECT Id FROM {_api_name(remote_object)} WHERE {where}"):  # noqa: S608 (ours)
            return str(row["Id"])
        return ""

    def _find_named(self, remote_object: str, column: str, name: str) -> str:
        soql = f"SELECT Id, Description FROM {remote_object} WHERE {column} = '{_developer_name(name)}'"  # noqa: S608 (ours)
        for row in self._rows_of_data(soql):
            if not str(row.get("Description") or "").startswith(OURS):
                raise Misconfigured(
                    f"Salesforce has a {remote_object} {name} that gtmops did not make. Rename or remove it."
                )
            return str(row["Id"])
        return ""

    def _tooling_rows(self, soql: str) -> list[Mapping[str, Any]]:
        answer = self._call(partial(_restful, "tooling/query", params={"q": soql}))
        rows = answer.get("records") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise RetryLater("Salesforce's answer to a query has no records in it.")
        return rows


def _restful(path: str, client: Salesforce, **options: Any) -> Any:
    return client.restful(path, **options)


def _metadata(rule: Rule) -> dict[str, Any]:
    """Metadata takes the place of the earlier one as a whole, so that nothing may be left out."""
    return {
        "active": rule.is_active,
        "description": rule.description,
        "errorConditionFormula": rule.formula,
        "errorDisplayField": rule.field or None,
        "errorMessage": rule.message,
    }


def _package(rules: Sequence[Rule], permission: str) -> bytes:
    """The permission, and the rules, inactive, in a file per object."""
    objects: dict[str, list[Rule]] = {}
    for rule in rules:
        objects.setdefault(_api_name(rule.remote_object), []).append(rule)
    members = {"CustomPermission": [permission], "ValidationRule": [rule.full_name for rule in rules]}
    files = {
        "package.xml": manifest({kind: [escape(name) for name in names] for kind, names in members.items()}),
        f"customPermissions/{permission}.customPermission": document(
            "CustomPermission",
            f"<description>{OURS}</description><isLicensed>false</isLicensed>"
            "<label>gtmops: pass the model's rules</label>",
        ),
    }
    for name, some in objects.items():
        files[f"objects/{name}.object"] = document("CustomObject", "".join(map(_rule_xml, some)))
    return packed(files)


def _rule_xml(rule: Rule) -> str:
    parts = {
        "fullName": rule.name,
        "active": "false",
        "description": rule.description,
        "errorConditionFormula": rule.formula,
        "errorDisplayField": rule.field,
        "errorMessage": rule.message,
    }
    inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items() if text)
    return f"<validationRules>{inside}</validationRules>"


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except ValueError:
        return None


def _api_name(name: str) -> str:
    if not names.API_NAME.fullmatch(name):
        raise Misconfigured(f"{name!r} is not the name of a Salesforce object.")
    return name


def _developer_name(name: str) -> str:
    if not _DEVELOPER_NAME.fullmatch(name):
        raise Misconfigured(f"{name!r} can't be a name in Salesforce.")
    return name
