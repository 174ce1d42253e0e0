"""A validated criterion and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any as Anything
from typing import NamedTuple

from definitions.criteria.compiled import Compiled, FieldMapping
from definitions.criteria.facts import Facts
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Source, Staged, conditions_of
from definitions.criteria.targets import english, hubspot, python, salesforce, sql, tree
from definitions.criteria.targets.python import Evaluation

CURRENCY_FIELD = "currency"


class Reads(NamedTuple):
    """What must be known of a record: its fields, and which lists."""

    fields: frozenset[str] = frozenset()
    activities: bool = False
    related: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Criterion:
    """Made by `parse`. `object` is the logical object it judges."""

    object: str
    root: Node

    def evaluate(self, facts: Facts, now: datetime) -> Evaluation:
        """Judge one record. Raises ValueError when `now` is naive."""
        return python.evaluate(self.root, facts, now)

    def to_sql(self, alias: str, now: datetime) -> tuple[str, list[Anything]]:
        """One boolean expression about a row of records_record called `alias`, NULL meaning unknown.

        Conditions on fields need only its jsonb column `values`; those on lists also `id`, `journey_id`,
        `connection_id`, `object` and `remote_id`. `%s` placeholders stand for the returned parameters, in order.
        Raises ValueError when `alias` is no plain identifier or `now` is naive.
        """
        return sql.compile_truth(self.root, self.object, alias, now)

    def recheck_sql(self, alias: str, now: datetime) -> tuple[str, list[Anything]] | None:
        """The first moment at which time alone could change the truth, as a timestamptz expression about `alias`.

        NULL is never; it may be early, never late. None when time changes nothing for any record. Raises as `to_sql`.
        """
        return sql.compile_recheck(self.root, self.object, alias, now)

    def to_salesforce(self, mapping: FieldMapping) -> Compiled:
        """A formula for Salesforce's validation rules, or the leaves that formulas can't express.

        True exactly when the criterion is true of a record whose fields can all be read.
        """
        return salesforce.compile_criterion(self.root, mapping)

    def to_hubspot(self, mapping: FieldMapping) -> Compiled:
        """Filter groups for HubSpot's CRM search, or the leaves that it can't express.

        They find exactly the records of which the criterion is true, if their fields can all be read.
        """
        return hubspot.compile_criterion(self.root, mapping)

    def to_english(self) -> str:
        return english.describe(self.root)

    def to_tree(self) -> dict[str, Anything]:
        """The canonical plain tree, ready for JSON or YAML; parsing it gives an equal criterion."""
        return tree.unparse(self.root)

    def fields(self) -> frozenset[str]:
        """The names of the fields of the record it reads; not those of activities and related records."""
        return self.reads().fields

    def reads(self) -> Reads:
        """Everything it reads of a record."""
        fields: set[str] = set()
        lists: dict[Source, set[str]] = {source: set() for source in Source}
        stages: set[str] = set()
        for one in conditions_of(self.root):
            match one:
                case Leaf():
                    fields |= {one.field.name} | ({CURRENCY_FIELD} if one.currency else set())
                case Counted():
                    lists[one.source].add(one.name)
                case Staged():
                    stages.add(one.stage)
        return Reads(
            frozenset(fields),
            bool(lists[Source.ACTIVITY]),
            frozenset(lists[Source.RELATED]),
            frozenset(stages),
            frozenset(lists[Source.EVENT]),
        )


def all_of(criteria: Sequence[Criterion]) -> Criterion:
    """All of them must hold. Raises ValueError for none, or for criteria of several objects."""
    return Criterion(_object_of(criteria), criteria[0].root if len(criteria) == 1 else All(_roots(criteria)))


def any_of(criteria: Sequence[Criterion]) -> Criterion:
    """One of them must hold. Raises as `all_of`."""
    return Criterion(_object_of(criteria), criteria[0].root if len(criteria) == 1 else Any(_roots(criteria)))


def not_(criterion: Criterion) -> Criterion:
    """It must not hold."""
    return Criterion(criterion.object, Not(criterion.root))


def _roots(criteria: Sequence[Criterion]) -> tuple[Node, ...]:
    return tuple(criterion.root for criterion in criteria)


def _object_of(criteria: Sequence[Criterion]) -> str:
    objects = {criterion.object for criterion in criteria}
    if len(objects) != 1:
        raise ValueError("criteria can be combined only when there are some, all about one object")
    return objects.pop()
