"""Judging a whole set in PostgreSQL 16 or later: one boolean expression, NULL meaning unknown.

The row named by the alias has a jsonb column `values` keyed by logical field: key absent is unknown,
JSON null is empty. Every cast stands behind a CASE that has checked the value, so that no stored
value can make the statement fail.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any as Anything
from typing import NamedTuple

from definitions.criteria.fields import FieldType
from definitions.criteria.moments import MICROSECOND, range_of, utc
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Staged
from definitions.criteria.operators import EVERY, NUMERIC
from definitions.criteria.targets.tree import plain_moment
from definitions.criteria.values import DATE_SHAPE, DATETIME_SHAPE, EPOCH, NUMBER_LIMIT, fold

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
JSON_TYPES = {
    **dict.fromkeys(EVERY, "string"),
    **dict.fromkeys(NUMERIC, "number"),
    FieldType.BOOLEAN: "boolean",
    FieldType.MULTI_PICKLIST: "array",
}
COMPARISONS = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}


class Sql(NamedTuple):
    """A piece of SQL with its parameters in order."""

    text: str
    params: list[Anything]


def compile_recheck(root: Node, alias: str, now: datetime) -> tuple[str, list[Anything]] | None:
    return None


def compile_truth(root: Node, alias: str, now: datetime) -> tuple[str, list[Anything]]:
    if not IDENTIFIER.fullmatch(alias):
        raise ValueError(f"{alias!r} is no plain identifier")
    text, params = _compile(root, f'"{alias}"."values"', utc(now))
    return text, params


def _compile(node: Node, column: str, now: datetime) -> Sql:
    match node:
        case Leaf():
            return _LeafCompiler(node, column, now).compile()
        case Counted() | Staged():
            raise ValueError("lists are not yet counted in SQL")
        case Not(child):
            return _fill("(NOT {})", _compile(child, column, now))
        case All(children):
            word = " AND "
        case Any(children):
            word = " OR "
    parts = [_compile(child, column, now) for child in children]
    return _fill("(" + word.join(["{}"] * len(parts)) + ")", *parts)


class _LeafCompiler:
    def __init__(self, leaf: Leaf, column: str, now: datetime) -> None:
        self.leaf = leaf
        self.now = now
        self.json = Sql(f"({column} -> %s::text)", [leaf.field.name])
        self.text = Sql(f"({column} ->> %s::text)", [leaf.field.name])
        self.number = _fill("({})::numeric", self.json)

    def compile(self) -> Sql:
        json_type = JSON_TYPES[self.leaf.field.type]
        empty = "TRUE" if self.leaf.op == "is_empty" else "FALSE"
        blank = _fill("{} = ''", self.text)
        value, readable = self._compare(), self._is_readable()
        if readable is not None:
            value = _fill("CASE WHEN {} THEN {} END", readable, value)
        if json_type == "string":
            value = _fill(f"CASE WHEN {{}} THEN {empty} ELSE {{}} END", blank, value)
            return _fill(
                f"(CASE jsonb_typeof({{}}) WHEN 'null' THEN {empty} WHEN 'string' THEN {{}} END)",
                self.json,
                value,
            )
        if json_type == "array":
            value = _fill(
                f"CASE WHEN jsonb_array_length({{}}) = 0 THEN {empty} ELSE {{}} END", self.json, value
            )
        return _fill(
            f"(CASE jsonb_typeof({{}}) WHEN 'null' THEN {empty} WHEN '{json_type}' THEN {{}}"
            f" WHEN 'string' THEN CASE WHEN {{}} THEN {empty} END END)",
            self.json,
            value,
            blank,
        )

    def _is_readable(self) -> Sql | None:
        """Whether a value of the right JSON type is one that `values.see` reads; None when each is."""
        match self.leaf.field.type:
            case FieldType.NUMBER | FieldType.MONEY:
                limit = _param(str(NUMBER_LIMIT), "numeric")
                return _fill("({} > -{} AND {} < {})", self.number, limit, self.number, limit)
            case FieldType.DATE:
                return _fill(
                    "({} ~ {} AND pg_input_is_valid({}, 'date'))", self.text, _param(DATE_SHAPE), self.text
                )
            case FieldType.DATETIME:
                return _fill(
                    "({} ~ {} AND pg_input_is_valid(left({}, 10), 'date'))",
                    self.text,
                    _param(DATETIME_SHAPE),
                    self.text,
                )
            case FieldType.MULTI_PICKLIST:
                path = _param('strict $[*] ? (@.type() != "string")', "jsonpath")
                return _fill("NOT jsonb_path_exists({}, {})", self.json, path)
        return None

    def _compare(self) -> Sql:
        leaf = self.leaf
        match leaf.op:
            case "is_empty":
                return Sql("FALSE", [])
            case "is_not_empty":
                return Sql("TRUE", [])
            case "is_true" | "is_false":
                return _fill(f"{{}} = '{'true' if leaf.op == 'is_true' else 'false'}'::jsonb", self.json)
        if leaf.moments or leaf.window:
            return self._compare_moment()
        if leaf.numbers:
            return self._compare_number()
        if leaf.field.type is FieldType.MULTI_PICKLIST:
            return self._compare_choices()
        return self._compare_text()

    def _compare_moment(self) -> Sql:
        lowest, end = range_of(self.leaf, self.now)
        if self.leaf.field.type is FieldType.DATE:
            # ISO dates sort as text, byte by byte.
            value = _fill('{} COLLATE "C"', self.text)
            bounds = [
                None if at is None else _param(date.fromordinal(at).isoformat()) for at in (lowest, end)
            ]
        else:
            value = _fill("({})::timestamptz", self.text)
            bounds = [
                None if at is None else _param(plain_moment(EPOCH + at * MICROSECOND), "timestamptz")
                for at in (lowest, end)
            ]
        tests = [
            _fill(f"{{}} {sign} {{}}", value, bound)
            for sign, bound in zip((">=", "<"), bounds, strict=True)
            if bound is not None
        ]
        return _fill("(" + " AND ".join(["{}"] * len(tests)) + ")", *tests)

    def _compare_number(self) -> Sql:
        op, numbers = self.leaf.op, [_param(str(number), "numeric") for number in self.leaf.numbers]
        if op == "between":
            return _fill("({} BETWEEN {} AND {})", self.number, *numbers)
        if op in COMPARISONS:
            return _fill(f"({{}} {COMPARISONS[op]} {{}})", self.number, *numbers)
        return self._is_one_of(self.number, numbers)

    def _compare_text(self) -> Sql:
        folds = self.leaf.field.type is FieldType.TEXT
        # Under this collation lower() changes A to Z and nothing else, as values.fold does.
        value = _fill('lower({} COLLATE "C")' if folds else '({} COLLATE "C")', self.text)
        wanted = [_param(fold(text) if folds else text) for text in self.leaf.texts]
        match self.leaf.op:
            case "contains":
                return _fill("(strpos({}, {}) > 0)", value, *wanted)
            case "starts_with":
                return _fill("starts_with({}, {})", value, *wanted)
        return self._is_one_of(value, wanted)

    def _compare_choices(self) -> Sql:
        wanted = _param(list(self.leaf.texts), "text[]")
        match self.leaf.op:
            case "includes_all":
                return _fill("({} ?& {})", self.json, wanted)
            case "includes_any":
                return _fill("({} ?| {})", self.json, wanted)
        return _fill("(NOT {} ?| {})", self.json, wanted)

    def _is_one_of(self, value: Sql, wanted: list[Sql]) -> Sql:
        word = "NOT IN" if self.leaf.op in ("is_not", "is_none_of") else "IN"
        return _fill(f"({{}} {word} (" + ", ".join(["{}"] * len(wanted)) + "))", value, *wanted)


def _param(value: Anything, cast: str = "text") -> Sql:
    return Sql(f"%s::{cast}", [value])


def _fill(template: str, *parts: Sql) -> Sql:
    """Put pieces into a template's `{}`, their parameters in the same order."""
    return Sql(
        template.format(*(part.text for part in parts)), [param for part in parts for param in part.params]
    )
