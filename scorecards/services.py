"""Metric facts of a batch and the daily roll-ups of the days they touch."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date
from typing import Any

from django.db import connection
from django.db.models import Q

from definitions.models import StageEntry
from records.derived import write_derived
from records.ids import derive_id
from records.journey_data import Batch, JourneyData
from scorecards.metrics import METRICS
from scorecards.metrics.base import Concluded, Entered, Subject
from scorecards.models import DailyRollup, MetricFact
from slas.models import Clock

FIELDS = (
    "metric", "metric_version", "journey", "record", "business_unit", "anchor_at", "day", "value", "dimensions",
)  # fmt: skip
DIMENSIONS = ("lead_origin", "region", "lead_source")


def refresh(batch: Batch) -> None:
    """Compile the facts of every journey of the batch, write the differences, and roll up the days that changed."""
    wanted = [
        MetricFact(
            pk=derive_id("fact", metric.key, fact.key),
            metric=metric.key,
            metric_version=metric.version,
            journey_id=subject.journey_id,
            record_id=fact.record_id,
            business_unit_id=subject.business_unit_id,
            anchor_at=fact.anchor_at,
            day=fact.anchor_at.astimezone(UTC).date(),
            value=fact.value,
            dimensions={**subject.dimensions, **fact.dimensions},
        )
        for subject in _subjects(batch)
        for metric in METRICS.values()
        for fact in metric.facts(subject)
    ]
    written = write_derived(MetricFact, wanted, fields=FIELDS, scope=Q(journey_id__in=list(batch.journeys)))
    roll_up({(row.metric, row.day) for row in written.rows})


def roll_up(days: Iterable[tuple[str, date]]) -> None:
    """Count these (metric, day) pairs anew from the facts; three statements a metric, whatever the days."""
    by_metric: dict[str, set[date]] = defaultdict(set)
    for metric, day in days:
        by_metric[metric].add(day)
    for key, chosen in sorted(by_metric.items()):
        # Two batches may touch one day: the later one must count what the earlier one wrote.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"rollup {key}"])
        DailyRollup.objects.filter(metric=key, day__in=chosen).delete()
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO scorecards_dailyrollup (metric, day, business_unit_id, slice, count, total)
                SELECT metric, day, business_unit_id, coalesce(dimensions ->> %s, ''), count(*), sum(value)
                FROM scorecards_metricfact WHERE metric = %s AND day = ANY(%s)
                GROUP BY 1, 2, 3, 4
                """,
                [METRICS[key].slice_by, key, sorted(chosen)],
            )


def _subjects(batch: Batch) -> list[Subject]:
    ids = list(batch.journeys)
    entries: dict[uuid.UUID, list[Entered]] = defaultdict(list)
    for e in StageEntry.objects.filter(journey_id__in=ids).order_by("occurred_at", "pk"):
        entries[e.journey_id].append(Entered(e.pk, e.stage, e.record_id, e.occurred_at, e.pass_number))
    clocks: dict[uuid.UUID, list[Concluded]] = defaultdict(list)
    rows = Clock.objects.filter(journey_id__in=ids).order_by("started_at", "pk")
    for c in rows.only("journey_id", "rule_key", "record_id", "started_at", "state"):
        clocks[c.journey_id].append(Concluded(c.pk, c.rule_key, c.record_id, c.started_at, c.state))
    return [
        Subject(j.id, j.business_unit_id, entries[j.id], clocks[j.id], _dimensions(j))
        for j in batch.journeys.values()
    ]


def _dimensions(journey: JourneyData) -> dict[str, Any]:
    """The first known value of each dimension among the journey's people."""
    people = journey.of("person")
    return {name: next((r.values[name] for r in people if r.values.get(name)), None) for name in DIMENSIONS}
