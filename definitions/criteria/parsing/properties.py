"""The properties of events have no catalogue: what a condition compares them with says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from definitions.criteria.fields import Field, FieldType
from definitions.criteria.operators import OPERATORS
from definitions.criteria.parsing.operands import storable
from definitions.criteria.parsing.refusals import RefusedError, shown

# These are of the event itself; its name and its window ask for them.
RESERVED = ("event", "occurred_at")
MAX_NAME = 120
TYPES = (FieldType.TEXT, FieldType.NUMBER, FieldType.BOOLEAN)


def property_of(node: Mapping[Any, Any], path: str) -> Field:
    """The property that a comparison reads, as text, number or boolean."""
    name = node["field"]
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or name in RESERVED:
        raise RefusedError(path, "unknown_field", f"{shown(name)} is no property; a time is asked by within")
    return Field(storable(name, path), _type_of(node, path), name.replace("_", " ").capitalize())


def _type_of(node: Mapping[Any, Any], path: str) -> FieldType:
    operator = OPERATORS.get(node["op"]) if isinstance(node.get("op"), str) else None
    if operator is None:
        return FieldType.TEXT  # the operator's own fault is told where it is read
    fitting = [kind for kind in TYPES if kind in operator.types]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting or len(fitting) == len(TYPES):
        text = f"{operator.name} does not fit a property, which is text, a number, or true or false"
        raise RefusedError(path.removesuffix("field") + "op", "op_not_for_type", text)
    value = node.get("value")
    first = value[0] if isinstance(value, list | tuple) and value else value
    is_number = isinstance(first, int | float | Decimal) and not isinstance(first, bool)
    return FieldType.NUMBER if is_number else FieldType.TEXT
