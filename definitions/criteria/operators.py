"""Which operators there are, for which field types, and what value each takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from definitions.criteria.fields import FieldType

TEXTUAL = frozenset({FieldType.TEXT, FieldType.PICKLIST, FieldType.REFERENCE})
NUMERIC = frozenset({FieldType.NUMBER, FieldType.MONEY})
TEMPORAL = frozenset({FieldType.DATE, FieldType.DATETIME})
BOOLEAN = frozenset({FieldType.BOOLEAN})
MULTIPLE = frozenset({FieldType.MULTI_PICKLIST})
EVERY = frozenset(FieldType)


class Takes(StrEnum):
    """The shape of a leaf's `value`."""

    NOTHING = "no value"
    ONE = "one value"
    MANY = "a list of values"
    RANGE = "[lowest, highest]"
    WINDOW = "{unit: count}"


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    types: frozenset[FieldType]
    takes: Takes


OPERATORS = {
    operator.name: operator
    for operator in (
        Operator("is", TEXTUAL | NUMERIC, Takes.ONE),
        Operator("is_not", TEXTUAL | NUMERIC, Takes.ONE),
        Operator("is_any_of", TEXTUAL | NUMERIC, Takes.MANY),
        Operator("is_none_of", TEXTUAL | NUMERIC, Takes.MANY),
        Operator("contains", frozenset({FieldType.TEXT}), Takes.ONE),
        Operator("starts_with", frozenset({FieldType.TEXT}), Takes.ONE),
        Operator("at_least", NUMERIC, Takes.ONE),
        Operator("at_most", NUMERIC, Takes.ONE),
        Operator("more_than", NUMERIC, Takes.ONE),
        Operator("less_than", NUMERIC, Takes.ONE),
        Operator("between", NUMERIC | TEMPORAL, Takes.RANGE),
        Operator("is_true", BOOLEAN, Takes.NOTHING),
        Operator("is_false", BOOLEAN, Takes.NOTHING),
        Operator("before", TEMPORAL, Takes.ONE),
        Operator("after", TEMPORAL, Takes.ONE),
        Operator("is_on", TEMPORAL, Takes.ONE),
        Operator("within_last", TEMPORAL, Takes.WINDOW),
        Operator("within_next", TEMPORAL, Takes.WINDOW),
        Operator("more_than_ago", TEMPORAL, Takes.WINDOW),
        Operator("includes_any", MULTIPLE, Takes.MANY),
        Operator("includes_all", MULTIPLE, Takes.MANY),
        Operator("includes_none", MULTIPLE, Takes.MANY),
        Operator("is_empty", EVERY, Takes.NOTHING),
        Operator("is_not_empty", EVERY, Takes.NOTHING),
    )
}
