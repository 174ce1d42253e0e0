"""What the CRM refused: listed with its reason, sent again, or dropped; and what people keep from being written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import and_

from django.db.models import Count, Q, QuerySet

from effects.tick import ring
from integrations.writing.advice import advice_on
from integrations.writing.models import RecordHold
from records.models import Connection, DesiredField, Record
from teams.models import Person

REASON_LENGTH = 2000

Selection = Sequence[int] | None
"""Keys of DesiredField rows; None: all of them."""


@dataclass(frozen=True)
class Reason:
    """What the CRM said, of how many fields and records."""

    text: str
    fields: int
    records: int

    @property
    def advice(self) -> str:
        return advice_on(self.text)


def refused_for_good() -> QuerySet[DesiredField]:
    """By all CRMs, on records that are still there."""
    return DesiredField.objects.filter(
        record__deleted_at=None, record__merged_into=None, state=DesiredField.State.REFUSED
    )


def dead_letters(
    connection: Connection, *, field: str = "", reason: str = "", search: str = ""
) -> QuerySet[DesiredField]:
    """What a connection refused; the latest first. ``search``: words of the records' titles."""
    rows = refused_for_good().filter(record__connection=connection)
    if field:
        rows = rows.filter(field=field)
    if reason:
        rows = rows.filter(last_error=reason)
    return rows.filter(is_titled(search)).select_related("record").order_by("-next_try_at", "pk")


def is_titled(search: str) -> Q:
    """Of what belongs to a record: its title has every word of a text."""
    words = (Q(record__title__icontains=word) for word in search.split())
    return reduce(and_, words, Q())


def reasons_of(letters: QuerySet[DesiredField], most: int = 20) -> list[Reason]:
    """Of dead letters, the most frequent first. One query."""
    rows = (
        letters.select_related(None)
        .order_by()
        .values_list("last_error")
        .annotate(fields=Count("pk"), records=Count("record", distinct=True))
        .order_by("-records", "last_error")[:most]
    )
    return [Reason(text, fields, records) for text, fields, records in rows]


def retry_refused(connection: Connection, only: Selection = None) -> int:
    """Try again what the CRM refused, after someone changed a rule there. Returns fields."""
    count = _chosen(connection, only).update(
        state=DesiredField.State.DIFFERENT, attempts=0, next_try_at=datetime.now(UTC), last_error=""
    )
    ring("push")
    return count


def drop_refused(connection: Connection, only: Selection = None) -> int:
    """Let these values go: they are not sent again. What the model says later is. Returns fields."""
    return _chosen(connection, only).update(state=DesiredField.State.DROPPED)


def lift_hold(rows: QuerySet[DesiredField]) -> int:
    """Let the push write these fields again."""
    held = rows.filter(hold=True)
    count = held.update(
        hold=False,
        hold_reason="",
        changed_by_others=0,
        next_try_at=datetime.now(UTC),
        state=DesiredField.State.DIFFERENT,
    )
    ring("push")
    return count


def hold_fields(rows: QuerySet[DesiredField], reason: str) -> int:
    """Keep these fields as they are in the CRM until somebody lifts it."""
    return rows.filter(hold=False).update(hold=True, hold_reason=reason[:200])


def hold_record(record: Record, reason: str, by: Person | None, now: datetime) -> RecordHold:
    """Nothing of ours is written to this record, whatever field it is, until somebody lifts it."""
    row, _ = RecordHold.objects.update_or_create(
        record=record, defaults={"reason": reason[:200], "by": by, "at": now}
    )
    return row


def release_record(record: Record) -> bool:
    """False when it was not held."""
    count, _ = RecordHold.objects.filter(record=record).delete()
    ring("push")
    return bool(count)


def hold(record: Record, field: str, reason: str, by: Person, now: datetime) -> None:
    """Keep a record from being written, or one ``field`` of ours on it."""
    if field:
        hold_fields(_fields_of(record, field), reason or f"{by.name} put it on hold")
    else:
        hold_record(record, reason, by, now)


def release(record: Record, field: str) -> None:
    """Let a record, or one ``field`` of ours on it, be written again."""
    if field:
        lift_hold(_fields_of(record, field))
    else:
        release_record(record)


def _fields_of(record: Record, field: str) -> QuerySet[DesiredField]:
    return DesiredField.objects.filter(record=record, field=field)


def _chosen(connection: Connection, only: Selection) -> QuerySet[DesiredField]:
    rows = DesiredField.objects.filter(record__connection=connection, state=DesiredField.State.REFUSED)
    return rows if only is None else rows.filter(pk__in=list(only))
