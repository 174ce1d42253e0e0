"""Records as HubSpot shows them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from integrations.standins.http import Refused, Response
from integrations.standins.hubspot_merging import successor
from integrations.standins.hubspot_rules import SYSTEM, RuleError, singular
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS
from integrations.standins.hubspot_search import normal_type
from integrations.standins.store import Fields, Store, Stored

LINKS_BESIDE = 100
"""Associations of one type that a list shows beside a record; the rest are a page further."""
HISTORY_DEPTH = {"contacts": 45}
OTHER_DEPTH = 20
DEFAULT_PROPERTIES = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
}
_ENGAGEMENT_DEFAULTS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")


def find_row(
    store: Store, kind: str, remote_id: str, id_property: str = "", *, archived: bool = False
) -> Stored:
    """The record by id or by another key; an id that was merged away leads to the record of today."""
    if id_property and id_property != "hs_object_id":
        found = by_property(store, kind, id_property, [remote_id])
        row = found.get(remote_id.lower())
    else:
        row = store.get(SYSTEM, kind, successor(store, kind, remote_id))
    if row is not None and row.deleted == archived:
        return row
    if id_property or not remote_id.isdigit():
        page = b"<!DOCTYPE html><html><head><title>Not found</title></head><body>Not found</body></html>"
        raise Refused(Response(404, page, headers={"X-HubSpot-NotFound": "true"}))
    raise RuleError("resource not found", "OBJECT_NOT_FOUND", 404)


def by_property(store: Store, kind: str, name: str, values: Iterable[str]) -> dict[str, Stored]:
    if name not in store.schema(SYSTEM, kind):
        raise RuleError(f"idProperty: no property {name}")
    wanted = json.dumps([v.lower() for v in values])
    where = f"lower(json_extract(fields, '$.{name}')) IN (SELECT value FROM json_each(?))"  # noqa: S608  # a known name
    return {str(r.fields[name]).lower(): r for r in store.all_of(SYSTEM, kind, where, [wanted])}


def show(
    store: Store,
    kind: str,
    rows: list[Stored],
    names: Sequence[str],
    history: Sequence[str] = (),
    links: Sequence[str] = (),
) -> list[Fields]:
    meta = HUBSPOT_OBJECTS[kind]
    schema = store.schema(SYSTEM, kind)
    wanted = names or [*DEFAULT_PROPERTIES.get(kind, _ENGAGEMENT_DEFAULTS)]
    wanted = list(dict.fromkeys([*wanted, *history, "hs_object_id", meta.created, meta.modified]))
    changes: dict[str, list[Any]] = defaultdict(list)
    if history:
        for change in store.history(SYSTEM, kind, [r.remote_id for r in rows]):
            changes[change["remote_id"]].append(change)
    linked = {normal_type(t): _linked(store, kind, rows, normal_type(t)) for t in links}
    out = []
    for row in rows:
        own = {"hs_object_id": row.remote_id, meta.created: row.created, meta.modified: row.modified}
        item: Fields = {
            "id": row.remote_id,
            "properties": {n: own.get(n, row.fields.get(n)) for n in wanted if n in schema},
            "createdAt": row.created,
            "updatedAt": row.modified,
            "archived": row.deleted,
        }
        if row.deleted:
            item["archivedAt"] = row.modified
        if history:
            item["propertiesWithHistory"] = {
                n: _versions(row, n, changes[row.remote_id]) for n in history if n in schema
            }
        found = {t: per_row[row.remote_id] for t, per_row in linked.items() if per_row.get(row.remote_id)}
        if found:
            item["associations"] = {t: _beside(results) for t, results in found.items()}
        out.append(item)
    return out


def _linked(store: Store, kind: str, rows: list[Stored], to_type: str) -> dict[str, list[Fields]]:
    out: dict[str, list[Fields]] = defaultdict(list)
    for link in store.associated(kind, [r.remote_id for r in rows], to_type):
        name = f"{HUBSPOT_OBJECTS[kind].singular}_to_{HUBSPOT_OBJECTS[to_type].singular}"
        out[link["from_id"]].append({"id": link["to_id"], "type": name})
    return out


def _beside(links: list[Fields]) -> Fields:
    out: Fields = {"results": links[:LINKS_BESIDE]}
    if len(links) > LINKS_BESIDE:
        out["paging"] = {"next": {"after": links[LINKS_BESIDE]["id"]}}
    return out


def missing(kind: str, ids: list[str]) -> list[Fields]:
    if not ids:
        return []
    text = f"Could not get some {singular(kind)} objects, they may be deleted or not exist."
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": ids}}]


def _versions(row: Stored, name: str, changes: list[Any]) -> list[Fields]:
    """The history of one property, newest first; its first value is as old as the record."""
    mine = [c for c in changes if c["field"] == name]
    out = []
    for change in reversed(mine):
        version: Fields = {
            "value": json.loads(change["new"]) or "",
            "timestamp": change["at"],
            "sourceType": change["source"],
        }
        if str(change["by"]).isdigit():
            version |= {"updatedByUserId": int(change["by"]), "sourceId": f"userId:{change['by']}"}
        out.append(version)
    first = json.loads(mine[0]["old"]) if mine else row.fields.get(name)
    if first is not None:
        source = (
            "INTEGRATION"
            if not row.fields.get("hs_object_source_label")
            else row.fields["hs_object_source_label"]
        )
        out.append({"value": first, "timestamp": row.created, "sourceType": source})
    return out[: HISTORY_DEPTH.get(row.object, OTHER_DEPTH)]
