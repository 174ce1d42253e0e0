"""What compiling a criterion for a CRM gives: the text or the filters, or which leaves can't go there and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any as Anything
from typing import NamedTuple

from definitions.criteria.nodes import All, Any, Counted, Node, Not, Source, Staged

Filters = dict[str, list[dict[str, Anything]]]


class Refused(NamedTuple):
    """A leaf that the target can't express, or `$` when the whole exceeds a limit. `reason` is for people."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemoteField:
    """Where a logical field lives in one CRM.

    `type` is the CRM's own word for it (picklist, percent, enumeration, …); empty: what is usual for the
    logical type. `length` in characters, None when not known. `values` maps remote to logical values
    where they differ.
    """

    name: str
    type: str = ""
    length: int | None = None
    values: Mapping[str, Anything] = field(default_factory=dict, hash=False)


FieldMapping = Mapping[str, str | RemoteField]
"""Logical field name to remote name, or to a RemoteField where more is known."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The conditions of an `all` that the target can hold, when it can't hold every one.

    It is true of every record of which the criterion is true, and of others. `kept` and `left_out` are
    the conditions in words.
    """

    text: str = ""
    groups: list[Filters] = field(default_factory=list)
    kept: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A criterion for one CRM. While anything is refused, `text` and `groups` are empty.

    `text` is a Salesforce formula, `groups` are HubSpot filter groups. `size` estimates the compiled
    size of a formula in characters.
    """

    text: str = ""
    groups: list[Filters] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    partial: Partial | None = None
    size: int = 0

    @property
    def is_whole(self) -> bool:
        return not self.refused


class RefusedError(Exception):
    """Raised inside a compiler for a leaf that the target can't express; its text is the reason."""


SALESFORCE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
HUBSPOT_NAME = re.compile(r"[a-z][a-z0-9_]*")


def remote_of(mapping: FieldMapping, name: str, label: str, crm: str, shape: re.Pattern[str]) -> RemoteField:
    """The remote field of a logical one. Raises RefusedError when there is none that can be read."""
    found = mapping.get(name)
    remote = RemoteField(found) if isinstance(found, str) else found
    if remote is None or not remote.name:
        raise RefusedError(f"{label} is not mapped to a field in {crm}")
    if remote.name.startswith("="):
        raise RefusedError(f"{label} is the same for every record in {crm}; there is no field to compare")
    if not shape.fullmatch(remote.name):
        raise RefusedError(f"{remote.name!r} is no field name in {crm}")
    return remote


def no_list_reason(condition: Counted | Staged) -> str:
    """Why no CRM can hold a condition on a list, to follow the name of what can't."""
    if isinstance(condition, Staged):
        return "can't see the stages of the model, nor when a record was in which"
    return {
        Source.ACTIVITY: "can't count activities",
        Source.RELATED: "can't count related records",
        Source.EVENT: "can't see the events that gtmops keeps",
    }[condition.source]


def conjuncts(node: Node) -> Iterator[Node]:
    """What must each be true for the node to be true."""
    match node:
        case All(children):
            for child in children:
                yield from conjuncts(child)
        case Not(Not(child)):
            yield from conjuncts(child)
        case Not(Any(children)):
            for child in children:
                yield from conjuncts(Not(child))
        case _:
            yield node
