"""HubSpot's properties and their groups."""

from __future__ import annotations

import re

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, json_response
from integrations.standins.hubspot_answers import Route, batch_answer, body_of, inputs_of
from integrations.standins.hubspot_rules import SYSTEM, RuleError, options
from integrations.standins.store import Fields, Store

PAGE = 100
_FIELD_TYPES = {
    "string": {"text", "textarea", "file", "html", "phonenumber"},
    "number": {"number"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "date": {"date"},
    "datetime": {"date"},
    "bool": {"booleancheckbox"},
}
_EXTERNAL = (
    "hubspot_owner_id", "lifecyclestage", "dealstage", "pipeline", "hs_pipeline", "hs_pipeline_stage",
)  # fmt: skip
_TYPE = "/crm/v3/properties/{type}"


class Properties:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            ("GET", _TYPE, self.properties),
            ("POST", _TYPE, self.create_property),
            ("GET", f"{_TYPE}/groups", self.groups),
            ("POST", f"{_TYPE}/groups", self.create_group),
            ("DELETE", f"{_TYPE}/groups/{{name}}", self.archive_group),
            ("POST", f"{_TYPE}/batch/create", self.create_properties),
            ("POST", f"{_TYPE}/batch/read", self.read_properties),
            ("GET", f"{_TYPE}/{{name}}", self.get_property),
            ("PATCH", f"{_TYPE}/{{name}}", self.update_property),
            ("DELETE", f"{_TYPE}/{{name}}", self.archive_property),
        ]

    def properties(self, request: Request, kind: str) -> Response:
        wanted = request.arg("archived").lower() == "true"
        schema = self.store.schema(SYSTEM, kind)
        found = [self._property(kind, d) for d in schema.values() if bool(d.get("archived")) == wanted]
        return json_response({"results": found})

    def get_property(self, request: Request, kind: str, name: str) -> Response:
        return json_response(self._property(kind, self._definition(kind, name)))

    def _definition(self, kind: str, name: str) -> Fields:
        found = self.store.schema(SYSTEM, kind).get(name)
        if found is None or found.get("archived"):
            text = f'Property "{name}" does not exist'
            raise RuleError(text, "OBJECT_NOT_FOUND", 404, subCategory="Properties.PROPERTY_NOT_FOUND")
        return found

    def _property(self, kind: str, definition: Fields) -> Fields:
        external = definition["name"] in _EXTERNAL
        hides = definition["name"] == "hubspot_owner_id" or (external and self.faults.hits("external"))
        listed = [] if hides else options(self.store, kind, definition)
        ours = bool(definition.get("made_by_api"))
        read_only = bool(definition.get("readOnly"))
        return {
            "name": definition["name"],
            "label": definition["label"],
            "type": definition["type"],
            "fieldType": definition.get("fieldType", "text"),
            "description": definition.get("description", ""),
            "groupName": definition["groupName"],
            "options": [
                {"label": o["label"], "value": o["value"], "displayOrder": n, "hidden": bool(o.get("hidden"))}
                for n, o in enumerate(listed)
            ],
            "displayOrder": -1,
            "calculated": bool(definition.get("calculated")),
            "externalOptions": external,
            "hasUniqueValue": bool(definition.get("hasUniqueValue")),
            "hidden": bool(definition.get("hidden")),
            "hubspotDefined": not ours,
            "formField": not read_only,
            "archived": bool(definition.get("archived")),
            "modificationMetadata": {
                "archivable": ours,
                "readOnlyDefinition": not ours,
                "readOnlyValue": read_only,
            },
        }

    def create_property(self, request: Request, kind: str) -> Response:
        return json_response(self._property(kind, self._make_property(kind, body_of(request))), 201)

    def create_properties(self, request: Request, kind: str) -> Response:
        made, errors = [], []
        for item in inputs_of(body_of(request), PAGE):
            try:
                made.append(self._property(kind, self._make_property(kind, item)))
            except RuleError as rule:
                errors.append({**rule.body, "context": {"name": [item.get("name")]}})
        return batch_answer(made, errors, 201)

    def read_properties(self, request: Request, kind: str) -> Response:
        schema = self.store.schema(SYSTEM, kind)
        names = [str(i["name"]) for i in inputs_of(body_of(request), PAGE)]
        found = [
            self._property(kind, schema[n]) for n in names if n in schema and not schema[n].get("archived")
        ]
        absent = [n for n in names if n not in schema]
        text = "Could not get some properties, they may be deleted or not exist."
        errors = (
            [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": absent}}]
            if absent
            else []
        )
        return batch_answer(found, errors)

    def _make_property(self, kind: str, body: Fields) -> Fields:
        name, typ, field_type = (str(body.get(k, "")) for k in ("name", "type", "fieldType"))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not body.get("label"):
            raise RuleError(f"Property name {name!r} is not valid or the label is missing")
        if typ not in _FIELD_TYPES or field_type not in _FIELD_TYPES[typ]:
            raise RuleError(f"{name}: type {typ} and fieldType {field_type} do not go together")
        group = str(body.get("groupName", ""))
        if group not in self.store.meta("groups")[kind]:
            raise RuleError(
                f"Property group {group} does not exist", subCategory="PropertyGroupError.GROUP_NOT_FOUND"
            )
        listed = [{"value": str(o["value"]), "label": str(o["label"])} for o in body.get("options") or []]
        if typ == "enumeration" and not listed and field_type != "booleancheckbox":
            raise RuleError(f"{name}: an enumeration needs options")
        with self.store.transaction():
            known = self.store.schema(SYSTEM, kind).get(name)
            if known is not None and not known.get("archived"):
                raise RuleError(
                    f'A property named "{name}" already exists.',
                    "OBJECT_ALREADY_EXISTS",
                    409,
                    subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
                )
            definition: Fields = {
                "name": name,
                "label": str(body["label"]),
                "type": typ,
                "fieldType": field_type,
                "groupName": group,
                "description": str(body.get("description") or ""),
                "hasUniqueValue": bool(body.get("hasUniqueValue")),
                "hidden": bool(body.get("hidden")),
                "made_by_api": True,
                "options": listed,
            }
            self.store.put_fields(SYSTEM, kind, [definition])
        return definition

    def update_property(self, request: Request, kind: str, name: str) -> Response:
        """With ``options`` the whole list is replaced, without it stays."""
        known = self._definition(kind, name)
        body = body_of(request)
        keep = {
            k: body[k]
            for k in ("label", "groupName", "description", "hidden", "fieldType", "options")
            if body.get(k) is not None
        }
        self.store.put_fields(SYSTEM, kind, [{**known, **keep}])
        return json_response(self._property(kind, self._definition(kind, name)))

    def archive_property(self, request: Request, kind: str, name: str) -> Response:
        known = self._definition(kind, name)
        if not known.get("made_by_api"):
            raise RuleError(f"{name} is defined by HubSpot and cannot be archived")
        if self.faults.hits("inuse"):
            raise RuleError(
                f"{name} is in use", subCategory="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
            )
        self.store.put_fields(SYSTEM, kind, [{**known, "archived": True}])
        return Response(204)

    def groups(self, request: Request, kind: str) -> Response:
        found = self.store.meta("groups")[kind]
        results = [
            {"name": n, "label": label, "displayOrder": i, "archived": False}
            for i, (n, label) in enumerate(found.items())
        ]
        return json_response({"results": results})

    def create_group(self, request: Request, kind: str) -> Response:
        body = body_of(request)
        name, label = str(body.get("name", "")), str(body.get("label", ""))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not label:
            raise RuleError("A group needs a name and a label")
        with self.store.transaction():
            groups = self.store.meta("groups")
            if name in groups[kind]:
                text = f"A property group named {name} already exists."
                raise RuleError(
                    text, "OBJECT_ALREADY_EXISTS", 409, subCategory="PropertyGroupError.GROUP_EXISTS"
                )
            groups[kind][name] = label
            self.store.set_meta("groups", groups)
        return json_response({"name": name, "label": label, "displayOrder": -1, "archived": False}, 201)

    def archive_group(self, request: Request, kind: str, name: str) -> Response:
        with self.store.transaction():
            groups = self.store.meta("groups")
            if name not in groups[kind]:
                raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)
            held = self.store.schema(SYSTEM, kind).values()
            if any(d["groupName"] == name and not d.get("archived") for d in held):
                raise RuleError(
                    "The group has active properties",
                    subCategory="PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
                )
            del groups[kind][name]
            self.store.set_meta("groups", groups)
        return Response(204)
