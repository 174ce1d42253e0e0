"""Pieces of SQL with their parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from definitions.criteria.moments import MICROSECOND
from definitions.criteria.targets.tree import plain_moment
from definitions.criteria.values import EPOCH

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class Sql(NamedTuple):
    """A piece of SQL with its parameters in order."""

    text: str
    params: list[Any]


def param(value: Any, cast: str = "text") -> Sql:
    return Sql(f"%s::{cast}", [value])


def fill(template: str, *parts: Sql) -> Sql:
    """Put pieces into a template's `{}`, their parameters in the same order."""
    return Sql(
        template.format(*(part.text for part in parts)), [param for part in parts for param in part.params]
    )


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """`(a word b word c)`."""
    return fill("(" + f" {word} ".join(["{}"] * len(parts)) + ")", *parts)


def instant(moment: datetime) -> Sql:
    return param(plain_moment(moment), "timestamptz")


def instant_of(microsecond: int) -> Sql:
    return instant(EPOCH + microsecond * MICROSECOND)


def length(microseconds: int) -> Sql:
    """An interval without days, which a change of clocks would stretch."""
    return param(f"{microseconds} microseconds", "interval")
