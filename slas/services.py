"""Clocks of a batch: load, fold, write what differs, tell people once; and find what falls due by time."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from definitions.models import StageEntry, Version
from definitions.versions import Model, load_model
from effects.tick import ring
from records.derived import write_derived
from records.journey_data import Batch, JourneyData
from records.models import Record, RefreshRequest
from records.services import touch
from slas import escalation
from slas.calendars.business_time import Calendar
from slas.calendars.sections import calendar_of
from slas.fold import ClockData, Start, fold_clocks, request_prefix
from slas.models import Clock, Correction
from slas.rules import Rule, RuleHistory, parse_rule
from slas.staff import Staff
from teams.models import Membership, Person, Team

CLOCK_FIELDS = (
    "rule", "calendar", "journey", "record", "start_event", "started_at", "due_at", "state", "stopped_at",
    "stop_event", "breached_at", "is_measured_only", "has_it", "owner", "team", "segments", "receipt",
)  # fmt: skip


def refresh(batch: Batch) -> None:
    """Fold the clocks of every journey of the batch and write the differences."""
    model = load_model()
    rules = _rules(model)
    staff = load_staff(model)
    teams = dict(Team.objects.values_list("key", "pk"))
    starts = _Starts(batch)
    folded = [
        (journey, clock)
        for journey in batch.journeys.values()
        for clock in fold_clocks(journey, rules, starts, batch, staff)
    ]
    ids = list(batch.journeys)
    before = dict(
        Clock.objects.filter(Q(journey_id__in=ids) | Q(pk__in=[c.id for _, c in folded])).values_list(
            "pk", "state"
        )
    )
    write_derived(
        Clock,
        [_row(journey, clock, teams) for journey, clock in folded],
        fields=CLOCK_FIELDS,
        scope=Q(journey_id__in=ids),
    )
    write_derived(
        Correction,
        [
            Correction(
                key=c.id, clock_id=clock.id, old=c.old, new=c.new, cause_id=c.cause.id, corrected_at=c.at
            )
            for _, clock in folded
            for c in clock.corrections
        ],
        fields=("old", "new", "cause", "corrected_at"),
        scope=Q(clock__journey_id__in=ids),
    )
    newly_late = [
        clock
        for _, clock in folded
        if clock.result.state in Clock.LATE and before.get(clock.id) not in Clock.LATE
    ]
    escalation.announce(newly_late, batch.now)


def due_clocks(now: datetime) -> int:
    """Mark clocks whose time has come, ask for their evidence, and touch their records. Returns clocks found."""
    with transaction.atomic():
        rows = list(
            Clock.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=Clock.State.RUNNING, due_at__lte=now)
            .order_by("due_at")[: settings.GTMOPS.tick_batch]
        )
        if not rows:
            return 0
        Clock.objects.filter(pk__in=[c.pk for c in rows]).update(state=Clock.State.DUE)
        _ask_for_evidence([c for c in rows if not c.is_measured_only], now)
        touch([c.record_id for c in rows], now)
    return len(rows)


def next_due(now: datetime) -> datetime | None:
    """When the next running clock falls due."""
    return (
        Clock.objects.filter(state=Clock.State.RUNNING, due_at__isnull=False)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


def load_staff(model: Model) -> Staff:
    """Everybody's teams over time (two queries) and the calendars of every team."""
    people = list(Person.objects.values_list("pk", "name", "is_active"))
    stays: dict[int, list[tuple[datetime, datetime | None, str]]] = defaultdict(list)
    rows = Membership.objects.order_by("person_id", "started_at")
    for person, begin, end, team in rows.values_list("person_id", "started_at", "ended_at", "team__key"):
        stays[person].append((begin, end, team))
    calendars: dict[str, list[tuple[datetime, int, Calendar]]] = defaultdict(list)
    for key in model.keys("calendars"):
        for version in model.history("calendars", key):
            for team in version.body.get("teams", []):
                if version.effective_from is not None:
                    calendars[team].append((version.effective_from, version.pk, calendar_of(version)))
    return Staff(
        names={pk: name for pk, name, _ in people},
        active=frozenset(pk for pk, _, is_active in people if is_active),
        stays=stays,
        calendars={team: sorted(rows, key=lambda r: r[:2]) for team, rows in calendars.items()},
    )


def _rules(model: Model) -> list[RuleHistory]:
    return [
        RuleHistory(
            tuple(
                (v.effective_from, v.retired_at, v.pk, _parsed(v))
                for v in model.history("sla_rules", key)
                if v.effective_from is not None
            )
        )
        for key in model.keys("sla_rules")
    ]


def _parsed(version: Version) -> Rule:
    return parse_rule(version.key, version.body)


class _Starts:
    """What starts clocks in the journeys of a batch: stage entries, loaded once, and events of handoffs."""

    def __init__(self, batch: Batch) -> None:
        self._entries: dict[tuple[uuid.UUID, str], list[StageEntry]] = defaultdict(list)
        rows = StageEntry.objects.filter(journey_id__in=list(batch.journeys))
        for entry in rows.order_by("occurred_at", "pk"):
            self._entries[entry.journey_id, entry.stage].append(entry)

    def __call__(self, journey: JourneyData, rule: Rule) -> Iterator[Start]:
        kind, subject = rule.start
        if kind == "stage_entered":
            events = {e.id: e for e in journey.events}
            for entry in self._entries[journey.id, subject]:
                if event := events.get(entry.event_id):
                    yield Start(event, entry.record_id, entry.occurred_at, subject, entry.is_exact)
            return
        name = kind.replace("_", ".", 1)
        for event in journey.events:
            if event.kind == name and event.data.get("template") == subject:
                yield Start(event, event.record_id, event.occurred_at, subject)


def _row(journey: JourneyData, clock: ClockData, teams: dict[str, int]) -> Clock:
    result, holder = clock.result, clock.holder
    is_person = holder is not None and holder.person_id is not None
    return Clock(
        pk=clock.id,
        rule_key=clock.rule.key,
        rule_id=clock.rule_version_id,
        calendar_id=clock.calendar_version_id,
        journey_id=journey.id,
        record_id=clock.start.record_id,
        start_event_id=clock.start.event.id,
        started_at=clock.start.at,
        due_at=clock.due_at,
        state=result.state,
        stopped_at=result.stopped_at,
        stop_event_id=result.stop.event.id if result.stop else None,
        breached_at=result.breached_at,
        is_measured_only=clock.is_measured_only,
        has_it=clock.has_it,
        owner_id=holder.person_id if holder and is_person else None,
        team_id=teams.get(clock.rule.acting_team),
        segments=[s.as_json() for s in clock.segments],
        receipt={
            "holder": holder.name if holder else "Nobody",
            "is_exact": clock.start.is_exact,
            "stop": result.stop.words if result.stop else "",
            "verified_at": result.verified_at.astimezone(UTC).isoformat() if result.verified_at else None,
        },
    )


def _ask_for_evidence(clocks: list[Clock], now: datetime) -> None:
    """One request for each readable person record of the journey; the keys tell the fold which clock asked."""
    if not clocks:
        return
    people: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    rows = Record.objects.present().filter(
        journey_id__in=[c.journey_id for c in clocks], object="person", connection__go_live_at__isnull=False
    )
    for pk, journey in rows.order_by("pk").values_list("pk", "journey_id"):
        if journey is not None:
            people[journey].append(pk)
    rules = {v.pk: _parsed(v) for v in Version.objects.filter(pk__in={c.rule_id for c in clocks})}
    RefreshRequest.objects.bulk_create(
        [
            RefreshRequest(
                key=f"{request_prefix(clock.pk, clock.due_at)}:{pk}",
                record_id=pk,
                objects_wanted=list(rules[clock.rule_id].evidence),
                requested_at=now,
                next_try_at=now,
            )
            for clock in clocks
            if clock.due_at
            for pk in people[clock.journey_id]
        ],
        ignore_conflicts=True,
    )
    ring("refresh")
