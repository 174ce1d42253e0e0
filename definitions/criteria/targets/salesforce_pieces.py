"""What Salesforce formulas are put together from: calls of AND, OR and NOT, and literals."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from definitions.criteria.compiled import RefusedError

SOURCE_LIMIT = 3_900
DIGITS = 18
YEARS = range(1700, 4001)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula: `name` and `parts` while it is a call of AND, OR or NOT."""

    text: str
    name: str = ""
    parts: tuple[Piece, ...] = ()

    def __str__(self) -> str:
        return self.text


TRUE, FALSE = Piece("TRUE"), Piece("FALSE")


def all_of(parts: Iterable[Piece]) -> Piece:
    """AND, flat; TRUE of nothing."""
    return _join("AND", parts, settles=FALSE, idle=TRUE)


def any_of(parts: Iterable[Piece]) -> Piece:
    """OR, flat; FALSE of nothing."""
    return _join("OR", parts, settles=TRUE, idle=FALSE)


def not_(part: Piece) -> Piece:
    """The opposite, without a double NOT."""
    if part.name == "NOT":
        return part.parts[0]
    if part in (TRUE, FALSE):
        return FALSE if part == TRUE else TRUE
    return Piece(f"NOT({part})", "NOT", (part,))


def _join(name: str, parts: Iterable[Piece], *, settles: Piece, idle: Piece) -> Piece:
    """A call of AND or OR, flat, without what can't matter."""
    flat: dict[Piece, None] = {}
    for part in parts:
        for one in part.parts if part.name == name else (part,):
            if one == settles:
                return settles
            if one != idle:
                flat[one] = None
    if len(flat) < 2:
        return next(iter(flat), idle)
    return Piece(f"{name}({', '.join(map(str, flat))})", name, tuple(flat))


def literal(text: str) -> str:
    """A text literal. Raises RefusedError for what a literal can't hold."""
    if any(unicodedata.category(char) == "Cc" or char in "\ufffe\uffff" for char in text):
        raise RefusedError("a formula can't hold a line break or another control character")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def date_literal(day: date) -> str:
    """Raises RefusedError for a day that Salesforce's dates don't reach."""
    if day.year not in YEARS:
        raise RefusedError(f"Salesforce's dates run from {YEARS.start} to {YEARS.stop - 1}")
    return f"DATE({day.year}, {day.month}, {day.day})"


def plain_number(number: Decimal, digits: int) -> str:
    """The number without an exponent. Raises RefusedError when it has more digits than `digits`."""
    if number.is_zero():
        return "0"
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if len(text.lstrip("-0").replace(".", "")) > digits:
        raise RefusedError(f"Salesforce's numbers have at most {DIGITS} digits")
    return text
