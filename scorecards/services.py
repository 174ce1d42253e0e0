"""Metric facts of a batch and the daily roll-ups of the days they touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from records.derived import Written, write_derived
from records.ids import derive_id
from records.journey_data import Batch
from records.stored import Where
from scorecards.dimension_rollups import recount_dimensions, roll_up_dimensions
from scorecards.metrics import METRICS
from scorecards.models import MetricFact
from scorecards.subjects import load_subjects

FIELDS = (
    "metric", "metric_version", "journey", "record", "business_unit", "anchor_at", "day", "value", "slice",
    "dimensions", "seconds", "is_excused",
)  # fmt: skip

Day = tuple[str, date, int | None, str]
"""What a roll-up row stands for: metric, day, business unit, slice."""


def refresh(batch: Batch) -> None:
    """Compile the facts of every journey of the batch, write the differences, and move the roll-ups by them."""
    # Behind the border of the record it leads to, as clocks and handoffs are.
    units = {r.id: r.business_unit_id for j in batch.journeys.values() for r in j.records}
    wanted = [
        MetricFact(
            pk=derive_id("fact", metric.key, fact.key),
            metric=metric.key,
            metric_version=metric.version,
            journey_id=subject.journey_id,
            record_id=fact.record_id,
            business_unit_id=units.get(fact.record_id),
            anchor_at=fact.anchor_at,
            day=fact.anchor_at.astimezone(UTC).date(),
            value=fact.value,
            slice=metric.slice_of(fact)[:200],
            dimensions={**subject.dimensions, **fact.dimensions},
            seconds=fact.seconds,
            is_excused=fact.is_excused,
        )
        for subject in load_subjects(batch)
        for metric in METRICS.values()
        for fact in metric.facts(subject)
    ]
    # A journey that was joined to another has left its facts with their records.
    scope = Where(
        "journey_id = ANY (%s) OR (journey_id IS NULL AND record_id = ANY (%s))",
        (list(batch.journeys), list(units)),
    )
    written = write_derived(MetricFact, wanted, fields=FIELDS, scope=scope)
    _roll_up(written)
    roll_up_dimensions(written)


@transaction.atomic
def recount() -> None:
    """Count all roll-ups anew from the facts: after facts were removed by other ways than ``refresh``."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE scorecards_dailyrollup IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM scorecards_dailyrollup")
        cursor.execute(
            "INSERT INTO scorecards_dailyrollup (metric, day, business_unit_id, slice, count, total) "
            "SELECT metric, day, business_unit_id, slice, count(*), sum(value) FROM scorecards_metricfact "
            "GROUP BY 1, 2, 3, 4"
        )
    recount_dimensions()


def _roll_up(written: Written[MetricFact]) -> None:
    """Add what came and take off what went: the work is that of the change, whatever the days hold."""
    came = written.created + written.changed
    moves: dict[Day, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for i, row in enumerate(written.rows):
        sign = 1 if i < came else -1
        move = moves[row.metric, row.day, row.business_unit_id, row.slice]
        move[0] += sign
        move[1] += sign * Decimal(row.value)
    _move({day: (count, total) for day, (count, total) in moves.items() if count or total})


def _move(moves: dict[Day, tuple[int, Decimal]]) -> None:
    if not moves:
        return
    # Always in one order, so that two batches wait for each other and never deadlock.
    order = sorted(moves, key=lambda d: (d[0], d[1], d[2] or 0, d[3]))
    columns: Iterable[list[Any]] = (
        *([day[i] for day in order] for i in range(4)),
        [moves[day][0] for day in order],
        [moves[day][1] for day in order],
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('scorecards rollup'))")
        cursor.execute(
            """
            WITH move (metric, day, unit, slice, count, total) AS (
                SELECT * FROM unnest(%s::text[], %s::date[], %s::bigint[], %s::text[], %s::int[], %s::numeric[])
            ), held AS (
                UPDATE scorecards_dailyrollup r SET count = r.count + m.count, total = r.total + m.total
                FROM move m
                WHERE r.metric = m.metric AND r.day = m.day AND r.slice = m.slice
                  AND r.business_unit_id IS NOT DISTINCT FROM m.unit
                RETURNING m.metric, m.day, m.unit, m.slice
            )
            INSERT INTO scorecards_dailyrollup (metric, day, business_unit_id, slice, count, total)
            SELECT metric, day, unit, slice, count, total FROM move m
            WHERE NOT EXISTS (
                SELECT 1 FROM held h WHERE h.metric = m.metric AND h.day = m.day AND h.slice = m.slice
                  AND h.unit IS NOT DISTINCT FROM m.unit
            )
            """,
            list(columns),
        )
        fewer = [day for day in order if moves[day][0] < 0]
        if fewer:
            cursor.execute(
                "DELETE FROM scorecards_dailyrollup WHERE count = 0 AND metric = ANY(%s) AND day = ANY(%s)",
                [sorted({d[0] for d in fewer}), sorted({d[1] for d in fewer})],
            )
