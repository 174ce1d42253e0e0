"""What stops a clock: every proof of it, when it happened and when we learned of it (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from definitions.triggers.kinds import HANDLED
from records.journey_data import EventData, RecordData
from records.kinds import BASELINE
from slas.evidence import Proof, activity_at, meetings_booked, meetings_held, touches
from slas.folding.setting import Case
from slas.rules import ANY

SAME_TOUCH = timedelta(minutes=5)
"""A reported touch and one that a CRM tells of the same kind and person are one when they are no further apart."""

HANDOFF_STOPS: Mapping[str, Mapping[str, str]] = {
    "handoff_sent": {"handoff.sent": "Handoff sent"},
    "handoff_answered": {"handoff.accepted": "Handoff accepted", "handoff.sent_back": "Handoff sent back"},
    "handoff_accepted": {"handoff.accepted": "Handoff accepted"},
    "next_step_confirmed": {"handoff.next_step_confirmed": "Next step confirmed"},
}
ACTS = (*HANDOFF_STOPS, "trigger_handled")
"""Stops that are done in gtmops alone: before go-live nobody could."""


def could_prove(case: Case, record: RecordData, known_at: datetime) -> bool:
    """Whether reading this record could show the stop: not where one field does, and the CRM no longer told it."""
    kind, name = case.rule.stop
    field = {"owner_in_team": "owner", "field_set": name}.get(kind)
    is_asked = field is not None and any(one.id == record.id for one in _of_subject(case))
    return not (is_asked and record.was_lost(str(field), known_at))


def stops(case: Case) -> Iterator[Proof]:
    """Every proof that the rule's stop happened, none of it before the start."""
    return _BY_KIND[case.rule.stop[0]](case)


def _from_start(case: Case, found: Iterable[Proof]) -> Iterator[Proof]:
    # Salesforce keeps whole seconds: what was done in the second of the start came after it.
    second = case.start.at.replace(microsecond=0)
    for proof in found:
        if proof.at >= second:
            yield replace(proof, at=max(proof.at, case.start.at))


def _owners(case: Case) -> Iterator[Proof]:
    """The moments from which somebody of the team owns it; right from the start counts.

    Who owned it at the start and turns out to have given it away before proved it until we learned so."""
    start, owned, team = case.start, case.owned, case.rule.stop[1]
    for i, held in enumerate(owned):
        at, learned_at = max(held.begin, start.at), max(held.learned_at, start.learned_at)
        after = [later for later in owned[i + 1 :] if later.begin <= start.at]
        if held.person_id is None or any(later.learned_at <= learned_at for later in after):
            continue
        if case.staff.team_at(held.person_id, at) == team:
            proof = Proof(at, learned_at, held.event, "Owner set", held.name, held.person_id)
            taken = min(after, key=lambda later: later.learned_at, default=None)
            yield replace(proof, lost_at=taken.learned_at, lost_by=taken.event) if taken else proof


def _touched(case: Case) -> Iterator[Proof]:
    found = touches(case.journey, case.rule.stop[1], case.batch, case.staff, case.setting.touches)
    return _from_start(case, found)


def _meeting_held(case: Case) -> Iterator[Proof]:
    found = meetings_held(case.journey, case.rule.stop[1], case.batch, case.staff, case.setting.touches)
    return _from_start(case, found)


def _meeting_booked(case: Case) -> Iterator[Proof]:
    """A meeting stands in the calendar. One that was booked before and still lies ahead is there from the start."""
    found = meetings_booked(case.journey, case.rule.stop[1], case.batch, case.staff, case.setting.touches)
    for proof in found:
        if proof.ahead_at is not None and proof.ahead_at >= case.start.at.replace(microsecond=0):
            yield replace(proof, at=max(proof.at, case.start.at))


def _handoff(case: Case) -> Iterator[Proof]:
    kind, template = case.rule.stop
    for event in case.journey.events:
        what = HANDOFF_STOPS[kind].get(event.kind)
        if (
            what
            and event.data.get("template") == template
            and _is_after(case, event)
            and _is_same(case, event)
        ):
            yield Proof(event.occurred_at, event.observed_at, event, what, person_id=event.actor_id)


def _is_after(case: Case, event: EventData) -> bool:
    return event.occurred_at >= case.start.at and event is not case.start.event


def _is_same(case: Case, event: EventData) -> bool:
    """A clock that a handoff started is stopped by that handoff, not by the buyer's next one."""
    is_of_template = case.rule.start[0].startswith("handoff_") and case.rule.start[1] == case.rule.stop[1]
    return not (is_of_template and case.start.handoff) or event.data.get("handoff") == case.start.handoff


def _field_set(case: Case) -> Iterator[Proof]:
    """The field says something, from before the start or since."""
    name, start = case.rule.stop[1], case.start
    for record in _of_subject(case):
        for event, value in record.changes(name):
            if is_empty(value):
                continue
            # It was written at some time since the record was made; nobody is charged for what we can't see.
            since = event.not_before if event.kind == BASELINE and event.not_before else event.occurred_at
            yield Proof(
                max(since, start.at), max(event.observed_at, start.learned_at), event, "Field filled in",
                person_id=event.actor_id,
            )  # fmt: skip


def _stage_entered(case: Case) -> Iterator[Proof]:
    """It is in the stage, from before the start or since."""
    start, subjects = case.start, {record.id for record in _of_subject(case)}
    is_of_deal = case.record.object == "deal"
    for entry in case.setting.entered(case.journey, case.rule.stop[1]):
        if is_of_deal and entry.record_id not in subjects:
            continue
        if entry.event is start.event or (entry.left_at is not None and entry.left_at <= start.at):
            continue
        at, learned_at = max(entry.at, start.at), max(entry.learned_at, start.learned_at)
        yield Proof(at, learned_at, entry.event, f"Became {entry.name or entry.stage}")


def _of_subject(case: Case) -> list[RecordData]:
    """The subject, or where the rule asks for another object than it is, the buyer's records of that one."""
    if case.record.object == case.rule.on or case.rule.stop[0] != "field_set":
        return [case.record]
    return [record for record in case.journey.records if record.object == case.rule.on]


def _handled(case: Case) -> Iterator[Proof]:
    """Somebody took care of the trigger: of this firing where one started the clock."""
    fired = case.start.event.data.get("firing") if case.start.event else None
    for event in case.journey.events:
        if event.kind != HANDLED or not _is_after(case, event):
            continue
        is_named = case.rule.stop[1] in (ANY, event.data.get("trigger"))
        if is_named and fired in (None, event.data.get("firing")):
            yield Proof(
                event.occurred_at, event.observed_at, event, "Signal handled", person_id=event.actor_id
            )


_BY_KIND: Mapping[str, Callable[[Case], Iterator[Proof]]] = {
    "owner_in_team": _owners,
    "touch_by_team": _touched,
    "meeting_booked": _meeting_booked,
    "meeting_held": _meeting_held,
    **dict.fromkeys(HANDOFF_STOPS, _handoff),
    "field_set": _field_set,
    "stage_entered": _stage_entered,
    "trigger_handled": _handled,
}


def is_empty(value: object) -> bool:
    return value is None or value == "" or value == []


def distinct(proofs: Iterable[Proof]) -> list[Proof]:
    """Each touch once: what somebody reported and the CRM then told too is one, as it was learned first."""
    found: list[Proof] = []
    twinned: set[str] = set()
    for proof in sorted(proofs, key=lambda p: (p.learned_at, p.at, p.event.key)):
        twin = next((p for p in found if p.event.key not in twinned and _is_twin(p, proof)), None)
        if twin is None:
            found.append(proof)
        else:
            twinned.add(twin.event.key)
    return found


def _is_twin(one: Proof, other: Proof) -> bool:
    return (
        one.is_reported != other.is_reported
        and (one.kind, one.person_id) == (other.kind, other.person_id)
        and abs(one.at - other.at) <= SAME_TOUCH
    )


def look_at(case: Case) -> datetime | None:
    """When something that lies ahead will have happened and may stop it: a planned call or meeting."""
    if case.rule.stop[0] not in ("touch_by_team", "meeting_held"):
        return None
    ahead = [
        at
        for activity in case.journey.activities
        if activity.deleted_at is None and (at := activity_at(activity)) is not None and at > case.batch.now
    ]
    return min(ahead, default=None)
