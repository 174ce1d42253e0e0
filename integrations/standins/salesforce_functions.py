"""The functions of Salesforce's formulas that evaluate all they are given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from typing import Protocol

from integrations.standins.salesforce_syntax import Call, FormulaError, Literal
from integrations.standins.salesforce_values import (
    Value,
    differ,
    equal,
    is_blank,
    is_ordered,
    number_of,
    text_of,
    wrong,
)

_DIGITS = Context(prec=39, rounding=ROUND_HALF_UP)
_DAY = Decimal(86_400)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Run(Protocol):
    """What a function may ask of the evaluation it is part of."""

    is_new: bool
    now: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Function:
    """`run` takes the evaluated arguments. `takes`: kinds of the arguments, the last one for all that follow;
    `gives`: the kind of the result, "" when it is that of the first argument."""

    run: Callable[[Run, Call, list[Value]], Value]
    takes: tuple[str, ...]
    gives: str
    least: int
    most: int


def _not(run: Run, call: Call, args: list[Value]) -> Value:
    if args[0] is None or isinstance(args[0], bool):
        return None if args[0] is None else not args[0]
    raise wrong(call, "Boolean")


def _add(run: Run, call: Call, args: list[Value]) -> Value:
    left, right = args
    if isinstance(left, str) or isinstance(right, str):
        return text_of(call, left) + text_of(call, right)
    if left is None or right is None:
        return None
    if isinstance(left, Decimal) and isinstance(right, date):
        left, right = right, left
    if isinstance(left, date) and isinstance(right, Decimal):
        return _moved(call, left, right)
    return _DIGITS.add(number_of(call, left), number_of(call, right))


def _subtract(run: Run, call: Call, args: list[Value]) -> Value:
    left, right = args
    if left is None or right is None:
        return None
    if isinstance(left, date) and isinstance(right, Decimal):
        return _moved(call, left, -right)
    if isinstance(left, datetime) and isinstance(right, datetime):
        milliseconds = Decimal((left - right) // _MILLISECOND)
        return _DIGITS.divide(milliseconds, _DAY * 1000)
    if type(left) is date and type(right) is date:
        return Decimal((left - right).days)
    return _DIGITS.subtract(number_of(call, left), number_of(call, right))


def _moved(call: Call, value: date, days: Decimal) -> Value:
    try:
        if not isinstance(value, datetime):
            return value + timedelta(days=int(days))
        seconds = _DIGITS.multiply(days, _DAY).quantize(Decimal(1), ROUND_HALF_UP)
        return value + timedelta(seconds=int(seconds))
    except OverflowError:
        raise FormulaError("The date is out of range", call.position) from None


def _arithmetic(operate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Run, Call, list[Value]], Value]:
    def run(_: Run, call: Call, args: list[Value]) -> Value:
        if None in args:
            return None
        left, right = (number_of(call, arg) for arg in args)
        if call.name == "/" and not right:
            raise FormulaError("Division by zero", call.position)
        return operate(left, right)

    return run


def _of_number(operate: Callable[[Decimal], Decimal]) -> Callable[[Run, Call, list[Value]], Value]:
    def run(_: Run, call: Call, args: list[Value]) -> Value:
        return None if args[0] is None else operate(number_of(call, args[0]))

    return run


def _of_text(operate: Callable[[str], Value]) -> Callable[[Run, Call, list[Value]], Value]:
    return lambda run, call, args: operate(text_of(call, args[0]))


def _round(run: Run, call: Call, args: list[Value]) -> Value:
    if None in args:
        return None
    number, digits = (number_of(call, arg) for arg in args)
    return number.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP, Context(prec=60))


def _floor(number: Decimal) -> Decimal:
    return Context(prec=33, rounding=ROUND_HALF_UP).plus(number).to_integral_value(ROUND_DOWN)


def _ceiling(number: Decimal) -> Decimal:
    return Context(prec=33, rounding=ROUND_HALF_DOWN).plus(number).to_integral_value(ROUND_UP)


def _begins(run: Run, call: Call, args: list[Value]) -> Value:
    return None if is_blank(args[0]) else text_of(call, args[0]).startswith(text_of(call, args[1]))


def _substitute(run: Run, call: Call, args: list[Value]) -> Value:
    text, old, new = (text_of(call, arg) for arg in args)
    return text.replace(old, new) if old else text


def _cut(run: Run, call: Call, args: list[Value]) -> Value:
    """LEFT, RIGHT and MID."""
    text, numbers = text_of(call, args[0]), [int(number_of(call, arg)) for arg in args[1:]]
    count = max(numbers[-1], 0)
    if call.name == "LEFT":
        return text[:count]
    if call.name == "RIGHT":
        return text[-count:] if count else ""
    start = max(numbers[0] - 1, 0)
    return text[start : start + count]


def _find(run: Run, call: Call, args: list[Value]) -> Value:
    wanted, text = text_of(call, args[0]), text_of(call, args[1])
    return Decimal(text.find(wanted) + 1) if wanted else Decimal(0)


def _to_text(run: Run, call: Call, args: list[Value]) -> Value:
    value = args[0]
    match value:
        case None | str():
            return value
        case bool():
            raise wrong(call, "Number, Date, Date/Time or Picklist")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case date():
            return value.isoformat()
    plain = f"{value.normalize():f}"
    return plain if isinstance(call.args[0], Literal) else re.sub(r"^(-?)0\.", r"\1.", plain)


def _date(run: Run, call: Call, args: list[Value]) -> Value:
    if None in args:
        return None
    year, month, day = (int(number_of(call, arg)) for arg in args)
    try:
        return date(year, month, day)
    except ValueError:
        raise FormulaError("The date is out of range", call.position) from None


def _date_value(run: Run, call: Call, args: list[Value]) -> Value:
    value = args[0]
    if is_blank(value):
        return None
    if isinstance(value, datetime):
        return value.astimezone(run.zone).date()
    try:
        return date.fromisoformat(text_of(call, value))
    except ValueError:
        raise FormulaError(f"{value!r} is no date", call.position) from None


def _datetime_value(run: Run, call: Call, args: list[Value]) -> Value:
    value = args[0]
    if is_blank(value):
        return None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return datetime.strptime(text_of(call, value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise FormulaError(f"{value!r} is no date and time", call.position) from None


def _part(name: str) -> Callable[[Run, Call, list[Value]], Value]:
    def run(_: Run, call: Call, args: list[Value]) -> Value:
        if args[0] is None:
            return None
        if type(args[0]) is not date:
            raise wrong(call, "Date")
        return Decimal(getattr(args[0], name))

    return run


def _pick(choose: Callable[[list[Decimal]], Decimal]) -> Callable[[Run, Call, list[Value]], Value]:
    def run(_: Run, call: Call, args: list[Value]) -> Value:
        return None if None in args else choose([number_of(call, arg) for arg in args])

    return run


FUNCTIONS: dict[str, Function] = {
    "NOT": Function(_not, ("boolean",), "boolean", 1, 1),
    "NEGATE": Function(_of_number(lambda one: -one), ("number",), "number", 1, 1),
    "+": Function(_add, ("",), "", 2, 2),
    "-": Function(_subtract, ("",), "", 2, 2),
    "&": Function(lambda r, c, a: text_of(c, a[0]) + text_of(c, a[1]), ("text",), "text", 2, 2),
    "*": Function(_arithmetic(_DIGITS.multiply), ("number",), "number", 2, 2),
    "/": Function(_arithmetic(_DIGITS.divide), ("number",), "number", 2, 2),
    "^": Function(_arithmetic(_DIGITS.power), ("number",), "number", 2, 2),
    "=": Function(lambda r, c, a: equal(c, *a), ("",), "boolean", 2, 2),
    "<>": Function(lambda r, c, a: differ(c, *a), ("",), "boolean", 2, 2),
    **{
        sign: Function(lambda r, c, a: is_ordered(c, *a), ("",), "boolean", 2, 2)
        for sign in ("<", "<=", ">", ">=")
    },
    "ISBLANK": Function(lambda r, c, a: is_blank(a[0]), ("any but boolean",), "boolean", 1, 1),
    # Text is never null for ISNULL.
    "ISNULL": Function(lambda r, c, a: a[0] is None, ("any but text",), "boolean", 1, 1),
    "BLANKVALUE": Function(lambda r, c, a: a[1] if is_blank(a[0]) else a[0], ("",), "", 2, 2),
    "ISNEW": Function(lambda r, c, a: r.is_new, (), "boolean", 0, 0),
    "CONTAINS": Function(lambda r, c, a: text_of(c, a[1]) in text_of(c, a[0]), ("text",), "boolean", 2, 2),
    "BEGINS": Function(_begins, ("text",), "boolean", 2, 2),
    "LEFT": Function(_cut, ("text", "number"), "text", 2, 2),
    "RIGHT": Function(_cut, ("text", "number"), "text", 2, 2),
    "MID": Function(_cut, ("text", "number"), "text", 3, 3),
    "LEN": Function(_of_text(lambda text: Decimal(len(text))), ("text",), "number", 1, 1),
    "LOWER": Function(_of_text(str.lower), ("text",), "text", 1, 1),
    "UPPER": Function(_of_text(str.upper), ("text",), "text", 1, 1),
    "TRIM": Function(_of_text(str.strip), ("text",), "text", 1, 1),
    "SUBSTITUTE": Function(_substitute, ("text",), "text", 3, 3),
    "FIND": Function(_find, ("text",), "number", 2, 2),
    "TEXT": Function(_to_text, ("any or picklist",), "text", 1, 1),
    "ABS": Function(_of_number(abs), ("number",), "number", 1, 1),
    "ROUND": Function(_round, ("number",), "number", 2, 2),
    "FLOOR": Function(_of_number(_floor), ("number",), "number", 1, 1),
    "CEILING": Function(_of_number(_ceiling), ("number",), "number", 1, 1),
    "MIN": Function(_pick(min), ("number",), "number", 1, 30),
    "MAX": Function(_pick(max), ("number",), "number", 1, 30),
    "NOW": Function(lambda r, c, a: r.now, (), "datetime", 0, 0),
    "TODAY": Function(lambda r, c, a: r.now.astimezone(r.zone).date(), (), "date", 0, 0),
    "DATE": Function(_date, ("number",), "date", 3, 3),
    "DATEVALUE": Function(_date_value, ("text or datetime",), "date", 1, 1),
    "DATETIMEVALUE": Function(_datetime_value, ("text or date",), "datetime", 1, 1),
    "YEAR": Function(_part("year"), ("date",), "number", 1, 1),
    "MONTH": Function(_part("month"), ("date",), "number", 1, 1),
    "DAY": Function(_part("day"), ("date",), "number", 1, 1),
}
