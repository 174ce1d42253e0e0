"""Reading single values: numbers, moments, windows, texts, currencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from definitions.criteria.currencies import CODE, Conversion, Currency
from definitions.criteria.fields import Field, FieldType
from definitions.criteria.moments import DATE_UNITS, UNIT_MICROSECONDS, range_of
from definitions.criteria.nodes import Leaf, Window
from definitions.criteria.parsing.limits import MAX_COUNT, MAX_TEXT, MAX_WINDOW_MINUTES
from definitions.criteria.parsing.refusals import RefusedError, shown
from definitions.criteria.values import EPOCH, exact

YEARS = range(1000, 9999)

T = TypeVar("T")


def read_number(value: Any, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise RefusedError(path, "wrong_value", f"a number is needed, not {shown(value)}")
    known = exact(value)
    if known is None:
        raise RefusedError(path, "out_of_range", "the number is not finite or too large")
    number = Decimal(known)
    if number != number.to_integral_value() and Decimal(repr(float(number))) != number:
        raise RefusedError(path, "out_of_range", "the number has too many digits")
    # Zero is spelled in many ways; one is enough.
    return number or Decimal(0)


def read_text(field: Field, value: Any, path: str) -> str:
    """Any storable text; whether it is one of the field's options is the caller's business."""
    if not isinstance(value, str):
        raise RefusedError(path, "wrong_value", f"{field.name} takes text, not {shown(value)}; quote it")
    if value == "":
        raise RefusedError(path, "wrong_value", "empty text never matches; use is_empty")
    return storable(value, path)


def storable(text: str, path: str) -> str:
    if len(text) > MAX_TEXT:
        raise RefusedError(path, "out_of_range", f"text may be {MAX_TEXT} characters long")
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise RefusedError(path, "wrong_value", "the text holds a character that cannot be stored")
    return text


def read_moment(leaf: Leaf, value: Any, path: str) -> date | datetime:
    moment = _moment_of(value)
    if leaf.field.type is FieldType.DATE or leaf.op == "is_on":
        if moment is None or isinstance(moment, datetime):
            raise RefusedError(path, "wrong_value", f"a date YYYY-MM-DD is needed, not {shown(value)}")
    elif moment is None or (isinstance(moment, datetime) and moment.utcoffset() is None):
        text = f"a date YYYY-MM-DD or an instant with its offset is needed, not {shown(value)}"
        raise RefusedError(path, "wrong_value", text)
    # One year to spare on both sides: the instant is yet to be moved to UTC.
    if moment.year - 1 not in YEARS or moment.year + 1 not in YEARS:
        raise RefusedError(path, "out_of_range", f"years go from {YEARS.start + 1} to {YEARS.stop - 2}")
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def read_window(name: str, value: Any, path: str, *, of: FieldType = FieldType.DATETIME) -> Window:
    """One unit with its count; `name` is what takes it, `of` the type of what lies inside."""
    units = DATE_UNITS if of is FieldType.DATE else tuple(UNIT_MICROSECONDS)
    if not isinstance(value, Mapping) or len(value) != 1:
        text = f"{name} takes one unit with its count, such as {{{units[-1]}: 2}}, not {shown(value)}"
        raise RefusedError(path, "wrong_value", text)
    unit, count = next(iter(value.items()))
    if unit not in units:
        text = f"there is no unit {shown(unit)} for a {of} field; use {', '.join(units)}"
        raise RefusedError(path, "wrong_value", text)
    if isinstance(count, bool) or not isinstance(count, int):
        raise RefusedError(f"{path}.{unit}", "wrong_value", f"a whole number is needed, not {shown(count)}")
    if not 1 <= count * (UNIT_MICROSECONDS[unit] // UNIT_MICROSECONDS["minutes"]) <= MAX_WINDOW_MINUTES:
        raise RefusedError(f"{path}.{unit}", "out_of_range", "a window is positive and up to 100 years")
    return Window(unit, count)


def read_count(value: Any, path: str, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError(path, "wrong_value", f"a whole number is needed, not {shown(value)}")
    if not least <= value <= MAX_COUNT:
        raise RefusedError(path, "out_of_range", f"a count goes from {least} to {MAX_COUNT:,}")
    return value


def read_currency(value: Any, known: tuple[Currency, ...], path: str) -> Conversion:
    if not isinstance(value, str) or not CODE.fullmatch(value):
        raise RefusedError(path, "wrong_value", f"a currency is three capital letters, not {shown(value)}")
    return Conversion(value, known)


def is_reversed(leaf: Leaf) -> bool:
    """Whether the two ends of a range stand in the wrong order."""
    if leaf.numbers:
        return leaf.numbers[0] > leaf.numbers[1]
    lowest, end = range_of(leaf, EPOCH)
    return lowest is not None and end is not None and lowest >= end


def without_repeats(values: Sequence[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _moment_of(value: Any) -> date | datetime | None:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        return None
