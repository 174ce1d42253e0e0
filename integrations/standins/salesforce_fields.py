"""Custom fields by the Tooling API, and what describe says of a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.standins.http import Request, Response, json_response
from integrations.standins.salesforce_answers import body_of, error
from integrations.standins.salesforce_rules import API_ACTOR, SYSTEM, create, delete, picklist
from integrations.standins.store import Fields, Store
from integrations.standins.world import salesforce_id_18

_METADATA_TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Picklist": "picklist",
    "Url": "url",
    "Email": "email",
    "Phone": "phone",
}


class CustomFields:
    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self, prefix: str) -> Iterator[tuple[str, str, Any]]:
        """(method, path, handler) of each; ``prefix`` is that of the API's versions."""
        yield "POST", f"{prefix}/tooling/sobjects/CustomField", self.create_field
        yield "DELETE", f"{prefix}/tooling/sobjects/CustomField/{{remote_id}}", self.delete_field

    def create_field(self, request: Request) -> Response:
        body = body_of(request)
        object_name, _, name = str(body.get("FullName", "")).partition(".")
        metadata = body.get("Metadata") or {}
        if object_name not in self.store.objects(SYSTEM) or not name.endswith("__c") or "__" in name[:-3]:
            raise error("INVALID_FIELD", f"Bad FullName: {body.get('FullName')}", fields=["FullName"])
        if len(name) > 43:
            raise error("FIELD_INTEGRITY_EXCEPTION", "Field Name: 40 characters at most", fields=["FullName"])
        if name in self.store.schema(SYSTEM, object_name):
            text = f"There is already a field named {name.removesuffix('__c')} on {object_name}."
            raise error("DUPLICATE_DEVELOPER_NAME", text, fields=["DeveloperName"])
        definition = _from_metadata(name, metadata)
        with self.store.transaction():
            self.store.put_fields(SYSTEM, object_name, [definition])
            row = create(
                self.store,
                "CustomField",
                {
                    "FullName": f"{object_name}.{name}",
                    "DeveloperName": name.removesuffix("__c"),
                    "TableEnumOrId": object_name,
                },
                API_ACTOR,
            )
            self.store.update(row, {"Metadata": metadata}, API_ACTOR, silent=["Metadata"])
        return json_response(
            {"id": row.remote_id, "success": True, "errors": [], "warnings": [], "infos": []}, 201
        )

    def delete_field(self, request: Request, remote_id: str) -> Response:
        row = self.store.get(SYSTEM, "CustomField", salesforce_id_18(remote_id))
        if row is None or row.deleted:
            raise error("NOT_FOUND", "The requested resource does not exist", 404)
        object_name, _, name = str(row.fields["FullName"]).partition(".")
        with self.store.transaction():
            self.store.drop_field(SYSTEM, object_name, name)
            delete(self.store, row, API_ACTOR)
            where = "json_extract(fields, '$.Field') = ?"
            for grant in self.store.all_of(SYSTEM, "FieldPermissions", where, [row.fields["FullName"]]):
                delete(self.store, grant, API_ACTOR)
        return Response(204)


def _from_metadata(name: str, metadata: Mapping[str, Any]) -> Fields:
    kind = _METADATA_TYPES.get(str(metadata.get("type")))
    if kind is None or not metadata.get("label"):
        raise error("FIELD_INTEGRITY_EXCEPTION", "Field Type and Label are required", fields=["Metadata"])
    length = metadata.get("length")
    if metadata["type"] == "Text" and not (isinstance(length, int) and 1 <= length <= 255):
        raise error("FIELD_INTEGRITY_EXCEPTION", "Length: a text field needs 1 to 255", fields=["Metadata"])
    if metadata["type"] == "LongTextArea" and not (
        isinstance(length, int) and length >= 256 and metadata.get("visibleLines")
    ):
        raise error(
            "FIELD_INTEGRITY_EXCEPTION",
            "Length of at least 256 and visibleLines are required",
            fields=["Metadata"],
        )
    if metadata["type"] == "Checkbox" and metadata.get("defaultValue") is None:
        raise error(
            "FIELD_INTEGRITY_EXCEPTION", "Default Value is required for a checkbox", fields=["Metadata"]
        )
    definition: Fields = {"name": name, "type": kind, "label": metadata["label"], "granted_only": True}
    if length or kind in ("url", "email", "phone", "picklist", "textarea"):
        definition["length"] = length or 255
    if kind == "double":
        definition |= {"precision": metadata.get("precision", 18), "scale": metadata.get("scale", 0)}
    if kind == "picklist":
        value_set = metadata.get("valueSet") or {}
        values = (value_set.get("valueSetDefinition") or {}).get("value") or []
        definition["restricted"] = bool(value_set.get("restricted"))
        definition["values"] = [
            {"value": v.get("fullName") or v.get("valueName"), "label": v.get("label") or v.get("fullName")}
            for v in values
        ]
    return definition


def described(definition: Fields, may_write: bool) -> Fields:
    kind = definition["type"]
    name = definition["name"]
    own = name in (
        "Id",
        "IsDeleted",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    )
    long_text = kind == "textarea" and definition.get("length", 0) > 255
    out: Fields = {
        "name": name,
        "label": definition["label"],
        "type": kind,
        "length": definition.get("length", 18 if kind in ("id", "reference") else 0),
        "precision": definition.get("precision", 18 if kind in ("double", "currency", "percent") else 0),
        "scale": definition.get("scale", 2 if kind == "currency" else 0),
        "digits": 8 if kind == "int" else 0,
        "custom": name.endswith("__c"),
        "calculated": bool(definition.get("calculated")),
        "createable": may_write,
        "updateable": may_write,
        "filterable": not long_text,
        "sortable": not long_text,
        "nillable": not (own or definition.get("required")),
        "permissionable": not (own or definition.get("required")),
        "defaultedOnCreate": own or kind == "boolean",
        "unique": False,
        "externalId": False,
        "idLookup": name == "Id",
        "restrictedPicklist": bool(definition.get("restricted")),
        "compoundFieldName": "Name" if name in ("FirstName", "LastName") else None,
        "referenceTo": definition.get("reference_to", []),
        "relationshipName": None,
        "picklistValues": [
            {"value": v["value"], "label": v["label"], "active": True, "defaultValue": False}
            for v in picklist(definition)
        ],
    }
    if kind == "reference":
        out["relationshipName"] = name[:-1] + "r" if name.endswith("__c") else name.removesuffix("Id")
    return out
