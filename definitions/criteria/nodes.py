"""The parsed tree. Only `parsing` builds it, so that whatever exists is valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from definitions.criteria.currencies import Conversion
from definitions.criteria.fields import Field


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time: `count` of minutes, hours, days or weeks."""

    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Condition:
    """A leaf of any kind. `path` is where it stands in the tree that was parsed."""

    path: str


@dataclass(frozen=True, slots=True)
class Leaf(Condition):
    """One comparison of a field. The operand stands in the tuple of its kind: one element, several, or two for a
    range. `currency` says in which currency the numbers are, None: as the record has them."""

    field: Field
    op: str
    texts: tuple[str, ...] = ()
    numbers: tuple[Decimal, ...] = ()
    moments: tuple[date | datetime, ...] = ()
    window: Window | None = None
    currency: Conversion | None = None


class Source(StrEnum):
    """What a list holds."""

    ACTIVITY = "activity"
    RELATED = "related"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Counted(Condition):
    """How many items of a list pass. `name`: kind of activity, relation, or event; `object`: what the items are, ""
    for events. `window_op` is within_last or within_next, "" without a window. `where` reads the item."""

    source: Source
    name: str
    object: str
    at_least: int | None
    at_most: int | None
    window_op: str = ""
    window: Window | None = None
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Staged(Condition):
    """Whether the record is or was in a stage, and for how long. `stage` is a key, or pipeline/stage."""

    stage: str
    label: str
    op: str
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


Node = All | Any | Not | Leaf | Counted | Staged


def conditions_of(node: Node) -> Iterator[Leaf | Counted | Staged]:
    """Every condition on the record itself, in the order of the tree; not those inside a `where`."""
    match node:
        case Leaf() | Counted() | Staged():
            yield node
        case Not(child):
            yield from conditions_of(child)
        case All(children) | Any(children):
            for child in children:
                yield from conditions_of(child)


def leaves_of(node: Node) -> Iterator[Leaf]:
    """Every comparison of a field of the record, in the order of the tree."""
    return (one for one in conditions_of(node) if isinstance(one, Leaf))
