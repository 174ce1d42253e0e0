"""Pages of long lists."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeVar

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # it can't be subscripted when it runs
    """Counts to MOST and pages no further: a million rows are not counted to show fifty, and who wants the
    ten-thousandth narrows the list or takes the file. ``is_capped``: there are more."""

    MOST = 10_000
    object_list: QuerySet[Any]

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: self.MOST + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.MOST)

    @property
    def is_capped(self) -> bool:
        return self._counted > self.MOST


def streamed(found: QuerySet[Row], chunk_size: int) -> Iterator[Row]:
    """The rows of a file, the first ones before the last are found: outside a transaction PostgreSQL reads a cursor to
    its end before it hands out one row."""
    with transaction.atomic():
        yield from found.iterator(chunk_size=chunk_size)
