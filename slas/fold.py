"""The clock fold: from one journey's events and the rules in force to its clocks (pure).

A clock is concluded in the order in which we *learned* of things, so a finished result never rewrites itself: what is
learned later, and would have changed it, becomes a correction. A live clock is late only once its evidence has been
read again; history is measured from all that is known, and nobody is told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from records.ids import derive_id
from records.journey_data import Batch, EventData, JourneyData, RecordData
from records.kinds import DELETED, RESTORED, VERIFIED
from slas.conditions import Conditions, Spell
from slas.counting import InHands
from slas.evidence import Holding, Proof, holdings, meeting_plans, touches
from slas.hands import Hand, Pause, covered, due_time, hands, learned_turns
from slas.kinds import CLOCK_DUE
from slas.rules import Rule, RuleHistory, RuleVersion
from slas.split import CUSTOMER, Segment, holder_at, party_of, split
from slas.staff import Staff
from slas.steps import Planned, planned

RUNNING, PAUSED, DUE, MET, BREACHED = "running", "paused", "due", "met", "breached"
NOT_VERIFIED, WITHDRAWN, CANCELLED, SEEN_LATE = (
    "breached_not_verified", "withdrawn", "cancelled", "seen_late",
)  # fmt: skip
LATE = (BREACHED, NOT_VERIFIED)
READABLE = "read"


@dataclass(frozen=True)
class Start:
    """What started a clock. ``event`` tells it best; ``key`` and ``learned_at`` are of the one that told us first."""

    event: EventData
    record_id: uuid.UUID
    at: datetime
    key: str
    learned_at: datetime
    is_exact: bool = True


@dataclass(frozen=True)
class Result:
    """How a clock stands. Both times are UTC; ``breached_at`` is the due time, never when we noticed."""

    state: str
    stop: Proof | None = None
    breached_at: datetime | None = None
    cancelled_at: datetime | None = None
    because: str = ""

    @property
    def stopped_at(self) -> datetime | None:
        return self.stop.at if self.stop else self.cancelled_at

    @property
    def is_frozen(self) -> bool:
        """Finished or announced: from here on only a correction changes it."""
        return self.state in LATE or self.stopped_at is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "stopped_at": self.stopped_at.isoformat() if self.stopped_at else None,
            "breached_at": self.breached_at.isoformat() if self.breached_at else None,
        }


@dataclass(frozen=True, order=True)
class Answer:
    """One record read again: when, in which connection, and whether it could be read."""

    at: datetime
    connection: str
    was_readable: bool


@dataclass(frozen=True)
class Check:
    """The evidence was asked for at ``asked_at``; ``answers`` is empty until the last of them is in."""

    asked_at: datetime
    answers: tuple[Answer, ...] = ()

    @property
    def done_at(self) -> datetime | None:
        return max((a.at for a in self.answers), default=None)

    @property
    def was_readable(self) -> bool:
        return all(a.was_readable for a in self.answers)


@dataclass(frozen=True)
class CorrectionData:
    id: uuid.UUID
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    cause: EventData
    at: datetime


@dataclass(frozen=True)
class Retarget:
    """The due time was moved at ``at``, when we learned of other hands, other hours or a pause."""

    at: datetime
    old: datetime | None
    new: datetime | None


@dataclass(frozen=True)
class ClockData:
    """A folded clock; ``services`` writes it as a row. ``plan``: all steps of its rule and when they are due.
    ``is_given_up``: called off, or its record gone, after it was due."""

    id: uuid.UUID
    rule: Rule
    rule_version_id: int
    calendar_version_id: int | None
    start: Start
    due_at: datetime | None
    result: Result
    is_measured_only: bool
    holder: Holding | None
    has_it: str
    segments: tuple[Segment, ...]
    check: Check | None
    corrections: tuple[CorrectionData, ...]
    retargets: tuple[Retarget, ...] = ()
    plan: tuple[Planned, ...] = ()
    is_given_up: bool = False


ConditionsOf = Callable[[Rule, RecordData, datetime], Conditions]
"""(rule, subject, start) -> what pauses a clock and what calls it off."""


def fold_clocks(
    journey: JourneyData,
    rules: Sequence[RuleHistory],
    starts: Callable[[JourneyData, Rule], Iterable[Start]],
    batch: Batch,
    staff: Staff,
    conditions: ConditionsOf,
) -> list[ClockData]:
    """All clocks of a journey, one per rule and start; a clock keeps the rule that was in force at its start."""
    found = []
    owned: dict[uuid.UUID, list[Holding]] = {}
    for history in rules:
        for version in history.versions:
            for start in starts(journey, version.rule):
                record = journey.record(start.record_id)
                if record is None or history.at(start.at) is not version:
                    continue
                if record.id not in owned:
                    owned[record.id] = holdings(journey, record, batch, staff)
                when = conditions(version.rule, record, start.at)
                found.append(_fold_one(journey, record, owned[record.id], version, start, batch, staff, when))
    return found


def segments_until(
    journey: JourneyData,
    record: RecordData,
    rule: Rule,
    start: datetime,
    end: datetime,
    batch: Batch,
    staff: Staff,
    conditions: Conditions,
) -> list[Segment]:
    """Who had it from ``start`` to ``end``; what a page shows of a clock that has not stopped."""
    pauses = _pauses(record, conditions)
    return list(split(rule, start, end, holdings(journey, record, batch, staff), staff, pauses=pauses))


def _fold_one(
    journey: JourneyData,
    record: RecordData,
    owned: Sequence[Holding],
    version: RuleVersion,
    start: Start,
    batch: Batch,
    staff: Staff,
    conditions: Conditions,
) -> ClockData:
    rule = version.rule
    clock_id = derive_id("clock", rule.key, record.key, start.key)
    timing = _Timing(rule, record, owned, start, staff, tuple(_pauses(record, conditions)))
    walk = _Walk(
        clock_id=clock_id,
        start=start,
        timing=timing,
        is_measured_only=record.go_live_at is None or start.at < record.go_live_at,
        now=batch.now,
        due_at=timing.due_at(start.learned_at),
    )
    walk.through(
        [
            *_plans(rule, start, journey),
            *timing.turns(batch.now),
            *_proofs(rule, start, journey, owned, batch, staff),
            *_lives(record),
            *_cancels(record, start, conditions),
            *_checks(journey, clock_id),
        ]
    )
    result = walk.result
    end = result.stopped_at or batch.now
    # What is learned after the end moves nothing in a finished clock.
    known_at = max(result.stop.learned_at, start.learned_at) if result.stop else batch.now
    holder = holder_at(owned, end)
    if holder is not None:
        holder, _ = covered(holder, staff, end, known_at)
    # The hours that the due time was last counted by: an edit of hours that moves nothing is no change of the clock.
    counted_at = min(known_at, walk.due_learned_at or start.learned_at)
    hand = timing.hand_at(end, counted_at) if rule.target.needs_calendar else None
    segments = (
        split(rule, start.at, end, owned, staff, pauses=timing.pauses, known_at=known_at)
        if result.stopped_at
        else ()
    )
    return ClockData(
        id=clock_id,
        rule=rule,
        rule_version_id=version.id,
        calendar_version_id=hand.version if hand else None,
        start=start,
        due_at=walk.due_at,
        result=result,
        is_measured_only=walk.is_measured_only,
        holder=holder,
        has_it=CUSTOMER if result.state == PAUSED else party_of(rule, holder, end, staff),
        segments=tuple(segments),
        check=walk.check,
        corrections=tuple(walk.corrections),
        retargets=tuple(walk.retargets),
        plan=timing.plan(walk.due_at, known_at),
        is_given_up=walk.cancelled_at is not None or walk.deleted_at is not None,
    )


@dataclass(frozen=True)
class _Timing:
    """How the due time of one clock follows from what was known."""

    rule: Rule
    record: RecordData
    owned: Sequence[Holding]
    start: Start
    staff: Staff
    pauses: tuple[Pause, ...]

    @cached_property
    def region(self) -> str:
        return str(self.record.value_at("region", self.start.at)[1] or "")

    def hands(self, known_at: datetime) -> list[Hand]:
        return hands(self.rule, self.start.at, self.owned, self.staff, known_at, self.region)

    def hand_at(self, at: datetime, known_at: datetime) -> Hand:
        found = self.hands(known_at)
        return next((hand for hand in reversed(found) if hand.begin <= at), found[0])

    def due_at(self, known_at: datetime) -> datetime | None:
        """By what was known at an instant; None for a target before an event, whose plans tell."""
        if self.rule.target.kind == "before":
            return None
        known = [pause for p in self.pauses if (pause := p.known(known_at)) is not None]
        in_hands = self.hands(known_at) if self.rule.target.needs_calendar else []
        return due_time(self.rule, self.start.at, in_hands, known)

    def plan(self, due_at: datetime | None, known_at: datetime) -> tuple[Planned, ...]:
        """The steps of the rule, by what was known at an instant."""
        if not self.rule.escalations:
            return ()
        known = [pause for p in self.pauses if (pause := p.known(known_at)) is not None]
        is_timed = any(step.when.kind != "breached" for step in self.rule.escalations)
        in_hands = self.hands(known_at) if is_timed and self.rule.target.needs_calendar else []
        return planned(self.rule.escalations, self.start.at, due_at, InHands(self.rule, in_hands, known))

    def is_paused(self, at: datetime) -> bool:
        known = (p.known(at) for p in self.pauses)
        return any(p is not None and p.begin <= at and (p.end is None or at < p.end) for p in known)

    def turns(self, now: datetime) -> Iterator[_Learned]:
        """The instants at which the due time may move."""
        if self.rule.target.kind == "before":
            return
        found = {at for p in self.pauses for at in (p.learned_at, p.end_learned_at) if at is not None}
        if self.rule.target.needs_calendar:
            found |= learned_turns(self.rule, self.owned, self.staff, self.region)
        for at in sorted(found):
            if self.start.learned_at < at <= now:
                yield _Learned(at, 0, partial(_Walk.retarget, at=at))


def _pauses(record: RecordData, conditions: Conditions) -> list[Pause]:
    return [
        Pause(spell.begin, spell.learned_at, spell.end, spell.end_learned_at, spell.because)
        for spell in conditions.pauses(record)
    ]


# --- what we learned, and when ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Learned:
    """One thing learned at ``at`` through ``cause``; ``apply`` tells the walk. ``rank`` orders one instant."""

    at: datetime
    rank: int
    apply: Callable[[_Walk], None]
    cause: EventData | None = None


@dataclass
class _Walk:
    """The clock as it stood after each instant at which we learned something."""

    clock_id: uuid.UUID
    start: Start
    timing: _Timing
    is_measured_only: bool
    now: datetime
    due_at: datetime | None
    due_learned_at: datetime | None = None
    retargets: list[Retarget] = field(default_factory=list)
    cancelled_at: datetime | None = None
    because: str = ""
    plans: dict[str, datetime | None] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    deleted_at: datetime | None = None
    was_late: bool = False
    result: Result = field(default_factory=lambda: Result(RUNNING))
    corrections: list[CorrectionData] = field(default_factory=list)

    def plan(self, key: str, at: datetime | None, learned_at: datetime) -> None:
        """The event that it must come before is now planned for ``at``. A result that stands is not moved by it."""
        self.plans[key] = at
        due_at = min((at for at in self.plans.values() if at), default=None)
        if due_at != self.due_at and not self.result.is_frozen:
            self.due_at, self.due_learned_at = due_at, learned_at

    def retarget(self, at: datetime) -> None:
        """Hands, hours or pauses have changed. A clock that is done or announced late keeps its due time."""
        due_at = self.timing.due_at(at)
        if due_at != self.due_at and not self.result.is_frozen:
            self.retargets.append(Retarget(at, self.due_at, due_at))
            self.due_at, self.due_learned_at = due_at, at

    def cancel(self, at: datetime, because: str) -> None:
        """Only the first time counts: who comes back starts a new clock."""
        if self.cancelled_at is None:
            self.cancelled_at, self.because = at, because

    def gain(self, proof: Proof) -> None:
        self.proofs.append(proof)

    def lose(self, proof: Proof) -> None:
        self.proofs = [held for held in self.proofs if held.event.key != proof.event.key]

    def live(self, deleted_at: datetime | None) -> None:
        self.deleted_at = deleted_at

    def ask(self, check: Check) -> None:
        # Nobody is late with a record that was gone before we had looked.
        if self.deleted_at is None:
            self.checks.append(check)

    def through(self, learned: list[_Learned]) -> None:
        """All of it, instant by instant: what one reading of the CRM brought is one truth."""
        learned.sort(key=lambda item: (item.at, item.rank))
        for at, items in groupby(learned, key=lambda item: item.at):
            causes = []
            for item in items:
                item.apply(self)
                causes += [item.cause] if item.cause else []
            if not self.is_measured_only:
                self._settle(at, causes)
        if self.is_measured_only or not learned:
            self.result = self._stand()

    @property
    def check(self) -> Check | None:
        """The first re-reading that was asked for when the time had come; one that is answered goes first."""
        asked = [c for c in self.checks if self.due_at is not None and c.asked_at >= self.due_at]
        return min(asked, key=lambda c: (not c.answers, c.done_at or c.asked_at), default=None)

    def _settle(self, at: datetime, causes: Sequence[EventData]) -> None:
        old, new = self.result, self._stand()
        if old.is_frozen and causes and _contradicts(old, new):
            cause = min(causes, key=lambda event: event.order)
            key = derive_id("correction", str(self.clock_id), cause.key)
            self.corrections.append(CorrectionData(key, old.as_json(), new.as_json(), cause, at))
        self.result = new
        self.was_late = self.was_late or new.state in LATE

    def _stand(self) -> Result:
        """The result by everything known so far."""
        due, check = self.due_at, self.check
        called_off = self.cancelled_at
        stop = min(self.proofs, key=lambda p: (p.at, p.event.order), default=None)
        if stop and (due is None or stop.at <= due):
            return Result(WITHDRAWN if self.was_late else MET, stop)
        if called_off and (due is None or called_off <= due) and (stop is None or called_off <= stop.at):
            return Result(CANCELLED, cancelled_at=called_off, because=self.because)
        if due is not None and self.is_measured_only:
            if self.deleted_at and self.deleted_at <= due:
                return Result(CANCELLED, cancelled_at=self.deleted_at)
            return Result(BREACHED, stop, due) if due <= self.now else Result(RUNNING)
        if due is not None and max(self.start.learned_at, self.due_learned_at or due) > due:
            if self.deleted_at and stop is None:
                return Result(CANCELLED, cancelled_at=self.deleted_at)
            return Result(SEEN_LATE, stop)
        if check and check.answers:
            return Result(BREACHED if check.was_readable else NOT_VERIFIED, stop, due)
        if self.deleted_at:
            return Result(CANCELLED, cancelled_at=self.deleted_at)
        if due is None and self.timing.is_paused(self.now):
            return Result(PAUSED)
        return Result(DUE if check else RUNNING)


def _contradicts(old: Result, new: Result) -> bool:
    """A late clock that stops at last is only completed; anything else changes what was said."""
    if old.state == new.state and old.stopped_at is None:
        return old.breached_at != new.breached_at
    return (old.state, old.stopped_at, old.breached_at) != (new.state, new.stopped_at, new.breached_at)


def _plans(rule: Rule, start: Start, journey: JourneyData) -> Iterator[_Learned]:
    """The times of the event that a target must come before."""
    if rule.target.kind == "before":
        for learned_at, key, at in meeting_plans(journey):
            ahead = at if at is not None and at >= start.at else None
            yield _Learned(learned_at, 0, partial(_Walk.plan, key=key, at=ahead, learned_at=learned_at))


def _proofs(
    rule: Rule, start: Start, journey: JourneyData, owned: Sequence[Holding], batch: Batch, staff: Staff
) -> Iterator[_Learned]:
    for proof in _stops(rule, start, journey, owned, batch, staff):
        yield _Learned(proof.learned_at, 1, partial(_Walk.gain, proof=proof), proof.event)
        if proof.lost_at is not None:
            yield _Learned(proof.lost_at, 2, partial(_Walk.lose, proof=proof), proof.lost_by)


def _stops(
    rule: Rule, start: Start, journey: JourneyData, owned: Sequence[Holding], batch: Batch, staff: Staff
) -> Iterator[Proof]:
    kind, subject = rule.stop
    if kind == "owner_in_team":
        yield from _owners(subject, start, owned, staff)
    elif kind == "touch_by_team":
        # Salesforce keeps whole seconds: a touch in the second of the start came after it.
        second = start.at.replace(microsecond=0)
        for touch in touches(journey, subject, batch, staff):
            if touch.at >= second:
                yield replace(touch, at=max(touch.at, start.at))
    else:
        for event in journey.events:
            what = HANDOFF_STOPS[kind].get(event.kind)
            if what and event.data.get("template") == subject and event.occurred_at >= start.at:
                yield Proof(event.occurred_at, event.observed_at, event, what, person_id=event.actor_id)


HANDOFF_STOPS: Mapping[str, Mapping[str, str]] = {
    "handoff_sent": {"handoff.sent": "Handoff sent"},
    "handoff_answered": {"handoff.accepted": "Handoff accepted", "handoff.sent_back": "Handoff sent back"},
}


def _owners(team: str, start: Start, owned: Sequence[Holding], staff: Staff) -> Iterator[Proof]:
    """The moments from which somebody of the team owns it; right from the start counts."""
    for i, held in enumerate(owned):
        ends = owned[i + 1].begin if i + 1 < len(owned) else None
        at = max(held.begin, start.at)
        if held.person_id is None or (ends is not None and ends <= start.at):
            continue
        if staff.team_at(held.person_id, at) == team:
            learned_at = max(held.learned_at, start.learned_at)
            yield Proof(at, learned_at, held.event, "Owner set", held.name, held.person_id)


def _lives(record: RecordData) -> Iterator[_Learned]:
    for event in record.events:
        if event.kind in (DELETED, RESTORED):
            at = event.occurred_at if event.kind == DELETED else None
            yield _Learned(event.observed_at, 3, partial(_Walk.live, deleted_at=at), event)


def _cancels(record: RecordData, start: Start, conditions: Conditions) -> Iterator[_Learned]:
    """What calls the clock off: the first spell that lasts into it or begins in it."""
    spells: Sequence[Spell] = conditions.cancels(record)
    for spell in spells:
        if spell.end is None or spell.end > start.at:
            at, learned_at = max(spell.begin, start.at), max(spell.learned_at, start.learned_at)
            yield _Learned(learned_at, 3, partial(_Walk.cancel, at=at, because=spell.because), spell.event)


def _checks(journey: JourneyData, clock_id: uuid.UUID) -> Iterator[_Learned]:
    """The askings for this clock's evidence, and the last answer to each."""
    askings = [e for e in journey.events if e.kind == CLOCK_DUE and e.data.get("clock") == str(clock_id)]
    if not askings:
        return
    answers = {str(e.data.get("request")): e for e in journey.events if e.kind == VERIFIED}
    members = {str(r.id): r for r in journey.records}
    for event in askings:
        asked = Check(event.observed_at)
        yield _Learned(asked.asked_at, 4, partial(_Walk.ask, check=asked))
        # A record that has left the journey since owes us no answer.
        wanted = [(members[pk], key) for pk, key in event.data["requests"].items() if pk in members]
        if wanted and all(key in answers for _, key in wanted):
            done = replace(asked, answers=tuple(sorted(_answer(r, answers[key]) for r, key in wanted)))
            yield _Learned(done.done_at or asked.asked_at, 5, partial(_Walk.ask, check=done))


def _answer(record: RecordData, event: EventData) -> Answer:
    return Answer(event.observed_at, record.connection, event.data.get("outcome") == READABLE)
