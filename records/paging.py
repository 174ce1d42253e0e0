"""Pages of long lists."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet


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
