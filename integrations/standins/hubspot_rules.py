"""What HubSpot does with a write, whoever makes it: checks, lifecycle order, calculated properties, links."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from integrations.standins.forms import hubspot_stamp, hubspot_value, read_instant
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS, PRIMARY_OF, association_type, opposite_type
from integrations.standins.store import Actor, Fields, Store, Stored, Written

SYSTEM = "hubspot"
API_ACTOR = Actor("", "API")
_AUTOMATION = Actor("", "AUTOMATION_PLATFORM")
REQUIRED = {
    "deals": ("dealname", "dealstage"),
    "calls": ("hs_timestamp",),
    "meetings": ("hs_timestamp",),
    "notes": ("hs_timestamp",),
    "tasks": ("hs_timestamp",),
    "emails": ("hs_timestamp", "hs_email_direction"),
    "leads": ("hs_lead_name",),
}
ONE_OF = {"contacts": ("email", "firstname", "lastname"), "companies": ("name", "domain")}


_STAGED = {
    ("deals", "pipeline"): "pipeline",
    ("deals", "dealstage"): "stage",
    ("leads", "hs_pipeline"): "pipeline",
    ("leads", "hs_pipeline_stage"): "stage",
}


class RuleError(Exception):
    """A write that HubSpot refuses, with the body it answers."""

    def __init__(
        self, message: str, category: str = "VALIDATION_ERROR", status: int = 400, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Fields = {"status": "error", "message": message, "category": category, **more}


def _invalid(faults: list[Fields]) -> RuleError:
    errors = [
        {"message": f["message"], "code": f["error"], "context": {"propertyName": [f["name"]]}}
        for f in faults
    ]
    return RuleError(f"Property values were not valid: {json.dumps(faults)}", errors=errors)


def create(
    store: Store, object_type: str, properties: Mapping[str, Any], actor: Actor, links: Iterable[Fields] = ()
) -> Stored:
    """A new record; ``links`` as in a create body (``to.id``, ``types``); raises RuleError."""
    fields = checked(store, object_type, properties, actor)
    missing = [n for n in REQUIRED.get(object_type, ()) if not fields.get(n)]
    either = ONE_OF.get(object_type, ())
    if missing or (either and not any(fields.get(n) for n in either)):
        wanted = ", ".join(missing or either)
        raise RuleError(
            f"Error creating {singular(object_type)}. Some required properties were not set: {wanted}."
        )
    with store.transaction():
        if object_type == "contacts" and fields.get("email"):
            email = str(fields["email"]).lower()
            known = store.all_of(SYSTEM, "contacts", "lower(json_extract(fields, '$.email')) = ?", [email])
            if known:
                text = f"Contact already exists. Existing ID: {known[0].remote_id}"
                raise RuleError(text, "CONFLICT", 409)
        if object_type in ("contacts", "companies"):
            fields.setdefault("lifecyclestage", "lead")
            fields.setdefault("hs_pipeline", f"{object_type}-lifecycle-pipeline")
        fields["hs_object_source_label"] = "INTEGRATION" if actor.source == "API" else actor.source
        if object_type == "leads":
            fields = {"hs_pipeline": "lead-pipeline-id", "hs_pipeline_stage": "new-stage-id", **fields}
        fields |= _calculated(store, object_type, {}, fields)
        row = store.create(SYSTEM, object_type, str(store.next_number("hubspot")), fields, actor)
        for link in links:
            _link_as_asked(store, row, link)
        if object_type == "leads" and not store.associated("leads", [row.remote_id], "contacts"):
            raise RuleError("A lead needs an association with a contact")
    return row


def update(store: Store, row: Stored, properties: Mapping[str, Any], actor: Actor) -> Stored:
    """The record after the write; raises RuleError. By API the lifecycle stage only moves forward, silently."""
    asked = checked(store, row.object, properties, actor)
    changes = dict(asked)
    if actor.source == "API" and _is_backwards(store, row, changes.get("lifecyclestage")):
        del changes["lifecyclestage"]
    with store.transaction():
        calculated = _calculated(store, row.object, row.fields, changes)
        return store.update(row, {**changes, **calculated}, actor, asked=asked, silent=calculated)


def archive(store: Store, row: Stored, actor: Actor) -> None:
    if not row.deleted:
        store.set_deleted(row, True, actor)


def checked(store: Store, object_type: str, properties: Mapping[str, Any], actor: Actor) -> Fields:
    """The values in HubSpot's own form; raises RuleError naming every fault."""
    schema = store.schema(SYSTEM, object_type)
    faults: list[Fields] = []
    out: Fields = {}
    for name, raw in properties.items():
        definition = schema.get(name)
        value = hubspot_value(raw)
        if definition is None:
            text = f'Property "{name}" does not exist'
            faults.append({"isValid": False, "message": text, "error": "PROPERTY_DOESNT_EXIST", "name": name})
            continue
        if definition.get("readOnly") and actor.source == "API":
            text = f'"{name}" is a read only property; its value cannot be set.'
            faults.append({"isValid": False, "message": text, "error": "READ_ONLY_VALUE", "name": name})
            continue
        try:
            out[name] = _value(store, object_type, definition, value)
        except _BadValue as bad:
            faults.append({"isValid": False, "message": str(bad), "error": bad.code, "name": name})
    if faults:
        raise _invalid(faults)
    return out


class _BadValue(ValueError):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _value(store: Store, object_type: str, definition: Fields, value: str | None) -> str | None:
    if value is None:
        return None
    kind, name = definition["type"], definition["name"]
    if kind != "string" and value != value.strip():
        raise _BadValue("LEADING_TRAILING_WHITESPACE", f"{name}: leading or trailing whitespace")
    try:
        if kind == "datetime":
            return hubspot_stamp(read_instant(value))
        if kind == "date":
            if not value.lstrip("-").isdigit():
                return date.fromisoformat(value).isoformat()
            at = read_instant(value)
            if (at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0):
                raise _BadValue(
                    "INVALID_DATE",
                    f"{value} is at {at:%H:%M:%S}.{at.microsecond // 1000:03d} UTC, not midnight!",
                )
            return at.date().isoformat()
        if kind == "number":
            float(value)
            return value
    except _BadValue:
        raise
    except ValueError:
        code = "INVALID_LONG" if kind == "number" else "INVALID_DATE"
        raise _BadValue(code, f"{value} was not a valid {kind}.") from None
    if kind == "bool" and value not in ("true", "false"):
        raise _BadValue("INVALID_OPTION", f"{value} was not one of the allowed options: true, false")
    if kind == "enumeration":
        values = [o["value"] for o in options(store, object_type, definition)]
        several = definition.get("fieldType") == "checkbox"
        for part in value.split(";") if several else [value]:
            if values and part not in values:
                raise _BadValue("INVALID_OPTION", f"{part} was not one of the allowed options: {values}")
    if len(value) > 65_536:
        raise _BadValue("INVALID_STRING", f"{name}: too long")
    return value


def options(store: Store, object_type: str, definition: Mapping[str, Any]) -> list[Fields]:
    """The options of an enumeration; of stages, pipelines and owners they come from elsewhere."""
    name = definition["name"]
    if name == "hubspot_owner_id":
        return [
            {"value": o["id"], "label": f"{o['first_name']} {o['last_name']}"}
            for o in store.meta("owners", [])
            if not o["archived"]
        ]
    if (object_type, name) in _STAGED:
        pipelines = [p for p in store.meta("pipelines", []) if p.get("object_type", "deals") == object_type]
        if _STAGED[object_type, name] == "pipeline":
            return [{"value": p["id"], "label": p["label"]} for p in pipelines]
        return [{"value": s["id"], "label": s["label"]} for p in pipelines for s in p["stages"]]
    return list(definition.get("options", []))


def _is_backwards(store: Store, row: Stored, wanted: str | None) -> bool:
    now = row.fields.get("lifecyclestage")
    if not now or not wanted:
        return False
    order = [o["value"] for o in store.schema(SYSTEM, row.object)["lifecyclestage"].get("options", [])]
    return now in order and wanted in order and order.index(wanted) < order.index(now)


def _calculated(store: Store, object_type: str, before: Fields, changes: Fields) -> Fields:
    now = hubspot_stamp(store.clock())
    schema = store.schema(SYSTEM, object_type)
    out: Fields = {}
    stage = changes.get("lifecyclestage")
    if stage and before.get("lifecyclestage") != stage:
        names = (f"hs_lifecyclestage_{stage}_date", f"hs_v2_date_entered_{stage}")
        out |= {n: now for n in names if n in schema and n not in changes}
    if changes.get("hubspot_owner_id") and before.get("hubspot_owner_id") != changes["hubspot_owner_id"]:
        out |= {"hubspot_owner_assigneddate": now} if "hubspot_owner_assigneddate" in schema else {}
    if object_type == "deals" and "dealstage" in changes:
        stages = {s["id"]: s for p in store.meta("pipelines", []) for s in p["stages"]}
        found = stages.get(changes["dealstage"])
        if found:
            won = found["closed"] and found["probability"] >= 1
            out |= {
                "hs_is_closed": hubspot_value(found["closed"]),
                "hs_is_closed_won": hubspot_value(won),
                "hs_deal_stage_probability": hubspot_value(float(found["probability"])),
            }
    return out


def _link_as_asked(store: Store, row: Stored, link: Fields) -> None:
    to_id = str((link.get("to") or {}).get("id", ""))
    for kind in link.get("types", []):
        type_id = int(kind["associationTypeId"])
        to_type = next((t for t in HUBSPOT_OBJECTS if opposite_of_known(type_id, row.object, t)), None)
        target = store.get(SYSTEM, to_type, to_id) if to_type else None
        if to_type is None or target is None:
            raise RuleError(
                f"The association to {to_id} of type {type_id} is not possible", "OBJECT_NOT_FOUND", 404
            )
        relate(store, row.object, row.remote_id, to_type, to_id, type_id)


def opposite_of_known(type_id: int, from_type: str, to_type: str) -> bool:
    """Is ``type_id`` a type of links from the one to the other?"""
    return (
        type_id in (association_type(from_type, to_type), PRIMARY_OF.get((from_type, to_type), 0))
        and type_id > 0
    )


def relate(store: Store, from_type: str, from_id: str, to_type: str, to_id: str, type_id: int) -> None:
    """Link two records both ways. No record's last-modified moves; an activity updates what HubSpot counts."""
    back = opposite_type(type_id, from_type, to_type)
    store.associate(
        [(from_type, from_id, to_type, to_id, type_id), (to_type, to_id, from_type, from_id, back)]
    )
    row = store.get(SYSTEM, from_type, from_id)
    if row is not None:
        store.tell(Written("associate", row, {to_type: (from_id, to_id)}, API_ACTOR, store.clock()))
    if from_type not in ("calls", "meetings", "emails") or to_type != "contacts":
        return
    activity, contact = store.get(SYSTEM, from_type, from_id), store.get(SYSTEM, to_type, to_id)
    if activity is None or contact is None:
        return
    at = str(activity.fields.get("hs_timestamp") or activity.created)
    names = ("notes_last_contacted", "hs_last_sales_activity_timestamp")
    changes = {n: max(at, str(contact.fields.get(n) or "")) for n in names}
    changes["num_contacted_notes"] = str(int(float(contact.fields.get("num_contacted_notes") or 0)) + 1)
    store.update(contact, changes, _AUTOMATION, silent=changes)


def singular(object_type: str) -> str:
    return HUBSPOT_OBJECTS[object_type].singular.upper()
