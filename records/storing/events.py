"""What a row of a CRM tells beside what we hold, as events. Pure."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from records import kinds
from records.canonical import Unreadable, canonical, instant_text
from records.incoming import IncomingRecord
from records.storing.reading import LONGEST_KEY, Reading


@dataclass(slots=True)
class NewEvent:
    """An event as it will stand in the log; see ``records.models.Event``."""

    record_id: uuid.UUID
    kind: str
    external_key: str
    occurred_at: datetime
    field: str = ""
    old: Any = None
    new: Any = None
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    not_before: datetime | None = None
    caused_by: str = ""
    actor_id: int | None = None

    def __post_init__(self) -> None:
        self.external_key = self.external_key[:LONGEST_KEY]


@dataclass(slots=True)
class Mirrored:
    """A record as we hold it."""

    id: uuid.UUID
    remote_id: str
    title: str
    values: dict[str, Any]
    owner_id: int | None
    business_unit_id: int | None
    modified_at_remote: datetime | None
    fingerprint: str
    deleted_at: datetime | None
    merged_into_id: uuid.UUID | None
    links: set[str] = dataclasses.field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Difference:
    """Values that a row tells anew: ``changed`` (logical field, old, new), ``appeared`` and ``lost`` fields."""

    changed: tuple[tuple[str, Any, Any], ...] = ()
    appeared: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    lost: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.appeared or self.lost)


def stem(row: IncomingRecord) -> str:
    return f"{row.remote_object}:{row.remote_id}"


def difference(held: Mapping[str, Any], values: Mapping[str, Any]) -> Difference:
    """In the order of field names."""
    if held == values:
        return Difference()
    both = sorted(held.keys() & values.keys())
    return Difference(
        tuple((name, held[name], values[name]) for name in both if held[name] != values[name]),
        {name: values[name] for name in sorted(values.keys() - held.keys())},
        tuple(sorted(held.keys() - values.keys())),
    )


def history_events(
    reading: Reading, pk: uuid.UUID, row: IncomingRecord, known: Iterable[str] = ()
) -> list[NewEvent]:
    """One change event per CRM history entry, and the value before the first entry as of the record's creation."""
    by_remote = {f.remote_name: f for f in reading.fields if f.has_history}
    events: list[NewEvent] = []
    told: set[str] = set()
    for entry in sorted(row.history, key=lambda e: (e.occurred_at, e.key)):
        mapped = by_remote.get(entry.remote_name)
        if mapped is None:
            continue
        try:
            new = canonical(mapped.type, entry.new, mapped.value_map)
            old = canonical(mapped.type, entry.old, mapped.value_map)
        except Unreadable:
            continue
        key = f"{stem(row)}:{mapped.name}"
        if mapped.name not in told:
            told.add(mapped.name)
            if entry.old is not None and row.created_at and row.created_at < entry.occurred_at:
                events.append(_told(pk, f"{key}:created", row.created_at, mapped.name, None, old, "created"))
        events.append(_told(pk, f"{key}:{entry.key}", entry.occurred_at, mapped.name, old, new, entry.key))
    return events


def _told(
    pk: uuid.UUID, key: str, at: datetime, name: str, old: Any, new: Any, history: str
) -> NewEvent:  # fmt: skip
    return NewEvent(pk, kinds.CHANGE, key, at, field=name, old=old, new=new, data={"history": history})


def first_sight(
    pk: uuid.UUID,
    row: IncomingRecord,
    values: Mapping[str, Any],
    history: Sequence[NewEvent],
    caused_by: str,
) -> NewEvent:
    """What was so when we first saw it, without what the CRM's own history tells better."""
    told = {e.field for e in history if e.new == values.get(e.field)}
    return NewEvent(
        pk,
        kinds.BASELINE,
        f"{stem(row)}:baseline",
        row.modified_at,
        data={"values": {k: v for k, v in values.items() if k not in told} if told else dict(values)},
        not_before=row.created_at,
        caused_by=caused_by,
    )


def change_events(
    held: Mirrored,
    row: IncomingRecord,
    differs: Difference,
    history: Sequence[NewEvent],
    caused_by: Mapping[str, str],
    now: datetime,
) -> list[NewEvent]:
    """Change, lost and re-appearing fields of a record we hold, but for what the CRM's history tells itself.

    ``caused_by``: for each changed field, whose write it echoes; empty text: nobody's."""
    stamp = instant_text(row.modified_at)
    told = {(e.field, json.dumps(e.new, sort_keys=True)) for e in history}
    events = [
        NewEvent(
            held.id,
            kinds.CHANGE,
            f"{stem(row)}:{name}:{stamp}",
            row.modified_at,
            field=name,
            old=old,
            new=new,
            not_before=held.modified_at_remote,
            caused_by=caused_by.get(name, ""),
        )
        for name, old, new in differs.changed
        if not told or (name, json.dumps(new, sort_keys=True)) not in told
    ]
    events += [
        NewEvent(held.id, kinds.FIELD_LOST, f"{stem(row)}:{name}:lost:{stamp}", now, field=name)
        for name in differs.lost
    ]
    if differs.appeared:
        key = f"{stem(row)}:baseline:{stamp}:{'+'.join(differs.appeared)}"
        events.append(
            NewEvent(held.id, kinds.BASELINE, key, row.modified_at, data={"values": dict(differs.appeared)})
        )
    return events


def life_events(pk: uuid.UUID, row: IncomingRecord, held: Mirrored | None) -> list[NewEvent]:
    """Merged, deleted, restored."""
    found = []
    stamp = instant_text(row.modified_at)
    if row.merged_into and (held is None or held.merged_into_id is None):
        found.append(
            NewEvent(pk, kinds.MERGED, f"{stem(row)}:merged", row.modified_at, data={"into": row.merged_into})
        )
    was_deleted = held is not None and held.deleted_at is not None
    if row.is_deleted and not was_deleted:
        found.append(NewEvent(pk, kinds.DELETED, f"{stem(row)}:deleted:{stamp}", row.modified_at))
    if was_deleted and not row.is_deleted:
        found.append(NewEvent(pk, kinds.RESTORED, f"{stem(row)}:restored:{stamp}", row.modified_at))
    return found
