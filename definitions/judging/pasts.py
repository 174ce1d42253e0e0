"""Records, activities and stays as they were at an instant. Pure.

What is related, and who belongs to a journey, is read as it is today; what those records said, and whether they were
there, as of the instant. What can't be known is perhaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from definitions.criteria import Item
from definitions.criteria.fields import FieldType
from definitions.criteria.values import MISSING, State, microsecond_of, see
from records.journey_data import RecordData
from records.kinds import DELETED, MERGED, RESTORED

OCCURRED_AT = "occurred_at"


def is_present(record: RecordData) -> bool:
    return record.deleted_at is None and not record.is_merged


def items_now(records: Iterable[RecordData]) -> tuple[Item, ...]:
    """What stands in the CRM now."""
    return tuple(Item(record.values) for record in records if is_present(record))


def items_at(records: Iterable[RecordData], at: datetime) -> tuple[Item, ...]:
    """The records that were there at an instant, with what they said then."""
    found = []
    for record in records:
        was_there = _was_there(record, at)
        if was_there is not False:
            found.append(Item(record.values_at(at), is_sure=was_there is True))
    return tuple(found)


def activities_at(records: Iterable[RecordData], at: datetime) -> tuple[Item, ...]:
    """Those that had happened by then, and those that were planned then.

    A CRM tells of an activity after it, so what has happened counts with all that is known of it now."""
    found = []
    for record in records:
        if _is_gone(record, at):
            continue
        happened = see(FieldType.DATETIME, record.values.get(OCCURRED_AT, MISSING))
        if happened.state is State.VALUE and happened.moment <= microsecond_of(at):
            found.append(Item(record.values))
        elif (was_there := _was_there(record, at)) is not False:
            found.append(Item({**record.values, **record.values_at(at)}, is_sure=was_there is True))
    return tuple(found)


def _was_there(record: RecordData, at: datetime) -> bool | None:
    """Whether the record existed at an instant; None when the CRM does not say since when it does."""
    if _is_gone(record, at):
        return False
    if any(event.occurred_at <= at for event in record.events[:1]):
        return True
    return None if record.created_at is None else record.created_at <= at


def _is_gone(record: RecordData, at: datetime) -> bool:
    """Deleted or merged away by then."""
    is_gone = False
    for event in record.events:
        if event.occurred_at > at:
            break
        if event.kind in (DELETED, MERGED, RESTORED):
            is_gone = event.kind != RESTORED
    return is_gone


def stays_at(stays: Sequence[Item], at: datetime) -> tuple[Item, ...]:
    """Stays in stages that had begun; one that ended later had not ended."""
    return tuple(
        Item({**stay.values, "left_at": None}) if _is_after(stay.values["left_at"], at) else stay
        for stay in stays
        if not _is_after(stay.values["entered_at"], at)
    )


def events_at(events: Sequence[Item], at: datetime) -> tuple[Item, ...]:
    """Events that had happened."""
    return tuple(event for event in events if not _is_after(event.values[OCCURRED_AT], at))


def _is_after(text: Any, at: datetime) -> bool:
    return text is not None and datetime.fromisoformat(text) > at
