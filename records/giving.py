"""Giving what a leaver owns to somebody else: an act on each record, from now, and the CRM is asked where it may be.

A whole list costs as many statements as one record."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from effects.tick import ring
from records import kinds
from records.asked import OWNER, why_not
from records.canonical import Unreadable, canonical
from records.ids import derive_id
from records.models import AskedChange, Record
from records.services import Act, append_acts, mapped_remote_fields
from teams.models import Person


@dataclass(frozen=True)
class Taker:
    """Who takes it: a person, or a queue of some CRMs (``person`` None). ``owner_ids``: connection -> id there."""

    name: str
    person: int | None
    owner_ids: Mapping[int, str]


@dataclass(frozen=True)
class Given:
    """``asked``: records whose CRM is asked; ``by_hand``: reason -> records to be given there by hand."""

    asked: tuple[uuid.UUID, ...] = ()
    by_hand: Mapping[str, tuple[uuid.UUID, ...]] = field(default_factory=dict)


def give(
    records: Sequence[Record], taker: Taker, *, was: int, name: str, by: Person, why: str, now: datetime
) -> Given:
    """Give records (with their connection) to a taker. ``name`` makes the act happen once per record. Joins the
    caller's transaction."""
    if not records:
        return Given()
    data = {"person": taker.person, "name": taker.name, "was": was, "left": name}
    append_acts([Act(kinds.OWNER_GIVEN, r.pk, f"{name}:given:{r.pk}", now, data, by) for r in records], now)
    reasons = _reasons(records, taker)
    asking = [r for r in records if not reasons[r.pk]]
    by_hand: dict[str, list[uuid.UUID]] = defaultdict(list)
    for record in records:
        if reasons[record.pk]:
            by_hand[reasons[record.pk]].append(record.pk)
    _ask(asking, taker, name, by, why, now)
    return Given(tuple(r.pk for r in asking), {text: tuple(ids) for text, ids in by_hand.items()})


def _reasons(records: Sequence[Record], taker: Taker) -> dict[uuid.UUID, str]:
    """Why each can't be asked for; "" where it can. Asked once of each object of each CRM."""
    of_object: dict[tuple[int, str], str] = {}
    found = {}
    for record in records:
        place = (record.connection_id, record.remote_object)
        if place not in of_object:
            of_object[place] = _reason(record, taker)
        found[record.pk] = of_object[place]
    return found


def _reason(record: Record, taker: Taker) -> str:
    crm = record.connection.label
    if record.connection_id not in taker.owner_ids:
        return f"{taker.name} is no owner in {crm}."
    mapping = mapped_remote_fields(record.connection, record.remote_object).get(OWNER)
    if mapping is None or mapping.is_broken:
        return f"gtmops can't write the owner of {record.remote_object} in {crm}."
    try:
        canonical(mapping.field.type, taker.owner_ids[record.connection_id])
    except Unreadable:
        return f"{crm} takes no such owner."
    return why_not(record, [OWNER])


def _ask(records: Sequence[Record], taker: Taker, name: str, by: Person, why: str, now: datetime) -> None:
    if not records:
        return
    rows = [_asked(record, taker, name, by, why, now) for record in records]
    AskedChange.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    append_acts([_said(row, by, now) for row in rows], now)
    ring("push")


def _asked(record: Record, taker: Taker, name: str, by: Person, why: str, now: datetime) -> AskedChange:
    key = f"{name}:ask:{record.pk}"
    return AskedChange(
        id=derive_id("asked", key),
        key=key,
        record=record,
        values={OWNER: taker.owner_ids[record.connection_id]},
        expected={OWNER: record.values[OWNER]} if OWNER in record.values else {},
        by=by,
        why=why[:300],
        asked_at=now,
        next_try_at=now,
    )


def _said(row: AskedChange, by: Person, now: datetime) -> Act:
    data = {"asked": str(row.pk), "values": row.values, "expected": row.expected, "why": row.why}
    return Act(kinds.FIELD_ASKED, row.record_id, f"asked:{row.pk}", now, data, by)
