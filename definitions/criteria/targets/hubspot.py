"""A criterion as filter groups of HubSpot's CRM search: groups are alternatives, the filters of a group all hold.

What the search means, and how each meaning of ours is kept:
- Whether NEQ and NOT_IN find records without a value is not documented: HAS_PROPERTY stands beside them.
- Strings compare without regard to case, enumerations with: a text is compared only with a string property and
  only when it has no letters beyond A to Z, a picklist only with an enumeration. Of values, only those with İ or
  the Kelvin sign could still differ.
- CONTAINS_TOKEN finds words, not parts of a text; nothing is relative to today; nothing converts a currency.
- Numbers are doubles, times milliseconds since 1970.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any as Anything
from typing import NamedTuple

from definitions.criteria.compiled import (
    HUBSPOT_NAME,
    Compiled,
    FieldMapping,
    Filters,
    Partial,
    Refused,
    RefusedError,
    RemoteField,
    conjuncts,
    no_list_reason,
    remote_of,
)
from definitions.criteria.fields import FieldType
from definitions.criteria.moments import DAY_MICROSECONDS, EPOCH_DAY, range_of
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Staged, conditions_of
from definitions.criteria.operators import TEMPORAL
from definitions.criteria.targets.english import describe
from definitions.criteria.values import EPOCH, fold

MAX_GROUPS = 5
MAX_IN_GROUP = 6
MAX_FILTERS = 18
MAX_BODY = 3_000
# Beyond these many alternatives in between, one doesn't get down to five.
MAX_BETWEEN = 60
DIGITS = 15
ANY = "hs_object_id"
# What else a request of ours says, at its longest.
_REST = {
    "limit": 200,
    "after": "10000",
    "properties": ["hs_object_id"],
    "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
}
_USUAL = {
    FieldType.TEXT: "string",
    FieldType.NUMBER: "number",
    FieldType.MONEY: "number",
    FieldType.BOOLEAN: "bool",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
    FieldType.PICKLIST: "enumeration",
    FieldType.MULTI_PICKLIST: "enumeration",
    FieldType.REFERENCE: "id",
}
_READS = {
    FieldType.TEXT: ("string", "phone_number"),
    FieldType.NUMBER: ("number",),
    FieldType.MONEY: ("number",),
    FieldType.BOOLEAN: ("bool", "enumeration"),
    FieldType.DATE: ("date",),
    FieldType.DATETIME: ("datetime",),
    FieldType.PICKLIST: ("enumeration",),
    FieldType.MULTI_PICKLIST: ("enumeration",),
    FieldType.REFERENCE: ("id", "number", "string", "enumeration"),
}


class Filter(NamedTuple):
    property: str
    operator: str
    values: tuple[str, ...] = ()

    def spell(self) -> dict[str, Anything]:
        plain: dict[str, Anything] = {"propertyName": self.property, "operator": self.operator}
        if self.operator in ("IN", "NOT_IN"):
            return plain | {"values": list(self.values)}
        return plain | ({"value": self.values[0]} if self.values else {})


Group = frozenset[Filter]
Groups = tuple[Group, ...]

_OPPOSITE = {"GTE": "LT", "LT": "GTE", "GT": "LTE", "LTE": "GT"}
_COMPARISONS = {"at_least": "GTE", "at_most": "LTE", "more_than": "GT", "less_than": "LT"}
_WITHOUT_VALUE = ("HAS_PROPERTY", "NOT_HAS_PROPERTY", "NEQ", "NOT_IN")


def compile_criterion(root: Node, mapping: FieldMapping) -> Compiled:
    """Groups that find exactly the records of which the criterion is true, if their fields can all be read."""
    writer = _Writer(mapping)
    refused = writer.refusals(root)
    if refused:
        return Compiled(refused=refused, partial=_partial(writer, root))
    try:
        return Compiled(groups=_within_limits(writer.true(root)))
    except RefusedError as error:
        return Compiled(refused=[Refused("$", str(error))])


def _partial(writer: _Writer, root: Node) -> Partial | None:
    parts = [(part, not writer.refusals(part)) for part in conjuncts(root)]
    kept = [part for part, is_kept in parts if is_kept]
    if not kept:
        return None
    try:
        groups = _within_limits(writer.true(All(tuple(kept))))
    except RefusedError:
        return None
    left_out = [part for part, is_kept in parts if not is_kept]
    return Partial(groups=groups, kept=tuple(map(describe, kept)), left_out=tuple(map(describe, left_out)))


def _within_limits(groups: Groups) -> list[Filters]:
    if not groups:  # no groups at all would find every record
        groups = (frozenset({Filter(ANY, "HAS_PROPERTY"), Filter(ANY, "NOT_HAS_PROPERTY")}),)
    counts = [len(group) for group in groups]
    if len(groups) > MAX_GROUPS:
        raise RefusedError(f"HubSpot's search takes {MAX_GROUPS} filter groups; this needs {len(groups)}")
    if max(counts) > MAX_IN_GROUP:
        raise RefusedError(
            f"HubSpot's search takes {MAX_IN_GROUP} filters in a group; this needs {max(counts)}"
        )
    if sum(counts) > MAX_FILTERS:
        raise RefusedError(f"HubSpot's search takes {MAX_FILTERS} filters; this needs {sum(counts)}")
    spelled = [{"filters": [one.spell() for one in sorted(group)]} for group in groups]
    size = len(json.dumps({"filterGroups": spelled} | _REST))
    if size > MAX_BODY:
        raise RefusedError(f"HubSpot's search takes {MAX_BODY:,} characters; this needs {size:,}")
    return spelled


class _Writer:
    def __init__(self, mapping: FieldMapping) -> None:
        self.mapping = mapping

    def refusals(self, node: Node) -> list[Refused]:
        refused = []
        for condition in conditions_of(node):
            try:
                self._comparison(condition)
            except RefusedError as error:
                refused.append(Refused(condition.path, str(error)))
        return refused

    def true(self, node: Node) -> Groups:
        match node:
            case All(children):
                return _all_of(self.true(child) for child in children)
            case Any(children):
                return _any_of(self.true(child) for child in children)
            case Not(child):
                return self.false(child)
            case _:
                return self._comparison(node).true

    def false(self, node: Node) -> Groups:
        match node:
            case All(children):
                return _any_of(self.false(child) for child in children)
            case Any(children):
                return _all_of(self.false(child) for child in children)
            case Not(child):
                return self.true(child)
            case _:
                return self._comparison(node).false

    def _comparison(self, condition: Leaf | Counted | Staged) -> _Comparison:
        if not isinstance(condition, Leaf):
            raise RefusedError(f"HubSpot's search {no_list_reason(condition)}")
        field = condition.field
        return _Comparison(
            condition, remote_of(self.mapping, field.name, field.label, "HubSpot", HUBSPOT_NAME)
        )


class _Comparison:
    """One leaf: the groups that find the records of which it is true, and those of which it is false.

    Raises RefusedError when it is made, if the search can't express it.
    """

    def __init__(self, leaf: Leaf, remote: RemoteField) -> None:
        self.leaf = leaf
        self.name = remote.name
        self.type = remote.type or _USUAL[leaf.field.type]
        self.values = remote.values
        self.has = Filter(self.name, "HAS_PROPERTY")
        self.has_none = frozenset({Filter(self.name, "NOT_HAS_PROPERTY")})
        self.true, self.false = self._write()

    def _write(self) -> tuple[Groups, Groups]:
        leaf = self.leaf
        has = frozenset({self.has})
        if leaf.op == "is_not_empty":
            return (has,), (self.has_none,)
        if leaf.op == "is_empty":
            return (self.has_none,), (has,)
        self._check()
        if leaf.field.type is FieldType.BOOLEAN:
            yes, no = (frozenset({Filter(self.name, "EQ", (word,))}) for word in ("true", "false"))
            return ((yes,), (no, self.has_none)) if leaf.op == "is_true" else ((no,), (yes, self.has_none))
        if leaf.field.type in TEMPORAL:
            return self._in_range(self._moments())
        if leaf.numbers:
            numbers = [_plain(number) for number in leaf.numbers]
            if leaf.op == "between":
                return self._in_range([("GTE", numbers[0]), ("LTE", numbers[1])])
            if leaf.op in _COMPARISONS:
                return self._in_range([(_COMPARISONS[leaf.op], numbers[0])])
            return self._one_of(numbers)
        return self._one_of([text for operand in leaf.texts for text in self._texts(operand)])

    def _check(self) -> None:
        leaf, label = self.leaf, self.leaf.field.label
        if sum(map(len, leaf.texts)) > MAX_BODY:
            raise RefusedError(f"this alone takes more than the {MAX_BODY:,} characters of HubSpot's search")
        if self.type not in _READS[leaf.field.type]:
            shown = leaf.field.type.replace("_", " ")
            raise RefusedError(f"{label} is a {shown} here and of type {self.type} in HubSpot")
        if leaf.window is not None:
            raise RefusedError("HubSpot's search has no dates relative to today")
        if leaf.currency is not None:
            raise RefusedError("HubSpot's search can't convert currencies")
        if leaf.op in ("contains", "starts_with"):
            raise RefusedError("HubSpot's search finds whole words, not parts of a text")
        if leaf.field.type is FieldType.MULTI_PICKLIST:
            raise RefusedError("how HubSpot's search compares a field with several values is not documented")
        if self.values and leaf.field.type not in (FieldType.PICKLIST, FieldType.REFERENCE):
            raise RefusedError(f"{label} is translated on its way from HubSpot")

    def _in_range(self, bounds: Iterable[tuple[str, str]]) -> tuple[Groups, Groups]:
        """Every bound holds; or there is no value, or one bound doesn't hold."""
        filters = [Filter(self.name, operator, (value,)) for operator, value in bounds]
        outside = [frozenset({one._replace(operator=_OPPOSITE[one.operator])}) for one in filters]
        return (frozenset(filters),), (*outside, self.has_none)

    def _one_of(self, values: Sequence[str]) -> tuple[Groups, Groups]:
        wanted = tuple(dict.fromkeys(values))
        if not wanted:  # no value there stands for any of these
            nothing: Groups = ()
            inside, outside = nothing, (frozenset({self.has}),)
        elif len(wanted) == 1:
            inside = (frozenset({Filter(self.name, "EQ", wanted)}),)
            outside = (frozenset({self.has, Filter(self.name, "NEQ", wanted)}),)
        else:
            inside = (frozenset({Filter(self.name, "IN", wanted)}),)
            outside = (frozenset({self.has, Filter(self.name, "NOT_IN", wanted)}),)
        if self.leaf.op in ("is_not", "is_none_of"):
            inside, outside = outside, inside
        return inside, (*outside, self.has_none)

    def _texts(self, operand: str) -> list[str]:
        """The texts in HubSpot that stand for an operand."""
        texts = [remote for remote, logical in self.values.items() if logical == operand]
        if operand not in self.values:
            texts.append(operand)
        if self.leaf.field.type is FieldType.REFERENCE and not all(text.isdecimal() for text in texts):
            raise RefusedError(f"{operand!r} is no id of HubSpot's")
        if self.leaf.field.type is not FieldType.TEXT:
            return texts
        if operand != operand.strip():
            raise RefusedError("whether HubSpot's search minds spaces around a text is not documented")
        # Not letters only: Ⅷ and ⓐ have another case too.
        if any(not char.isascii() and (char.isalpha() or char.lower() != char.upper()) for char in operand):
            raise RefusedError("HubSpot's search does not mind the case of letters beyond A to Z")
        if not operand.isprintable():
            raise RefusedError(
                "whether HubSpot's search finds characters that can't be seen is not documented"
            )
        return [fold(operand)]

    def _moments(self) -> list[tuple[str, str]]:
        lowest, end = range_of(self.leaf, EPOCH)
        bounds = []
        if lowest is not None:
            bounds.append(self._bound(lowest, "GTE", "GT"))
        if end is not None:
            bounds.append(self._bound(end, "LT", "LTE"))
        return bounds

    def _bound(self, position: int, at: str, past: str) -> tuple[str, str]:
        """The operator and value of a bound; a bound that is the first moment after a millisecond takes `past`."""
        if self.leaf.field.type is FieldType.DATE:
            position = (position - EPOCH_DAY) * DAY_MICROSECONDS
        milliseconds, microseconds = divmod(position, 1_000)
        if microseconds > 1:
            raise RefusedError("HubSpot's times have no parts of a millisecond")
        if milliseconds <= 0:
            raise RefusedError("HubSpot's search has failed on times before 1970")
        return (past if microseconds else at), str(milliseconds)


def _all_of(parts: Iterable[Groups]) -> Groups:
    result: Groups = (frozenset(),)
    for groups in parts:
        _check_size(len(result) * len(groups))
        result = _simplified(left | right for left in result for right in groups)
    return result


def _any_of(parts: Iterable[Groups]) -> Groups:
    result: Groups = ()
    for groups in parts:
        _check_size(len(result) + len(groups))
        result = _simplified((*result, *groups))
    return result


def _check_size(count: int) -> None:
    if count > MAX_BETWEEN:
        raise RefusedError(f"HubSpot's search takes {MAX_GROUPS} filter groups; this needs a great many")


def _simplified(groups: Iterable[Group]) -> Groups:
    """Without groups that nothing can be in, or that another holds already; EQ of one property put together."""
    possible = dict.fromkeys(small for group in groups if (small := _without_idle(group)) is not None)
    kept = [one for one in possible if not any(other < one for other in possible)]
    merged = _merged(kept)
    return tuple(kept) if merged is None else _simplified(merged)


def _without_idle(group: Group) -> Group | None:
    """The group without filters that others make idle; None when nothing can be in it."""
    idle = set()
    for one in group:
        beside = [other for other in group if other.property == one.property and other != one]
        has_value = any(other.operator not in _WITHOUT_VALUE for other in beside)
        if one.operator == "HAS_PROPERTY" and has_value:
            idle.add(one)
        if one.operator == "NOT_HAS_PROPERTY" and beside:
            return None
        if one.operator == "EQ" and any(o.operator == "EQ" for o in beside):
            return None
    return group - idle


def _merged(groups: list[Group]) -> list[Group] | None:
    """Two groups that differ in one value only become one that takes either; None when no two do."""
    for left, right in combinations(groups, 2):
        first, second = left - right, right - left
        if len(first) != 1 or len(second) != 1:
            continue
        [one], [other] = first, second
        if one.property == other.property and {one.operator, other.operator} <= {"EQ", "IN"}:
            values = tuple(dict.fromkeys([*one.values, *other.values]))
            either = (left & right) | {Filter(one.property, "IN", values)}
            return [either, *(group for group in groups if group not in (left, right))]
    return None


def _plain(number: Decimal) -> str:
    text = "0" if number.is_zero() else f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if len(text.lstrip("-0").replace(".", "")) > DIGITS:
        raise RefusedError(f"HubSpot's numbers are exact to {DIGITS} digits")
    return text
