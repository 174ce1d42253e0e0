"""Counting the items of a list: who supplies them, and how they are counted."""

# ruff: noqa: S608 (every piece of SQL here is ours; what isn't is a parameter)
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from definitions.criteria.items import Bounds
from definitions.criteria.nodes import Counted, Staged
from definitions.criteria.targets.sql.text import Sql, fill, joined, param


@dataclass(frozen=True, slots=True)
class Rows:
    """The items of one list of one record.

    `source`: what stands after FROM, its WHERE included; `values`: the jsonb column that `where` reads. An item must
    pass `narrow`, which is never NULL, and `tests`, which may be. `moments`: when time changes one of these for an
    item. `is_known` NULL or false: the list can't be read.
    """

    source: Sql
    values: str
    narrow: tuple[Sql, ...] = ()
    tests: tuple[Sql, ...] = ()
    moments: tuple[Sql, ...] = ()
    is_known: Sql | None = None


class Lists(Protocol):
    """Where the items are."""

    def rows(self, condition: Counted | Staged, object_name: str, alias: str, now: datetime) -> Rows:
        """The items that a condition on the record `alias` counts."""
        ...


def count(rows: Rows, where: Sql | None, bounds: Bounds) -> Sql:
    """Whether enough and not too many items pass; NULL when items of which it can't be told decide."""
    source = fill("{}" + " AND {}" * len(rows.narrow), rows.source, *rows.narrow)
    tests = [*rows.tests, *([where] if where is not None else [])]
    truth = _count_known(source, bounds) if not tests else _count_told(source, joined("AND", tests), bounds)
    return truth if rows.is_known is None else fill("(CASE WHEN {} THEN {} END)", rows.is_known, truth)


def _count_known(source: Sql, bounds: Bounds) -> Sql:
    """Each item passes: existence is enough where one decides."""
    if (bounds.at_least, bounds.at_most) in ((1, None), (None, 0)):
        word = "EXISTS" if bounds.at_least else "NOT EXISTS"
        return fill(f"({word} (SELECT 1 FROM {{}}))", source)
    return fill("(SELECT {} FROM {})", _bounded(Sql("count(*)", []), Sql("count(*)", []), bounds), source)


def _count_told(source: Sql, test: Sql, bounds: Bounds) -> Sql:
    sure, most = Sql("count(*) FILTER (WHERE told)", []), Sql("count(*) FILTER (WHERE told IS NOT FALSE)", [])
    # OFFSET 0: judged once, though it is counted twice.
    return fill(
        '(SELECT {} FROM (SELECT {} AS told FROM {} OFFSET 0) "judged")',
        _bounded(sure, most, bounds),
        test,
        source,
    )


def _bounded(sure: Sql, most: Sql, bounds: Bounds) -> Sql:
    parts = []
    if bounds.at_least is not None:
        parts.append(_reaches(sure, most, bounds.at_least, "TRUE", "FALSE"))
    if bounds.at_most is not None:
        parts.append(_reaches(sure, most, bounds.at_most + 1, "FALSE", "TRUE"))
    return joined("AND", parts)


def _reaches(sure: Sql, most: Sql, number: int, yes: str, no: str) -> Sql:
    bound = param(number, "bigint")
    return fill(f"CASE WHEN {{}} >= {{}} THEN {yes} WHEN {{}} < {{}} THEN {no} END", sure, bound, most, bound)
