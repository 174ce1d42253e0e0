"""Clocks of a batch: load, fold, write what differs, tell people once. What falls due by time: ``slas.due``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q

from definitions.in_force import TypedModel, load_typed_model
from records.derived import write_derived, write_differences
from records.journey_data import Batch, EventData, JourneyData
from records.services import touch
from records.stored import Where, rows_where
from slas.appeals import rows as appeals
from slas.due import forget_noticed
from slas.escalation import StepsOfBatch
from slas.evidence import NOBODY
from slas.fold import LATE, ClockData, Setting, fold_clocks
from slas.folding.starts import Starts
from slas.in_force import (
    ConditionsInForce,
    load_conditions,
    load_rules,
    load_staff,
    load_team_ids,
    load_touches,
)
from slas.looks import LOOK_AT, look_text
from slas.models import Clock, Correction, NoticedAbsence
from slas.rules import RuleHistory
from slas.sources import load_readable, load_unread
from slas.staff import Staff
from slas.start_questions import ask_of_bulk
from slas.starts import fold_neighbours, load_starts, remember_signals
from teams.models import Absence

CLOCK_FIELDS = (
    "rule", "calendar", "journey", "record", "start_event", "started_at", "due_at", "state", "stopped_at",
    "stop_event", "breached_at", "is_measured_only", "has_it", "owner", "team", "segments", "receipt", "next_step_at",
)  # fmt: skip
CORRECTION_FIELDS = ("old", "new", "cause", "corrected_at")


# --- concluding ------------------------------------------------------------------------------------------------


def refresh(batch: Batch) -> None:
    """Fold the clocks of every journey of the batch and write the differences, in a constant number of queries."""
    typed = batch.once(load_typed_model)
    teams = batch.once(load_team_ids)
    staff, rules = batch.once(load_staff, typed.versions), batch.once(load_rules, typed.versions)
    starts = load_starts(batch, typed, rules)
    conditions = batch.once(load_conditions, typed)
    folded = _fold(batch, typed, staff, rules, starts, conditions=conditions)
    # What a signal has just started is remembered first, and stands from the next conclusion on.
    fresh = remember_signals([clock for _, clock in folded], batch.now)
    folded = [(journey, clock) for journey, clock in folded if clock.id not in fresh]
    ids = {clock.id for _, clock in folded}
    # Those of a record that came from another journey stand there until now.
    scope = Where("journey_id = ANY (%s) OR id = ANY (%s)", (list(batch.journeys), list(ids)))
    stored = rows_where(Clock, scope)
    late_before = {row.pk for row in stored if row.state in LATE and row.pk in ids}
    steps = StepsOfBatch([clock for _, clock in folded], late_before, batch.now)
    rows = [_row(journey, clock, teams, steps.next_at(clock)) for journey, clock in folded]
    batch.stand(Clock, write_differences(Clock, rows, stored, fields=CLOCK_FIELDS).stands)
    corrections = [row for _, clock in folded for row in _correction_rows(clock)]
    if stored or corrections:
        write_derived(
            Correction,
            corrections,
            fields=CORRECTION_FIELDS,
            scope=Where("clock_id = ANY (%s)", ([row.pk for row in stored],)),
        )
    forget_noticed(ids)
    appeals.refresh(batch, ids, [row.pk for row in stored])
    steps.take(staff)
    fold_neighbours(batch, starts, rules, batch.now)
    ask_of_bulk(folded, batch.now)


def fold_batch(
    batch: Batch,
    typed: TypedModel,
    staff: Staff,
    rules: Sequence[RuleHistory] | None = None,
    *,
    measures_all: bool = False,
) -> list[tuple[JourneyData, ClockData]]:
    """Every clock of a batch by this model and these people and hours, or by ``rules`` alone; nothing is written.

    ``measures_all``: told from all that is known, without waiting for a CRM to be read again."""
    rules = load_rules(typed.versions) if rules is None else rules
    return _fold(batch, typed, staff, rules, load_starts(batch, typed, rules), measures_all=measures_all)


def _fold(
    batch: Batch,
    typed: TypedModel,
    staff: Staff,
    rules: Sequence[RuleHistory],
    starts: Starts,
    *,
    measures_all: bool = False,
    conditions: ConditionsInForce | None = None,
) -> list[tuple[JourneyData, ClockData]]:
    conditions = conditions or ConditionsInForce(typed)
    unread = load_unread(batch.once(load_readable))
    setting = Setting(batch.once(load_touches, typed.versions), unread, starts.entered, measures_all)
    return [
        (journey, clock)
        for journey in batch.journeys.values()
        for clock in fold_clocks(journey, rules, starts, batch, staff, conditions, setting)
    ]


def _row(
    journey: JourneyData, clock: ClockData, teams: Mapping[str, int], next_step_at: datetime | None
) -> Clock:
    result, holder = clock.result, clock.holder
    return Clock(
        pk=clock.id,
        rule_key=clock.rule.key,
        rule_id=clock.rule_version_id,
        calendar_id=clock.calendar_version_id,
        journey_id=journey.id,
        record_id=clock.start.record_id,
        start_event_id=_start_event(clock).id,
        started_at=clock.start.at,
        due_at=clock.due_at,
        state=result.state,
        stopped_at=result.stopped_at,
        stop_event_id=result.stop.event.id if result.stop else None,
        breached_at=result.breached_at,
        is_measured_only=clock.is_measured_only,
        has_it=clock.has_it,
        owner_id=holder.person_id if holder else None,
        team_id=teams.get(clock.rule.acting_team),
        segments=[s.as_json() for s in clock.segments],
        receipt=_receipt(clock),
        next_step_at=next_step_at,
    )


def _start_event(clock: ClockData) -> EventData:
    """Raises ValueError for a signal that nobody has written down yet."""
    if clock.start.event is None:
        raise ValueError(f"clock {clock.id} started on nothing in the log")
    return clock.start.event


def _receipt(clock: ClockData) -> dict[str, Any]:
    """What the explanation says beyond the columns. ``stop.by`` is a person's id or null, ``who`` the CRM's name."""
    stop, check = clock.result.stop, clock.check
    return {
        "holder": clock.holder.name if clock.holder else NOBODY,
        "is_exact": clock.start.is_exact,
        "start": {"what": clock.start.what, "in": clock.start.source, "is_bulk": clock.start.is_bulk},
        "tier": clock.tier,
        "tier_unknown": list(clock.tier_unknown),
        **({"moved_by": clock.moved_by} if clock.moved_by is not None else {}),
        "touches": [
            {
                "at": t.at.isoformat(),
                "what": t.what,
                "who": t.who,
                "by": t.person_id,
                "in": t.event.connection,
            }
            for t in clock.touches
        ],
        "no_data": list(clock.no_data),
        **({LOOK_AT: look_text(clock.look_at)} if clock.look_at else {}),
        "because": clock.result.because,
        "retargets": [
            {"at": r.at.isoformat(), "old": r.old and r.old.isoformat(), "new": r.new and r.new.isoformat()}
            for r in clock.retargets
        ],
        "stop": stop
        and {"what": stop.what, "who": stop.who, "by": stop.person_id, "in": stop.event.connection},
        "read_again": [
            {"in": answer.connection, "at": answer.at.isoformat(), "was_readable": answer.was_readable}
            for answer in (check.answers if check else ())
        ],
    }


def _correction_rows(clock: ClockData) -> list[Correction]:
    return [
        Correction(
            key=c.id,
            clock_id=clock.id,
            old=dict(c.old),
            new=dict(c.new),
            cause_id=c.cause.id,
            corrected_at=c.at,
        )
        for c in clock.corrections
    ]


# --- what people's absences move ---------------------------------------------------------------------------


def notice_absences(now: datetime) -> int:
    """Touch the open clocks of people whose absence was written down, has begun or has ended. Returns absences seen.

    Running it twice, or two at once, only folds again."""
    with transaction.atomic():
        seen = list(
            Absence.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(_has_turned(now))
            .order_by("pk")[: settings.GTMOPS.tick_batch]
        )
        people = {pk for row in seen for pk in (row.person_id, row.cover_id) if pk is not None}
        records = Clock.objects.filter(owner__in=people, state__in=Clock.OPEN).values_list(
            "record", flat=True
        )
        touch(records, now)
        NoticedAbsence.objects.bulk_create(
            [NoticedAbsence(absence=row, at=now) for row in seen],
            update_conflicts=True,
            unique_fields=["absence"],
            update_fields=["at"],
        )
    return len(seen)


def next_absence(now: datetime) -> datetime | None:
    """When the next absence begins or ends; now for one that nobody has noticed yet."""
    if Absence.objects.filter(_has_turned(now)).exists():
        return now
    ahead = Absence.objects.filter(withdrawn_at=None).aggregate(
        begins=Min("starts_at", filter=Q(starts_at__gt=now)), ends=Min("ends_at", filter=Q(ends_at__gt=now))
    )
    return min((at for at in ahead.values() if at is not None), default=None)


def _has_turned(now: datetime) -> Q:
    turned = Q(noticed=None)
    for name in ("starts_at", "ends_at", "withdrawn_at"):
        turned |= Q(**{f"{name}__lte": now, f"{name}__gt": F("noticed__at")})
    return turned
