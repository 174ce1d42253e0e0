"""From a plain tree, written by anyone, to a criterion that is valid by construction."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any as Anything
from typing import ParamSpec, TypeVar

from definitions.criteria.catalogue import Catalogue, Field, FieldType
from definitions.criteria.criterion import Criterion
from definitions.criteria.faults import CriterionError, Fault
from definitions.criteria.moments import DATE_UNITS, UNIT_MICROSECONDS, range_of
from definitions.criteria.nodes import All, Any, Leaf, Node, Not, Window
from definitions.criteria.operators import NUMERIC, OPERATORS, TEMPORAL, Operator, Takes
from definitions.criteria.values import EPOCH, exact

MAX_DEPTH = 12
MAX_LEAVES = 500
MAX_NODES = 2_000
MAX_VALUES = 500
MAX_TEXT = 1_000
MAX_WINDOW_MINUTES = 100 * 366 * 24 * 60
YEARS = range(1000, 9999)
GROUPS = ("all", "any", "not")
LEAF_KEYS = ("field", "op", "value")
# Beyond these a wrong name is only named: looking for similar ones takes time.
MAX_HINTS = 10

P = ParamSpec("P")
T = TypeVar("T")


def parse(tree: Anything, catalogue: Catalogue, *, object: str) -> Criterion:  # noqa: A002 (the agreed signature)
    """Check a plain tree and build its criterion.

    Raises CriterionError with every fault; a tree too deep or too large is refused before it is read.
    """
    fields = catalogue.objects.get(object)
    if fields is None:
        raise CriterionError([Fault("$", "unknown_object", f"there is no object {_shown(object)}")])
    oversize = _find_oversize(tree)
    if oversize is not None:
        raise CriterionError([oversize])
    parser = _Parser(fields)
    root = parser.attempt(parser.read, tree, "$")
    if parser.faults or root is None:
        raise CriterionError(parser.faults)
    return Criterion(object, root)


def _find_oversize(tree: Anything) -> Fault | None:
    """Walk without recursion, and no further than the limits."""
    waiting = [(tree, 1)]
    leaves = nodes = 0
    while waiting:
        node, depth = waiting.pop()
        children = list(_children(node))
        nodes += 1
        leaves += not children
        if depth > MAX_DEPTH:
            return Fault("$", "too_deep", f"conditions may be nested {MAX_DEPTH} deep")
        if leaves > MAX_LEAVES or nodes + len(waiting) + len(children) > MAX_NODES:
            return Fault("$", "too_large", f"a criterion may hold {MAX_LEAVES} conditions")
        waiting.extend((child, depth + 1) for child in children)
    return None


def _children(node: Anything) -> Iterator[Anything]:
    if isinstance(node, Mapping):
        for key in GROUPS:
            below = node.get(key)
            if isinstance(below, list | tuple):
                yield from below[: MAX_NODES + 1]
            elif isinstance(below, Mapping):
                yield below


class _RefusedError(Exception):
    def __init__(self, path: str, code: str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(path, code, text)


class _Parser:
    """Reads one tree. What it returns counts only while `faults` is empty."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.faults: list[Fault] = []
        self.hints = 0

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Read one part; note its fault and go on, so that one mistake hides no other."""
        try:
            return read(*args, **kwargs)
        except _RefusedError as refused:
            self.faults.append(refused.fault)
            return None

    def attempt_each(
        self, read: Callable[[Anything, str], T], parts: Iterable[Anything], path: str
    ) -> list[T]:
        results = [self.attempt(read, part, f"{path}[{index}]") for index, part in enumerate(parts)]
        return [result for result in results if result is not None]

    def read(self, node: Anything, path: str) -> Node:
        if not isinstance(node, Mapping):
            raise _RefusedError(path, "not_a_condition", f"a condition is a mapping, not {_shown(node)}")
        groups = [key for key in GROUPS if key in node]
        if len(groups) > 1:
            raise _RefusedError(path, "not_a_condition", f"only one of {', '.join(groups)} can stand here")
        if not groups and "field" not in node:
            raise _RefusedError(path, "not_a_condition", "a condition has a field, or one of all, any, not")
        known = groups or LEAF_KEYS
        for key in node:
            if key not in known:
                text = f"unknown key {_shown(key)}; known here: {', '.join(known)}"
                self.faults.append(Fault(path, "unknown_key", text))
        if groups:
            return self._read_group(groups[0], node[groups[0]], f"{path}.{groups[0]}")
        return self._read_leaf(node, path)

    def _read_group(self, kind: str, below: Anything, path: str) -> Node:
        if kind == "not":
            return Not(self.read(below, path))
        if not isinstance(below, list | tuple):
            raise _RefusedError(
                path, "wrong_value", f"{kind} takes a list of conditions, not {_shown(below)}"
            )
        if not below:
            raise _RefusedError(path, "empty_group", f"{kind} needs at least one condition")
        children = tuple(self.attempt_each(self.read, below, path))
        return All(children) if kind == "all" else Any(children)

    def _read_leaf(self, node: Mapping[Anything, Anything], path: str) -> Leaf:
        field = self.attempt(self._read_field, node["field"], f"{path}.field")
        operator = self._read_operator(node, f"{path}.op")
        if field is None:
            # Its type is not known, so neither is what fits it.
            return Leaf(path, Field("", FieldType.TEXT, ""), operator.name)
        if field.type not in operator.types:
            fitting = ", ".join(name for name, known in OPERATORS.items() if field.type in known.types)
            text = f"{operator.name} does not fit {field.name}, a {field.type} field; use {fitting}"
            raise _RefusedError(f"{path}.op", "op_not_for_type", text)
        leaf, path = Leaf(path, field, operator.name), f"{path}.value"
        if operator.takes is Takes.NOTHING:
            if "value" in node:
                raise _RefusedError(path, "unexpected_value", f"{operator.name} takes no value")
            return leaf
        if "value" not in node:
            raise _RefusedError(path, "missing_key", f"{operator.name} takes {operator.takes}")
        if operator.takes is Takes.WINDOW:
            return replace(leaf, window=_read_window(leaf, node["value"], path))
        return self._read_operands(leaf, operator, node["value"], path)

    def _read_field(self, name: Anything, path: str) -> Field:
        field = self.fields.get(name) if isinstance(name, str) else None
        if field is None:
            text = f"there is no field {_shown(name)}{self._hint(name, self.fields)}"
            raise _RefusedError(path, "unknown_field", text)
        return field

    def _read_operator(self, node: Mapping[Anything, Anything], path: str) -> Operator:
        if "op" not in node:
            raise _RefusedError(path, "missing_key", "the condition needs an op")
        name = node["op"]
        operator = OPERATORS.get(name) if isinstance(name, str) else None
        if operator is None:
            text = f"there is no operator {_shown(name)}{self._hint(name, OPERATORS)}"
            raise _RefusedError(path, "unknown_op", text)
        return operator

    def _hint(self, name: Anything, known: Mapping[str, object]) -> str:
        if not isinstance(name, str) or len(name) > 60 or self.hints >= MAX_HINTS:
            return ""
        self.hints += 1
        close = difflib.get_close_matches(name, known, n=1)
        return f"; did you mean {close[0]}?" if close else ""

    def _read_operands(self, leaf: Leaf, operator: Operator, value: Anything, path: str) -> Leaf:
        if operator.takes is Takes.ONE:
            return self._with_operands(leaf, lambda read: [read(value, path)])
        if not isinstance(value, list | tuple):
            raise _RefusedError(
                path, "wrong_value", f"{operator.name} takes {operator.takes}, not {_shown(value)}"
            )
        if not value or (operator.takes is Takes.RANGE and len(value) != 2):
            raise _RefusedError(path, "wrong_value", f"{operator.name} takes {operator.takes}")
        if len(value) > MAX_VALUES:
            raise _RefusedError(path, "too_large", f"a list may hold {MAX_VALUES} values")
        known_faults = len(self.faults)
        filled = self._with_operands(leaf, lambda read: self.attempt_each(read, value, path))
        if operator.takes is Takes.RANGE:
            if len(self.faults) == known_faults and _is_reversed(filled):
                raise _RefusedError(path, "wrong_value", "the lowest value comes first")
            return filled
        return replace(filled, texts=_without_repeats(filled.texts), numbers=_without_repeats(filled.numbers))

    def _with_operands(
        self, leaf: Leaf, each: Callable[[Callable[[Anything, str], Anything]], list[Anything]]
    ) -> Leaf:
        if leaf.field.type in NUMERIC:
            return replace(leaf, numbers=tuple(each(_read_number)))
        if leaf.field.type in TEMPORAL:
            return replace(leaf, moments=tuple(each(lambda value, path: _read_moment(leaf, value, path))))
        return replace(leaf, texts=tuple(each(lambda value, path: self._read_text(leaf.field, value, path))))

    def _read_text(self, field: Field, value: Anything, path: str) -> str:
        if not isinstance(value, str):
            text = f"{field.name} takes text, not {_shown(value)}; quote it"
            raise _RefusedError(path, "wrong_value", text)
        if value == "":
            raise _RefusedError(path, "wrong_value", "empty text never matches; use is_empty")
        if len(value) > MAX_TEXT:
            raise _RefusedError(path, "out_of_range", f"text may be {MAX_TEXT} characters long")
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise _RefusedError(path, "wrong_value", "the text holds a character that cannot be stored")
        if field.options and value not in field.options:
            text = f"{field.name} has no option {_shown(value)}{self._hint(value, field.options)}"
            raise _RefusedError(path, "unknown_option", text)
        return value


def _read_number(value: Anything, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _RefusedError(path, "wrong_value", f"a number is needed, not {_shown(value)}")
    known = exact(value)
    if known is None:
        raise _RefusedError(path, "out_of_range", "the number is not finite or too large")
    number = Decimal(known)
    if number != number.to_integral_value() and Decimal(repr(float(number))) != number:
        raise _RefusedError(path, "out_of_range", "the number has too many digits")
    # Zero is spelled in many ways; one is enough.
    return number or Decimal(0)


def _read_moment(leaf: Leaf, value: Anything, path: str) -> date | datetime:
    moment = _moment_of(value)
    if leaf.field.type is FieldType.DATE or leaf.op == "is_on":
        if moment is None or isinstance(moment, datetime):
            raise _RefusedError(path, "wrong_value", f"a date YYYY-MM-DD is needed, not {_shown(value)}")
    elif moment is None or (isinstance(moment, datetime) and moment.utcoffset() is None):
        text = f"a date YYYY-MM-DD or an instant with its offset is needed, not {_shown(value)}"
        raise _RefusedError(path, "wrong_value", text)
    # One year to spare on both sides: the instant is yet to be moved to UTC.
    if moment.year - 1 not in YEARS or moment.year + 1 not in YEARS:
        raise _RefusedError(path, "out_of_range", f"years go from {YEARS.start + 1} to {YEARS.stop - 2}")
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def _read_window(leaf: Leaf, value: Anything, path: str) -> Window:
    units = DATE_UNITS if leaf.field.type is FieldType.DATE else tuple(UNIT_MICROSECONDS)
    if not isinstance(value, Mapping) or len(value) != 1:
        text = f"{leaf.op} takes one unit with its count, such as {{{units[-1]}: 2}}, not {_shown(value)}"
        raise _RefusedError(path, "wrong_value", text)
    unit, count = next(iter(value.items()))
    if unit not in units:
        text = f"there is no unit {_shown(unit)} for a {leaf.field.type} field; use {', '.join(units)}"
        raise _RefusedError(path, "wrong_value", text)
    if isinstance(count, bool) or not isinstance(count, int):
        raise _RefusedError(f"{path}.{unit}", "wrong_value", f"a whole number is needed, not {_shown(count)}")
    if not 1 <= count * (UNIT_MICROSECONDS[unit] // UNIT_MICROSECONDS["minutes"]) <= MAX_WINDOW_MINUTES:
        raise _RefusedError(f"{path}.{unit}", "out_of_range", "a window is positive and up to 100 years")
    return Window(unit, count)


def _moment_of(value: Anything) -> date | datetime | None:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        return None


def _is_reversed(leaf: Leaf) -> bool:
    if leaf.numbers:
        return leaf.numbers[0] > leaf.numbers[1]
    lowest, end = range_of(leaf, EPOCH)
    return lowest is not None and end is not None and lowest >= end


def _without_repeats(values: Sequence[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _shown(value: Anything) -> str:
    """A short picture of anything, never of its inside: that may be huge or hold itself."""
    match value:
        case str():
            return repr(value if len(value) <= 40 else value[:40] + "…")
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return "a number out of range" if exact(value) is None else str(value)[:40]
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case date():
            return value.isoformat()
    return f"a {type(value).__name__}"
