"""From a CRM's value to the one form we keep: see docs/architecture.md, Logical objects."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_MILLISECONDS = re.compile(r"-?\d{11,14}")
MAX_TEXT = 65_536


class Unreadable(ValueError):
    """The value is not of the field's type: it is unknown, never empty."""


def canonical(kind: str, raw: Any, value_map: Mapping[str, Any] | None = None) -> Any:
    """The canonical value of type ``kind``, or None for empty. Raises Unreadable."""
    if raw is None or (isinstance(raw, str) and (not raw or raw.isspace())):
        return None
    if value_map and str(raw) in value_map:
        raw = value_map[str(raw)]
    return _READERS[kind](raw)


def remote_value(
    kind: str, value: Any, value_map: Mapping[str, Any] | None = None, now_there: Any = None
) -> Any:
    """What a CRM must hold so that it reads back as the canonical ``value``; None clears.

    ``now_there``: the CRM's present value, kept where several mean the same. Raises Unreadable when nothing does."""
    if value is None:
        return None
    if value_map:
        found = [remote for remote, logical in value_map.items() if logical == value]
        value_there = str(now_there) if str(now_there) in found else found[0] if found else value
    else:
        value_there = value
    if canonical(kind, value_there, value_map) != value:
        raise Unreadable(f"the CRM has no value for {value!r}")
    return ";".join(value_there) if isinstance(value_there, list) else value_there


def instant(raw: Any) -> datetime:
    """An aware UTC datetime from ISO 8601 text (any offset) or epoch milliseconds. Raises Unreadable."""
    try:
        if isinstance(raw, datetime):
            found = raw
        elif isinstance(raw, (int, float)) or (isinstance(raw, str) and _is_milliseconds(raw)):
            found = datetime.fromtimestamp(float(raw) / 1000, UTC)
        else:
            found = datetime.fromisoformat(str(raw).strip())
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable(f"not a moment in time: {raw!r}") from error
    if found.tzinfo is None:
        raise Unreadable(f"a moment without a time zone: {raw!r}")
    return found if found.tzinfo is UTC else found.astimezone(UTC)


def instant_text(at: datetime) -> str:
    """``YYYY-MM-DDTHH:MM:SSZ``; the fraction only when there is one."""
    return f"{(at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()[:-6]}Z"


def _is_milliseconds(text: str) -> bool:
    return _MILLISECONDS.fullmatch(text.strip()) is not None


def _text(raw: Any) -> str:
    if isinstance(raw, str) and raw.isascii() and "\x00" not in raw:
        return raw[:MAX_TEXT]
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (dict, list)):
        raise Unreadable("not a text")
    # PostgreSQL stores neither NUL nor lone surrogates.
    return str(raw).replace("\x00", "").encode("utf-8", "replace").decode()[:MAX_TEXT]


def _number(raw: Any) -> int | float:
    if isinstance(raw, bool):
        raise Unreadable("not a number")
    text = str(raw).strip()
    if not _NUMBER.fullmatch(text):
        raise Unreadable(f"not a number: {text[:40]!r}")
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable(f"not a number we can keep: {text[:40]!r}")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    found = {"true": True, "false": False, "1": True, "0": False}.get(str(raw).strip().lower())
    if found is None:
        raise Unreadable(f"neither true nor false: {str(raw)[:40]!r}")
    return found


def _date(raw: Any) -> str:
    text = str(raw).strip()
    try:
        if _is_milliseconds(text):
            return instant(text).date().isoformat()
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise Unreadable(f"not a date: {text[:40]!r}") from error


def _multi(raw: Any) -> list[str]:
    parts = raw if isinstance(raw, list) else str(raw).split(";")
    return sorted({_text(part).strip() for part in parts} - {""})


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "picklist": _text,
    "reference": _text,
    "number": _number,
    "money": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": lambda raw: instant_text(instant(raw)),
    "multi_picklist": _multi,
}
