"""One comparison of one stored value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from definitions.criteria.currencies import Conversion, times
from definitions.criteria.fields import FieldType
from definitions.criteria.moments import next_change, range_of
from definitions.criteria.nodes import Leaf
from definitions.criteria.values import Seen, State, fold, see

CURRENCY = "currency"


def compare(leaf: Leaf, seen: Seen, stored: Callable[[str], Any], now: datetime) -> bool | None:
    """The truth of a comparison; `stored` gives the other fields of the row, `seen` is the field's own value."""
    if seen.state is State.UNKNOWN:
        return None
    if leaf.op == "is_empty":
        return seen.state is State.EMPTY
    if leaf.op == "is_not_empty":
        return seen.state is State.VALUE
    if seen.state is State.EMPTY:
        return False
    if leaf.moments or leaf.window:
        lowest, end = range_of(leaf, now)
        return (lowest is None or lowest <= seen.moment) and (end is None or seen.moment < end)
    if leaf.numbers and leaf.currency is not None:
        return _compare_money(leaf, leaf.currency, seen, stored, now)
    if leaf.numbers:
        return _compare_number(leaf.op, seen.number, leaf.numbers)
    if leaf.op in ("is_true", "is_false"):
        return seen.flag is (leaf.op == "is_true")
    return _compare_text(leaf, seen)


def changes_at(leaf: Leaf, seen: Seen, stored: Callable[[str], Any], now: datetime) -> datetime | None:
    """The first moment after `now` at which time alone could change the truth; None if never."""
    if seen.state is not State.VALUE:
        return None
    if leaf.currency is not None:
        code = _code(stored)
        return None if code is None else leaf.currency.next_change(code, now)
    return next_change(leaf, seen.moment, now)


def _compare_money(
    leaf: Leaf, conversion: Conversion, seen: Seen, stored: Callable[[str], Any], now: datetime
) -> bool | None:
    code = _code(stored)
    factors = None if code is None else conversion.factors(code, now)
    if factors is None:
        return None
    theirs, ours = factors
    operands = tuple(times(number, ours) for number in leaf.numbers)
    return _compare_number(leaf.op, times(seen.number, theirs), operands)


def _code(stored: Callable[[str], Any]) -> str | None:
    """The currency of the row; None when it is empty or unknown."""
    seen = see(FieldType.PICKLIST, stored(CURRENCY))
    return seen.text if seen.state is State.VALUE else None


def _compare_number(op: str, number: Decimal | int, operands: tuple[Decimal, ...]) -> bool:
    first, last = operands[0], operands[-1]
    match op:
        case "is" | "is_any_of":
            return number in operands
        case "is_not" | "is_none_of":
            return number not in operands
        case "at_least":
            return number >= first
        case "at_most":
            return number <= first
        case "more_than":
            return number > first
        case "less_than":
            return number < first
        case "between":
            return first <= number <= last
    raise AssertionError(op)


def _compare_text(leaf: Leaf, seen: Seen) -> bool:
    folds = leaf.field.type is FieldType.TEXT
    text = fold(seen.text) if folds else seen.text
    wanted = [fold(one) for one in leaf.texts] if folds else leaf.texts
    match leaf.op:
        case "is" | "is_any_of":
            return text in wanted
        case "is_not" | "is_none_of":
            return text not in wanted
        case "contains":
            return wanted[0] in text
        case "starts_with":
            return text.startswith(wanted[0])
        case "includes_any":
            return not seen.choices.isdisjoint(wanted)
        case "includes_all":
            return seen.choices.issuperset(wanted)
        case "includes_none":
            return seen.choices.isdisjoint(wanted)
    raise AssertionError(leaf.op)
