"""Which records a rule would hold in their stage now, by gtmops' own judgement of the same criterion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Count, Q, QuerySet
from django.db.models.expressions import RawSQL

from definitions.criteria.criterion import Criterion
from integrations.enforcement.plan import StagePlan
from records.models import Connection, Record

TABLE = "records_record"


@dataclass(frozen=True)
class Held:
    """Records that stand in the stage: those that could not leave it now, and those of which it can't be told."""

    refused: int
    unknown: int
    total: int


def refused_records(plan: StagePlan, connection: Connection, now: datetime) -> QuerySet[Record]:
    """Records in the stage that could not leave it now; their truth and exemption are judged in one statement."""
    return _judged(plan, connection, now).filter(_is_asked() & Q(truth=False))


def count_held(plan: StagePlan, connection: Connection, now: datetime) -> Held:
    """One statement."""
    told = _judged(plan, connection, now).aggregate(
        refused=Count("pk", filter=_is_asked() & Q(truth=False)),
        unknown=Count("pk", filter=_is_asked() & Q(truth=None)),
        total=Count("pk"),
    )
    return Held(told["refused"], told["unknown"], told["total"])


def _is_asked() -> Q:
    return Q(free=False) | Q(free=None)


def _judged(plan: StagePlan, connection: Connection, now: datetime) -> QuerySet[Record]:
    return (
        Record.objects.present()
        .filter(
            connection=connection,
            remote_object=plan.remote_object,
            **{f"values__{plan.stage_field}": plan.value},
        )
        .annotate(truth=_truth(plan.held, now), free=_truth(plan.exempt, now))
        .order_by()
    )


def _truth(criterion: Criterion | None, now: datetime) -> RawSQL:
    text, params = criterion.to_sql(TABLE, now) if criterion is not None else ("NULL::boolean", [])
    return RawSQL(f"({text})", params, output_field=BooleanField(null=True))  # noqa: S611 (all of it ours)
