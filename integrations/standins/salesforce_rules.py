"""What Salesforce does with a write, whoever makes it: checks, calculated fields, assignment, history rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from integrations.standins.forms import read_instant, salesforce_stamp
from integrations.standins.load import API_USER_ID, SNAPSHOT_FIELDS
from integrations.standins.salesforce_validation import VALIDATION_RULE, fault_of, violations
from integrations.standins.schema import SALESFORCE_OBJECTS
from integrations.standins.store import Actor, Fields, Store, Stored
from integrations.standins.world import salesforce_id, salesforce_id_18

SYSTEM = "salesforce"
API_ACTOR = Actor(API_USER_ID, "API")
TRACKED = ("Lead", "Contact", "Account", "Opportunity", "Task", "Event")
_NUMBERS = ("double", "currency", "percent")
_UNIQUE = {
    "PermissionSet": ("Name",),
    "FieldPermissions": ("ParentId", "Field"),
    "PermissionSetAssignment": ("PermissionSetId", "AssigneeId"),
    "CustomPermission": ("DeveloperName",),
    "SetupEntityAccess": ("ParentId", "SetupEntityId"),
    VALIDATION_RULE: ("EntityDefinitionId", "ValidationName"),
}


class RuleError(Exception):
    """A write that Salesforce refuses, in its own words; ``status`` is that of a single-row call.

    ``others``: what else is wrong with the same record, each an error like this one."""

    def __init__(self, code: str, message: str, fields: Iterable[str] = (), status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = list(fields)
        self.status = status
        self.others: list[RuleError] = []

    def every(self) -> list[RuleError]:
        return [self, *self.others]


def readable(store: Store, object_name: str) -> dict[str, Fields]:
    """The fields the API's user may see: a field made by API only once a permission set of theirs grants it."""
    schema = store.schema(SYSTEM, object_name)
    return {
        name: d
        for name, d in schema.items()
        if not d.get("metadata_only")
        and not _is_hidden(store, object_name, d)
        and (not d.get("granted_only") or _granted(store, object_name, "Read")(name))
    }


def _is_hidden(store: Store, object_name: str, definition: Fields) -> bool:
    """By a fault of the stand-in: field-level security that somebody set against us."""
    if not store.hidden_share or definition.get("required") or object_name not in TRACKED:
        return False
    name = definition["name"]
    always = {
        "Id",
        "OwnerId",
        "IsDeleted",
        "SystemModstamp",
        "CreatedDate",
        "LastModifiedDate",
        "LastModifiedById",
    }
    return name not in always and zlib.crc32(name.encode()) % 100 < store.hidden_share * 100


def writable(store: Store, object_name: str) -> set[str]:
    granted = _granted(store, object_name, "Edit")
    schema = store.schema(SYSTEM, object_name)
    return {
        n
        for n, d in schema.items()
        if d.get("updateable", True)
        and not _is_hidden(store, object_name, d)
        and (not d.get("granted_only") or granted(n))
    }


def _granted(store: Store, object_name: str, what: str) -> Any:
    found: set[str] | None = None

    def answer(name: str) -> bool:
        nonlocal found
        if found is None:
            sql = (
                "SELECT json_extract(p.fields, '$.Field') AS field FROM rows p JOIN rows a ON a.system = p.system"
                " AND a.object = 'PermissionSetAssignment' AND a.deleted = 0"
                " AND json_extract(a.fields, '$.PermissionSetId') = json_extract(p.fields, '$.ParentId')"
                " WHERE p.system = 'salesforce' AND p.object = 'FieldPermissions' AND p.deleted = 0"
                " AND json_extract(a.fields, '$.AssigneeId') = ? AND json_extract(p.fields, ?)"
            )
            rows = store.fetch(sql, [API_USER_ID, f"$.Permissions{what}"])
            found = {str(r["field"]) for r in rows}
        return f"{object_name}.{name}" in found

    return answer


def create(
    store: Store, object_name: str, payload: Mapping[str, Any], actor: Actor, *, auto_assign: bool = True
) -> Stored:
    """A new row; raises RuleError."""
    schema = store.schema(SYSTEM, object_name)
    fields = _checked(store, object_name, payload, actor)
    missing = [n for n, d in schema.items() if d.get("required") and fields.get(n) is None]
    if missing:
        raise RuleError(
            "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
        )
    with store.transaction():
        _check_unique(store, object_name, fields)
        if "OwnerId" in schema:
            fields.setdefault("OwnerId", actor.by)
        _assign(store, object_name, fields, actor, auto_assign)
        fields |= {"CreatedById": actor.by, "LastModifiedById": actor.by}
        fields |= _calculated(store, object_name, {}, fields)
        _validate(store, object_name, fields, {}, actor)
        row = store.create(SYSTEM, object_name, new_id(store, object_name), fields, actor)
        _follow(store, row, fields)
    return row


def update(
    store: Store, row: Stored, payload: Mapping[str, Any], actor: Actor, *, auto_assign: bool = True
) -> Stored:
    """The row as it is after the write; raises RuleError."""
    if row.deleted:
        raise RuleError("ENTITY_IS_DELETED", "entity is deleted", status=404)
    if row.fields.get("IsConverted"):
        raise RuleError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    asked = _checked(store, row.object, payload, actor)
    empty = [n for n, v in asked.items() if v is None and store.schema(SYSTEM, row.object)[n].get("required")]
    if empty:
        raise RuleError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(empty)}]", empty)
    with store.transaction():
        fields = dict(asked)
        _assign(store, row.object, fields, actor, auto_assign)
        derived = _calculated(store, row.object, row.fields, fields)
        changes = {**fields, **derived, "LastModifiedById": actor.by}
        _validate(store, row.object, {**row.fields, **changes}, row.fields, actor)
        after = store.update(
            row, changes, actor, asked=asked, silent=(set(derived) - {"Probability"}) | {"LastModifiedById"}
        )
        _follow(store, after, {k: v for k, v in changes.items() if row.fields.get(k) != v})
    return after


def delete(store: Store, row: Stored, actor: Actor) -> None:
    if row.deleted:
        raise RuleError("ENTITY_IS_DELETED", "entity is deleted", status=404)
    if row.object == "PermissionSet" and store.all_of(
        SYSTEM,
        "PermissionSetAssignment",
        "json_extract(fields, '$.PermissionSetId') = ?",
        [row.remote_id],
    ):
        raise RuleError(
            "DELETE_FAILED",
            "Your attempt to delete this permission set could not be completed because it is assigned to users.",
        )
    if row.object == "Folder" and any(
        store.all_of(SYSTEM, kind, "json_extract(fields, '$.OwnerId') = ?", [row.remote_id])
        for kind in ("Report", "Dashboard")
    ):
        raise RuleError("DELETE_FAILED", "The folder is not empty.")
    store.set_deleted(row, True, actor)


def _validate(store: Store, object_name: str, after: Fields, before: Fields, actor: Actor) -> None:
    """The active validation rules of the object, all of them; of a rule itself, whether it can be one."""
    if object_name == VALIDATION_RULE:
        fault = fault_of(store, after)
        if fault:
            raise RuleError("FIELD_INTEGRITY_EXCEPTION", fault, ["ErrorConditionFormula"])
        return
    broken = [
        RuleError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, [field] if field else [])
        for message, field in violations(store, object_name, after, before, actor.by)
    ]
    if broken:
        broken[0].others = broken[1:]
        raise broken[0]


def new_id(store: Store, object_name: str) -> str:
    known = SALESFORCE_OBJECTS.get(object_name)
    prefix = known.prefix if known else "a0X"
    return salesforce_id(prefix, store.next_number(prefix, 0 if prefix == "008" else 10_000_000))


def _checked(store: Store, object_name: str, payload: Mapping[str, Any], actor: Actor) -> Fields:
    schema = store.schema(SYSTEM, object_name)
    seen = readable(store, object_name) if actor.source == "API" else schema
    allowed = writable(store, object_name) if actor.source == "API" else None
    out: Fields = {}
    for name, value in payload.items():
        if name == "attributes" or name.lower() == "id":
            continue
        if name not in seen:
            raise RuleError("INVALID_FIELD", f"No such column '{name}' on sobject of type {object_name}")
        definition = schema[name]
        if not definition.get("updateable", True) or (allowed is not None and name not in allowed):
            text = (
                f"Unable to create/update fields: {name}. Please check the security settings of this field."
            )
            raise RuleError("INVALID_FIELD_FOR_INSERT_UPDATE", text, [name])
        out[name] = _value(store, name, definition, value)
    return out


def _value(store: Store, name: str, definition: Fields, value: Any) -> Any:
    kind = definition["type"]
    if kind == "boolean":
        return value in (True, "true", "True", "on", "1")
    if value is None or value == "":
        return None
    try:
        if kind == "datetime":
            return salesforce_stamp(read_instant(str(value)))
        if kind == "date":
            return date.fromisoformat(str(value)[:10]).isoformat()
        if kind in _NUMBERS:
            return float(value)
        if kind == "int":
            return int(float(value))
    except ValueError:
        raise RuleError(
            "JSON_PARSER_ERROR", f"Cannot deserialize instance of {kind} from VALUE_STRING value {value}"
        ) from None
    text = str(value)
    if kind in ("reference", "id"):
        full = salesforce_id_18(text)
        if store.find(SYSTEM, full) is None:
            raise RuleError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [name])
        return full
    if len(text) > definition.get("length", 131_072):
        shown = (
            f"{definition['label']}: data value too large: {text[:80]} (max length={definition['length']})"
        )
        raise RuleError("STRING_TOO_LONG", shown, [name])
    if kind == "picklist" and definition.get("restricted"):
        values = {v["value"] for v in picklist(definition)}
        if text not in values:
            shown = f"{definition['label']}: bad value for restricted picklist field: {text}"
            raise RuleError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", shown, [name])
    if kind == "email" and "@" not in text:
        raise RuleError(
            "INVALID_EMAIL_ADDRESS", f"{definition['label']}: invalid email address: {text}", [name]
        )
    return text


def picklist(definition: Mapping[str, Any]) -> list[Fields]:
    """The values of a picklist, each with ``value`` and ``label``."""
    values = [v if isinstance(v, dict) else {"value": v} for v in definition.get("values", [])]
    return [{"label": v["value"], **v} for v in values]


def _check_unique(store: Store, object_name: str, fields: Fields) -> None:
    keys = _UNIQUE.get(object_name, ())
    if not keys:
        return
    where = " AND ".join(f"json_extract(fields, '$.{k}') = ?" for k in keys)
    found = store.all_of(SYSTEM, object_name, where, [fields.get(k) for k in keys])
    if found:
        text = f"duplicate value found: {', '.join(keys)} duplicates value on record with id: {found[0].remote_id[:15]}"
        raise RuleError("DUPLICATE_VALUE", text)
    if object_name == "SetupEntityAccess":
        fields["SetupEntityType"] = "CustomPermission"
    if object_name == "FieldPermissions":
        parent, _, name = str(fields.get("Field")).partition(".")
        if name not in store.schema(SYSTEM, parent):
            raise RuleError(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Field Name: bad value: {fields.get('Field')}",
                ["Field"],
            )


def _assign(store: Store, object_name: str, fields: Fields, actor: Actor, auto_assign: bool) -> None:
    """The active lead assignment rule: every lead written by API without the header goes to the queue."""
    target = store.meta("assignment_owner")
    if object_name == "Lead" and actor.source == "API" and auto_assign and target:
        fields["OwnerId"] = target


def _calculated(store: Store, object_name: str, before: Fields, changes: Fields) -> Fields:
    now = salesforce_stamp(store.clock())
    state = {**before, **changes}
    if object_name in ("Lead", "Contact", "User") and {"FirstName", "LastName"} & changes.keys():
        return {"Name": " ".join(str(state[k]) for k in ("FirstName", "LastName") if state.get(k))}
    if (
        object_name == "Opportunity"
        and "StageName" in changes
        and before.get("StageName") != changes["StageName"]
    ):
        stages = {s["value"]: s for s in picklist(store.schema(SYSTEM, "Opportunity")["StageName"])}
        stage = stages.get(changes["StageName"], {})
        out: Fields = {
            "IsClosed": bool(stage.get("closed")),
            "IsWon": bool(stage.get("won")),
            "LastStageChangeDate": now,
            "ForecastCategoryName": "Closed"
            if stage.get("won")
            else "Omitted"
            if stage.get("closed")
            else "Pipeline",
        }
        if "Probability" not in changes and "probability" in stage:
            out["Probability"] = float(stage["probability"])
        return out
    if object_name == "Task" and "Status" in changes:
        closed = changes["Status"] == "Completed"
        return {
            "IsClosed": closed,
            "CompletedDateTime": (before.get("CompletedDateTime") or now) if closed else None,
        }
    if object_name == "Event" and changes.get("StartDateTime"):
        start = str(changes["StartDateTime"])
        return {"ActivityDateTime": start, "ActivityDate": start[:10]}
    return {}


def _follow(store: Store, row: Stored, changed: Fields) -> None:
    """Rows that Salesforce itself writes after this one."""
    if row.object == "Opportunity" and set(SNAPSHOT_FIELDS) & changed.keys():
        picture = {k: row.fields.get(k) for k in SNAPSHOT_FIELDS}
        picture |= {"OpportunityId": row.remote_id, "CreatedById": row.fields.get("LastModifiedById")}
        system = Actor(str(row.fields.get("LastModifiedById") or ""), "AUTOMATION")
        store.create(SYSTEM, "OpportunityHistory", new_id(store, "OpportunityHistory"), picture, system)
    done = row.object == "Event" or (row.object == "Task" and row.fields.get("IsClosed"))
    if done and (row.fields.get("WhoId") or row.fields.get("WhatId")):
        day = str(row.fields.get("ActivityDate") or row.modified)[:10]
        for key in ("WhoId", "WhatId"):
            target = store.find(SYSTEM, str(row.fields.get(key) or ""))
            if target and "LastActivityDate" in store.schema(SYSTEM, target.object):
                last = max(day, str(target.fields.get("LastActivityDate") or ""))
                store.update(
                    target, {"LastActivityDate": last}, Actor("", "AUTOMATION"), silent=["LastActivityDate"]
                )
