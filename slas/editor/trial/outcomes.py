"""What would have become of the clocks of a rule, journey by journey; nothing is written.

All that is known today is taken as known at once: it is a measurement, and no CRM is read again for it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from definitions.in_force import TypedModel
from effects.policy import Planned
from records.journey_data import Batch, JourneyData, RecordData
from records.loading import load_batch
from records.models import Record
from slas.conditions import Conditions
from slas.counting import InHands
from slas.escalation.roster import Roster
from slas.evidence import NOBODY, holdings
from slas.fold import CANCELLED, MET, WITHDRAWN, ClockData, is_measured_only
from slas.folding.clock import LATE
from slas.hands import Pause, hands, with_acceptance
from slas.in_force import ConditionsInForce
from slas.rules import Rule, RuleHistory, RuleVersion
from slas.services import fold_batch
from slas.staff import Staff
from slas.steps import taken_until
from teams.models import Person

BY_DRAFT, AS_NOW = -1, -2
"""Ids of the versions that stand for the draft, and for what is in force all the time."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)

How = Literal["met", "late", "open", "off", "unseen"]
"""``open``: its time is not up. ``off``: no longer needed. ``unseen``: we learned of it only when its time was over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One clock as a rule would have had it. ``spent_seconds``: from the start to the stop, or to now, in the time the
    rule counts; None where nobody wrote down the hours. ``told``: the messages of its steps."""

    clock_id: uuid.UUID
    record_id: uuid.UUID
    how: How
    tier: str
    person_id: int | None
    holder: str
    team: str
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    spent_seconds: int | None
    told: tuple[Planned, ...] = ()


@dataclass(frozen=True)
class Setting:
    """What is the same for all journeys of a trial."""

    typed: TypedModel
    staff: Staff
    roster: Roster
    viewer: Person
    since: datetime
    until: datetime
    now: datetime


def outcomes_of(
    ids: Sequence[uuid.UUID], draft: Rule, held: Rule | None, setting: Setting
) -> tuple[list[Outcome], list[Outcome]]:
    """(by the draft, by what is in force) for clocks that start in [since, until) on records that the viewer may read.

    A constant number of queries."""
    readable = set(
        Record.objects.for_person(setting.viewer).filter(journey__in=ids).values_list("pk", flat=True)
    )
    batch = load_batch(ids, setting.now)
    rules = [_always(BY_DRAFT, draft)] + ([_always(AS_NOW, held)] if held is not None else [])
    folded = fold_batch(batch, setting.typed, setting.staff, rules, measures_all=True)
    conditions = ConditionsInForce(setting.typed)
    found: dict[int, list[Outcome]] = {BY_DRAFT: [], AS_NOW: []}
    for journey, clock in folded:
        record = journey.record(clock.start.record_id)
        if record is None or record.id not in readable:
            continue
        if setting.since <= clock.start.at < setting.until:
            asked = draft if clock.rule_version_id == BY_DRAFT or held is None else held
            when = conditions(asked, record, clock.start.at)
            found[clock.rule_version_id].append(_outcome(journey, record, clock, batch, when, setting))
    return found[BY_DRAFT], found[AS_NOW]


def _always(version: int, rule: Rule) -> RuleHistory:
    return RuleHistory((RuleVersion(version, rule, EVER),))


def _outcome(
    journey: JourneyData,
    record: RecordData,
    clock: ClockData,
    batch: Batch,
    conditions: Conditions,
    setting: Setting,
) -> Outcome:
    rule, result = clock.rule, clock.result
    how = _how(clock, is_live=not is_measured_only(clock.start, record))
    # Before go-live nobody was told; what is asked is how often they would have been.
    is_told = not clock.start.is_bulk and how != "unseen"
    end = result.stopped_at or setting.now
    return Outcome(
        clock_id=clock.id,
        record_id=record.id,
        how=how,
        tier=clock.tier,
        person_id=clock.holder.person_id if clock.holder else None,
        holder=clock.holder.name if clock.holder else NOBODY,
        team=rule.acting_team,
        started_at=clock.start.at,
        due_at=clock.due_at,
        stopped_at=result.stopped_at,
        spent_seconds=_spent(journey, record, clock, end, batch, conditions, setting.staff),
        told=tuple(_messages(clock, record, setting)) if is_told else (),
    )


def _how(clock: ClockData, *, is_live: bool) -> How:
    state = clock.result.state
    if state == CANCELLED:
        return "off"
    if state in (MET, WITHDRAWN):
        return "met"
    if state not in LATE or clock.due_at is None:
        return "open"
    # What we learned of only when its time was over can't be held against anybody.
    learned_at = max([clock.start.learned_at, *(r.at for r in clock.retargets if r.new == clock.due_at)])
    return "unseen" if is_live and learned_at > clock.due_at else "late"


def _spent(
    journey: JourneyData,
    record: RecordData,
    clock: ClockData,
    end: datetime,
    batch: Batch,
    conditions: Conditions,
    staff: Staff,
) -> int | None:
    rule, start = clock.rule, clock.start.at
    if end < start:
        return None
    pauses = [
        Pause(s.begin, s.learned_at, s.end, s.end_learned_at, s.because) for s in conditions.pauses(record)
    ]
    if not rule.target.needs_calendar:
        return InHands(rule, (), pauses).seconds(start, end)
    region = str(record.value_at("region", start)[1] or "")
    owned = with_acceptance(rule, clock.start.event, holdings(journey, record, batch, staff), staff)
    in_hands = hands(rule, start, owned, staff, batch.now, region)
    if any(hand.calendar is None and not hand.is_away for hand in in_hands if hand.begin < end):
        return None
    return InHands(rule, in_hands, pauses).seconds(start, end)


def _messages(clock: ClockData, record: RecordData, setting: Setting) -> list[Planned]:
    rule, unit = clock.rule, record.business_unit_id
    owner = clock.holder.person_id if clock.holder else None
    return [
        Planned(
            person,
            p.at,
            rule.key,
            channel,
            "warning" if p.step.when.is_warning else "late",
            p.step.at_any_hour,
        )
        for p in taken_until(clock.plan, clock.result.stopped_at, setting.until)
        if p.step.to
        for person in setting.roster.reached(
            p.step.to, owner=owner, acting=rule.acting_team, sender=rule.from_team, unit=unit
        )
        for channel in p.step.by
    ]
