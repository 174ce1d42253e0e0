"""Pages of long lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # it can't be subscripted when it runs
    """Counts to MOST and pages no further: a million rows are not counted to show fifty, and who wants the
    ten-thousandth narrows the list or takes the file. ``is_capped``: there are more."""

    MOST = 10_000
    object_list: QuerySet[Any, Any]

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: self.MOST + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.MOST)

    @property
    def is_capped(self) -> bool:
        return self._counted > self.MOST


def page_of(request: HttpRequest, rows: QuerySet[Any, Any] | Sequence[Any], size: int) -> Page[Any]:
    """The page that ``?page=`` asks for, else the first; of rows that are still in the database a capped one."""
    paginator = CappedPaginator if isinstance(rows, QuerySet) else Paginator
    found: Page[Any] = paginator(rows, size).get_page(request.GET.get("page"))
    return found
