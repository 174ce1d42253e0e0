"""Pages by key: the hundredth costs what the first does, and nothing is counted to its end."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

COUNT_CAP = 10_000


@dataclass(frozen=True)
class Order:
    """One column, then the primary key, both in one direction. ``is_moment``: the column holds datetimes."""

    column: str
    is_descending: bool = False
    is_moment: bool = True


@dataclass(frozen=True)
class Cursor:
    """The row a page begins behind (``is_back``: ends before), and the number of the page's first row."""

    is_back: bool
    start: int
    value: Any
    pk: str

    def encode(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        text = json.dumps([self.is_back, self.start, value, self.pk])
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class KeysetPage(Generic[Row]):
    """``count`` is exact up to COUNT_CAP; above it ``is_capped``. ``previous`` and ``next`` are cursors or ''."""

    rows: Sequence[Row]
    start: int
    count: int
    is_capped: bool
    previous: str
    next: str

    @property
    def end(self) -> int:
        return self.start + len(self.rows) - 1

    @property
    def count_words(self) -> str:
        return f"{self.count:,}+" if self.is_capped else f"{self.count:,}"


def read_cursor(text: str | None, order: Order) -> Cursor | None:
    """None for the first page, and for a cursor that makes no sense."""
    if not text:
        return None
    try:
        is_back, start, value, pk = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if order.is_moment:
            value = datetime.fromisoformat(value)
            if value.tzinfo is None:
                return None
        elif not isinstance(value, str) or "\x00" in value:
            return None
        return Cursor(bool(is_back), max(1, int(start)), value, str(uuid.UUID(pk)))
    except (ValueError, TypeError, AttributeError):
        return None


def capped_count(found: QuerySet[Any]) -> tuple[int, bool]:
    """(count, whether there are more than COUNT_CAP)."""
    number = found.order_by()[: COUNT_CAP + 1].count()
    return (COUNT_CAP, True) if number > COUNT_CAP else (number, False)


def keyset_page(
    found: QuerySet[Row],
    order: Order,
    cursor: Cursor | None,
    *,
    size: int,
    count: tuple[int, bool] | None = None,
) -> KeysetPage[Row]:
    """One query for the rows, and one for the count unless it is known."""
    number, is_capped = count if count is not None else capped_count(found)
    is_back = cursor is not None and cursor.is_back
    is_falling = order.is_descending != is_back
    if cursor is not None:
        found = found.filter(_behind(order.column, cursor, is_falling=is_falling))
    sign = "-" if is_falling else ""
    rows = list(found.order_by(f"{sign}{order.column}", f"{sign}pk")[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    if is_back:
        rows.reverse()
    start = cursor.start if cursor else 1
    has_before = has_more if is_back else cursor is not None
    has_after = True if is_back else has_more
    if is_back and not has_before:
        start = 1
    if not rows:
        return KeysetPage([], start, number, is_capped, "", "")
    first, last = rows[0], rows[-1]
    return KeysetPage(
        rows,
        start,
        number,
        is_capped,
        _cursor(order, first, is_back=True, start=max(1, start - size)) if has_before else "",
        _cursor(order, last, is_back=False, start=start + len(rows)) if has_after else "",
    )


def _behind(column: str, cursor: Cursor, *, is_falling: bool) -> Q:
    way = "lt" if is_falling else "gt"
    # The first part bounds the index scan, the second breaks ties.
    return Q(**{f"{column}__{way}e": cursor.value}) & (
        Q(**{f"{column}__{way}": cursor.value}) | Q(**{f"pk__{way}": cursor.pk})
    )


def _cursor(order: Order, row: Model, *, is_back: bool, start: int) -> str:
    return Cursor(is_back, start, getattr(row, order.column), str(row.pk)).encode()
