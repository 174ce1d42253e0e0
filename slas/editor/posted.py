"""What the form of a rule sent, control by control (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from definitions.builder.tree_text import read_tree
from definitions.files.model_yaml import Unreadable

Body = Mapping[str, Any]
Values = Mapping[str, Sequence[str]]
"""Control -> what it sends: one text, or those of the boxes that are ticked."""

ABSENT = object()
AS_WRITTEN = object()
"""What a control gives that shows something no form has a word for: it stays as it was."""

MOST_ROWS = 50


@dataclass(frozen=True)
class Fault:
    """A control that could not be read, and why."""

    control: str
    text: str


def one_of(posted: Values, name: str) -> str:
    """What a control says, "" for nothing; of several the last."""
    values = posted.get(name, ())
    return values[-1].replace("\r\n", "\n").strip() if values else ""


def is_whole(text: str) -> bool:
    """Whether it is a number of at most six digits."""
    return text.isascii() and text.isdecimal() and len(text) < 7


def tree_of(posted: Values, name: str) -> tuple[Any, list[Fault]]:
    """Conditions as they were typed; ABSENT for none, AS_WRITTEN for what can't be read."""
    try:
        tree, _ = read_tree(one_of(posted, name))
    except Unreadable as error:
        said = "; ".join(f"line {f.line}: {f.text}" if f.line else f.text for f in error.faults)
        return AS_WRITTEN, [Fault(name, said)]
    return (ABSENT if tree is None else tree), []


def kept_of(posted: Values, prefix: str) -> dict[str, Any]:
    """The row as it was written, before this edit."""
    try:
        value = json.loads(one_of(posted, f"{prefix}kept") or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def count_of(posted: Values, name: str) -> int:
    """How many rows were sent, at most MOST_ROWS."""
    text = one_of(posted, f"{name}-count")
    return min(int(text), MOST_ROWS) if is_whole(text) else 0


def order_of(posted: Values, name: str) -> list[int]:
    """Rows as they shall stand: one taken out, one moved up, where those buttons were pressed."""
    order = list(range(count_of(posted, name)))
    part, _, index = one_of(posted, "move").rpartition("-")
    if part == name and is_whole(index) and 0 < int(index) < len(order):
        i = int(index)
        order[i - 1], order[i] = order[i], order[i - 1]
    part, _, index = one_of(posted, "remove").rpartition("-")
    return [i for i in order if not (part == name and index == str(i))]


def put(name: str) -> Callable[[dict[str, Any], Any], None]:
    """Writes what was told under ``name``, or takes it out of a body."""

    def put(body: dict[str, Any], told: Any) -> None:
        if told is ABSENT:
            body.pop(name, None)
        elif told is not AS_WRITTEN:
            body[name] = told

    return put
