"""What files say of a record, joined with what earlier files said of it, as it crosses into ``records``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from integrations.csv.reader import Entry, FileRecord
from records.canonical import instant, instant_text
from records.ids import record_id
from records.incoming import HistoryEntry, IncomingRecord
from records.models import Connection, RecordPayload

Change = Literal["new", "changed", "unchanged"]
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Joined:
    """``change``: against what earlier files said of it; ``events``: entries of history that are new."""

    record: IncomingRecord
    change: Change
    events: int
    before: Mapping[str, Any]


def join_known(connection: Connection, page: Sequence[FileRecord], read_at: datetime) -> list[Joined]:
    """Add what earlier files said of the same records, so that importing one file forgets nothing of another."""
    ids = {record_id(connection.name, r.remote_object, r.remote_id): r for r in page}
    known = dict(RecordPayload.objects.filter(record_id__in=ids).values_list("record_id", "body"))
    return [join(record, known.get(pk), read_at) for pk, record in ids.items()]


def join(record: FileRecord, known: Body | None, read_at: datetime) -> Joined:
    """``known`` is the payload that an earlier import left. Pure."""
    held = known or {}
    # What was known first stays: its events stand in the log under these moments.
    history = {**record.history, **_history(held)}
    last = _last(history)
    for name, value in record.values.items():
        if value is not None and last.get(name, value) != value:
            # The file shows a value that none of its dates explains: it holds since we saw it.
            history[f"{name}:{value}@read:{instant_text(read_at)}"] = (name, str(value), read_at)
    last = _last(history)
    values = {**held.get("values", {}), **record.values, **last}
    links = {(str(to), str(remote_id)) for to, remote_id in held.get("links", [])} | record.links
    created = [t for t in (record.created_at, _time(held, "created")) if t]
    raw: dict[str, Any] = {
        "values": values,
        "history": {
            key: [name, value, instant_text(at)] for key, (name, value, at) in sorted(history.items())
        },
        "links": sorted(links),
        **({"created": instant_text(min(created))} if created else {}),
    }
    raw = json.loads(json.dumps(raw))
    change = _change(raw, known)
    modified_at = _modified_at(record, _time(held, "modified"), change, read_at)
    raw["modified"] = instant_text(modified_at)
    found = IncomingRecord(
        remote_object=record.remote_object,
        remote_id=record.remote_id,
        values=values,
        modified_at=modified_at,
        created_at=min(created) if created else None,
        history=_entries(history),
        links=tuple(sorted(links)),
        raw=raw,
    )
    return Joined(found, change, len(set(history) - set(_history(held))), held.get("values", {}))


def _modified_at(record: FileRecord, known: datetime | None, change: Change, read_at: datetime) -> datetime:
    if known is None:
        return record.modified_at or read_at
    if record.modified_at and record.modified_at > known:
        return record.modified_at
    # Another value under a time that we had seen: it changed after that, and we learned of it now.
    return max(known, read_at) if change == "changed" else known


def _change(raw: Body, known: Body | None) -> Change:
    if known is None:
        return "new"
    same = (
        raw["values"] == known.get("values", {})
        and set(raw["history"]) == set(_history(known))
        and raw["links"] == sorted(known.get("links", []))
    )
    return "unchanged" if same else "changed"


def _history(known: Body) -> dict[str, Entry]:
    return {
        key if key.startswith(f"{name}:") else f"{name}:{key}": (name, value, instant(at))
        for key, (name, value, at) in known.get("history", {}).items()
    }


def _in_order(history: Mapping[str, Entry]) -> list[tuple[str, Entry]]:
    return sorted(history.items(), key=lambda item: (item[1][2], item[0]))


def _last(history: Mapping[str, Entry]) -> dict[str, str]:
    return {name: value for _, (name, value, _) in _in_order(history)}


def _entries(history: Mapping[str, Entry]) -> tuple[HistoryEntry, ...]:
    entries: list[HistoryEntry] = []
    last: dict[str, str] = {}
    for key, (name, value, at) in _in_order(history):
        entries.append(HistoryEntry(name, value, at, key.removeprefix(f"{name}:"), last.get(name)))
        last[name] = value
    return tuple(entries)


def _time(known: Body, name: str) -> datetime | None:
    return instant(known[name]) if known.get(name) else None
