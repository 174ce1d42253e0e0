"""What our own CRM fields should say: declared by the rooms that know, one writer per field."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from effects.tick import ring
from records.journey_data import Batch, JourneyData, RecordData
from records.kinds import BASELINE, FIELD_LOST
from records.models import DesiredField
from records.own_fields import OWN_FIELD_BY_NAME, OWN_OBJECTS
from records.stored import Where, rows_where

Values = Mapping[tuple[uuid.UUID, str], Any]


@dataclass(frozen=True)
class Declaration:
    """``compute(batch)`` -> (record id, field) -> value, for the fields this writer alone decides."""

    writer: str
    fields: tuple[str, ...]
    compute: Callable[[Batch], Values]


_declarations: dict[str, Declaration] = {}


def register_declaration(declaration: Declaration) -> None:
    """Raises ValueError when a field has two writers or is not one of ours to write."""
    for name in declaration.fields:
        if name not in OWN_FIELD_BY_NAME or OWN_FIELD_BY_NAME[name].direction != "out":
            raise ValueError(f"{name} is not a field of ours to write")
        for other in _declarations.values():
            if name in other.fields:
                raise ValueError(f"{name} has two writers: {other.writer} and {declaration.writer}")
    _declarations[declaration.writer] = declaration


def is_live(journey: JourneyData, record: RecordData) -> bool:
    """Whether something happened to the buyer since the record's connection went live. Our own echo, and a field that
    can be read no longer, did not happen to them: the latter would let us write to every old record at once."""
    start = record.go_live_at
    return start is not None and any(
        e.occurred_at >= start and not e.caused_by and e.kind not in (BASELINE, FIELD_LOST)
        or e.kind == BASELINE and e.not_before is not None and e.not_before >= start
        for e in journey.events
    )  # fmt: skip


def writable_records(journey: JourneyData, object_name: str = "person") -> list[RecordData]:
    """The records of a live journey that can hold our fields, people or deals; a converted one takes no more writes."""
    return [
        r for r in journey.of(object_name) if r.values.get("is_converted") is not True and is_live(journey, r)
    ]


def refresh(batch: Batch) -> None:
    """Fold the declared values of the batch, fitted to their fields, into ``DesiredField`` rows; only differences
    are written."""
    allowed = {
        r.id: r for j in batch.journeys.values() for kind in OWN_OBJECTS for r in writable_records(j, kind)
    }
    wanted: dict[tuple[uuid.UUID, str], tuple[str, Any]] = {}
    for declaration in _declarations.values():
        for (record_id, name), value in declaration.compute(batch).items():
            if record_id in allowed and allowed[record_id].object in OWN_FIELD_BY_NAME[name].objects:
                wanted[record_id, name] = (declaration.writer, OWN_FIELD_BY_NAME[name].fit(value))
    records = [r.id for j in batch.journeys.values() for kind in OWN_OBJECTS for r in j.of(kind)]
    held = {
        (d.record_id, d.field): d for d in rows_where(DesiredField, Where("record_id = ANY (%s)", (records,)))
    }
    known = {r.id: r.values for r in allowed.values()}
    fresh, changed = [], []
    for (record_id, name), (writer, value) in sorted(
        wanted.items(), key=lambda kv: (str(kv[0][0]), kv[0][1])
    ):
        row = held.pop((record_id, name), None)
        if row is None:
            values = known[record_id]
            row = DesiredField(
                record_id=record_id, field=name, writer=writer, known=values.get(name),
                is_known=name in values, desired_at=batch.now, next_try_at=batch.now,
            )  # fmt: skip
            _want(row, value, batch.now)
            if value is not None or row.known is not None:
                fresh.append(row)
        elif row.desired != value or row.writer != writer:
            row.writer = writer
            _want(row, value, batch.now)
            changed.append(row)
    for row in held.values():
        if row.desired is not None:
            _want(row, None, batch.now)
            changed.append(row)
    if fresh:
        DesiredField.objects.bulk_create(fresh, ignore_conflicts=True)
    if changed:
        DesiredField.objects.bulk_update(
            changed, ["writer", "desired", "desired_at", "state", "attempts", "next_try_at", "last_error"]
        )
    if any(row.state == DesiredField.State.DIFFERENT for row in (*fresh, *changed)):
        ring("push")


def _want(row: DesiredField, value: Any, now: datetime) -> None:
    row.desired, row.desired_at, row.next_try_at = value, now, now
    row.attempts, row.last_error = 0, ""
    same = row.is_known and row.known == value or not row.is_known and value is None
    row.state = DesiredField.State.IN_SYNC if same else DesiredField.State.DIFFERENT


def due_differences() -> Q:
    """The condition of rows a push may send: different, not held."""
    return Q(state=DesiredField.State.DIFFERENT, hold=False)
