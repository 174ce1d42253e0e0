"""Which records a new version judges differently: the numbers of a draft, and the records behind them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from definitions.bodies import DEFINITIONS, PIPELINES, DefinitionBody, definition_body, pipeline_body
from definitions.builder.outcomes import Flips
from definitions.builder.trying import changing, flips
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue, Criterion
from definitions.models import Version
from definitions.sections import Body
from records.models import Record
from teams.models import Person

TRIGGERS = "triggers"


@dataclass(frozen=True)
class Judging:
    """One thing that judges records: a definition, or what must be true to leave a stage (``key`` pipeline/stage).

    ``population``: present records it is about, in any business unit."""

    key: str
    title: str
    definition: DefinitionBody | None
    criterion: Criterion | None
    population: QuerySet[Record]


def judges_records(section: str) -> bool:
    return section in {DEFINITIONS, TRIGGERS, PIPELINES}


def judgings(section: str, key: str, body: Body | None, catalogue: Catalogue) -> Iterator[Judging]:
    """What a body judges; nothing for a section that judges no records."""
    if body is None:
        return
    present = Record.objects.present()
    if section in {DEFINITIONS, TRIGGERS}:
        definition = definition_body(key, body, catalogue)
        found = present.filter(object=definition.object)
        if definition.connections:
            found = found.filter(connection__name__in=definition.connections)
        yield Judging(key, definition.name, definition, definition.whole, found)
    elif section == PIPELINES:
        pipeline = pipeline_body(key, body, catalogue)
        inside = present.filter(object=pipeline.object, connection__name=pipeline.connection)
        for stage in pipeline.stages:
            if stage.exit_criterion is not None and pipeline.stage_field:
                yield Judging(
                    f"{key}/{stage.key}", stage.name, None, stage.exit_criterion,
                    inside.filter(**{f"values__{pipeline.stage_field}": stage.value}),
                )  # fmt: skip


def impact_of(
    version: Version, base: Version | None, viewer: Person | None, now: datetime, *, exact: bool = False
) -> Flips | None:
    """How many records change sides; None for a section that judges none. ``viewer`` None: all business units."""
    if not judges_records(version.section):
        return None
    catalogue = catalogue_from_db()
    new = {j.key: j for j in judgings(version.section, version.key, version.body, catalogue)}
    old = {j.key: j for j in judgings(version.section, version.key, base.body if base else None, catalogue)}
    total = Flips()
    for key in dict.fromkeys([*new, *old]):
        total = _added(total, _flips(old.get(key), new.get(key), viewer, now, exact=exact))
    return total


def _flips(
    old: Judging | None, new: Judging | None, viewer: Person | None, now: datetime, *, exact: bool
) -> Flips:
    told = [j for j in (new, old) if j is not None]
    if any(j.definition is not None for j in told):
        before, after = (j.definition if j else None for j in (old, new))
        return flips(before, after, viewer, now, exact=exact)
    where = told[0].population
    # Where a stage asks nothing, nothing is missing: not the same as nobody passing.
    if old is None or new is None:
        return Flips()
    return flips(old.criterion, new.criterion, viewer, now, where=where, exact=exact)


def _added(one: Flips, two: Flips) -> Flips:
    return Flips(
        gained=one.gained + two.gained,
        lost=one.lost + two.lost,
        unknown=one.unknown + two.unknown,
        old_met=one.old_met + two.old_met,
        new_met=one.new_met + two.new_met,
        old_met_of_year=_sum(one.old_met_of_year, two.old_met_of_year),
        new_met_of_year=_sum(one.new_met_of_year, two.new_met_of_year),
        total=one.total + two.total,
        is_sampled=one.is_sampled or two.is_sampled,
        sample_size=one.sample_size + two.sample_size,
        margin=one.margin + two.margin,
        is_too_slow=one.is_too_slow or two.is_too_slow,
        gained_examples=(one.gained_examples + two.gained_examples)[:5],
        lost_examples=(one.lost_examples + two.lost_examples)[:5],
    )


def _sum(one: int | None, two: int | None) -> int | None:
    return two if one is None else one if two is None else one + two


def records_that_change(
    version: Version, base: Version | None, viewer: Person, now: datetime, which: str
) -> QuerySet[Record]:
    """The records behind ``gained`` or ``lost`` that ``viewer`` may read, by title."""
    catalogue = catalogue_from_db()
    new = {j.key: j for j in judgings(version.section, version.key, version.body, catalogue)}
    old = {j.key: j for j in judgings(version.section, version.key, base.body if base else None, catalogue)}
    ids: set[uuid.UUID] = set()
    for key in dict.fromkeys([*new, *old]):
        before, after = old.get(key), new.get(key)
        if version.section == PIPELINES and (before is None or after is None):
            continue
        ids |= _changing(before, after, viewer, now, is_gained=which == "gained")
    found = Record.objects.for_person(viewer).present().filter(pk__in=ids)
    return found.select_related("owner", "connection").order_by("title", "pk")


def _changing(
    old: Judging | None, new: Judging | None, viewer: Person, now: datetime, *, is_gained: bool
) -> set[uuid.UUID]:
    told = [j for j in (new, old) if j is not None]
    if any(j.definition is not None for j in told):
        before, after = (j.definition if j else None for j in (old, new))
        return {*changing(before, after, viewer, now, is_gained=is_gained)}
    earlier, later = (j.criterion if j else None for j in (old, new))
    return {*changing(earlier, later, viewer, now, is_gained=is_gained, where=told[0].population)}
