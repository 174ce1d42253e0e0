"""What the values of Salesforce's formulas are, how they are read and compared."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations.standins.salesforce_syntax import Call, FormulaError

Value = Decimal | str | bool | date | datetime | None

KINDS = {
    **dict.fromkeys(("string", "email", "phone", "url", "combobox", "textarea"), "text"),
    **dict.fromkeys(("id", "reference"), "id"),
    **dict.fromkeys(("double", "int", "long", "currency"), "number"),
    **{kind: kind for kind in ("percent", "boolean", "date", "datetime", "picklist", "multipicklist")},
}
TEXTS = ("text", "id", "picklist", "multipicklist")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")


def is_blank(value: Value) -> bool:
    """An empty text is blank."""
    return value is None or (isinstance(value, str) and not value)


def guess(raw: Any) -> str:
    """The kind of a value whose field nobody described."""
    if isinstance(raw, bool):
        return "boolean"
    if isinstance(raw, int | float | Decimal):
        return "number"
    if isinstance(raw, str) and _DATE.fullmatch(raw):
        return "date"
    return "datetime" if isinstance(raw, str) and _DATETIME.fullmatch(raw) else "text"


def read(kind: str, raw: Any) -> Value:
    """Salesforce's JSON as a value. Raises ValueError or InvalidOperation."""
    match kind:
        case "number":
            return Decimal(str(raw))
        case "percent":
            return Decimal(str(raw)).scaleb(-2)
        case "date":
            return date.fromisoformat(str(raw))
        case "datetime":
            return to_millisecond(datetime.fromisoformat(str(raw)).astimezone(UTC))
        case "id":
            return str(raw)[:15]
    return str(raw)


def to_millisecond(at: datetime) -> datetime:
    """Salesforce keeps no more."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def wrong(call: Call, expected: str) -> FormulaError:
    """Says what a function wants where it got something else."""
    return FormulaError(f"Incorrect parameter type for {call.name}. Expected {expected}", call.position)


def text_of(call: Call, value: Value) -> str:
    """A text, "" for a blank. Raises FormulaError."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong(call, "Text")
    return value


def number_of(call: Call, value: Value) -> Decimal:
    """Raises FormulaError for what is none."""
    if not isinstance(value, Decimal):
        raise wrong(call, "Number")
    return value


def equal(call: Call, left: Value, right: Value) -> bool:
    """As `=` says it: texts by their letters, a blank number or date equals nothing. Raises FormulaError."""
    if isinstance(left, str) or isinstance(right, str):
        return text_of(call, left) == text_of(call, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(left) == bool(right)
    if left is None or right is None:
        return False
    if type(left) is not type(right):
        raise wrong(call, "two values of one type")
    return left == right


def differ(call: Call, left: Value, right: Value) -> bool:
    """As `<>` says it: a blank number or date differs from nothing. Raises FormulaError."""
    if (left is None or right is None) and not isinstance(left or right, str | bool):
        return False
    return not equal(call, left, right)


def is_ordered(call: Call, left: Value, right: Value) -> bool:
    """As the comparison that is called says it; never of a blank. Raises FormulaError."""
    if left is None or right is None:
        return False
    if type(left) is not type(right) or isinstance(left, bool):
        raise wrong(call, "two Numbers, Dates, Date/Times or Texts")
    # Of one type, as was just seen.
    is_less, is_more = left < right, left > right  # type: ignore[operator]
    return {"<": is_less, ">": is_more, "<=": not is_more, ">=": not is_less}[call.name]
