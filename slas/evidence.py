"""What in a journey proves a start, a stop or an owner, and when we learned of it (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from records.canonical import Unreadable, instant
from records.journey_data import Batch, EventData, JourneyData, OwnerData, RecordData
from records.kinds import BASELINE, CHANGE, DELETED, FIELD_LOST, RESTORED
from slas.staff import Staff

TOUCH_KINDS = frozenset({"call", "email", "meeting", "message"})
NOBODY = "Nobody"


@dataclass(frozen=True)
class Proof:
    """Something happened at ``at``; we learned of it at ``learned_at`` through ``event``.

    ``what`` names it ("Call"), ``who`` did it. ``lost_at``: when we learned that it is no proof after all.
    """

    at: datetime
    learned_at: datetime
    event: EventData
    what: str
    who: str = ""
    person_id: int | None = None
    lost_at: datetime | None = None
    lost_by: EventData | None = None


@dataclass(frozen=True)
class Holding:
    """Who owned the subject from ``begin`` on; ``person_id`` None is a queue or nobody."""

    begin: datetime
    name: str
    person_id: int | None
    learned_at: datetime
    event: EventData


# --- activities, as we came to know them -----------------------------------------------------------------------


@dataclass(frozen=True)
class Sighting:
    """How an activity looked from ``learned_at`` on; ``values`` is None once it was deleted."""

    learned_at: datetime
    event: EventData
    values: Mapping[str, Any] | None


def sightings(activity: RecordData) -> Iterator[Sighting]:
    """The looks of an activity in the order in which we learned of them: later edits never change what we knew."""
    values: dict[str, Any] = {}
    is_deleted = False
    for event in sorted(activity.events, key=lambda e: (e.observed_at, e.order)):
        if event.kind == BASELINE:
            values |= event.data.get("values", {})
        elif event.kind == CHANGE:
            values[event.field] = event.new
        elif event.kind == FIELD_LOST:
            values.pop(event.field, None)
        elif event.kind in (DELETED, RESTORED):
            is_deleted = event.kind == DELETED
        else:
            continue
        yield Sighting(event.observed_at, event, None if is_deleted else dict(values))


def moment_of(values: Mapping[str, Any]) -> datetime | None:
    """When an activity happened or will; None while it is only planned without a time."""
    value = values.get("occurred_at")
    try:
        return instant(value) if value else None
    except Unreadable:
        return None


def activity_at(activity: RecordData) -> datetime | None:
    """When an activity happened or will, as it stands now."""
    return moment_of(activity.values)


def touches(journey: JourneyData, team: str, batch: Batch, staff: Staff) -> Iterator[Proof]:
    """Human touches by people of a team, as the CRMs logged them. Automated messages and open tasks are none."""
    for activity in journey.activities:
        yield from _proofs(activity, lambda seen, a=activity: _touch(a, seen, team, batch, staff))  # type: ignore[misc]  # a default binds the loop's value


def _touch(activity: RecordData, seen: Sighting, team: str, batch: Batch, staff: Staff) -> Proof | None:
    values = seen.values or {}
    at = moment_of(values)
    # What still lies ahead is an intention.
    if at is None or at > batch.now or values.get("kind") not in TOUCH_KINDS:
        return None
    if values.get("is_automated") is True or values.get("direction") == "inbound":
        return None
    owner = batch.owner_of(activity.connection, values.get("owner"))
    if owner is None or staff.team_at(owner.person_id, at) != team:
        return None
    what = str(values["kind"]).replace("email", "e-mail").capitalize()
    return Proof(at, max(at, seen.learned_at), seen.event, what, owner.name, owner.person_id)


def _proofs(activity: RecordData, read: Callable[[Sighting], Proof | None]) -> Iterator[Proof]:
    """One proof per look that differs; each is lost at the look that ends it."""
    held: Proof | None = None
    for seen in sightings(activity):
        proof = read(seen)
        if held and proof and (held.at, held.person_id) == (proof.at, proof.person_id):
            continue
        # Learned and lost in one reading is nothing we ever believed.
        if held and seen.learned_at > held.learned_at:
            yield replace(held, lost_at=seen.learned_at, lost_by=seen.event)
        held = proof
    if held:
        yield held


def meetings(journey: JourneyData) -> list[tuple[datetime, RecordData]]:
    """Meetings that stand in a CRM calendar now, by start."""
    found = [
        (at, a)
        for a in journey.activities
        if a.values.get("kind") == "meeting" and not a.deleted_at and (at := activity_at(a))
    ]
    return sorted(found, key=lambda pair: (pair[0], pair[1].key))


def meeting_plans(journey: JourneyData) -> Iterator[tuple[datetime, str, datetime | None]]:
    """(learned at, meeting's key, its time from then on or None) for every look of every meeting."""
    for activity in journey.activities:
        for seen in sightings(activity):
            values = seen.values or {}
            is_meeting = values.get("kind") == "meeting"
            yield seen.learned_at, activity.key, moment_of(values) if is_meeting else None


# --- owners ----------------------------------------------------------------------------------------------------


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
        owner, proof = _holder(current, event.occurred_at, staff)
        is_person = owner is not None and _works(owner, event.occurred_at, staff)
        name, person_id = (owner.name, owner.person_id if is_person else None) if owner else (NOBODY, None)
        if not found or (found[-1].name, found[-1].person_id) != (name, person_id):
            learned_at = max(event.observed_at, proof.observed_at)
            found.append(Holding(event.occurred_at, name, person_id, learned_at, proof))
    return found


def _holder(
    current: Mapping[int, tuple[OwnerData | None, EventData]], at: datetime, staff: Staff
) -> tuple[OwnerData | None, EventData]:
    ranked = [current[i] for i in sorted(current)]
    for owner, event in ranked:
        if owner and _works(owner, at, staff):
            return owner, event
    return next(((o, e) for o, e in ranked if o), ranked[0])


def _works(owner: OwnerData, at: datetime, staff: Staff) -> bool:
    """A person who works here then. Of a leaver the memberships say until when, better than the CRM's switch."""
    if owner.person_id is None or not staff.works_at(owner.person_id, at):
        return False
    return owner.is_active_at(at) or staff.has_left(owner.person_id)
