"""What in a journey proves a start, a stop or an owner (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from records.canonical import Unreadable, instant
from records.journey_data import Batch, EventData, JourneyData, OwnerData, RecordData
from slas.staff import Staff

TOUCH_KINDS = frozenset({"call", "email", "meeting", "message"})


@dataclass(frozen=True)
class Proof:
    """Something happened at ``at``; we learned of it at ``learned_at`` through ``event``."""

    at: datetime
    learned_at: datetime
    event: EventData
    words: str


@dataclass(frozen=True)
class Holding:
    """Who owned the subject from ``begin`` on; ``person_id`` None is a queue or nobody."""

    begin: datetime
    name: str
    person_id: int | None
    learned_at: datetime
    event: EventData | None


def activity_at(activity: RecordData) -> datetime | None:
    """When an activity happened; None while it is only planned without a time."""
    value = activity.values.get("occurred_at")
    if not value:
        return None
    try:
        return instant(value)
    except Unreadable:
        return None


def touches(journey: JourneyData, team: str, batch: Batch, staff: Staff) -> Iterator[Proof]:
    """Human touches by people of a team, as the CRMs logged them. Automated messages and open tasks are none."""
    for activity in journey.activities:
        values = activity.values
        at = activity_at(activity)
        if at is None or activity.deleted_at or not activity.events or at > batch.now:
            continue
        if values.get("kind") not in TOUCH_KINDS or values.get("is_automated") is True:
            continue
        if values.get("direction") == "inbound":
            continue
        owner = batch.owner_of(activity.connection, values.get("owner"))
        if owner is None or staff.team_at(owner.person_id, at) != team:
            continue
        event = activity.events[0]
        yield Proof(at, event.observed_at, event, f"{values['kind'].capitalize()} by {owner.name}")


def meetings(journey: JourneyData) -> list[tuple[datetime, RecordData]]:
    """Meetings that stand in a CRM calendar, by start."""
    found = [
        (at, a)
        for a in journey.activities
        if a.values.get("kind") == "meeting" and not a.deleted_at and (at := activity_at(a))
    ]
    return sorted(found, key=lambda pair: (pair[0], pair[1].key))


def holdings(journey: JourneyData, subject: RecordData, batch: Batch, staff: Staff) -> list[Holding]:
    """Who owned the buyer over time: the subject's owner, or while that is no person, another person record's."""
    people = [subject, *(r for r in journey.of("person") if r.id != subject.id)]
    changes = sorted(
        ((event.order, i, event, value) for i, r in enumerate(people) for event, value in r.changes("owner")),
        key=lambda c: (c[0], c[1]),
    )
    current: dict[int, tuple[OwnerData | None, EventData]] = {}
    found: list[Holding] = []
    for _, i, event, value in changes:
        current[i] = (batch.owner_of(people[i].connection, value), event)
        owner, proof = _holder(current, staff)
        name, person_id = (owner.name, owner.person_id) if owner else ("Nobody", None)
        if person_id not in staff.active:
            person_id = None
        if not found or (found[-1].name, found[-1].person_id) != (name, person_id):
            found.append(Holding(event.occurred_at, name, person_id, proof.observed_at, proof))
    return found


def _holder(
    current: dict[int, tuple[OwnerData | None, EventData]], staff: Staff
) -> tuple[OwnerData | None, EventData]:
    ranked = [current[i] for i in sorted(current)]
    for owner, event in ranked:
        if owner and owner.is_active and owner.person_id in staff.active:
            return owner, event
    return next(((o, e) for o, e in ranked if o), ranked[0])
