"""What in a journey proves a start, a stop or an owner, and when we learned of it (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from records.canonical import Unreadable, instant
from records.journey_data import Batch, EventData, JourneyData, OwnerData, RecordData
from records.kinds import BASELINE, CHANGE, DELETED, OWNER_GIVEN, RESTORED, TOUCH_WRITTEN
from slas.kinds import TOUCH_REPORTED
from slas.rules import ANY
from slas.staff import Staff
from slas.touch_rules import KINDS, TouchHistory

TOUCH_KINDS = frozenset(KINDS)
"""What may be a touch at all; the model may allow less."""

TOUCH_WORDS = {"call": "Call", "email": "E-mail", "meeting": "Meeting", "message": "Message"}
NOBODY = "Nobody"


@dataclass(frozen=True)
class Proof:
    """Something happened at ``at``; we learned of it at ``learned_at`` through ``event``.

    ``what`` names it ("Call"), ``who`` did it, ``kind`` is that of an activity. ``is_reported``: they say so.
    ``ahead_at``: when what was booked takes place. ``lost_at``: when we learned that it is no proof after all.
    """

    at: datetime
    learned_at: datetime
    event: EventData
    what: str
    who: str = ""
    person_id: int | None = None
    lost_at: datetime | None = None
    lost_by: EventData | None = None
    kind: str = ""
    is_reported: bool = False
    ahead_at: datetime | None = None


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
    """The looks of an activity in the order in which we learned of them: later edits never change what we knew.

    A field that can be read no longer stays as it was told last: nothing says that it happened otherwise."""
    values: dict[str, Any] = {}
    is_deleted = False
    for event in sorted(activity.events, key=lambda e: (e.observed_at, e.order)):
        if event.kind == BASELINE:
            values |= event.data.get("values", {})
        elif event.kind == CHANGE:
            values[event.field] = event.new
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
    """When an activity happened or will, as it was told last."""
    if "occurred_at" in activity.values:
        return moment_of(activity.values)
    looks = [seen.values for seen in sightings(activity) if seen.values]
    return moment_of(looks[-1]) if looks else None


def touches(
    journey: JourneyData, team: str, batch: Batch, staff: Staff, rules: TouchHistory
) -> Iterator[Proof]:
    """Human touches by people of a team, as the CRMs logged them and as they reported them themselves.

    What we logged in a CRM for them is the touch they reported, and no second one."""
    events = [event for record in journey.records for event in record.events]
    ours = {str(event.data.get("activity")) for event in events if event.kind == TOUCH_WRITTEN}
    read = partial(_touch, team=team, batch=batch, staff=staff, rules=rules)
    yield from _read_each(journey, read, ours)
    for event in events:
        if event.kind == TOUCH_REPORTED and (proof := _reported(event, team, staff, rules)):
            yield proof


def meetings_held(
    journey: JourneyData, team: str, batch: Batch, staff: Staff, rules: TouchHistory
) -> Iterator[Proof]:
    """Meetings with somebody of a team that have begun, and of which nothing says that they fell through."""
    yield from _read_each(journey, partial(_held, team=team, batch=batch, staff=staff, rules=rules))


def meetings_booked(
    journey: JourneyData, team: str, batch: Batch, staff: Staff, rules: TouchHistory
) -> Iterator[Proof]:
    """Meetings with somebody of a team, at when they were booked, whoever did; ``ahead_at``: when they begin."""
    yield from _read_each(journey, partial(_booking, team=team, batch=batch, staff=staff, rules=rules))


def _read_each(
    journey: JourneyData,
    read: Callable[[RecordData, Sighting], Proof | None],
    without: Collection[str] = (),
) -> Iterator[Proof]:
    for activity in journey.activities:
        if str(activity.id) in without:
            continue
        yield from _proofs(activity, partial(read, activity))


def _touch(
    activity: RecordData, seen: Sighting, *, team: str, batch: Batch, staff: Staff, rules: TouchHistory
) -> Proof | None:
    values = seen.values or {}
    at = moment_of(values)
    if at is None:
        return None
    if rules.at(at).is_form_booking(values):
        return _booking(activity, seen, team=team, batch=batch, staff=staff, rules=rules)
    # What still lies ahead is an intention.
    if at > batch.now or not rules.at(at).counts(values):
        return None
    return _by_team(activity, seen, at, str(values["kind"]), team, batch, staff)


def _held(
    activity: RecordData, seen: Sighting, *, team: str, batch: Batch, staff: Staff, rules: TouchHistory
) -> Proof | None:
    values = seen.values or {}
    at = moment_of(values)
    if at is None or at > batch.now or values.get("kind") != "meeting" or not rules.at(at).was_held(values):
        return None
    return _by_team(activity, seen, at, "meeting", team, batch, staff)


def _booking(
    activity: RecordData, seen: Sighting, *, team: str, batch: Batch, staff: Staff, rules: TouchHistory
) -> Proof | None:
    values = seen.values or {}
    meets_at = moment_of(values)
    if meets_at is None or values.get("kind") != "meeting":
        return None
    # Who writes a meeting down afterwards has not booked it later than it began.
    booked_at = min(activity.created_at or activity.events[0].occurred_at, meets_at)
    proof = _by_team(activity, seen, booked_at, "meeting", team, batch, staff)
    return None if proof is None else replace(proof, what="Meeting booked", ahead_at=meets_at)


def _by_team(
    activity: RecordData, seen: Sighting, at: datetime, kind: str, team: str, batch: Batch, staff: Staff
) -> Proof | None:
    values = seen.values or {}
    owner = batch.owner_of(activity.connection, values.get("owner"))
    if owner is None or not is_of_team(owner.person_id, team, at, staff):
        return None
    what = TOUCH_WORDS.get(kind, kind.capitalize())
    learned_at = max(at, seen.learned_at)
    return Proof(at, learned_at, seen.event, what, owner.name, owner.person_id, kind=kind)


def _reported(event: EventData, team: str, staff: Staff, rules: TouchHistory) -> Proof | None:
    """What somebody says they did, which no CRM has told."""
    person, kind = event.data.get("person"), str(event.data.get("kind") or "call")
    try:
        at = instant(event.data.get("at"))
    except Unreadable:
        return None
    if not isinstance(person, int) or not is_of_team(person, team, at, staff) or at > event.observed_at:
        return None
    if not rules.at(at).self_reported or kind not in rules.at(at).kinds:
        return None
    what = f"{TOUCH_WORDS.get(kind, kind.capitalize())} (self-reported)"
    who = staff.names.get(person, "")
    return Proof(at, event.observed_at, event, what, who, person, kind=kind, is_reported=True)


def is_of_team(person_id: int | None, team: str, at: datetime, staff: Staff) -> bool:
    """Whether a person was of a team then, or of any where ``team`` is ``any``."""
    if person_id is None:
        return False
    return staff.works_at(person_id, at) if team == ANY else staff.team_at(person_id, at) == team


def _proofs(activity: RecordData, read: Callable[[Sighting], Proof | None]) -> Iterator[Proof]:
    """One proof per look that differs; each is lost at the look that ends it."""
    held: Proof | None = None
    for seen in sightings(activity):
        proof = read(seen)
        if held and proof and _is_same(held, proof):
            continue
        # Learned and lost in one reading is nothing we ever believed.
        if held and seen.learned_at > held.learned_at:
            yield replace(held, lost_at=seen.learned_at, lost_by=seen.event)
        held = proof
    if held:
        yield held


def _is_same(one: Proof, other: Proof) -> bool:
    return (one.at, one.person_id, one.ahead_at) == (other.at, other.person_id, other.ahead_at)


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
        ((event.order, i, event, value) for i, r in enumerate(people) for event, value in _owners_of(r)),
        key=lambda c: (c[0], c[1]),
    )
    current: dict[int, tuple[OwnerData | None, EventData]] = {}
    found: list[Holding] = []
    for _, i, event, value in changes:
        current[i] = (_owner_told(people[i], value, event, batch), event)
        owner, proof = _holder(current, event.occurred_at, staff)
        is_person = owner is not None and _works(owner, event.occurred_at, staff)
        name, person_id = (owner.name, owner.person_id if is_person else None) if owner else (NOBODY, None)
        if not found or (found[-1].name, found[-1].person_id) != (name, person_id):
            learned_at = max(event.observed_at, proof.observed_at)
            found.append(Holding(event.occurred_at, name, person_id, learned_at, proof))
    return found


def _owners_of(record: RecordData) -> Iterator[tuple[EventData, Any]]:
    """What the CRM said of the owner, and what was given away here: it holds until the CRM says something else."""
    yield from record.changes("owner")
    yield from ((event, None) for event in record.events if event.kind == OWNER_GIVEN)


def _owner_told(record: RecordData, value: Any, event: EventData, batch: Batch) -> OwnerData | None:
    if event.kind != OWNER_GIVEN:
        return batch.owner_of(record.connection, value)
    person = event.data.get("person")
    return OwnerData(str(event.data.get("name", "")), "person" if person else "queue", True, person)


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
