"""Clocks of a batch: load, fold, write what differs, tell people once; and find what falls due by time."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q

from definitions.in_force import TypedModel, load_typed_model
from effects.tick import ring
from records.derived import write_derived
from records.journey_data import Batch, EventData, JourneyData
from records.models import Event, Record, RefreshRequest
from records.services import gtmops_connection, touch
from slas.appeals import rows as appeals
from slas.escalation import StepsOfBatch
from slas.evidence import NOBODY
from slas.fold import LATE, ClockData, Setting, fold_clocks
from slas.folding.starts import Starts
from slas.in_force import ConditionsInForce, load_rules, load_staff, load_touches, rule_of
from slas.kinds import CLOCK_DUE
from slas.looks import LOOK_AT, look_text
from slas.models import Clock, Correction, NoticedAbsence
from slas.rules import RuleHistory
from slas.sources import load_unread
from slas.staff import Staff
from slas.starts import fold_neighbours, load_starts, remember_signals
from teams.models import Absence, Team

CLOCK_FIELDS = (
    "rule", "calendar", "journey", "record", "start_event", "started_at", "due_at", "state", "stopped_at",
    "stop_event", "breached_at", "is_measured_only", "has_it", "owner", "team", "segments", "receipt", "next_step_at",
)  # fmt: skip
CORRECTION_FIELDS = ("old", "new", "cause", "corrected_at")


# --- concluding ------------------------------------------------------------------------------------------------


def refresh(batch: Batch) -> None:
    """Fold the clocks of every journey of the batch and write the differences, in a constant number of queries."""
    typed = load_typed_model()
    teams = dict(Team.objects.values_list("key", "pk"))
    staff, rules = load_staff(typed.versions), load_rules(typed.versions)
    starts = load_starts(batch, typed, rules)
    folded = _fold(batch, typed, staff, rules, starts)
    # What a signal has just started is remembered first, and stands from the next conclusion on.
    fresh = remember_signals([clock for _, clock in folded], batch.now)
    folded = [(journey, clock) for journey, clock in folded if clock.id not in fresh]
    ids = list(batch.journeys)
    late_before = set(
        Clock.objects.filter(pk__in=[c.id for _, c in folded], state__in=LATE).values_list("pk", flat=True)
    )
    steps = StepsOfBatch([clock for _, clock in folded], late_before, batch.now)
    write_derived(
        Clock,
        [_row(journey, clock, teams, steps.next_at(clock)) for journey, clock in folded],
        fields=CLOCK_FIELDS,
        scope=Q(journey_id__in=ids),
    )
    write_derived(
        Correction,
        [row for _, clock in folded for row in _correction_rows(clock)],
        fields=CORRECTION_FIELDS,
        scope=Q(clock__journey_id__in=ids),
    )
    appeals.refresh(batch, {clock.id for _, clock in folded})
    steps.take(staff)
    fold_neighbours(batch, starts, rules, batch.now)


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
) -> list[tuple[JourneyData, ClockData]]:
    conditions = ConditionsInForce(typed)
    setting = Setting(load_touches(typed.versions), load_unread(), starts.entered, measures_all)
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


# --- finding what is due ---------------------------------------------------------------------------------------


def due_clocks(now: datetime) -> int:
    """Mark clocks whose time has come, ask for their evidence, and touch their records. Returns clocks found.

    Nothing is decided here: the log remembers that it was asked, and the fold concludes from the answers. Running it
    twice, or two at once, changes nothing more.
    """
    with transaction.atomic():
        clocks = list(
            Clock.objects.falling_due(now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("rule")
            .order_by("due_at", "pk")[: settings.GTMOPS.tick_batch]
        )
        if not clocks:
            return 0
        Clock.objects.filter(pk__in=[c.pk for c in clocks]).update(state=Clock.State.DUE)
        # History needs no evidence: nobody is told of it.
        _ask_for_evidence([c for c in clocks if not c.is_measured_only], now)
        touch([c.record_id for c in clocks], now)
    return len(clocks)


def notice_absences(now: datetime) -> int:
    """Touch the open clocks of people whose absence was written down, has begun or has ended. Returns absences seen.

    Running it twice, or two at once, only folds again."""
    with transaction.atomic():
        seen = list(
            Absence.objects.select_for_update(skip_locked=True, of=("self",))
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


def next_due(now: datetime) -> datetime | None:
    """When the next running clock falls due."""
    found: datetime | None = Clock.objects.filter(state=Clock.State.RUNNING).aggregate(at=Min("due_at"))["at"]
    return found


def oldest_due_at() -> datetime | None:
    """The due time of the clock that has waited longest for a conclusion; for health."""
    waiting = Clock.objects.filter(state=Clock.State.DUE)
    found: datetime | None = waiting.aggregate(at=Min("due_at"))["at"]
    return found


def _ask_for_evidence(clocks: Sequence[Clock], now: datetime) -> None:
    """One request for the subject and each other live person record of its journey; once per clock and due time."""
    if not clocks:
        return
    people: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    rows = Record.objects.present().filter(
        journey_id__in={c.journey_id for c in clocks}, object="person", connection__go_live_at__isnull=False
    )
    for pk, journey in rows.order_by("pk").values_list("pk", "journey_id"):
        people[journey].append(pk)
    blind = _blind(clocks)
    gtmops = gtmops_connection()
    events, requests = [], []
    for clock in clocks:
        if clock.due_at is None:
            continue
        stem = f"clock:{clock.pk}:{clock.due_at:%Y%m%dT%H%M%S.%f}"
        wanted = dict.fromkeys([clock.record_id, *people[clock.journey_id]])
        keys = {pk: f"{stem}:{pk}" for pk in wanted}
        events.append(
            Event(
                connection=gtmops,
                external_key=f"{stem}:due",
                kind=CLOCK_DUE,
                record_id=clock.record_id,
                occurred_at=clock.due_at,
                observed_at=now,
                data={
                    "clock": str(clock.pk),
                    "requests": {str(pk): key for pk, key in keys.items()},
                    **({"no_data": blind[clock.pk]} if clock.pk in blind else {}),
                },
            )
        )
        requests += [
            RefreshRequest(
                key=key,
                record_id=pk,
                objects_wanted=list(rule_of(clock.rule).evidence),
                requested_at=now,
                next_try_at=now,
            )
            for pk, key in keys.items()
        ]
    Event.objects.bulk_create(events, ignore_conflicts=True)
    RefreshRequest.objects.bulk_create(requests, ignore_conflicts=True)
    ring("refresh")


def _blind(clocks: Sequence[Clock]) -> dict[uuid.UUID, list[str]]:
    """Clock -> labels of its buyer's sources, for those of which none can tell what was done; two or three queries."""
    asked = [clock for clock in clocks if rule_of(clock.rule).needs_activities]
    unread = load_unread() if asked else {}
    if not unread:
        return {}
    sources: dict[uuid.UUID | None, set[str]] = defaultdict(set)
    rows = Record.objects.filter(journey_id__in={c.journey_id for c in asked}).exclude(object="activity")
    for journey, name in rows.order_by().values_list("journey_id", "connection__name").distinct():
        sources[journey].add(name)
    found = {}
    for clock in asked:
        blind = [
            u.label
            for name in sorted(sources[clock.journey_id])
            if (u := unread.get(name)) and u.is_blind(clock.started_at)
        ]
        if blind and len(blind) == len(sources[clock.journey_id]):
            found[clock.pk] = blind
    return found
