"""HubSpot's search: filters to SQL, its limits, and the index it reads (which may lag)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from integrations.standins.forms import hubspot_stamp, read_instant
from integrations.standins.hubspot_rules import SYSTEM, RuleError
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS
from integrations.standins.store import Store, Stored, stored

PAGE = 200
CAP = 10_000
BODY = 3_000
_TEXTS = ("email", "firstname", "lastname", "phone", "company", "name", "domain", "dealname")
_COMPARE = {"EQ": "=", "NEQ": "!=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}


def search(
    store: Store, object_type: str, body: Mapping[str, Any], size: int
) -> tuple[int, list[Stored], int | None]:
    """(total, the page, the next ``after`` or None); raises RuleError."""
    if size > BODY:
        raise RuleError(f"The request body is too large: {size} characters, {BODY} at most")
    limit = int(body.get("limit") or 10)
    after_text = str(body.get("after") or 0)
    if not after_text.isdigit():
        raise RuleError(f"after: {after_text!r} is not an integer")
    after = int(after_text)
    if limit > PAGE:
        raise RuleError(f"limit: {limit} is above the maximum of {PAGE}")
    if after + limit > CAP:
        raise RuleError(f"The search results are limited to {CAP}; after + limit is beyond")
    where, params = _where(store, object_type, body)
    order, order_params = _order(store, object_type, body.get("sorts") or [])
    source, source_params = store.source(SYSTEM, object_type)
    base = f"FROM {source} r WHERE {where}"
    # What was archived a moment ago is counted still and shown no longer.
    counted = store.fetch(
        f"SELECT sum(r.deleted = 0) AS n, sum(r.deleted = 0 OR r.is_late) AS told {base}",
        [*source_params, *params],
    )[0]
    total, told = int(counted["n"] or 0), int(counted["told"] or 0)
    rows = store.fetch(
        f"SELECT r.* {base} AND r.deleted = 0 ORDER BY {order} LIMIT ? OFFSET ?",
        [*source_params, *params, *order_params, limit, after],
    )
    following = after + len(rows)
    return told, [stored(r) for r in rows], following if following < total else None


def _column(store: Store, object_type: str, name: str) -> tuple[str, str]:
    """(SQL, kind); a property of another object type's name finds nothing, one that nobody knows is refused."""
    meta = HUBSPOT_OBJECTS[object_type]
    if name == "hs_object_id":
        return "CAST(r.remote_id AS INTEGER)", "number"
    if name == meta.modified:
        return "r.modified", "datetime"
    if name == meta.created:
        return "r.created", "datetime"
    definition = store.schema(SYSTEM, object_type).get(name)
    if definition is None:
        if name in ("lastmodifieddate", "hs_lastmodifieddate", "createdate", "hs_createdate"):
            return "NULL", "datetime"
        raise RuleError(f"There was a problem with the request: no property {name}")
    value = f"json_extract(r.fields, '$.{name}')"
    kind = str(definition["type"])
    return (f"CAST({value} AS REAL)" if kind == "number" else value), kind


def _where(store: Store, object_type: str, body: Mapping[str, Any]) -> tuple[str, list[Any]]:
    groups = body.get("filterGroups") or []
    filters = [f for g in groups for f in g.get("filters", [])]
    if len(groups) > 5 or len(filters) > 18 or any(len(g.get("filters", [])) > 6 for g in groups):
        raise RuleError("At most 5 filter groups, 6 filters in each, 18 in all")
    parts: list[str] = []
    params: list[Any] = []
    for group in groups:
        done = [_filter(store, object_type, f) for f in group.get("filters", [])]
        if done:
            parts.append("(" + " AND ".join(sql for sql, _ in done) + ")")
            params += [p for _, more in done for p in more]
    where = "(" + " OR ".join(parts) + ")" if parts else "1"
    text = str(body.get("query") or "").strip()
    if text:
        names = [n for n in _TEXTS if n in store.schema(SYSTEM, object_type)]
        likes = " OR ".join(f"json_extract(r.fields, '$.{n}') LIKE ?" for n in names) or "0"
        where += f" AND ({likes})"
        params += [f"%{text}%" for _ in names]
    return where, params


def _filter(store: Store, object_type: str, item: Mapping[str, Any]) -> tuple[str, list[Any]]:
    name, operator = str(item.get("propertyName", "")), str(item.get("operator", ""))
    if name.startswith("associations."):
        kind = normal_type(name.partition(".")[2])
        wanted = [str(v) for v in (item.get("values") or [item.get("value")])]
        sql = (
            "EXISTS (SELECT 1 FROM associations a WHERE a.from_type = ? AND a.from_id = r.remote_id"
            " AND a.to_type = ? AND a.to_id IN (SELECT value FROM json_each(?)))"
        )
        return sql, [object_type, kind, json.dumps(wanted)]
    column, kind = _column(store, object_type, name)
    if operator == "HAS_PROPERTY":
        return f"{column} IS NOT NULL", []
    if operator == "NOT_HAS_PROPERTY":
        return f"{column} IS NULL", []
    text = kind not in ("number", "date", "datetime", "enumeration", "bool")
    shown = f"lowered({column})" if text else column
    if operator in _COMPARE:
        value = _value(kind, item.get("value"), text)
        if operator == "NEQ":
            return f"({column} IS NULL OR {shown} != ?)", [value]
        return f"{shown} {_COMPARE[operator]} ?", [value]
    if operator == "BETWEEN":
        return f"{shown} BETWEEN ? AND ?", [_value(kind, item.get(k), text) for k in ("value", "highValue")]
    if operator in ("IN", "NOT_IN"):
        # Texts are indexed in lower case and the values of IN are taken as they come.
        values = [_value(kind, v, False) for v in item.get("values") or []]
        marks = ", ".join("?" for _ in values)
        return (
            f"{shown} IN ({marks})" if operator == "IN" else f"({column} IS NULL OR {shown} NOT IN ({marks}))"
        ), values
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        pattern = f"%{str(item.get('value', '')).replace('*', '%')}%"
        return (
            f"{column} LIKE ?"
            if operator == "CONTAINS_TOKEN"
            else f"({column} IS NULL OR {column} NOT LIKE ?)"
        ), [pattern]
    raise RuleError(f"Invalid operator {operator!r}")


def _value(kind: str, value: Any, lower: bool) -> Any:
    if value is None:
        raise RuleError("a filter needs a value")
    text = str(value)
    try:
        if kind == "datetime":
            return hubspot_stamp(read_instant(text))
        if kind == "date":
            return read_instant(text).date().isoformat()
        if kind == "number":
            return float(text)
    except ValueError:
        raise RuleError(f"{text!r} is not a {kind}") from None
    return text.lower() if lower else text


def _order(store: Store, object_type: str, sorts: list[Any]) -> tuple[str, list[Any]]:
    if len(sorts) > 1:
        raise RuleError("Only one sort rule is allowed")
    # Records that compare equal come in an order nobody can lean on.
    tie = "(r.seq * 7919) % 10007"
    if not sorts:
        return f"r.created, {tie}", []
    rule = (
        sorts[0]
        if isinstance(sorts[0], dict)
        else {"propertyName": sorts[0].lstrip("-"), "direction": "ASCENDING"}
    )
    if isinstance(sorts[0], str) and sorts[0].startswith("-"):
        rule["direction"] = "DESCENDING"
    column, _ = _column(store, object_type, str(rule.get("propertyName")))
    return f"{column} {'DESC' if rule.get('direction') == 'DESCENDING' else 'ASC'}, {tie}", []


def normal_type(name: str) -> str:
    """``contact``, ``CONTACT``, ``0-1`` and ``contacts`` are ``contacts``; raises RuleError (404) when unknown."""
    low = name.lower()
    for plural, meta in HUBSPOT_OBJECTS.items():
        if low in (plural, meta.id, meta.singular, plural.removesuffix("s"), meta.label.lower()):
            return plural
    raise RuleError(f"Unable to infer object type from: {name}", "VALIDATION_ERROR", 400)
