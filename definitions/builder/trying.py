"""How many records a condition would pass, and which would change sides: counted while somebody edits it.

Exact where the population is small; else from the records whose ids lie below a threshold. Ids are uuid5 of natural
keys, so that such a range of the primary key is a random sample, the same one at every edit. Everything stays inside
the viewer's business units, and every statement has a time limit."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse

from definitions.bodies import DefinitionBody
from definitions.criteria import Criterion
from definitions.criteria.nodes import All, Node, Not, leaves_of
from definitions.criteria.nodes import Any as AnyOf
from definitions.judging.counting import Counts
from definitions.judging.judge import CANT_TELL, parts_of
from records.models import Connection, Record
from teams.models import Person

What = DefinitionBody | Criterion

BUDGET_SECONDS = 0.25
FIRST_LIMIT_SECONDS = 1.0  # of a small run: what is slower than this can't be shown while editing
SMALL_POPULATION = 20_000
SMALL_BUDGET_SECONDS = 0.5  # a small population is worth waiting for, so that its numbers are exact
EXACT_LIMIT_SECONDS = 30.0
PROBE_FRACTION = 1 / 1024
FIRST_SAMPLE = 1_000
LAST_SAMPLE = 100  # when the first one was too slow
SAMPLES = (40_000, 16_000, 8_000, 4_000, 2_000)
EXAMPLES_EACH = 5
MAX_LEAVES_COUNTED = 60
LONGEST_SHOWN = 40
Z_95 = 1.96

TABLE = "records_record"
QUERY_CANCELED = "57014"
TOO_SLOW = "Too slow to count while editing."


class TooSlow(Exception):
    """The records could not be judged within the time limit."""


@dataclass(frozen=True)
class Example:
    """One record with its page. ``because``: what it is missing, or can't be told, in words; empty when it passes."""

    record_id: uuid.UUID
    title: str
    href: str
    connection: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examples:
    """Up to five each way, from the records counted."""

    met: tuple[Example, ...] = ()
    missing: tuple[Example, ...] = ()
    unknown: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Flips:
    """Records that change sides between two versions. ``gained``: pass only by the new one; ``lost``: no longer pass;
    ``unknown``: could be told by the old one and can't by the new (the lost among them are counted as lost too).

    All numbers are records; estimates when ``is_sampled``. ``margin``: of gained and lost, to either side, at 95%."""

    gained: int = 0
    lost: int = 0
    unknown: int = 0
    old_met: int = 0
    new_met: int = 0
    total: int = 0
    is_sampled: bool = False
    sample_size: int = 0
    margin: int = 0
    is_too_slow: bool = False
    gained_examples: tuple[Example, ...] = ()
    lost_examples: tuple[Example, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether it is certain that no record changes sides."""
        return not (self.gained or self.lost or self.unknown or self.is_sampled or self.is_too_slow)

    @property
    def words(self) -> str:
        """ "+196 new, −1,190 gone"."""
        if self.is_too_slow:
            return TOO_SLOW
        if not (self.gained or self.lost or self.unknown):
            return "No record changes" + (
                f" in a sample of {self.sample_size:,}." if self.is_sampled else "."
            )
        about = "About " if self.is_sampled else ""
        text = f"{about}+{self.gained:,} new, −{self.lost:,} gone"
        if self.unknown:
            text += f", {self.unknown:,} can't be told any more"
        return text + (
            f" (± {self.margin:,}, from a sample of {self.sample_size:,})" if self.is_sampled else ""
        )


@dataclass(frozen=True)
class Tried:
    """How a condition or a whole definition judges the viewer's records. Numbers are records.

    ``missing`` includes the excluded. ``excluded``: by key, each record under the first exclusion that holds.
    ``variants``: by key, of the records it is for. ``leaves``: by the leaf's path, each condition for itself, empty
    when there are too many. ``is_sampled``: numbers are estimates from ``sample_size`` records, ``margin`` is that of
    ``met`` to either side at 95%. ``is_too_slow``: nothing was counted."""

    met: int = 0
    missing: int = 0
    unknown: int = 0
    total: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    variants: Mapping[str, Counts] = field(default_factory=dict)
    leaves: Mapping[str, Counts] = field(default_factory=dict)
    is_sampled: bool = False
    sample_size: int = 0
    margin: int = 0
    is_too_slow: bool = False
    examples: Examples = Examples()
    flips: Flips | None = None

    @property
    def words(self) -> str:
        """ "412 of 8,120 pass", or "About 14,200 ± 300 of 1,000,000 pass, from a sample of 40,000"."""
        if self.is_too_slow:
            return TOO_SLOW
        if not self.is_sampled:
            return f"{self.met:,} of {self.total:,} pass"
        if not self.met:
            return f"None of {self.sample_size:,} looked at passes: at most about {self.margin:,} of {self.total:,} do"
        return (
            f"About {self.met:,} ± {self.margin:,} of {self.total:,} pass, "
            f"from a sample of {self.sample_size:,}"
        )


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
    return _try(_Plan.of(what, now, against, connections), viewer, where, exact=exact)


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
    if first is None or _whole(first) is None:
        return []
    plan = _Plan.of(first, now, second, ())
    # Seen from the first: who passes by it and not by the second is gained.
    way = _count_columns(plan)["gained"] if "old" in plan.truths else "in_new AND truth"
    text, params = _asked(plan, _population(plan, viewer, where)).query.sql_with_params()
    truths = ", ".join(f"{sql} AS {name}" for name, sql in plan.truths.items())
    statement = (
        f"WITH asked AS MATERIALIZED ({text}), "  # noqa: S608 (all of it ours)
        f"truths AS MATERIALIZED (SELECT *, {truths} FROM asked) SELECT id FROM truths WHERE {way}"
    )

    def ask() -> list[uuid.UUID]:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            return [row[0] for row in cursor.fetchall()]

    found: list[uuid.UUID] | None = _within(EXACT_LIMIT_SECONDS, ask)
    if found is None:
        raise TooSlow
    return found


# --- what is asked of each record ------------------------------------------------------------------------------


@dataclass
class _Plan:
    """Columns of one statement. ``asked``: name -> SQL over the record; ``truths``: name -> SQL over those names."""

    object: str
    now: datetime
    criterion: Criterion | None
    connections: tuple[str, ...]
    old_connections: tuple[str, ...] | None = None
    asked: dict[str, tuple[str, list[Any]]] = field(default_factory=dict)
    truths: dict[str, str] = field(default_factory=dict)
    leaves: dict[str, str] = field(default_factory=dict)
    exclusions: list[str] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)
    _names: dict[Node, str] = field(default_factory=dict)

    @classmethod
    def of(cls, what: What, now: datetime, against: What | None, connections: Sequence[str]) -> _Plan:
        definition = what if isinstance(what, DefinitionBody) else None
        whole = _whole(what)
        held = definition.connections if definition else tuple(connections)
        plan = cls(what.object, now, whole, held)
        if whole is None:
            return plan
        leaves = list(_leaves(whole.root))
        counts_leaves = len(leaves) <= MAX_LEAVES_COUNTED
        plan.truths["truth"] = plan.compose(whole.root) if counts_leaves else plan.ask("whole", whole)
        if counts_leaves:
            plan.leaves = {leaf.path: plan.compose(leaf) for leaf in leaves}
        if definition is not None:
            plan.add_exclusions(definition)
            plan.add_variants(definition)
        if against is not None:
            plan.add_old(against)
        return plan

    def ask(self, name: str, criterion: Criterion) -> str:
        self.asked[name] = criterion.to_sql(TABLE, self.now)
        return name

    def compose(self, node: Node) -> str:
        """The truth of a node over the columns of its leaves: PostgreSQL's AND and OR are Kleene's."""
        match node:
            case Not(child):
                return f"(NOT {self.compose(child)})"
            case All(children):
                return "(" + " AND ".join(self.compose(c) for c in children) + ")"
            case AnyOf(children):
                return "(" + " OR ".join(self.compose(c) for c in children) + ")"
        if node not in self._names:
            self._names[node] = self.ask(f"leaf_{len(self._names)}", Criterion(self.object, node))
        return self._names[node]

    def add_exclusions(self, definition: DefinitionBody) -> None:
        earlier: list[str] = []
        for i, exclusion in enumerate(definition.exclusions):
            if exclusion.criterion is None:
                continue
            holds = f"({self.compose(exclusion.criterion.root)} IS TRUE)"
            self.truths[f"excluded_{i}"] = " AND NOT ".join([holds, *earlier])
            self.exclusions.append(exclusion.key)
            earlier.append(holds)

    def add_variants(self, definition: DefinitionBody) -> None:
        earlier = [self.truths[f"excluded_{i}"] for i in range(len(self.exclusions))]
        for i, variant in enumerate(definition.variants):
            if variant.criterion is None:
                continue
            holds = "TRUE" if variant.when is None else f"({self.compose(variant.when.root)} IS TRUE)"
            self.truths[f"for_{i}"] = " AND NOT ".join([holds, *(f"({e})" for e in earlier)])
            self.truths[f"variant_{i}"] = self.compose(variant.criterion.root)
            self.variants.append(variant.key)
            earlier.append(holds)

    def add_old(self, against: What) -> None:
        old = _whole(against)
        held = against.connections if isinstance(against, DefinitionBody) else self.connections
        if old is None or old.object != self.object:
            # What can't be judged now, or was about something else, passes nobody here.
            self.truths["old"] = "FALSE"
        else:
            self.truths["old"] = self.ask("old_truth", old)
        self.old_connections = held


def _whole(what: What) -> Criterion | None:
    return what.whole if isinstance(what, DefinitionBody) else what


def _leaves(node: Node) -> Iterator[Any]:
    match node:
        case Not(child):
            yield from _leaves(child)
        case All(children) | AnyOf(children):
            for child in children:
                yield from _leaves(child)
        case _:
            yield node


# --- asking it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """What one run saw: counts by name, ids by way, among ``fraction`` of all records."""

    counts: Mapping[str, int]
    ids: Mapping[str, Sequence[str]]
    fraction: float


def _try(plan: _Plan, viewer: Person | None, where: QuerySet[Record] | None, *, exact: bool) -> Tried:
    population = _population(plan, viewer, where)
    if plan.criterion is None:
        with _limited(EXACT_LIMIT_SECONDS if exact else FIRST_LIMIT_SECONDS):
            total = population.count()
        return Tried(unknown=total, total=total)
    try:
        seen = _see_all(plan, population) if exact else _see_in_time(plan, population)
    except EmptyResultSet:  # Django sees that nobody can be in it, such as for a connection that is not there
        return Tried(flips=Flips() if "old" in plan.truths else None)
    if seen is None:
        return Tried(is_too_slow=True)
    return _told(plan, population, seen)


def _population(plan: _Plan, viewer: Person | None, where: QuerySet[Record] | None) -> QuerySet[Record]:
    population = Record.objects.all() if viewer is None else Record.objects.for_person(viewer)
    population = population.present().filter(object=plan.object)
    if where is not None:
        population = population.filter(pk__in=where.order_by().values("pk"))
    held = [plan.connections] + ([] if plan.old_connections is None else [plan.old_connections])
    if all(held):
        names = {name for connections in held for name in connections}
        population = population.filter(connection__in=_connection_ids(names))
    return population.order_by()


def _connection_ids(names: Sequence[str] | set[str]) -> list[int]:
    return list(Connection.objects.filter(name__in=names).values_list("pk", flat=True))


def _see_all(plan: _Plan, population: QuerySet[Record]) -> _Seen | None:
    return _run(plan, population, 1.0, EXACT_LIMIT_SECONDS)


def _see_in_time(plan: _Plan, population: QuerySet[Record]) -> _Seen | None:
    """A small run tells what a record costs; then the largest sample that fits the rest of the budget."""
    began = time.monotonic()
    size = _within(FIRST_LIMIT_SECONDS, lambda: _estimate_size(population))
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


def sample_of(population: QuerySet[Record], size: int) -> QuerySet[Record] | None:
    """About ``size`` records of a larger population, all of a smaller one; None when that takes too long to tell."""
    total = _within(FIRST_LIMIT_SECONDS, lambda: _estimate_size(population))
    if total is None:
        return None
    return population if total <= 2 * size else population.filter(pk__lt=_threshold(size / total))


def _estimate_size(population: QuerySet[Record]) -> int:
    """From one in 1,024 of the ids: the planner's own guess may be days old."""
    return round(population.filter(pk__lt=_threshold(PROBE_FRACTION)).count() / PROBE_FRACTION)


def _threshold(fraction: float) -> uuid.UUID:
    return uuid.UUID(int=min(int(fraction * 2**128), 2**128 - 1))


def _run(plan: _Plan, population: QuerySet[Record], fraction: float, seconds: float) -> _Seen | None:
    """One statement over a fraction of the population. None when it took too long."""
    if fraction < 1:
        population = population.filter(pk__lt=_threshold(fraction))
    rows = _asked(plan, population)
    text, params = rows.query.sql_with_params()
    truths = ", ".join(f"{sql} AS {name}" for name, sql in plan.truths.items())
    counts = _count_columns(plan)
    ways = _ways(plan)
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

    row = _within(seconds, ask)
    if row is None:
        return None
    return _Seen(
        dict(zip(counts, row, strict=False)),
        {name: told or () for name, told in zip(ids, row[len(counts) :], strict=True)},
        fraction,
    )


def _asked(plan: _Plan, population: QuerySet[Record]) -> Any:
    columns: dict[str, Any] = {
        name: RawSQL(sql, tuple(params), output_field=BooleanField())  # noqa: S611 (compiled from a valid criterion)
        for name, (sql, params) in plan.asked.items()
    }
    for name, held in (("in_new", plan.connections), ("in_old", plan.old_connections)):
        ids = _connection_ids(held) if held else []
        text = "connection_id = ANY(%s)" if held else "TRUE"
        columns[name] = RawSQL(  # noqa: S611 (compiled from a valid criterion)
            text, (ids,) if held else (), output_field=BooleanField()
        )
    return population.annotate(**columns).values("id", *columns)


def _count_columns(plan: _Plan) -> dict[str, str]:
    columns = {"total": "in_new"}
    judged = {"": "truth"} | {f"leaf {path}": name for path, name in plan.leaves.items()}
    for name, truth in judged.items():
        columns |= {
            f"met {name}": f"in_new AND {truth}",
            f"missing {name}": f"in_new AND NOT {truth}",
            f"unknown {name}": f"in_new AND {truth} IS NULL",
        }
    for i, key in enumerate(plan.exclusions):
        columns[f"excluded {key}"] = f"in_new AND excluded_{i}"
    for i, key in enumerate(plan.variants):
        here = f"in_new AND for_{i} AND"
        columns |= {
            f"met variant {key}": f"{here} variant_{i}",
            f"missing variant {key}": f"{here} NOT variant_{i}",
            f"unknown variant {key}": f"{here} variant_{i} IS NULL",
        }
    if "old" in plan.truths:
        passes, passed = "(in_new AND truth IS TRUE)", "(in_old AND old IS TRUE)"
        columns |= {
            "all": "TRUE",
            "old met": passed,
            "gained": f"{passes} AND NOT {passed}",
            "lost": f"{passed} AND NOT {passes}",
            "lost sight": "in_new AND truth IS NULL AND in_old AND old IS NOT NULL",
        }
    return columns


def _ways(plan: _Plan) -> dict[str, str]:
    ways = {
        "met": "in_new AND truth",
        "missing": "in_new AND NOT truth",
        "unknown": "in_new AND truth IS NULL",
    }
    if "old" in plan.truths:
        columns = _count_columns(plan)
        ways |= {"gained": columns["gained"], "lost": columns["lost"]}
    return ways


def _told(plan: _Plan, population: QuerySet[Record], seen: _Seen) -> Tried:
    counts, fraction = seen.counts, seen.fraction
    is_sampled = fraction < 1

    def scale(number: int) -> int:
        return _scaled(number, fraction)

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
        margin=_margin(counts["met "], fraction),
        examples=Examples(shown["met"], shown["missing"], shown["unknown"]),
        flips=_flips(plan, seen, shown),
    )


def _flips(plan: _Plan, seen: _Seen, shown: Mapping[str, tuple[Example, ...]]) -> Flips | None:
    if "old" not in plan.truths:
        return None
    counts, fraction = seen.counts, seen.fraction

    def scale(number: int) -> int:
        return _scaled(number, fraction)

    is_sampled = fraction < 1
    return Flips(
        gained=scale(counts["gained"]),
        lost=scale(counts["lost"]),
        unknown=scale(counts["lost sight"]),
        old_met=scale(counts["old met"]),
        new_met=scale(counts["met "]),
        total=scale(counts["all"]),
        is_sampled=is_sampled,
        sample_size=counts["all"] if is_sampled else 0,
        margin=_margin(max(counts["gained"], counts["lost"]), fraction),
        gained_examples=shown["gained"],
        lost_examples=shown["lost"],
    )


def _margin(seen: int, fraction: float) -> int:
    """Each record is in the sample with chance ``fraction``: binomial, and by the rule of three when none was seen."""
    if fraction >= 1:
        return 0
    raw = Z_95 * math.sqrt(seen * (1 - fraction)) / fraction if seen else 3 / fraction
    step = _step(raw)
    return max(step, math.ceil(raw / step) * step)


def _step(margin: float) -> int:
    """Two digits of the margin are told; more would be noise."""
    return int(10 ** max(0, math.floor(math.log10(max(margin, 1))) - 1))


def _scaled(seen: int, fraction: float) -> int:
    """From what a sample saw to the whole, no finer than its margin."""
    if fraction >= 1:
        return seen
    step = _step(_margin(seen, fraction))
    return round(seen / fraction / step) * step


def _examples(plan: _Plan, population: QuerySet[Record], seen: _Seen) -> dict[str, tuple[Example, ...]]:
    """Two queries for all of them."""
    wanted = sorted({pk for ids in seen.ids.values() for pk in ids})
    if not wanted or plan.criterion is None:
        return dict.fromkeys(seen.ids, ())
    rows = {
        str(row["id"]): row
        for row in _asked(plan, population.filter(pk__in=wanted)).values(
            "id", "title", "values", "remote_object", "remote_id", "connection__label", *plan.asked
        )
    }
    examples = {pk: _example(plan, row) for pk, row in rows.items()}
    return {name: tuple(examples[pk] for pk in ids if pk in examples) for name, ids in seen.ids.items()}


def _example(plan: _Plan, row: Mapping[str, Any]) -> Example:
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


# --- limits ----------------------------------------------------------------------------------------------------


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """A time limit on every statement inside; without compiling, which takes longer than these statements."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('jit', 'off', true)",
                [f"{max(1, round(seconds * 1000))}ms"],
            )
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT; SET LOCAL jit TO DEFAULT")


def _within(seconds: float, ask: Callable[[], Any]) -> Any:
    """What ``ask`` answers, or None when it took longer."""
    try:
        with _limited(seconds):
            return ask()
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != QUERY_CANCELED:
            raise
        return None
