"""The clock fold: from one journey's events and the rules in force to its clocks (pure).

A clock is concluded in the order in which we *learned* of things, so a finished result never rewrites itself: what is
learned later, and would have changed it, becomes a correction. A live clock is late only once its evidence has been
read again; history is measured from all that is known, and nobody is told. Its parts stand in ``slas.folding``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from records.ids import derive_id
from records.journey_data import Batch, EventData, JourneyData, RecordData
from records.kinds import DELETED, MERGED, RESTORED, VERIFIED
from slas.conditions import Conditions, Spell
from slas.evidence import Holding, holdings, meeting_plans
from slas.folding.clock import (
    BREACHED,
    CANCELLED,
    DUE,
    LATE,
    MET,
    NOT_VERIFIED,
    PAUSED,
    READABLE,
    RUNNING,
    SEEN_LATE,
    WITHDRAWN,
    Answer,
    Check,
    ClockData,
    CorrectionData,
    Result,
    Retarget,
    Start,
)
from slas.folding.setting import Case, Entered, Move, Setting, Unread
from slas.folding.stops import ACTS, could_prove, look_at, stops
from slas.folding.tiers import admitted
from slas.folding.timing import Timing
from slas.folding.walk import Learned, Walk
from slas.hands import Pause, covered, with_acceptance
from slas.kinds import CLOCK_DUE, CLOCK_STARTED
from slas.rules import Rule, RuleHistory, RuleVersion
from slas.split import CUSTOMER, Segment, holder_at, party_of, split
from slas.staff import Staff

__all__ = [
    "BREACHED",
    "CANCELLED",
    "DUE",
    "LATE",
    "MET",
    "NOT_VERIFIED",
    "PAUSED",
    "RUNNING",
    "SEEN_LATE",
    "WITHDRAWN",
    "Answer",
    "Check",
    "ClockData",
    "ConditionsOf",
    "CorrectionData",
    "Entered",
    "Result",
    "Retarget",
    "Setting",
    "Start",
    "Unread",
    "fold_clocks",
    "segments_until",
]

ConditionsOf = Callable[[Rule, RecordData, datetime], Conditions]
"""(rule, subject, start) -> what pauses a clock, calls it off, lets it start and gives it its time."""

StartsOf = Callable[[JourneyData, Rule], Iterable[Start]]


def fold_clocks(
    journey: JourneyData,
    rules: Sequence[RuleHistory],
    starts: StartsOf,
    batch: Batch,
    staff: Staff,
    conditions: ConditionsOf,
    setting: Setting | None = None,
) -> list[ClockData]:
    """All clocks of a journey, one per rule and start; a clock keeps the rule that was in force at its start.

    Only the time and the steps of a later version hold for it, and only where that version says so."""
    found = []
    owned: dict[uuid.UUID, list[Holding]] = {}
    setting = setting or Setting()
    for history in rules:
        for version in history.versions:
            for told in starts(journey, version.rule):
                record = journey.record(told.record_id)
                if record is None or history.at(told.at) is not version:
                    continue
                when = conditions(version.rule, record, told.at)
                start = admitted(told, record, when.where)
                if start is None or (when.where is None and version.rule.where is not None):
                    continue
                is_measured = is_measured_only(start, record) and not _is_started(
                    journey, version.rule, record, start
                )
                if is_measured and version.rule.stop[0] in ACTS:
                    continue
                if record.id not in owned:
                    owned[record.id] = holdings(journey, record, batch, staff)
                rule = version.rule
                holders = with_acceptance(rule, start.event, owned[record.id], staff)
                moves = () if is_measured else _moves(history, version, record, start, conditions)
                case = Case(journey, record, rule, start, holders, batch, staff, when, setting, moves)
                found.append(_fold_one(case, version, is_measured=is_measured))
    return found


def _moves(
    history: RuleHistory, version: RuleVersion, record: RecordData, start: Start, conditions: ConditionsOf
) -> tuple[Move, ...]:
    """What moves the open clocks of a version. A target before an event neither moves nor is moved to."""
    later = [v for v in history.versions if v.since > version.since and v.rule.moves_open]
    if not later or _waits_for_event(version.rule):
        return ()
    return tuple(
        Move(v.since, v.id, version.rule.moved_to(v.rule), conditions(v.rule, record, start.at))
        for v in later
        if not _waits_for_event(v.rule)
    )


def _waits_for_event(rule: Rule) -> bool:
    return any(target.kind == "before" for target in (rule.target, *(tier.target for tier in rule.targets)))


def is_measured_only(start: Start, record: RecordData) -> bool:
    """Before go-live, and one of many that a machine made at once: measured, and nobody is told."""
    return record.go_live_at is None or start.at < record.go_live_at or start.is_bulk


def segments_until(
    record: RecordData,
    rule: Rule,
    start: datetime,
    end: datetime,
    owned: Sequence[Holding],
    staff: Staff,
    conditions: Conditions,
) -> list[Segment]:
    """Who had it from ``start`` to ``end``; what a page shows of a clock that has not stopped."""
    pauses = [
        Pause(spell.begin, spell.learned_at, spell.end, spell.end_learned_at, spell.because)
        for spell in conditions.pauses(record)
    ]
    return list(split(rule, start, end, owned, staff, pauses=pauses))


def _is_started(journey: JourneyData, rule: Rule, record: RecordData, start: Start) -> bool:
    """Whether somebody said that this clock shall run, though it would only be measured."""
    told = [e for e in journey.events if e.kind == CLOCK_STARTED]
    if not told:
        return False
    clock_id = str(derive_id("clock", rule.key, record.key, start.key))
    return any(e.data.get("clock") == clock_id for e in told)


def _fold_one(case: Case, version: RuleVersion, *, is_measured: bool) -> ClockData:
    start, record, staff, now = case.start, case.record, case.staff, case.batch.now
    clock_id = derive_id("clock", case.rule.key, record.key, start.key)
    timing = Timing(case)
    measured_only = case.setting.measures_all or is_measured
    walk = Walk(
        clock_id=clock_id,
        timing=timing,
        is_measured_only=measured_only,
        due_at=timing.due_at(start.learned_at),
        told_at=start.learned_at,
        no_data=_no_data(case) if measured_only else (),
    )
    walk.through(
        [
            *_plans(case),
            *_turns(timing),
            *_proofs(case),
            *_lives(case),
            *_cancels(case),
            *_checks(case, clock_id),
        ]
    )
    result = walk.result
    end = result.stopped_at or now
    # What is learned after the end moves nothing in a finished clock.
    known_at = max(result.stop.learned_at, start.learned_at) if result.stop else now
    rule = timing.rule(walk.told_at)
    holder = holder_at(case.owned, max(end, start.at))
    if holder is not None:
        holder, _ = covered(holder, staff, end, known_at)
    # The hours that the due time was last counted by: an edit of hours that moves nothing is no change of the clock.
    counted_at = min(known_at, walk.due_learned_at or start.learned_at)
    hand = timing.hand_at(end, counted_at) if rule.target.needs_calendar else None
    segments = (
        split(rule, start.at, end, case.owned, staff, pauses=timing.pauses, known_at=known_at)
        if result.stopped_at
        else ()
    )
    chosen = timing.chosen(walk.told_at)
    check = walk.check
    return ClockData(
        id=clock_id,
        rule=rule,
        rule_version_id=version.id,
        calendar_version_id=hand.version if hand else None,
        start=start,
        due_at=walk.due_at,
        result=result,
        is_measured_only=measured_only,
        holder=holder,
        has_it=CUSTOMER if result.state == PAUSED else party_of(rule, holder, end, staff),
        segments=tuple(segments),
        check=check,
        corrections=tuple(walk.corrections),
        retargets=tuple(walk.retargets),
        plan=timing.plan(walk.due_at, known_at, walk.told_at),
        is_given_up=walk.cancelled_at is not None or walk.deleted_at is not None,
        moved_by=timing.moved_by(walk.told_at),
        tier=chosen.tier.name,
        tier_unknown=chosen.unknown,
        touches=tuple(walk.counted) if rule.stop[0] == "touch_by_team" and rule.at_least > 1 else (),
        no_data=_told_no_data(result, walk),
        look_at=look_at(case) if result.stopped_at is None else None,
    )


def _told_no_data(result: Result, walk: Walk) -> tuple[str, ...]:
    if result.state != NOT_VERIFIED:
        return ()
    return walk.no_data or (walk.check.no_data if walk.check else ())


def _no_data(case: Case) -> tuple[str, ...]:
    """The sources that could have told of a touch in the past, if none of them ever could; else nothing is missing.

    That reading fails just now says nothing of history: it will be read."""
    if not case.rule.needs_activities:
        return ()
    sources = dict.fromkeys(r.connection for r in case.journey.records if r.object != "activity")
    blind = [u for name in sources if (u := case.setting.unread.get(name)) and u.since is None]
    return tuple(u.label for u in blind) if len(blind) == len(sources) else ()


# --- what was learned, and when --------------------------------------------------------------------------------


def _plans(case: Case) -> Iterator[Learned]:
    """The times of the event that a target must come before."""
    if case.rule.target.kind == "before":
        for learned_at, key, at in meeting_plans(case.journey):
            ahead = at if at is not None and at >= case.start.at else None
            yield Learned(learned_at, 0, partial(Walk.plan, key=key, at=ahead, learned_at=learned_at))


def _turns(timing: Timing) -> Iterator[Learned]:
    for at in timing.turns():
        yield Learned(at, 0, partial(Walk.retarget, at=at))


def _proofs(case: Case) -> Iterator[Learned]:
    for proof in stops(case):
        yield Learned(proof.learned_at, 1, partial(Walk.gain, proof=proof), proof.event)
        if proof.lost_at is not None:
            yield Learned(proof.lost_at, 2, partial(Walk.lose, proof=proof), proof.lost_by)


def _lives(case: Case) -> Iterator[Learned]:
    for event in case.record.events:
        if event.kind in (DELETED, MERGED, RESTORED):
            at = None if event.kind == RESTORED else max(event.occurred_at, case.start.at)
            because = f"merged into {event.data.get('into')}" if event.kind == MERGED else ""
            yield Learned(event.observed_at, 3, partial(Walk.live, deleted_at=at, because=because), event)


def _cancels(case: Case) -> Iterator[Learned]:
    """What calls the clock off: the first spell that lasts into it or begins in it, and the end of its pass."""
    start = case.start
    spells: Sequence[Spell] = [*case.conditions.cancels(case.record), *start.calls_off]
    for spell in spells:
        if spell.end is None or spell.end > start.at:
            at, learned_at = max(spell.begin, start.at), max(spell.learned_at, start.learned_at)
            yield Learned(learned_at, 3, partial(Walk.cancel, at=at, because=spell.because), spell.event)


def _checks(case: Case, clock_id: uuid.UUID) -> Iterator[Learned]:
    """The askings for this clock's evidence, and the last answer to each."""
    events = case.journey.events
    askings = [e for e in events if e.kind == CLOCK_DUE and e.data.get("clock") == str(clock_id)]
    if not askings:
        return
    answers = {str(e.data.get("request")): e for e in events if e.kind == VERIFIED}
    members = {str(r.id): r for r in case.journey.records}
    for event in askings:
        asked = Check(event.observed_at, no_data=tuple(event.data.get("no_data") or ()))
        yield Learned(asked.asked_at, 4, partial(Walk.ask, check=asked))
        # A record that has left the journey since owes us no answer.
        wanted = [(members[pk], key) for pk, key in event.data["requests"].items() if pk in members]
        if wanted and all(key in answers for _, key in wanted):
            told = tuple(sorted(_answer(case, r, answers[key]) for r, key in wanted))
            done = Check(asked.asked_at, told, asked.no_data)
            yield Learned(done.done_at or asked.asked_at, 5, partial(Walk.ask, check=done))


def _answer(case: Case, record: RecordData, event: EventData) -> Answer:
    was_read = event.data.get("outcome") == READABLE
    return Answer(
        event.observed_at, record.connection, was_read and could_prove(case, record, event.observed_at)
    )
