"""The parsed tree. Only `parsing` builds it, so that whatever exists is valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from definitions.criteria.catalogue import Field


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time: `count` of minutes, hours, days or weeks."""

    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison. The operand stands in the tuple of its kind: one element, several, or two for a range."""

    path: str
    field: Field
    op: str
    texts: tuple[str, ...] = ()
    numbers: tuple[Decimal, ...] = ()
    moments: tuple[date | datetime, ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class All:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    child: Node


Node = All | Any | Not | Leaf


def leaves_of(node: Node) -> Iterator[Leaf]:
    """Every leaf, in the order of the tree."""
    match node:
        case Leaf():
            yield node
        case Not(child):
            yield from leaves_of(child)
        case All(children) | Any(children):
            for child in children:
                yield from leaves_of(child)
