"""The clock fold: from one journey's events and the rules in force to its clocks (pure).

A clock is concluded in the order in which we *learned* of things, so a finished result never rewrites itself: what is
learned later, and would have changed it, becomes a correction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from records.ids import derive_id
from records.journey_data import Batch, EventData, JourneyData, RecordData
from records.kinds import VERIFIED
from slas.evidence import Holding, Proof, holdings, meetings, touches
from slas.rules import Rule, RuleHistory
from slas.split import Segment, split
from slas.staff import Staff

RUNNING, DUE, MET, BREACHED = "running", "due", "met", "breached"
NOT_VERIFIED, WITHDRAWN, CANCELLED, SEEN_LATE = (
    "breached_not_verified", "withdrawn", "cancelled", "seen_late",
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """What started a clock: an event of a subject record."""

    event: EventData
    record_id: uuid.UUID
    at: datetime
    words: str
    is_exact: bool = True


@dataclass(frozen=True)
class Result:
    """How a clock stands. Both times are UTC; ``breached_at`` is the due time, never when we noticed."""

    state: str
    stopped_at: datetime | None = None
    stop: Proof | None = None
    breached_at: datetime | None = None
    verified_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "stopped_at": self.stopped_at.isoformat() if self.stopped_at else None,
            "breached_at": self.breached_at.isoformat() if self.breached_at else None,
        }


@dataclass(frozen=True)
class CorrectionData:
    id: uuid.UUID
    old: dict[str, Any]
    new: dict[str, Any]
    cause: EventData
    at: datetime


@dataclass(frozen=True)
class ClockData:
    """A folded clock; ``services`` writes it as a row."""

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
    corrections: tuple[CorrectionData, ...]
    readable: tuple[uuid.UUID, ...] = field(default=(), repr=False)


def fold_clocks(
    journey: JourneyData,
    rules: Sequence[RuleHistory],
    starts: Callable[[JourneyData, Rule], Iterable[Start]],
    batch: Batch,
    staff: Staff,
) -> list[ClockData]:
    """All clocks of a journey, one per rule and start; a clock keeps the rule that was in force at its start."""
    found = []
    for history in rules:
        for start in starts(journey, history.newest):
            in_force = history.at(start.at)
            record = journey.record(start.record_id)
            if in_force is not None and record is not None:
                found.append(_fold_one(journey, record, *in_force, start, batch, staff))
    return found


def request_prefix(clock_id: uuid.UUID, due_at: datetime) -> str:
    """The stem of the keys under which evidence is asked for when a clock falls due."""
    return f"clock:{clock_id}:{int(due_at.timestamp())}"


def _fold_one(
    journey: JourneyData,
    record: RecordData,
    version_id: int,
    rule: Rule,
    start: Start,
    batch: Batch,
    staff: Staff,
) -> ClockData:
    clock_id = derive_id("clock", rule.key, record.key, start.event.key)
    owned = holdings(journey, record, batch, staff)
    calendar = staff.calendar_at(rule.acting_team, start.at)
    due_at = _due_at(rule, start, journey, calendar)
    is_measured_only = record.go_live_at is None or start.at < record.go_live_at
    readable = tuple(r.id for r in journey.of("person") if r.go_live_at is not None)
    proofs = list(_stops(rule, start, journey, owned, batch, staff))
    checks = _checks(journey, clock_id, due_at, readable)
    result, corrections = _conclude(
        clock_id, record, rule, start, due_at, proofs, checks, is_measured_only, batch.now
    )
    end = result.stopped_at or batch.now
    holder = _holder_at(owned, end)
    segments = tuple(split(rule, start.at, end, owned, staff)) if result.stopped_at else ()
    return ClockData(
        id=clock_id,
        rule=rule,
        rule_version_id=version_id,
        calendar_version_id=calendar[0] if calendar and rule.target.kind == "business" else None,
        start=start,
        due_at=due_at,
        result=result,
        is_measured_only=is_measured_only,
        holder=holder,
        has_it=_party(rule, holder, end, staff),
        segments=segments,
        corrections=tuple(corrections),
        readable=readable,
    )


def _due_at(rule: Rule, start: Start, journey: JourneyData, calendar: Any) -> datetime | None:
    """Null while the event it must come before has no time; a business target without a calendar has none either."""
    if rule.target.kind == "elapsed":
        return start.at + timedelta(seconds=rule.target.seconds)
    if rule.target.kind == "business":
        return calendar[1].add(start.at, rule.target.seconds) if calendar else None
    return next((at for at, _ in meetings(journey) if at >= start.at), None)


def _stops(
    rule: Rule, start: Start, journey: JourneyData, owned: Sequence[Holding], batch: Batch, staff: Staff
) -> Iterator[Proof]:
    kind, subject = rule.stop
    if kind == "owner_in_team":
        for i, held in enumerate(owned):
            ends = owned[i + 1].begin if i + 1 < len(owned) else None
            if held.person_id is None or held.event is None or (ends and ends <= start.at):
                continue
            at = max(held.begin, start.at)
            if staff.team_at(held.person_id, at) == subject:
                learned = max(held.learned_at, start.event.observed_at)
                yield Proof(at, learned, held.event, f"{held.name} owns it")
    elif kind == "touch_by_team":
        for proof in touches(journey, subject, batch, staff):
            if proof.at >= start.at:
                yield proof
    else:
        wanted = {
            "handoff_sent": ("handoff.sent",),
            "handoff_answered": ("handoff.accepted", "handoff.sent_back"),
        }
        for event in journey.events:
            if (
                event.kind in wanted[kind]
                and event.data.get("template") == subject
                and event.occurred_at >= start.at
            ):
                yield Proof(
                    event.occurred_at,
                    event.observed_at,
                    event,
                    event.kind.replace(".", " ").replace("_", " "),
                )


@dataclass(frozen=True)
class _Check:
    """All evidence was asked for; the last answer came at ``at``."""

    at: datetime
    was_readable: bool


def _checks(
    journey: JourneyData, clock_id: uuid.UUID, due_at: datetime | None, readable: Sequence[uuid.UUID]
) -> list[_Check]:
    if due_at is None:
        return []
    stem = request_prefix(clock_id, due_at)
    answers = {
        e.record_id: e
        for e in journey.events
        if e.kind == VERIFIED and str(e.data.get("request", "")).startswith(stem)
    }
    if not readable or any(pk not in answers for pk in readable):
        return []
    events = [answers[pk] for pk in readable]
    return [_Check(max(e.observed_at for e in events), all(e.data.get("outcome") == "read" for e in events))]


def _conclude(
    clock_id: uuid.UUID,
    record: RecordData,
    rule: Rule,
    start: Start,
    due_at: datetime | None,
    proofs: Sequence[Proof],
    checks: Sequence[_Check],
    is_measured_only: bool,
    now: datetime,
) -> tuple[Result, list[CorrectionData]]:
    """Walk what we learned in the order we learned it."""
    late_start = due_at is not None and start.event.observed_at > due_at and not is_measured_only
    learned: list[tuple[datetime, int, datetime, str, Proof | _Check]] = [
        # History was never announced, so it is read in the order in which it happened.
        *((p.at if is_measured_only else p.learned_at, 0, p.at, p.event.key, p) for p in proofs),
        *((c.at, 1, c.at, "", c) for c in checks),
    ]
    learned.sort(key=lambda item: item[:4])
    result: Result | None = None
    corrections: list[CorrectionData] = []
    for _, _, _, _, item in learned:
        if isinstance(item, _Check):
            if result is None and due_at is not None and not late_start:
                result = Result(
                    BREACHED if item.was_readable else NOT_VERIFIED,
                    breached_at=due_at,
                    verified_at=item.at,
                )
            continue
        better = _stopped(item, due_at, late_start)
        if result is None:
            result = better
        elif result.stopped_at is None:
            # A breach was announced before this proof reached us.
            if due_at is not None and item.at <= due_at:
                new = replace(better, state=WITHDRAWN, verified_at=result.verified_at)
                corrections.append(_correction(clock_id, result, new, item))
                result = new
            else:
                result = replace(result, stopped_at=item.at, stop=item)
        elif item.at < result.stopped_at:
            new = replace(better, verified_at=result.verified_at)
            if result.breached_at is not None and new.breached_at is None:
                new = replace(new, state=WITHDRAWN)
            corrections.append(_correction(clock_id, result, new, item))
            result = new
    if result is not None:
        return result, corrections
    if record.deleted_at is not None:
        return Result(CANCELLED, stopped_at=record.deleted_at), corrections
    if due_at is None or now < due_at:
        return Result(RUNNING), corrections
    if is_measured_only:
        return Result(BREACHED, breached_at=due_at), corrections
    return Result(SEEN_LATE if late_start else DUE, breached_at=None), corrections


def _stopped(proof: Proof, due_at: datetime | None, late_start: bool) -> Result:
    if due_at is None or proof.at <= due_at:
        return Result(MET, stopped_at=proof.at, stop=proof)
    if late_start:
        return Result(SEEN_LATE, stopped_at=proof.at, stop=proof)
    return Result(BREACHED, stopped_at=proof.at, stop=proof, breached_at=due_at)


def _correction(clock_id: uuid.UUID, old: Result, new: Result, proof: Proof) -> CorrectionData:
    return CorrectionData(
        derive_id("correction", str(clock_id), proof.event.key),
        old.as_json(),
        new.as_json(),
        proof.event,
        proof.learned_at,
    )


def _holder_at(owned: Sequence[Holding], at: datetime) -> Holding | None:
    return next((h for h in reversed(owned) if h.begin <= at), None)


def _party(rule: Rule, holder: Holding | None, at: datetime, staff: Staff) -> str:
    if holder is None or holder.person_id is None:
        return "system"
    team = staff.team_at(holder.person_id, at)
    return "sender" if team == rule.from_team else "receiver"
