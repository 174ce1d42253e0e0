"""What starts the clocks of a batch: stage entries, stays in pipelines and product signals, loaded once."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from definitions.criteria import FieldType
from definitions.in_force import TypedModel
from definitions.judging.arrivals import BACKWARD
from definitions.models import Passage, Signal, StageEntry
from records.journey_data import Batch, EventData
from records.models import Event
from records.services import gtmops_connection, touch
from records.stored import rows_of_journeys
from slas.fold import ClockData, Entered
from slas.folding.starts import SignalSeen, Starts
from slas.kinds import CLOCK_SIGNAL
from slas.models import Clock
from slas.rules import RuleHistory

MINUTE = timedelta(minutes=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
Happened = tuple[str, datetime]
"""(stage, pipeline/stage or object.field, the minute in which it happened)."""


def load_starts(batch: Batch, typed: TypedModel, rules: Sequence[RuleHistory]) -> Starts:
    """A constant number of queries; none for kinds of starts and stops that no rule names."""
    named = [(v.rule, said) for h in rules for v in h.versions for said in (v.rule.start, v.rule.stop)]
    pipelines = {s.partition("/")[0] for _, (word, s) in named if word == "stage_entered" and "/" in s}
    fields = {(rule.on, name) for rule, (word, name) in named if word == "field_set"}
    signals = {name for _, (word, name) in named if word == "signal"}
    rows = [*_lifecycle(batch), *(_passages(batch, pipelines) if pipelines else ())]
    told = list(_changes(batch, fields)) if fields else []
    told_first = _told_first([*(row.event_id for row in rows), *(event.id for _, event in told)])
    live = _live_since(batch)
    happened = [(row.stage, row.at) for row in rows if live.get(row.record_id, _NEVER) <= row.at]
    happened += [(name, e.occurred_at) for name, e in told if live.get(e.record_id, _NEVER) <= e.occurred_at]
    return Starts(
        entries=_entries(batch, rows, told_first, typed.catalogue.stage_labels),
        told_first=told_first,
        signals=_signals(batch, signals) if signals else {},
        is_moment=_MomentFields(typed),
        is_bulk=_Bulk(_crowded({(name, _minute(at)) for name, at in happened})),
    )


# --- stages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    journey_id: uuid.UUID
    stage: str
    record_id: uuid.UUID
    event_id: int
    at: datetime
    left_at: datetime | None
    is_exact: bool
    is_backward: bool
    exclusion: str = ""


def _lifecycle(batch: Batch) -> Iterator[_Row]:
    found = batch.standing(StageEntry, rows_of_journeys(StageEntry))
    for e in sorted(found, key=lambda e: (e.occurred_at, e.pk)):
        yield _Row(
            e.journey_id, e.stage, e.record_id, e.event_id, e.occurred_at, e.left_at, e.is_exact,
            e.arrival == BACKWARD, e.exclusion,
        )  # fmt: skip


def _passages(batch: Batch, pipelines: Collection[str]) -> Iterator[_Row]:
    found = [p for p in batch.standing(Passage, rows_of_journeys(Passage)) if p.pipeline in pipelines]
    for p in sorted(found, key=lambda p: (p.entered_at, p.pk)):
        name, is_backward = f"{p.pipeline}/{p.stage}", p.arrival == BACKWARD
        yield _Row(p.journey_id, name, p.record_id, p.event_id, p.entered_at, p.left_at, True, is_backward)


def _entries(
    batch: Batch,
    rows: Iterable[_Row],
    told_first: Mapping[int, tuple[datetime, str]],
    labels: Mapping[str, str],
) -> dict[uuid.UUID, dict[str, list[Entered]]]:
    events: dict[uuid.UUID, dict[int, EventData]] = {}
    found: dict[uuid.UUID, dict[str, list[Entered]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.journey_id not in events:
            events[row.journey_id] = {e.id: e for e in batch.journeys[row.journey_id].events}
        event = events[row.journey_id].get(row.event_id)
        if event is None:
            continue
        # A clock must not become another one because the CRM's history told its start more exactly later.
        learned_at, key = told_first.get(event.id, (event.observed_at, event.key))
        found[row.journey_id][row.stage].append(
            Entered(
                row.stage, row.record_id, event, row.at, key, learned_at, row.left_at, row.is_exact,
                row.is_backward, row.exclusion, labels.get(row.stage, ""),
            )
        )  # fmt: skip
    return {journey: dict(stages) for journey, stages in found.items()}


def _told_first(event_ids: Sequence[int]) -> dict[int, tuple[datetime, str]]:
    """Event -> (observed at, key) of the first of the events it has superseded."""
    if not event_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TOLD_FIRST, [list(event_ids)])
        return {event: (at, f"{crm}:{key}") for event, at, crm, key in cursor.fetchall()}


_TOLD_FIRST = """
SELECT DISTINCT ON (e.superseded_by_id) e.superseded_by_id, e.observed_at, crm.name, e.external_key
FROM records_event e JOIN records_connection crm ON crm.id = e.connection_id
WHERE e.superseded_by_id = ANY (%s) ORDER BY e.superseded_by_id, e.observed_at, e.id
"""


# --- fields and signals ----------------------------------------------------------------------------------------


def _changes(batch: Batch, fields: Collection[tuple[str, str]]) -> Iterator[tuple[str, EventData]]:
    """(object.field, event) of what may start a clock by a field."""
    for journey in batch.journeys.values():
        for record in journey.records:
            for object_name, name in fields:
                if record.object == object_name:
                    yield from ((f"{object_name}.{name}", event) for event, _ in record.changes(name))


class _MomentFields:
    """Whether a field of an object holds a moment."""

    def __init__(self, typed: TypedModel) -> None:
        self._objects = typed.catalogue.objects

    def __call__(self, object_name: str, name: str) -> bool:
        known = self._objects.get(object_name, {}).get(name)
        return known is not None and known.type is FieldType.DATETIME


def _signals(batch: Batch, names: Collection[str]) -> dict[uuid.UUID, list[SignalSeen]]:
    found: dict[uuid.UUID, list[SignalSeen]] = defaultdict(list)
    records = [record.id for journey in batch.journeys.values() for record in journey.records]
    rows = Signal.objects.filter(record__in=records, name__in=names).order_by("received_at", "pk")
    for name, source, message, record, at, received_at in rows.values_list(
        "name", "source", "message_id", "record_id", "occurred_at", "received_at"
    ):
        key = f"signal:{source}:{message}"[:300]
        found[record].append(SignalSeen(name, key, record, at, received_at, source))
    return found


def remember_signals(clocks: Iterable[ClockData], now: datetime) -> set[uuid.UUID]:
    """Write down which signals have just started clocks, and fold their records once more; the clocks without one."""
    fresh = [clock for clock in clocks if clock.start.event is None]
    if not fresh:
        return set()
    ours = gtmops_connection()
    events = {
        clock.start.key: Event(
            connection=ours,
            external_key=clock.start.key,
            kind=CLOCK_SIGNAL,
            record_id=clock.start.record_id,
            occurred_at=clock.start.at,
            observed_at=clock.start.learned_at,
            data={"name": clock.rule.start[1], "source": clock.start.source},
        )
        for clock in fresh
    }
    Event.objects.bulk_create(events.values(), ignore_conflicts=True)
    touch({clock.start.record_id for clock in fresh}, now)
    return {clock.id for clock in fresh}


# --- many at once ----------------------------------------------------------------------------------------------

_CROWDED = """
SELECT wanted.name, wanted.minute FROM unnest(%(names)s::text[], %(minutes)s::timestamptz[]) AS wanted(name, minute),
LATERAL (SELECT count(*) AS found FROM (SELECT 1 FROM {happened} LIMIT %(most)s) AS one) AS counted
WHERE counted.found >= %(most)s
"""
_ENTERED = """definitions_stageentry e WHERE e.stage = wanted.name
    AND e.occurred_at >= wanted.minute AND e.occurred_at < wanted.minute + interval '1 minute'"""
_PASSED = """definitions_passage e WHERE e.pipeline = split_part(wanted.name, '/', 1)
    AND e.stage = split_part(wanted.name, '/', 2)
    AND e.entered_at >= wanted.minute AND e.entered_at < wanted.minute + interval '1 minute'"""
_WRITTEN = """records_event e WHERE e.kind = ANY (ARRAY['change', 'baseline'])
    AND e.occurred_at >= wanted.minute AND e.occurred_at < wanted.minute + interval '1 minute'
    AND (e.field = split_part(wanted.name, '.', 2) OR e.data -> 'values' ? split_part(wanted.name, '.', 2))"""


class _Bulk:
    """Whether so much of it happened in one minute that a machine did it: an import, a mass edit, a merge."""

    def __init__(self, crowded: Collection[Happened]) -> None:
        self.crowded = frozenset(crowded)

    def __call__(self, word: str, at: datetime) -> bool:
        return (word, _minute(at)) in self.crowded


def _crowded(happened: Collection[Happened]) -> set[Happened]:
    """Those with as many neighbours in their minute as make a bulk change. A query per kind of start, or none."""
    kinds = {
        _ENTERED: [one for one in happened if "/" not in one[0] and "." not in one[0]],
        _PASSED: [one for one in happened if "/" in one[0]],
        _WRITTEN: [one for one in happened if "." in one[0]],
    }
    found: set[Happened] = set()
    with connection.cursor() as cursor:
        for where, asked in kinds.items():
            if asked:
                asked.sort()
                told: dict[str, Any] = {
                    "names": [name for name, _ in asked],
                    "minutes": [minute for _, minute in asked],
                    "most": settings.GTMOPS.bulk_per_minute,
                }
                cursor.execute(_CROWDED.format(happened=where), told)
                found |= {(name, minute.astimezone(UTC)) for name, minute in cursor.fetchall()}
    return found


def fold_neighbours(batch: Batch, starts: Starts, rules: Sequence[RuleHistory], now: datetime) -> None:
    """Fold the clocks again that started in a minute of which only this batch showed how much happened in it."""
    crowded = starts.is_bulk.crowded if isinstance(starts.is_bulk, _Bulk) else frozenset()
    of_word: dict[str, set[str]] = defaultdict(set)
    for rule in (v.rule for history in rules for v in history.versions):
        word, subject = rule.start
        of_word[f"{rule.on}.{subject}" if word == "field_set" else subject].add(rule.key)
    began = Q()
    for name, minute in crowded:
        began |= Q(rule_key__in=of_word[name], started_at__gte=minute, started_at__lt=minute + MINUTE)
    if not began:
        return
    clocks = Clock.objects.filter(began, is_measured_only=False).exclude(journey__in=list(batch.journeys))
    # Those that somebody said to start run although we know how many they are.
    clocks = clocks.exclude(receipt__start__is_bulk=True)
    touch(set(clocks.values_list("record_id", flat=True)), now)


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _live_since(batch: Batch) -> dict[uuid.UUID, datetime]:
    return {
        record.id: record.go_live_at
        for journey in batch.journeys.values()
        for record in journey.records
        if record.go_live_at is not None
    }
