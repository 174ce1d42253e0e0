"""How many records a definition holds for, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from definitions.bodies import DEFINITIONS, definition_body
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Criterion
from definitions.models import Version
from definitions.versions import version_at
from records.models import Record


@dataclass(frozen=True)
class Counts:
    """Records by judgement."""

    met: int = 0
    missing: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return self.met + self.missing + self.unknown


def count_meeting(definition_key: str, now: datetime, where: QuerySet[Record] | None = None) -> Counts | None:
    """How the definition in force judges its whole population, in one statement; ``where`` narrows the records.

    None when nothing is in force or its criterion can't be built."""
    version = version_at(DEFINITIONS, definition_key, now)
    return None if version is None else count_version(version, now, where)


def count_version(version: Version, now: datetime, where: QuerySet[Record] | None = None) -> Counts | None:
    """The same for any version of a definition, a draft included."""
    body = definition_body(version.key, version.body, catalogue_from_db())
    if body.whole is None:
        return None
    population = (Record.objects.all() if where is None else where).filter(
        object=body.object, deleted_at=None, merged_into=None
    )
    if body.connections:
        population = population.filter(connection__name__in=body.connections)
    return count_criterion(body.whole, now, population)


def count_criterion(criterion: Criterion, now: datetime, population: QuerySet[Record]) -> Counts:
    """One statement over ``population``."""
    truth, truth_params = criterion.to_sql("r", now)
    inside, inside_params = population.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE truth), count(*) FILTER (WHERE NOT truth), "  # noqa: S608 (all of it ours)
            "count(*) FILTER (WHERE truth IS NULL) "
            f"FROM (SELECT ({truth}) AS truth FROM records_record r WHERE r.id IN ({inside})) judged",
            [*truth_params, *inside_params],
        )
        row: Sequence[int] = cursor.fetchone()
    return Counts(*row)
