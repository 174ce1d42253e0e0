"""The one statement that tries a condition: what is asked of each record, and what is counted of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from definitions.bodies import DefinitionBody
from definitions.criteria import Criterion
from definitions.criteria.nodes import All, Node, Not
from definitions.criteria.nodes import Any as AnyOf
from records.models import Connection, Record

What = DefinitionBody | Criterion

MAX_LEAVES_COUNTED = 60
YEAR = timedelta(days=365)
TABLE = "records_record"


@dataclass
class Plan:
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
    def of(cls, what: What, now: datetime, against: What | None, connections: Sequence[str]) -> Plan:
        definition = what if isinstance(what, DefinitionBody) else None
        whole = whole_of(what)
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
        old = whole_of(against)
        held = against.connections if isinstance(against, DefinitionBody) else self.connections
        if old is None or old.object != self.object:
            # What can't be judged now, or was about something else, passes nobody here.
            self.truths["old"] = "FALSE"
        else:
            self.truths["old"] = self.ask("old_truth", old)
        self.old_connections = held


def whole_of(what: What) -> Criterion | None:
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


def connection_ids(names: Sequence[str] | set[str]) -> list[int]:
    return list(Connection.objects.filter(name__in=names).values_list("pk", flat=True))


def asked(plan: Plan, population: QuerySet[Record]) -> Any:
    columns: dict[str, Any] = {
        name: RawSQL(sql, tuple(params), output_field=BooleanField())  # noqa: S611 (compiled from a valid criterion)
        for name, (sql, params) in plan.asked.items()
    }
    for name, held in (("in_new", plan.connections), ("in_old", plan.old_connections)):
        ids = connection_ids(held) if held else []
        text = "connection_id = ANY(%s)" if held else "TRUE"
        columns[name] = RawSQL(  # noqa: S611 (compiled from a valid criterion)
            text, (ids,) if held else (), output_field=BooleanField()
        )
    columns["of_year"] = RawSQL(
        "coalesce(created_at_remote >= %s, FALSE)", (plan.now - YEAR,), output_field=BooleanField()
    )
    return population.annotate(**columns).values("id", *columns)


def count_columns(plan: Plan) -> dict[str, str]:
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
            "old met of year": f"{passed} AND of_year",
            "met of year": f"{passes} AND of_year",
            "gained": f"{passes} AND NOT {passed}",
            "lost": f"{passed} AND NOT {passes}",
            "lost sight": "in_new AND truth IS NULL AND in_old AND old IS NOT NULL",
        }
    return columns


def ways_of(plan: Plan) -> dict[str, str]:
    ways = {
        "met": "in_new AND truth",
        "missing": "in_new AND NOT truth",
        "unknown": "in_new AND truth IS NULL",
    }
    if "old" in plan.truths:
        columns = count_columns(plan)
        ways |= {"gained": columns["gained"], "lost": columns["lost"]}
    return ways
