"""A validated criterion and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from definitions.criteria.facts import Facts
from definitions.criteria.nodes import Node, leaves_of
from definitions.criteria.targets import english, python, sql, tree
from definitions.criteria.targets.python import Evaluation


@dataclass(frozen=True, slots=True)
class Criterion:
    """Made by `parse`. `object` is the logical object it judges."""

    object: str
    root: Node

    def evaluate(self, facts: Facts, now: datetime) -> Evaluation:
        """Judge one record. Raises ValueError when `now` is naive."""
        return python.evaluate(self.root, facts, now)

    def to_sql(self, alias: str, now: datetime) -> tuple[str, list[Any]]:
        """One boolean expression over the jsonb column `values` of `alias`, NULL meaning unknown.

        `%s` placeholders stand for the returned parameters, in order. Raises ValueError when `alias`
        is no plain identifier or `now` is naive.
        """
        return sql.compile_node(self.root, alias, now)

    def to_english(self) -> str:
        return english.describe(self.root)

    def to_tree(self) -> dict[str, Any]:
        """The canonical plain tree, ready for JSON or YAML; parsing it gives an equal criterion."""
        return tree.unparse(self.root)

    def fields(self) -> frozenset[str]:
        """The names of the fields it reads."""
        return frozenset(leaf.field.name for leaf in leaves_of(self.root))
