"""Whether conditions can be met at all: decided where the comparisons allow it, else left open.

A comparison is constant between its operands. So a few representative values of each field stand for all values, and
the criterion is tried on their combinations, field by field, with what is not chosen yet unknown: Kleene's truth cuts
whole branches. What stays unknown (contains, lists, stages, currencies, mixed windows and dates) proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Any

from definitions.criteria.criterion import Criterion
from definitions.criteria.facts import Facts
from definitions.criteria.fields import FieldType
from definitions.criteria.moments import MICROSECOND, range_of
from definitions.criteria.nodes import Leaf, leaves_of
from definitions.criteria.operators import NUMERIC, TEMPORAL
from definitions.criteria.values import EPOCH

MOST_TRIALS = 3_000
MOST_VALUES = 60
MOST_CHOICES = 6
# Windows alone look the same from every instant; this one is far from the ends of the calendar.
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
OTHER = "(none of these)"


class Verdict(StrEnum):
    NEVER = "never"  # no record can meet it
    ALWAYS = "always"  # every record of which all is known meets it


def decide(criterion: Criterion) -> Verdict | None:
    """NEVER, ALWAYS, or None: it depends on the record, or can't be decided from the conditions alone."""
    by_field: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves_of(criterion.root):
        by_field[leaf.field.name].append(leaf)
    fields = [
        (name, values)
        for name, leaves in sorted(by_field.items(), key=lambda item: -len(item[1]))
        if (values := _representatives(leaves))
    ]
    search = _Search(criterion, fields)
    if not search.finds(True):
        return Verdict.NEVER
    return None if search.finds(False) else Verdict.ALWAYS


class _Search:
    """Tries values of one field after the other until the truth looked for is possible."""

    def __init__(self, criterion: Criterion, fields: Sequence[tuple[str, Sequence[Any]]]) -> None:
        self.criterion = criterion
        self.fields = fields
        self.trials = 0

    def finds(self, wanted: bool) -> bool:
        """Whether some values give ``wanted``, or might: what can't be decided counts as possible."""
        self.trials = 0
        return self._finds(wanted, {}, 0)

    def _finds(self, wanted: bool, values: dict[str, Any], chosen: int) -> bool:
        self.trials += 1
        if self.trials > MOST_TRIALS:
            return True
        truth = self.criterion.evaluate(Facts(values), NOW).truth
        if truth is not None or chosen == len(self.fields):
            return truth is not (not wanted)
        name, options = self.fields[chosen]
        return any(self._finds(wanted, {**values, name: value}, chosen + 1) for value in options)


def _representatives(leaves: Sequence[Leaf]) -> list[Any]:
    """Stored values, empty among them, that stand for every value of the field; [] when a few can't."""
    kind = leaves[0].field.type
    if any(leaf.currency is not None or leaf.op in ("contains", "starts_with") for leaf in leaves):
        return []
    if kind is FieldType.BOOLEAN:
        found: list[Any] = [True, False]
    elif kind in NUMERIC:
        found = _numbers(leaves)
    elif kind in TEMPORAL:
        found = _moments(leaves)
    else:
        texts = sorted({text for leaf in leaves for text in leaf.texts})
        found = _choices(texts) if kind is FieldType.MULTI_PICKLIST else [*texts, OTHER]
    return [] if not found or len(found) > MOST_VALUES else [*found, None]


def _numbers(leaves: Sequence[Leaf]) -> list[Any]:
    operands = sorted({number for leaf in leaves for number in leaf.numbers})
    if not operands:
        return [Decimal(1)]
    between = [(low + high) / 2 for low, high in pairwise(operands)]
    return [operands[0] - 1, *operands, *between, operands[-1] + 1]


def _moments(leaves: Sequence[Leaf]) -> list[Any]:
    """Both sides of every boundary. A field with windows and fixed dates depends on when it is asked: []."""
    placed = [leaf for leaf in leaves if leaf.moments or leaf.window]
    if len({leaf.window is None for leaf in placed}) > 1:
        return []
    edges = sorted({edge for leaf in placed for edge in range_of(leaf, NOW) if edge is not None})
    is_date = leaves[0].field.type is FieldType.DATE
    points = sorted({point for edge in edges for point in (edge - 1, edge)})
    return [_stored(point, is_date=is_date) for point in points] or [_stored(1_000_000, is_date=is_date)]


def _stored(point: int, *, is_date: bool) -> str:
    if is_date:
        return date.fromordinal(point).isoformat()
    return (EPOCH + point * MICROSECOND).replace(tzinfo=None).isoformat() + "Z"


def _choices(texts: Sequence[str]) -> list[Any]:
    """Every selection of the operands, with and without another option."""
    if len(texts) > MOST_CHOICES - 1:
        return []
    chosen: Iterator[tuple[str, ...]] = (
        some for size in range(len(texts) + 1) for some in combinations(texts, size)
    )
    return [list(selection) for some in chosen for selection in ((*some, OTHER), some) if selection]
