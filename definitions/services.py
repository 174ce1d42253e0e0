"""What this room concludes, writes and finds due."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Min, Q, QuerySet

from definitions.bodies import DEFINITIONS, definition_body
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Criterion
from definitions.in_force import load_typed_model
from definitions.judging import Judged, judge
from definitions.models import Judgement, StageEntry, Version
from definitions.sections import sections
from definitions.stages import Entry, entries
from definitions.versions import version_at
from effects.tick import ring
from records.derived import Written, write_derived
from records.journey_data import Batch
from records.models import Record
from records.services import touch

POPULATION_PAGE = 5_000
_IN_FORCE_STATES = Q(state__in=[Version.State.SIGNED, Version.State.RETIRED])


@dataclass(frozen=True)
class Refreshed:
    """Rows written by one refresh."""

    stage_entries: Written[StageEntry]
    judgements: Written[Judgement]


# --- concluding ------------------------------------------------------------------------------------------------


def refresh(batch: Batch) -> Refreshed:
    """Conclude stage entries and judgements of a batch anew, in a constant number of queries; writes differences."""
    model = load_typed_model()
    stages, definitions = model.stage_histories(), model.definition_histories()
    in_force = model.in_force(batch.now)
    wanted_entries: list[StageEntry] = []
    wanted_judgements: list[Judgement] = []
    for journey in batch.journeys.values():
        wanted_entries += [_entry_row(e, journey.id) for e in entries(journey, stages, definitions)]
        wanted_judgements += [_judgement_row(j) for j in judge(journey, in_force, batch.now)]
    records = [r.id for j in batch.journeys.values() for r in j.records]
    return Refreshed(
        write_derived(
            StageEntry,
            wanted_entries,
            fields=[
                "journey", "record", "stage", "pass_number", "event", "occurred_at", "left_at", "is_exact", "snapshot",
                "definition", "judgement", "variant", "exclusion", "missing",
            ],
            scope=Q(journey__in=list(batch.journeys)),
        ),
        write_derived(
            Judgement,
            wanted_judgements,
            fields=["version", "state", "variant", "exclusion", "paper", "recheck_at"],
            scope=Q(record__in=records),
            key=("record_id", "section", "key"),
        ),
    )  # fmt: skip


def _entry_row(entry: Entry, journey_id: uuid.UUID) -> StageEntry:
    return StageEntry(
        id=entry.id,
        journey_id=journey_id,
        record_id=entry.record_id,
        stage=entry.stage,
        pass_number=entry.pass_number,
        event_id=entry.event_id,
        occurred_at=entry.occurred_at,
        left_at=entry.left_at,
        is_exact=entry.is_exact,
        snapshot=dict(entry.snapshot),
        definition_id=entry.definition_id,
        judgement=entry.judgement,
        variant=entry.variant,
        exclusion=entry.exclusion,
        missing=list(entry.missing),
    )


def _judgement_row(judged: Judged) -> Judgement:
    return Judgement(
        record_id=judged.record_id,
        section=judged.section,
        key=judged.key,
        version_id=judged.version_id,
        state=judged.state,
        variant=judged.variant,
        exclusion=judged.exclusion,
        recheck_at=judged.recheck_at,
    )


# --- finding what is due ---------------------------------------------------------------------------------------


def recheck_due(now: datetime) -> int:
    """Touch the records of judgements that time alone may have changed. Returns judgements claimed."""
    with transaction.atomic():
        due = list(
            Judgement.objects.select_for_update(skip_locked=True)
            .filter(recheck_at__lte=now)
            .order_by("recheck_at")
            .values_list("pk", "record_id")[: settings.GTMOPS.tick_batch]
        )
        # The pipeline writes the next moment; until then nobody claims them again.
        Judgement.objects.filter(pk__in=[pk for pk, _ in due]).update(recheck_at=None)
        touch((record for _, record in due), now)
    return len(due)


def next_recheck(now: datetime) -> datetime | None:
    """The first moment at which a judgement is to be made again."""
    found: datetime | None = Judgement.objects.filter(recheck_at__isnull=False).aggregate(
        m=Min("recheck_at")
    )["m"]
    return found


def publish_due(now: datetime) -> int:
    """Mark one page of the population of a version that came into or went out of force. Returns pages done (0 or 1)."""
    with transaction.atomic():
        version = (
            Version.objects.select_for_update(skip_locked=True)
            .filter(_IN_FORCE_STATES, _has_turned(now))
            .order_by("pk")
            .first()
        )
        if version is None:
            return 0
        version.population_after = _touch_page(version, version.population_after, now)
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


def _touch_page(version: Version, after: uuid.UUID | None, now: datetime) -> uuid.UUID | None:
    """Insert one page of ``Touched`` from a select; the last record's id, or None when that was the last page."""
    section = sections().get(version.section)
    if section is None or section.population is None:
        return None
    population = section.population(version.body).order_by("pk")
    if after is not None:
        population = population.filter(pk__gt=after)
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


# --- counting --------------------------------------------------------------------------------------------------


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
