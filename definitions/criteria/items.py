"""What the items of a list must pass, as comparisons of their own fields.

A condition on a list is nothing but counting: kind, window and `where` are comparisons of the item, so that every
rule about empty, unknown and time holds inside lists as it does outside.
"""

from __future__ import annotations

from dataclasses import dataclass

from definitions.criteria.fields import Field, FieldType
from definitions.criteria.nodes import All, Counted, Leaf, Node, Not, Source, Staged, Window

KIND = Field("kind", FieldType.PICKLIST, "Kind")
EVENT = Field("event", FieldType.PICKLIST, "Event")
STAGE = Field("stage", FieldType.PICKLIST, "Stage")
OCCURRED_AT = Field("occurred_at", FieldType.DATETIME, "When")
ENTERED_AT = Field("entered_at", FieldType.DATETIME, "Entered")
LEFT_AT = Field("left_at", FieldType.DATETIME, "Left")
NO_TIME = Window("minutes", 0)
EVERY_KIND = "any"
NEGATED_STAGE_OPS = ("is_not_in", "has_never_been")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many items must pass; None: no bound on that side."""

    at_least: int | None
    at_most: int | None


def list_of(condition: Counted | Staged) -> str:
    """The name of the list it counts in, as facts know it."""
    match condition:
        case Counted(source=Source.ACTIVITY):
            return "activities"
        case Counted(source=Source.RELATED):
            return f"related.{condition.name}"
        case Counted():
            return "events"
    return "stages"


def bounds_of(condition: Counted | Staged) -> Bounds:
    if isinstance(condition, Counted):
        return Bounds(condition.at_least, condition.at_most)
    return Bounds(None, 0) if condition.op in NEGATED_STAGE_OPS else Bounds(1, None)


def test_of(condition: Counted | Staged) -> Node:
    """What an item must pass to be counted."""
    where = condition.where if isinstance(condition, Counted) else None
    return All((*implied(condition), *([] if where is None else [where])))


def implied(condition: Counted | Staged) -> list[Node]:
    """What an item must pass beside `where`: its kind or name and its window; of a stay its stage and its times."""
    if isinstance(condition, Staged):
        return _stay(condition)
    parts: list[Node] = []
    if condition.source is Source.EVENT:
        parts.append(Leaf("", EVENT, "is", texts=(condition.name,)))
    elif condition.source is Source.ACTIVITY and condition.name != EVERY_KIND:
        parts.append(Leaf("", KIND, "is", texts=(condition.name,)))
    if condition.window is not None:
        parts.append(Leaf("", OCCURRED_AT, condition.window_op, window=condition.window))
    return parts


def _stay(condition: Staged) -> list[Node]:
    begun = Leaf("", ENTERED_AT, "at_least_ago", window=NO_TIME)
    lasting = Not(Leaf("", LEFT_AT, "at_least_ago", window=NO_TIME))
    here = Leaf("", STAGE, "is", texts=(condition.stage,))
    length = condition.window or NO_TIME
    match condition.op:
        case "is_in" | "is_not_in":
            return [here, begun, lasting]
        case "has_been" | "has_never_been":
            return [here, begun]
        case "in_for_at_least":
            return [here, Leaf("", ENTERED_AT, "at_least_ago", window=length), lasting]
        case "in_for_less_than":
            return [here, begun, Not(Leaf("", ENTERED_AT, "at_least_ago", window=length)), lasting]
    return [here, Leaf("", ENTERED_AT, "within_last", window=length)]
