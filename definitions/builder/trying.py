"""How many records a condition would pass, and which would change sides: counted while somebody edits it.

Exact where the population is small; else from the records whose ids lie below a threshold. Ids are uuid5 of natural
keys, so that such a range of the primary key is a random sample, the same one at every edit. Everything stays inside
the viewer's business units, and every statement has a time limit."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse

from definitions.builder.outcomes import Example, Examples, Flips, TooSlow, Tried
from definitions.builder.sampling import (
    FIRST_LIMIT_SECONDS,
    estimate_size,
    limited,
    margin_of,
    scaled,
    threshold,
    within,
)
from definitions.builder.statement import Plan, What, asked, connection_ids, count_columns, ways_of, whole_of
from definitions.criteria import Criterion
from definitions.criteria.nodes import leaves_of
from definitions.judging.counting import Counts
from definitions.judging.judge import CANT_TELL, parts_of
from records.models import Record
from teams.models import Person

BUDGET_SECONDS = 0.25
SMALL_POPULATION = 20_000
SMALL_BUDGET_SECONDS = 0.5  # a small population is worth waiting for, so that its numbers are exact
EXACT_LIMIT_SECONDS = 30.0
FIRST_SAMPLE = 1_000
LAST_SAMPLE = 100  # when the first one was too slow
SAMPLES = (40_000, 16_000, 8_000, 4_000, 2_000)
EXAMPLES_EACH = 5
LONGEST_SHOWN = 40


def count(
    what: What,
    viewer: Person | None,
    now: datetime,
    *,
    against: What | None = None,
    connections: Sequence[str] = (),
    where: QuerySet[Record] | None = None,
    exact: bool = False,
) -> Tried:
    """Judge the present records of ``what``'s object that ``viewer`` may read (None: all), within about 0.3 s.

    ``against``: what is in force; then ``flips`` says who changes sides. ``connections`` narrow a bare criterion, a
    definition brings its own; ``where`` narrows both. ``exact``: every record, however long (30 s at most)."""
    return _try(Plan.of(what, now, against, connections), viewer, where, exact=exact)


def examples(
    what: What, viewer: Person | None, now: datetime, *, connections: Sequence[str] = ()
) -> Examples:
    """Five records each way."""
    return count(what, viewer, now, connections=connections).examples


def flips(
    old: What | None,
    new: What | None,
    viewer: Person | None,
    now: datetime,
    *,
    where: QuerySet[Record] | None = None,
    exact: bool = False,
) -> Flips:
    """Who changes sides when ``new`` replaces ``old``; None is nothing in force, by which nobody passes.

    Decide with ``viewer=None, exact=True`` and ``Flips.is_none``: a sample without a flip proves nothing."""
    if new is not None:
        found = count(new, viewer, now, against=old, where=where, exact=exact)
        if found.flips is not None:
            return found.flips
        return Flips(
            gained=found.met, new_met=found.met, total=found.total, is_sampled=found.is_sampled,
            sample_size=found.sample_size, margin=found.margin, is_too_slow=found.is_too_slow,
            gained_examples=found.examples.met,
        )  # fmt: skip
    if old is None:
        return Flips()
    found = count(old, viewer, now, where=where, exact=exact)
    return Flips(
        lost=found.met, old_met=found.met, total=found.total, is_sampled=found.is_sampled,
        sample_size=found.sample_size, margin=found.margin, is_too_slow=found.is_too_slow,
        lost_examples=found.examples.met,
    )  # fmt: skip


def changing(
    old: What | None,
    new: What | None,
    viewer: Person | None,
    now: datetime,
    *,
    is_gained: bool,
    where: QuerySet[Record] | None = None,
) -> list[uuid.UUID]:
    """The ids behind ``Flips.gained`` or ``Flips.lost``, all of them. Raises TooSlow after 30 s."""
    first, second = (new, old) if is_gained else (old, new)
    if first is None or whole_of(first) is None:
        return []
    plan = Plan.of(first, now, second, ())
    # Seen from the first: who passes by it and not by the second is gained.
    way = count_columns(plan)["gained"] if "old" in plan.truths else "in_new AND truth"
    text, params = asked(plan, _population(plan, viewer, where)).query.sql_with_params()
    truths = ", ".join(f"{sql} AS {name}" for name, sql in plan.truths.items())
    statement = (
        f"WITH asked AS MATERIALIZED ({text}), "  # noqa: S608 (all of it ours)
        f"truths AS MATERIALIZED (SELECT *, {truths} FROM asked) SELECT id FROM truths WHERE {way}"
    )

    def ask() -> list[uuid.UUID]:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            return [row[0] for row in cursor.fetchall()]

    found: list[uuid.UUID] | None = within(EXACT_LIMIT_SECONDS, ask)
    if found is None:
        raise TooSlow
    return found


# --- asking it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """What one run saw: counts by name, ids by way, among ``fraction`` of all records."""

    counts: Mapping[str, int]
    ids: Mapping[str, Sequence[str]]
    fraction: float


def _try(plan: Plan, viewer: Person | None, where: QuerySet[Record] | None, *, exact: bool) -> Tried:
    population = _population(plan, viewer, where)
    if plan.criterion is None:
        with limited(EXACT_LIMIT_SECONDS if exact else FIRST_LIMIT_SECONDS):
            total = population.count()
        return Tried(unknown=total, total=total)
    try:
        seen = _see_all(plan, population) if exact else _see_in_time(plan, population)
    except EmptyResultSet:  # Django sees that nobody can be in it, such as for a connection that is not there
        return Tried(flips=Flips() if "old" in plan.truths else None)
    if seen is None:
        return Tried(is_too_slow=True)
    return _told(plan, population, seen)


def _population(plan: Plan, viewer: Person | None, where: QuerySet[Record] | None) -> QuerySet[Record]:
    population = Record.objects.all() if viewer is None else Record.objects.for_person(viewer)
    population = population.present().filter(object=plan.object)
    if where is not None:
        population = population.filter(pk__in=where.order_by().values("pk"))
    held = [plan.connections] + ([] if plan.old_connections is None else [plan.old_connections])
    if all(held):
        names = {name for connections in held for name in connections}
        population = population.filter(connection__in=connection_ids(names))
    return population.order_by()


def _see_all(plan: Plan, population: QuerySet[Record]) -> _Seen | None:
    return _run(plan, population, 1.0, EXACT_LIMIT_SECONDS)


def _see_in_time(plan: Plan, population: QuerySet[Record]) -> _Seen | None:
    """A small run tells what a record costs; then the largest sample that fits the rest of the budget."""
    began = time.monotonic()
    size = within(FIRST_LIMIT_SECONDS, lambda: estimate_size(population))
    if size is None:
        return None
    if size <= 2 * FIRST_SAMPLE:
        return _run(plan, population, 1.0, FIRST_LIMIT_SECONDS)
    run_began = time.monotonic()
    first = _run(plan, population, FIRST_SAMPLE / size, FIRST_LIMIT_SECONDS)
    if first is None:
        return _run(plan, population, LAST_SAMPLE / size, FIRST_LIMIT_SECONDS)
    seconds_each = (time.monotonic() - run_began) / FIRST_SAMPLE
    budget = SMALL_BUDGET_SECONDS if size <= SMALL_POPULATION else BUDGET_SECONDS
    left = budget - (time.monotonic() - began)
    for sample in [size, *SAMPLES] if size <= SAMPLES[0] else SAMPLES:
        if sample <= size and sample * seconds_each <= left:
            fraction = 1.0 if sample == size else sample / size
            return _run(plan, population, fraction, max(left * 2, 0.02)) or first
    return first


def _run(plan: Plan, population: QuerySet[Record], fraction: float, seconds: float) -> _Seen | None:
    """One statement over a fraction of the population. None when it took too long."""
    if fraction < 1:
        population = population.filter(pk__lt=threshold(fraction))
    rows = asked(plan, population)
    text, params = rows.query.sql_with_params()
    truths = ", ".join(f"{sql} AS {name}" for name, sql in plan.truths.items())
    counts = count_columns(plan)
    ways = ways_of(plan)
    ids = {
        name: f"(SELECT array_agg(id::text ORDER BY id) FROM (SELECT id FROM truths WHERE {way} ORDER BY id "  # noqa: S608 (all ours)
        f"LIMIT {EXAMPLES_EACH}) chosen)"
        for name, way in ways.items()
    }
    columns = ", ".join([*(f"count(*) FILTER (WHERE {sql})" for sql in counts.values()), *ids.values()])
    statement = (
        f"WITH asked AS MATERIALIZED ({text}), "  # noqa: S608 (all of it ours)
        f"truths AS MATERIALIZED (SELECT *, {truths} FROM asked) SELECT {columns} FROM truths"
    )

    def ask() -> Sequence[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            found: Sequence[Any] = cursor.fetchone()
        return found

    row = within(seconds, ask)
    if row is None:
        return None
    return _Seen(
        dict(zip(counts, row, strict=False)),
        {name: told or () for name, told in zip(ids, row[len(counts) :], strict=True)},
        fraction,
    )


def _told(plan: Plan, population: QuerySet[Record], seen: _Seen) -> Tried:
    counts, fraction = seen.counts, seen.fraction
    is_sampled = fraction < 1

    def scale(number: int) -> int:
        return scaled(number, fraction)

    def counts_of(name: str) -> Counts:
        return Counts(*(scale(counts[f"{state} {name}"]) for state in ("met", "missing", "unknown")))

    shown = _examples(plan, population, seen)
    own = counts_of("")
    return Tried(
        met=own.met,
        missing=own.missing,
        unknown=own.unknown,
        total=scale(counts["total"]),
        excluded={key: scale(counts[f"excluded {key}"]) for key in plan.exclusions},
        variants={key: counts_of(f"variant {key}") for key in plan.variants},
        leaves={path: counts_of(f"leaf {path}") for path in plan.leaves},
        is_sampled=is_sampled,
        sample_size=counts["total"] if is_sampled else 0,
        margin=margin_of(counts["met "], fraction),
        examples=Examples(shown["met"], shown["missing"], shown["unknown"]),
        flips=_flips(plan, seen, shown),
    )


def _flips(plan: Plan, seen: _Seen, shown: Mapping[str, tuple[Example, ...]]) -> Flips | None:
    if "old" not in plan.truths:
        return None
    counts, fraction = seen.counts, seen.fraction

    def scale(number: int) -> int:
        return scaled(number, fraction)

    is_sampled = fraction < 1
    return Flips(
        gained=scale(counts["gained"]),
        lost=scale(counts["lost"]),
        unknown=scale(counts["lost sight"]),
        old_met=scale(counts["old met"]),
        new_met=scale(counts["met "]),
        old_met_of_year=scale(counts["old met of year"]),
        new_met_of_year=scale(counts["met of year"]),
        total=scale(counts["all"]),
        is_sampled=is_sampled,
        sample_size=counts["all"] if is_sampled else 0,
        margin=margin_of(max(counts["gained"], counts["lost"]), fraction),
        gained_examples=shown["gained"],
        lost_examples=shown["lost"],
    )


def _examples(plan: Plan, population: QuerySet[Record], seen: _Seen) -> dict[str, tuple[Example, ...]]:
    """Two queries for all of them."""
    wanted = sorted({pk for ids in seen.ids.values() for pk in ids})
    if not wanted or plan.criterion is None:
        return dict.fromkeys(seen.ids, ())
    rows = {
        str(row["id"]): row
        for row in asked(plan, population.filter(pk__in=wanted)).values(
            "id", "title", "values", "remote_object", "remote_id", "connection__label", *plan.asked
        )
    }
    examples = {pk: _example(plan, row) for pk, row in rows.items()}
    return {name: tuple(examples[pk] for pk in ids if pk in examples) for name, ids in seen.ids.items()}


def _example(plan: Plan, row: Mapping[str, Any]) -> Example:
    because: tuple[str, ...] = ()
    if plan.leaves and plan.criterion is not None:
        truths = {path: row[name] for path, name in plan.leaves.items()}
        because = tuple(_because(plan.criterion, truths, row["values"]))
    return Example(
        record_id=row["id"],
        title=row["title"] or f"{row['remote_object']} {row['remote_id']}",
        href=reverse("records:record", args=[row["id"]]),
        connection=row["connection__label"],
        because=because,
    )


def _because(
    criterion: Criterion, truths: Mapping[str, bool | None], values: Mapping[str, Any]
) -> Iterator[str]:
    """What does not hold, with the value seen where it is a single field: "Fleet size is at least 10 (now 7)"."""
    fields = {leaf.path: leaf.field for leaf in leaves_of(criterion.root)}
    for part in parts_of(criterion, truths):
        if part.truth is True:
            continue
        read = fields.get(part.leaves[0]) if len(part.leaves) == 1 else None
        if part.truth is None:
            yield f"{part.text} {CANT_TELL}"
        elif read is not None and read.name in values:
            yield f"{part.text} (now {_shown(values[read.name], read.options)})"
        else:
            yield part.text


def _shown(value: Any, options: Mapping[str, str]) -> str:
    if value is None or value in ("", []):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    texts = [options.get(str(one), str(one)) for one in (value if isinstance(value, list) else [value])]
    text = ", ".join(texts)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
