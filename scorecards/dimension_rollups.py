"""Roll-ups of one dimension at a time: attainment by team, owner, source, without reading a fact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from records.derived import Written
from scorecards.metrics import METRICS
from scorecards.models import MetricFact

Cell = tuple[str, str, str, date, str, int | None]
"""What a row stands for: metric, dimension ('' is all), slice, day, label, business unit."""


def label_of(value: Any) -> str:
    """As it stands in a roll-up and in addresses: '' for what is not known."""
    return "" if value is None else str(value)[:200]


def roll_up_dimensions(written: Written[MetricFact]) -> None:
    """Add what came and take off what went."""
    came = written.created + written.changed
    moves: dict[Cell, list[Any]] = defaultdict(lambda: [0, Decimal(0), 0])
    for i, row in enumerate(written.rows):
        sign = 1 if i < came else -1
        for cell in _cells(row):
            move = moves[cell]
            move[0] += sign
            move[1] += sign * Decimal(row.value)
            move[2] += sign * row.is_excused
    _move({cell: move for cell, move in moves.items() if any(move)})


def recount_dimensions() -> None:
    """Count all of them anew from the facts."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE scorecards_dimensionrollup IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM scorecards_dimensionrollup")
        for metric in METRICS.values():
            if metric.roll_up_by:
                cursor.execute(
                    """
                    INSERT INTO scorecards_dimensionrollup
                        (metric, dimension, slice, day, label, business_unit_id, count, total, excused)
                    SELECT metric, d.name, slice, day, left(coalesce(dimensions ->> d.name, ''), 200),
                           business_unit_id, count(*), sum(value), count(*) FILTER (WHERE is_excused)
                    FROM scorecards_metricfact CROSS JOIN unnest(%s::text[]) d (name)
                    WHERE metric = %s GROUP BY 1, 2, 3, 4, 5, 6
                    """,
                    [["", *metric.roll_up_by], metric.key],
                )


def _cells(row: MetricFact) -> Iterator[Cell]:
    metric = METRICS.get(row.metric)
    if metric is None or not metric.roll_up_by:
        return
    for name in ("", *metric.roll_up_by):
        label = label_of(row.dimensions.get(name)) if name else ""
        yield row.metric, name, row.slice, row.day, label, row.business_unit_id


def _move(moves: dict[Cell, list[Any]]) -> None:
    if not moves:
        return
    # Always in one order, so that two batches wait for each other and never deadlock.
    order = sorted(moves, key=lambda cell: (*cell[:5], cell[5] or 0))
    columns: Iterable[list[Any]] = (
        *([cell[i] for cell in order] for i in range(6)),
        *([moves[cell][i] for cell in order] for i in range(3)),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('scorecards rollup'))")
        cursor.execute(
            """
            WITH move (metric, dimension, slice, day, label, unit, count, total, excused) AS (
                SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::text[], %s::bigint[],
                                     %s::int[], %s::numeric[], %s::int[])
            ), held AS (
                UPDATE scorecards_dimensionrollup r
                SET count = r.count + m.count, total = r.total + m.total, excused = r.excused + m.excused
                FROM move m
                WHERE r.metric = m.metric AND r.dimension = m.dimension AND r.slice = m.slice AND r.day = m.day
                  AND r.label = m.label AND r.business_unit_id IS NOT DISTINCT FROM m.unit
                RETURNING m.metric, m.dimension, m.slice, m.day, m.label, m.unit
            )
            INSERT INTO scorecards_dimensionrollup
                (metric, dimension, slice, day, label, business_unit_id, count, total, excused)
            SELECT metric, dimension, slice, day, label, unit, count, total, excused FROM move m
            WHERE NOT EXISTS (
                SELECT 1 FROM held h
                WHERE h.metric = m.metric AND h.dimension = m.dimension AND h.slice = m.slice AND h.day = m.day
                  AND h.label = m.label AND h.unit IS NOT DISTINCT FROM m.unit
            )
            """,
            list(columns),
        )
        fewer = [cell for cell in order if moves[cell][0] < 0]
        if fewer:
            cursor.execute(
                "DELETE FROM scorecards_dimensionrollup WHERE count = 0 AND metric = ANY(%s) AND day = ANY(%s)",
                [sorted({cell[0] for cell in fewer}), sorted({cell[3] for cell in fewer})],
            )
