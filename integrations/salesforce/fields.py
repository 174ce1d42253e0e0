"""What Salesforce shows our user: objects and fields; and fields of our own, made, made visible and taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.base import RemoteField, RemoteObject
from integrations.errors import Misconfigured, Rejected
from integrations.legible import Illegible, word
from integrations.salesforce import names
from integrations.salesforce.session import Session
from records.own_fields import OwnField

PERMISSION_SET = "Gtmops_Integration"
_ALREADY_THERE = {"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"}


class Fields:
    """Read once for each connector, so anew with every run: fields vanish when permissions change."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._described: dict[str, dict[str, RemoteField]] = {}

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        if remote_object not in self._described:
            answer = self._session.rest(f"sobjects/{names.api_name(remote_object)}/describe")
            found = {word(f, "name"): _remote_field(f) for f in answer["fields"]}
            if "Id" not in found:
                # Every object has one: what is missing here would be taken for fields that are gone.
                raise Illegible(f"Salesforce described {remote_object} without its id.")
            self._described[remote_object] = found
        return self._described[remote_object]

    def list_objects(self) -> list[RemoteObject]:
        """Those that hold records a query can read; what the platform keeps about itself is left out."""
        answer = self._session.rest("sobjects/")
        found = [
            RemoteObject(str(o["name"]), str(o.get("label") or o["name"]), bool(o.get("custom")))
            for o in answer["sobjects"]
            if o.get("queryable") and not o.get("deprecatedAndHidden") and not o.get("customSetting")
            and (o["name"] in names.STANDARD or (o.get("custom") and str(o["name"]).endswith("__c")))
        ]  # fmt: skip
        rank = {name: n for n, name in enumerate(names.STANDARD)}
        return sorted(found, key=lambda o: (rank.get(o.name, len(rank)), o.label.lower(), o.name))

    # -- ours ----------------------------------------------------------------------------------------------------

    def create(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        known = self.describe(remote_object)
        for field in fields:
            name = names.own_field_name(field)
            there = known.get(name)
            if there is not None and there.type not in names.OWN_FIELD_TYPES[field.type]:
                raise Misconfigured(
                    f"{remote_object} has a field {name} of type {there.type}, which is not ours. Rename or remove it."
                )
            if there is None:
                self._create_one(remote_object, name, field)
        wanted = [names.own_field_name(field) for field in fields]
        self._grant(remote_object, wanted)
        self._described.pop(remote_object, None)
        seen = self.describe(remote_object)
        hidden = [name for name in wanted if name not in seen or not seen[name].is_writable]
        if hidden:
            raise Misconfigured(
                f"{', '.join(hidden)} on {remote_object} exist but our user can't write them."
            )

    def remove(self, remote_object: str, fields: Sequence[OwnField]) -> list[str]:
        """Delete those of our fields that are there; with the last of all, the permission set that showed them."""
        removed: list[str] = []
        for name in map(names.own_field_name, fields):
            remote_id = self._find(remote_object, name)
            if not remote_id:
                continue
            if not self._is_ours(remote_id):
                raise Misconfigured(
                    f"{remote_object}.{name} was not made by gtmops (its description says so); it was left alone."
                )
            self._session.rest(f"tooling/sobjects/CustomField/{remote_id}", method="DELETE")
            removed.append(name)
        self._described.pop(remote_object, None)
        self._drop_permission_set()
        return removed

    def _create_one(self, remote_object: str, name: str, field: OwnField) -> None:
        body = {
            "FullName": f"{names.api_name(remote_object)}.{name}",
            "Metadata": names.own_field_metadata(field),
        }
        try:
            self._session.rest("tooling/sobjects/CustomField/", method="POST", json=body)
        except Rejected as error:
            # It is there, only hidden from us: granting follows.
            if error.code not in _ALREADY_THERE:
                raise Misconfigured(str(error)) from error

    def _find(self, remote_object: str, name: str) -> str:
        soql = (
            "SELECT Id FROM CustomField WHERE EntityDefinition.QualifiedApiName = "  # noqa: S608 (ours)
            f"'{names.api_name(remote_object)}' AND DeveloperName = '{name.removesuffix('__c')}' "
            "AND NamespacePrefix = null"
        )
        return next((str(row["Id"]) for row in self._session.tooling_rows(soql)), "")

    def _is_ours(self, remote_id: str) -> bool:
        soql = f"SELECT Metadata FROM CustomField WHERE Id = {names.soql_ids([remote_id])}"  # noqa: S608 (ours)
        told = next(iter(self._session.tooling_rows(soql)), {}).get("Metadata") or {}
        return str(told.get("description") or "").startswith(names.OURS)

    def _grant(self, remote_object: str, fields: Sequence[str]) -> None:
        """A field made by API is visible to nobody, its maker included, until a permission set says so."""
        create_row = self._session.create_row
        permission_set = self._permission_set() or create_row(
            "PermissionSet",
            {"Name": PERMISSION_SET, "Label": "gtmops integration", "Description": names.OURS},
        )
        for name in fields:
            create_row(
                "FieldPermissions",
                {
                    "ParentId": permission_set,
                    "SobjectType": remote_object,
                    "Field": f"{remote_object}.{name}",
                    "PermissionsRead": True,
                    "PermissionsEdit": True,
                },
            )
        assigned = {"PermissionSetId": permission_set, "AssigneeId": self._session.our_user()}
        create_row("PermissionSetAssignment", assigned)

    def _permission_set(self) -> str:
        soql = f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'"  # noqa: S608 (ours)
        return next((str(row["Id"]) for row in self._session.rows(soql)), "")

    def _drop_permission_set(self) -> None:
        permission_set = self._permission_set()
        if not permission_set:
            return
        of_it = f"= {names.soql_ids([permission_set])}"
        if next(self._session.rows(f"SELECT Id FROM FieldPermissions WHERE ParentId {of_it} LIMIT 1"), None):  # noqa: S608 (ours)
            return
        # Salesforce refuses to delete a permission set that anybody still has.
        for row in self._session.rows(
            f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId {of_it}"  # noqa: S608 (ours)
        ):
            self._session.delete_row("PermissionSetAssignment", str(row["Id"]))
        self._session.delete_row("PermissionSet", permission_set)


def _remote_field(field: Mapping[str, Any]) -> RemoteField:
    return RemoteField(
        name=field["name"],
        label=field.get("label") or field["name"],
        type=str(field.get("type", "")),
        is_writable=bool(field.get("updateable")) and not field.get("calculated"),
        length=int(field.get("length") or 0),
        options=tuple(
            (str(o["value"]), str(o.get("label") or o["value"]))
            for o in field.get("picklistValues") or []
            if o.get("active") is not False
        ),
        refers_to=tuple(field.get("referenceTo") or ()),
    )
