"""A version comes into or goes out of force: its whole population is concluded anew, page by page."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Min, Q

from definitions.bodies import DEFINITIONS
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging.sets import judge_page, line_of
from definitions.models import StageEntry, Version
from definitions.sections import sections
from definitions.versions import version_at
from effects.tick import ring
from records.services import touch

POPULATION_PAGE = 20_000
_IN_FORCE_STATES = Q(state__in=[Version.State.SIGNED, Version.State.RETIRED])


def publish_due(now: datetime) -> int:
    """Conclude one page of the population of a version that came into or went out of force: what a definition says is
    judged at once, records of any other section are marked for the pipeline. Returns pages done (0 or 1)."""
    with transaction.atomic():
        version = (
            Version.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(_IN_FORCE_STATES, _has_turned(now))
            .order_by("pk")
            .first()
        )
        if version is None:
            return 0
        conclude = _judge_page if version.section == DEFINITIONS else _touch_page
        version.population_after = conclude(version, version.population_after, now)
        if version.population_after is None:
            version.population_done_at = now
        version.save(update_fields=["population_after", "population_done_at"])
    return 1


def next_publish(now: datetime) -> datetime | None:
    """When the next version comes into or goes out of force."""
    waiting = Version.objects.filter(_IN_FORCE_STATES)
    if waiting.filter(_has_turned(now)).exists():
        return now
    ahead = waiting.aggregate(
        begins=Min("effective_from", filter=Q(effective_from__gt=now)),
        ends=Min("retired_at", filter=Q(retired_at__gt=now)),
    )
    return min((at for at in ahead.values() if at is not None), default=None)


def enqueue_population(section: str, key: str, now: datetime) -> int:
    """Mark every record that the version in force concerns, page by page. Returns pages; 0 when nothing is in force."""
    version = version_at(section, key, now)
    if version is None:
        return 0
    pages, after = 0, None
    while True:
        pages += 1
        with transaction.atomic():
            after = _touch_page(version, after, now)
        if after is None:
            return pages


def _has_turned(now: datetime) -> Q:
    return Q(effective_from__lte=now) & (
        Q(population_done_at=None) | Q(retired_at__lte=now, population_done_at__lt=F("retired_at"))
    )


def _judge_page(version: Version, after: uuid.UUID | None, now: datetime) -> uuid.UUID | None:
    """Judge one page by what is in force now; the last record's id, None when that was the last page."""
    model = load_typed_model()
    if after is None:
        _touch_entered(version, model, now)
    return judge_page([line_of(model, version.key, now)], now, after=after, size=POPULATION_PAGE).last


def _touch_entered(version: Version, model: TypedModel, now: datetime) -> None:
    """Mark the records that entered one of the definition's stages since the turn: the entry is judged anew, too."""
    stages = [
        stage.key
        for stage in model.stage_histories
        if any(v.body.definition == version.key for v in stage.versions)
    ]
    turn = version.effective_from if version.population_done_at is None else version.retired_at
    entered = StageEntry.objects.filter(stage__in=stages, occurred_at__gte=turn, occurred_at__lte=now)
    touch(entered.order_by().values_list("record", flat=True).distinct(), now)


def _touch_page(version: Version, after: uuid.UUID | None, now: datetime) -> uuid.UUID | None:
    """Insert one page of ``Touched`` from a select; the last record's id, or None when that was the last page."""
    section = sections().get(version.section)
    if section is None or section.population is None:
        return None
    population = section.population(version.body).order_by("pk")
    if after is not None:
        population = population.filter(pk__gt=after)
    if population.query.is_empty():
        return None
    page, params = population.values("pk")[:POPULATION_PAGE].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH page (id) AS ({page}), added AS ("  # noqa: S608 (all of it ours)
            "INSERT INTO records_touched (record_id, touched_at, attempts, last_error) "
            "SELECT id, %s, 0, '' FROM page) "
            "SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM page)",
            [*params, now],
        )
        last, count = cursor.fetchone()
    if count:
        ring("pipeline")
    return last if count == POPULATION_PAGE else None
