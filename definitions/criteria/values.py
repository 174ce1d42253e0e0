"""What a stored value means: a value, empty or unknown.

A stored value of the wrong shape is unknown, never an error: it came from outside. The SQL target
repeats these rules over jsonb; the agreement suite holds both equal.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final, NamedTuple

from definitions.criteria.fields import FieldType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER_LIMIT: Final = 10**100
# One text each for Python and PostgreSQL, whose regular expressions agree on these.
DATE_SHAPE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DATETIME_SHAPE = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
    "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$"
)
_DATE = re.compile(DATE_SHAPE.rstrip("$"))
_DATETIME = re.compile(DATETIME_SHAPE.rstrip("$"))
# ASCII only: str.lower, str.casefold and PostgreSQL's lower differ beyond it, lower(… COLLATE "C") does not.
_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)


class State(StrEnum):
    VALUE = "value"
    EMPTY = "empty"
    UNKNOWN = "unknown"


class Missing:
    """Stands for a key that is absent."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Seen(NamedTuple):
    """A stored value as criteria see it; only the part of its field's type is filled."""

    state: State
    text: str = ""
    number: Decimal | int = 0
    flag: bool = False
    choices: frozenset[str] = frozenset()
    moment: int = 0  # ordinal day of a date, microseconds since the epoch of a datetime


EMPTY = Seen(State.EMPTY)
UNKNOWN = Seen(State.UNKNOWN)


def see(field_type: FieldType, stored: Any) -> Seen:
    """Read one stored value by its field's type."""
    if stored is None or (isinstance(stored, str) and stored == ""):
        return EMPTY
    match field_type:
        case FieldType.NUMBER | FieldType.MONEY:
            return _see_number(stored)
        case FieldType.BOOLEAN:
            return Seen(State.VALUE, flag=stored) if isinstance(stored, bool) else UNKNOWN
        case FieldType.MULTI_PICKLIST:
            return _see_choices(stored)
    if not isinstance(stored, str):
        return UNKNOWN
    if field_type is FieldType.DATE:
        return _see_date(stored)
    if field_type is FieldType.DATETIME:
        return _see_datetime(stored)
    return Seen(State.VALUE, text=stored)


def fold(text: str) -> str:
    """The form in which texts are compared: A to Z become a to z, nothing else changes."""
    return text.translate(_FOLD)


def microsecond_of(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def exact(number: Any) -> Decimal | int | None:
    """A number by the decimal digits that JSON stores for it; None when it is none, or out of limits."""
    if isinstance(number, float):
        number = Decimal(repr(number))
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return None
    if isinstance(number, Decimal) and not number.is_finite():
        return None
    return number if -NUMBER_LIMIT < number < NUMBER_LIMIT else None


def _see_number(stored: Any) -> Seen:
    number = exact(stored)
    return UNKNOWN if number is None else Seen(State.VALUE, number=number)


def _see_choices(stored: Any) -> Seen:
    if not isinstance(stored, list | tuple):
        return UNKNOWN
    if not stored:
        return EMPTY
    if not all(isinstance(choice, str) for choice in stored):
        return UNKNOWN
    return Seen(State.VALUE, choices=frozenset(stored))


def _see_date(stored: str) -> Seen:
    if _DATE.fullmatch(stored):
        try:
            return Seen(State.VALUE, moment=date.fromisoformat(stored).toordinal())
        except ValueError:  # 30 February
            return UNKNOWN
    return UNKNOWN


def _see_datetime(stored: str) -> Seen:
    if _DATETIME.fullmatch(stored):
        try:
            return Seen(State.VALUE, moment=microsecond_of(datetime.fromisoformat(stored)))
        except ValueError:
            return UNKNOWN
    return UNKNOWN
