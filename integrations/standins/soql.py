"""A small SOQL: parsed to a tree, then compiled to the store's SQL.

SELECT of fields, parent fields (``Owner.Name``), COUNT() and COUNT(field); WHERE with AND, OR, NOT, parentheses,
= != <> < <= > >= LIKE IN, NOT IN, null, numbers, booleans, dates and times; ORDER BY several; LIMIT and OFFSET.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from integrations.standins.forms import read_instant, salesforce_stamp
from integrations.standins.world import salesforce_id_18

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class SoqlError(Exception):
    """``code`` is Salesforce's: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Literal:
    """``kind``: string, time, date, number, boolean, null."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    path: str
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """``operator``: and, or, not."""

    operator: str
    parts: tuple[Logic | Comparison, ...]


@dataclass
class Query:
    select: list[str]
    object: str
    where: Logic | Comparison | None = None
    order: list[tuple[str, bool, bool | None]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0
    count: bool = False
    aggregates: list[str] = field(default_factory=list)


class _Tokens:
    def __init__(self, text: str) -> None:
        self.items: list[tuple[str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise SoqlError(f"unexpected token: '{text[at : at + 20]}'")
            self.items.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
            at = match.end()
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.items[self.at] if self.at < len(self.items) else ("end", "<EOF>")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def take(self, *words: str) -> bool:
        """Consume these words if they come next."""
        ahead = self.items[self.at : self.at + len(words)]
        if [t[1].upper() for t in ahead] == list(words) and all(t[0] in ("word", "sign") for t in ahead):
            self.at += len(words)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise SoqlError(f"unexpected token: '{self.peek()[1]}', expecting '{word}'")

    def name(self) -> str:
        kind, text = self.next()
        if kind != "word":
            raise SoqlError(f"unexpected token: '{text}'")
        return text

    def integer(self) -> int:
        kind, text = self.next()
        if kind != "number" or not text.isdigit():
            raise SoqlError(f"unexpected token: '{text}'")
        return int(text)


def parse(text: str) -> Query:
    """Raises SoqlError."""
    tokens = _Tokens(text)
    tokens.expect("SELECT")
    query = Query([], "")
    while True:
        name = tokens.name()
        if name.upper() == "COUNT" and tokens.take("("):
            if tokens.take(")"):
                query.count = True
            else:
                query.aggregates.append(tokens.name())
                tokens.expect(")")
        else:
            query.select.append(name)
        if not tokens.take(","):
            break
    tokens.expect("FROM")
    query.object = tokens.name()
    if tokens.take("WHERE"):
        query.where = _either(tokens)
    if tokens.take("ORDER", "BY"):
        while True:
            path = tokens.name()
            descending = tokens.take("DESC") or (tokens.take("ASC") and False)
            nulls = True if tokens.take("NULLS", "FIRST") else False if tokens.take("NULLS", "LAST") else None
            query.order.append((path, descending, nulls))
            if not tokens.take(","):
                break
    if tokens.take("LIMIT"):
        query.limit = tokens.integer()
    if tokens.take("OFFSET"):
        query.offset = tokens.integer()
    if tokens.take("ALL", "ROWS"):
        raise SoqlError("ALL ROWS is not supported by the API, use queryAll")
    if tokens.peek()[0] != "end":
        raise SoqlError(f"unexpected token: '{tokens.peek()[1]}'")
    return query


def _either(tokens: _Tokens) -> Logic | Comparison:
    parts = [_both(tokens)]
    while tokens.take("OR"):
        parts.append(_both(tokens))
    return parts[0] if len(parts) == 1 else Logic("or", tuple(parts))


def _both(tokens: _Tokens) -> Logic | Comparison:
    parts = [_one(tokens)]
    while tokens.take("AND"):
        parts.append(_one(tokens))
    return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))


def _one(tokens: _Tokens) -> Logic | Comparison:
    if tokens.take("NOT"):
        return Logic("not", (_one(tokens),))
    if tokens.take("("):
        inside = _either(tokens)
        tokens.expect(")")
        return inside
    path = tokens.name()
    if tokens.take("NOT", "IN"):
        return Comparison(path, "not in", _list(tokens))
    if tokens.take("IN"):
        return Comparison(path, "in", _list(tokens))
    if tokens.take("LIKE"):
        return Comparison(path, "like", (_literal(tokens),))
    kind, sign = tokens.next()
    if kind != "sign" or sign in "(),":
        raise SoqlError(f"unexpected token: '{sign}'")
    return Comparison(path, "!=" if sign == "<>" else sign, (_literal(tokens),))


def _list(tokens: _Tokens) -> tuple[Literal, ...]:
    tokens.expect("(")
    values = [_literal(tokens)]
    while tokens.take(","):
        values.append(_literal(tokens))
    tokens.expect(")")
    return tuple(values)


def _literal(tokens: _Tokens) -> Literal:
    kind, text = tokens.next()
    if kind == "string":
        inside = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text[1:-1], flags=re.DOTALL)
        return Literal("string", inside)
    if kind == "time":
        return Literal("time", salesforce_stamp(read_instant(text)))
    if kind == "date":
        return Literal("date", text)
    if kind == "number":
        return Literal("number", float(text) if "." in text else int(text))
    if kind == "word" and text.lower() in ("true", "false"):
        return Literal("boolean", text.lower() == "true")
    if kind == "word" and text.lower() == "null":
        return Literal("null", None)
    raise SoqlError(f"unexpected token: '{text}'")


@dataclass(frozen=True, slots=True)
class Column:
    """A field as the query reaches it: an SQL expression, its type, and whether WHERE may use it."""

    sql: str
    type: str
    filterable: bool = True


_QUOTED = {
    "string",
    "id",
    "reference",
    "picklist",
    "multipicklist",
    "combobox",
    "email",
    "phone",
    "url",
    "textarea",
    "anyType",
}
_NUMBERS = {"double", "int", "currency", "percent", "long"}


def where_sql(tree: Logic | Comparison, column: Callable[[str], Column]) -> tuple[str, list[Any]]:
    """The condition as SQL and its parameters; raises SoqlError."""
    if isinstance(tree, Logic):
        done = [where_sql(part, column) for part in tree.parts]
        params = [p for _, ps in done for p in ps]
        if tree.operator == "not":
            return f"NOT coalesce({done[0][0]}, 0)", params
        joined = f" {tree.operator.upper()} ".join(f"({sql})" for sql, _ in done)
        return joined, params
    found = column(tree.path)
    if not found.filterable:
        raise SoqlError(f"field '{tree.path}' can not be filtered in a query call", "INVALID_FIELD")
    values = [_parameter(tree.path, found, v) for v in tree.values]
    exact = found.type in ("id", "reference") or found.type not in _QUOTED
    sql = found.sql if exact else f"({found.sql} COLLATE NOCASE)"
    if tree.operator in ("in", "not in"):
        marks = ", ".join("?" for _ in values)
        if tree.operator == "in":
            return f"{sql} IN ({marks})", values
        return f"({found.sql} IS NULL OR {sql} NOT IN ({marks}))", values
    if tree.operator == "like":
        return f"{sql} LIKE ? ESCAPE '\\'", values
    if values[0] is None or (values[0] == "" and found.type in _QUOTED):
        if tree.operator not in ("=", "!="):
            raise SoqlError(f"invalid operator on null: '{tree.operator}'")
        return f"{found.sql} IS {'NOT ' if tree.operator == '!=' else ''}NULL", []
    if found.type == "boolean":
        sql = f"coalesce({sql}, 0)"
    if tree.operator == "!=":
        return f"({found.sql} IS NULL OR {sql} != ?)", values
    return f"{sql} {tree.operator} ?", values


def _parameter(path: str, column: Column, value: Literal) -> Any:
    if value.kind == "null":
        return None
    wanted = {
        "datetime": {"time"},
        "date": {"date"},
        "boolean": {"boolean"},
    }.get(column.type) or ({"number"} if column.type in _NUMBERS else {"string"})
    if value.kind not in wanted:
        quoting = "should not be enclosed in quotes" if value.kind == "string" else "must be of another kind"
        raise SoqlError(
            f"value of filter criterion for field '{path}' must be of type {column.type} and {quoting}",
            "INVALID_FIELD",
        )
    if column.type in ("id", "reference"):
        return salesforce_id_18(value.value)
    return int(value.value) if value.kind == "boolean" else value.value
