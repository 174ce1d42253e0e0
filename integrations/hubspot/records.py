"""HubSpot's rows as records: values, history, links, and who was merged into whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrations.base import RemoteField, Wanted
from integrations.hubspot import names
from integrations.hubspot.answers import Row, instant, modified_of
from integrations.legible import flag, legible
from integrations.store import tombstones
from records.incoming import HistoryEntry, IncomingRecord

MERGED = "hs_merged_object_ids"


def properties_wanted(remote_object: str, wanted: Wanted) -> list[str]:
    """What is asked for beside the wanted fields: the cursor, and which ids a record has swallowed."""
    return [*dict.fromkeys((*wanted.fields, names.cursor_property(remote_object), MERGED))]


def record_of(
    remote_object: str,
    row: Row,
    wanted: Wanted,
    known: Mapping[str, RemoteField],
    links: Iterable[tuple[str, str]],
    *,
    is_deleted: bool = False,
) -> IncomingRecord:
    with legible("HubSpot", f"{remote_object} {row.get('id')}"):
        return _record_of(remote_object, row, wanted, known, links, is_deleted=is_deleted)


def _record_of(
    remote_object: str,
    row: Row,
    wanted: Wanted,
    known: Mapping[str, RemoteField],
    links: Iterable[tuple[str, str]],
    *,
    is_deleted: bool,
) -> IncomingRecord:
    properties = row.get("properties") or {}
    modified = modified_of(row, names.cursor_property(remote_object))
    if row.get("archivedAt"):
        modified = max(modified, instant(row["archivedAt"]))
    return IncomingRecord(
        remote_object=remote_object,
        remote_id=str(row["id"]),
        # A property that isn't defined is left out silently; one that is, and empty, may be left out as well.
        values={name: properties.get(name) for name in wanted.fields if name in known},
        modified_at=modified,
        created_at=instant(row["createdAt"]) if row.get("createdAt") else None,
        is_deleted=flag(row, "archived") or is_deleted,
        history=_history(row.get("propertiesWithHistory") or {}),
        links=tuple(sorted(set(links))),
        raw={"properties": properties},
    )


def merged_away(remote_object: str, rows: Sequence[Row]) -> list[IncomingRecord]:
    """The ids that these records have swallowed: gone, and into whom. HubSpot lists them with the winner only."""
    found: list[IncomingRecord] = []
    for row in rows:
        losers = str((row.get("properties") or {}).get(MERGED) or "").split(";")
        at = modified_of(row, names.cursor_property(remote_object))
        ids = [i for i in (loser.strip() for loser in losers) if i.isdigit()]
        found += tombstones(remote_object, ids, at, str(row["id"]))
    return found


def _history(by_property: Mapping[str, Any]) -> tuple[HistoryEntry, ...]:
    entries: list[HistoryEntry] = []
    for name, changes in by_property.items():
        ordered = sorted(changes, key=lambda c: (instant(c["timestamp"]),))
        for before, change in zip([None, *ordered], ordered, strict=False):
            old = before.get("value") if before else None
            at = instant(change["timestamp"])
            # The value is in the key, because one instant may hold two; as a digest, because it may be personal.
            digest = hashlib.blake2b(
                str(change.get("value")).encode("utf-8", "replace"), digest_size=6
            ).hexdigest()
            key = f"{at.isoformat()}#{digest}"
            entries.append(HistoryEntry(name, change.get("value"), at, key, old))
    return tuple(entries)
