"""A whole tree as one expression: its truth, and when time alone could change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any as Anything

from definitions.criteria.items import bounds_of
from definitions.criteria.moments import utc
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Staged
from definitions.criteria.targets.sql.comparing import LeafCompiler
from definitions.criteria.targets.sql.lists import Lists, count
from definitions.criteria.targets.sql.tables import TABLES
from definitions.criteria.targets.sql.text import IDENTIFIER, Sql, fill, joined

# Python and Django read years up to here.
LAST_MOMENT = "'9999-12-31 00:00:00+00'::timestamptz"


def compile_truth(
    root: Node, object_name: str, alias: str, now: datetime, lists: Lists = TABLES
) -> tuple[str, list[Anything]]:
    """Raises ValueError when `alias` is no plain identifier or `now` is naive."""
    compiler = _compiler(object_name, alias, now, lists)
    text, params = compiler.truth(root)
    return text, params


def compile_recheck(
    root: Node, object_name: str, alias: str, now: datetime, lists: Lists = TABLES
) -> tuple[str, list[Anything]] | None:
    """None when time changes nothing. Raises as `compile_truth`."""
    compiler = _compiler(object_name, alias, now, lists)
    moment = compiler.recheck(root)
    if moment is None:
        return None
    text, params = fill(f"(CASE WHEN {{}} <= {LAST_MOMENT} THEN {{}} END)", moment, moment)
    return text, params


def _compiler(object_name: str, alias: str, now: datetime, lists: Lists) -> Compiler:
    if not IDENTIFIER.fullmatch(alias):
        raise ValueError(f"{alias!r} is no plain identifier")
    return Compiler(f'"{alias}"."values"', object_name, alias, utc(now), lists)


@dataclass(frozen=True, slots=True)
class Compiler:
    """`values`: the jsonb column that comparisons read; `alias`: the record whose lists are counted."""

    values: str
    object: str
    alias: str
    now: datetime
    lists: Lists

    def truth(self, node: Node) -> Sql:
        match node:
            case Leaf():
                return LeafCompiler(node, self.values, self.now).compile()
            case Counted() | Staged():
                rows = self.lists.rows(node, self.object, self.alias, self.now)
                where = node.where if isinstance(node, Counted) else None
                return count(
                    rows, None if where is None else self._inside(rows.values).truth(where), bounds_of(node)
                )
            case Not(child):
                return fill("(NOT {})", self.truth(child))
            case All(children):
                return joined("AND", [self.truth(child) for child in children])
            case Any(children):
                return joined("OR", [self.truth(child) for child in children])

    def recheck(self, node: Node) -> Sql | None:
        """NULL and None are never. The first moment of any part, unless what time can't change settles the whole."""
        match node:
            case Leaf():
                return LeafCompiler(node, self.values, self.now).recheck()
            case Counted() | Staged():
                return self._recheck_list(node)
            case Not(child):
                return self.recheck(child)
            case All(children):
                return self._first(children, "AND", "IS FALSE")
            case Any(children):
                return self._first(children, "OR", "IS TRUE")

    def _first(self, children: tuple[Node, ...], word: str, settles: str) -> Sql | None:
        moments = [(child, self.recheck(child)) for child in children]
        timed = [moment for _, moment in moments if moment is not None]
        lasting = [self.truth(child) for child, moment in moments if moment is None]
        if not timed:
            return None
        first = _least(timed)
        if not lasting:
            return first
        return fill(f"(CASE WHEN {{}} {settles} THEN NULL ELSE {{}} END)", joined(word, lasting), first)

    def _recheck_list(self, node: Counted | Staged) -> Sql | None:
        rows = self.lists.rows(node, self.object, self.alias, self.now)
        moments = [*rows.moments]
        if isinstance(node, Counted) and node.where is not None:
            inside = self._inside(rows.values).recheck(node.where)
            moments += [] if inside is None else [inside]
        return fill("(SELECT min({}) FROM {})", _least(moments), rows.source) if moments else None

    def _inside(self, values: str) -> Compiler:
        return Compiler(values, self.object, self.alias, self.now, self.lists)


def _least(moments: list[Sql]) -> Sql:
    return fill("LEAST(" + ", ".join(["{}"] * len(moments)) + ")", *moments)
