"""What the data says of the model: fields that nobody fills, conditions that hold for all or for none of a sample."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from definitions.criteria import Criterion

SAMPLE = 20_000
"""Records looked at. Ids are hashes, so that the first ones by id are a fair sample."""

FEW = 200
"""Below this number of records nothing is said."""

RARELY = 0.05
"""A field filled in fewer of the records is one that nobody fills."""


@dataclass(frozen=True)
class Filled:
    """How often a field has a value among ``n`` records where it can be read."""

    n: int
    filled: int

    @property
    def share(self) -> float:
        return self.filled / self.n if self.n else 0.0


@dataclass(frozen=True)
class Truths:
    """How a criterion turned out on ``n`` records; ``is_sample``: there are more."""

    n: int
    met: int
    missing: int
    is_sample: bool


def fill_rates(object_name: str, connections: Sequence[str], fields: Collection[str]) -> dict[str, Filled]:
    """Field -> how often it is filled. One statement over a sample."""
    if not fields:
        return {}
    inside, params = _sample(object_name, connections)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.name, count(*) FILTER (WHERE r.values ? f.name), "  # noqa: S608 (all of it ours)
            "count(*) FILTER (WHERE r.values ->> f.name NOT IN ('', '[]')) "
            f"FROM ({inside}) r CROSS JOIN unnest(%s::text[]) AS f (name) GROUP BY f.name",
            [*params, sorted(fields)],
        )
        return {name: Filled(known, filled) for name, known, filled in cursor.fetchall()}


def truths(criterion: Criterion, connections: Sequence[str], now: datetime) -> Truths:
    """How the criterion turns out on a sample of its records. One statement."""
    inside, params = _sample(criterion.object, connections)
    truth, truth_params = criterion.to_sql("r", now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE truth), count(*) FILTER (WHERE NOT truth) "  # noqa: S608 (all ours)
            f"FROM (SELECT ({truth}) AS truth FROM ({inside}) r) judged",
            [*truth_params, *params],
        )
        n, met, missing = cursor.fetchone()
    return Truths(n, met, missing, n == SAMPLE)


def _sample(object_name: str, connections: Sequence[str]) -> tuple[str, list[Any]]:
    where = "object = %s AND deleted_at IS NULL AND merged_into_id IS NULL"
    params: list[Any] = [object_name]
    if connections:
        where += " AND connection_id IN (SELECT id FROM records_connection WHERE name = ANY(%s))"
        params.append(list(connections))
    return f"SELECT * FROM records_record WHERE {where} ORDER BY id LIMIT %s", [*params, SAMPLE]  # noqa: S608 (all ours)
