"""What a page shows of the comparisons with a CRM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Window
from django.db.models.functions import RowNumber

from integrations.models import Comparison, Difference
from records.models import Connection


@dataclass(frozen=True)
class Compared:
    """The latest comparison of one object, and how many of what differed. ``named`` are the first of them."""

    comparison: Comparison
    counts: Mapping[str, int]
    named: Sequence[Difference]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def latest_comparisons(connection: Connection, named: int = 50) -> list[Compared]:
    """Per object, the newest first finished or under way. Three queries."""
    rows = list(
        Comparison.objects.filter(connection=connection)
        .order_by("remote_object", "-started_at", "-pk")
        .distinct("remote_object")
    )
    kept = Difference.objects.filter(comparison__in=rows).exclude(outcome=Difference.Outcome.NONE)
    counts: dict[int, dict[str, int]] = {}
    for pk, kind, count in kept.order_by().values_list("comparison_id", "kind").annotate(n=Count("pk")):
        counts.setdefault(pk, {})[kind] = count
    of: dict[int, list[Difference]] = {}
    ranked = kept.annotate(rank=Window(RowNumber(), partition_by="comparison", order_by="pk"))
    for one in ranked.filter(rank__lte=named).order_by("pk"):
        of.setdefault(one.comparison_id, []).append(one)
    return [Compared(row, counts.get(row.pk, {}), of.get(row.pk, [])[:named]) for row in rows]
