"""Validation rules of the stand-in Salesforce: whether one can be made, and which a save breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from integrations.standins.salesforce_formula import FormulaError, parse_formula
from integrations.standins.store import Fields, Store

SYSTEM = "salesforce"
VALIDATION_RULE = "ValidationRule"
LONGEST_FORMULA = 3900
LONGEST_MESSAGE = 255
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


def fault_of(store: Store, rule: Fields, *, permissions: frozenset[str] | None = None) -> str:
    """What Salesforce says of a rule it won't take, or nothing. ``permissions``: custom ones that count as there."""
    name = str(rule.get("ValidationName") or "")
    if not _NAME.fullmatch(name) or len(name) > 40:
        return (
            "The validation rule name can only contain underscores and alphanumeric characters. It must begin with"
            " a letter, not end with an underscore and not contain two consecutive underscores."
        )
    object_name = str(rule.get("EntityDefinitionId") or "")
    schema = store.schema(SYSTEM, object_name)
    if not schema:
        return f"Entity of type '{object_name}' is not supported."
    if len(str(rule.get("ErrorMessage") or "")) > LONGEST_MESSAGE:
        return f"Error Message: data value too large (max length={LONGEST_MESSAGE})"
    field = str(rule.get("ErrorDisplayField") or "")
    if field and field not in schema:
        return f"Error Location: no such field: {field}"
    text = str(rule.get("ErrorConditionFormula") or "")
    if len(text) > LONGEST_FORMULA:
        return f"Formula is too long ({len(text):,} characters). Maximum length is {LONGEST_FORMULA:,} characters."
    known = permissions if permissions is not None else _all_permissions(store)
    try:
        formula = parse_formula(text)
        kind = formula.check(_types(schema))
    except FormulaError as fault:
        return str(fault)
    if kind not in ("boolean", ""):
        return f"Error: Formula result is data type ({kind}), incompatible with expected data type (true or false)."
    for used in sorted(formula.permissions - known):
        return f"Field $Permission.{used} does not exist. Check spelling."
    return ""


def violations(
    store: Store, object_name: str, after: Fields, before: Fields, by: str
) -> Iterator[tuple[str, str]]:
    """(message, field to show it at) of each active rule that the save would break; ``before`` empty: a new row."""
    rules = store.all_of(
        SYSTEM,
        VALIDATION_RULE,
        "json_extract(fields, '$.EntityDefinitionId') = ? AND json_extract(fields, '$.Active')",
        [object_name],
    )
    if not rules:
        return
    may = permissions_of(store, by)
    schema = store.schema(SYSTEM, object_name)
    for rule in rules:
        shown_at = str(rule.fields.get("ErrorDisplayField") or "")
        try:
            refused = parse_formula(str(rule.fields["ErrorConditionFormula"])).evaluate(
                _complete(schema, after),
                prior=_complete(schema, before) if before else None,
                is_new=not before,
                now=store.clock(),
                permissions=may,
                types=_types(schema),
            )
        except FormulaError as fault:
            yield str(fault), shown_at
            continue
        if refused is True:
            yield str(rule.fields["ErrorMessage"]), shown_at


def permissions_of(store: Store, user_id: str) -> frozenset[str]:
    """The custom permissions that a user has by their permission sets."""
    sql = (
        "SELECT json_extract(c.fields, '$.DeveloperName') AS name FROM rows a"
        " JOIN rows s ON s.system = a.system AND s.object = 'SetupEntityAccess' AND s.deleted = 0"
        " AND json_extract(s.fields, '$.ParentId') = json_extract(a.fields, '$.PermissionSetId')"
        " JOIN rows c ON c.system = a.system AND c.object = 'CustomPermission' AND c.deleted = 0"
        " AND c.remote_id = json_extract(s.fields, '$.SetupEntityId')"
        " WHERE a.system = ? AND a.object = 'PermissionSetAssignment' AND a.deleted = 0"
        " AND json_extract(a.fields, '$.AssigneeId') = ?"
    )
    return frozenset(str(r["name"]) for r in store.fetch(sql, [SYSTEM, user_id]))


def _all_permissions(store: Store) -> frozenset[str]:
    return frozenset(str(r.fields.get("DeveloperName")) for r in store.all_of(SYSTEM, "CustomPermission"))


def _complete(schema: dict[str, Fields], fields: Fields) -> dict[str, Any]:
    """Every field of the object: one that the row doesn't carry is blank, a checkbox unticked."""
    return {n: fields.get(n, False if d["type"] == "boolean" else None) for n, d in schema.items()}


def _types(schema: dict[str, Fields]) -> dict[str, str]:
    return {name: str(definition["type"]) for name, definition in schema.items()}
