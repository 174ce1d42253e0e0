"""What Salesforce's formulas say of a record: its types, its blanks, its validation rules.

Written from what is known of Salesforce, not from our compiler:
- validation rules treat blanks as blanks: ordering one is false, `=` and `<>` of a blank number or date are both
  false, a blank text is "", and an empty text is blank;
- `=`, CONTAINS and BEGINS mind the case of text, ISPICKVAL and INCLUDES don't; picklists go only where they may;
- AND and OR stop at what decides them; NOT of a blank is blank;
- numbers have 39 digits; FLOOR goes towards zero; a percent field is a fraction;
- days added to a date lose their fraction, days added to a time are rounded to the second;
- NOW() and times are UTC, TODAY() and DATEVALUE() in the zone of the user; ids have 15 characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal, InvalidOperation
from typing import Any

from integrations.standins.salesforce_syntax import Call, FormulaError, Literal, Name, Tree, parse_tree, walk

__all__ = ["Formula", "FormulaError", "parse_formula"]

Value = Decimal | str | bool | date | datetime | None

KINDS = {
    **dict.fromkeys(("string", "email", "phone", "url", "combobox", "textarea"), "text"),
    **dict.fromkeys(("id", "reference"), "id"),
    **dict.fromkeys(("double", "int", "long", "currency"), "number"),
    **{kind: kind for kind in ("percent", "boolean", "date", "datetime", "picklist", "multipicklist")},
}
PERMISSION = "$Permission."
_TEXTS = ("text", "id", "picklist", "multipicklist")
_DIGITS = Context(prec=39, rounding=ROUND_HALF_UP)
_DAY = Decimal(86_400)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")


def parse_formula(text: str) -> Formula:
    """Raises FormulaError with the position: syntax, unknown functions, a wrong number of arguments."""
    tree = parse_tree(text)
    for part in walk(tree):
        if isinstance(part, Call):
            _check_call(part)
        elif isinstance(part, Name) and part.name.startswith("$") and not part.name.startswith(PERMISSION):
            raise FormulaError(f"Field {part.name} does not exist. Check spelling.", part.position)
    return Formula(text, tree)


@dataclass(frozen=True, slots=True)
class Formula:
    text: str
    tree: Tree

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(
            part.name for part in walk(self.tree) if isinstance(part, Name) and part.name[0] != "$"
        )

    @property
    def permissions(self) -> frozenset[str]:
        """The custom permissions it asks for, by their names."""
        names = (part.name for part in walk(self.tree) if isinstance(part, Name))
        return frozenset(name.removeprefix(PERMISSION) for name in names if name.startswith(PERMISSION))

    def check(self, types: Mapping[str, str]) -> str:
        """The kind of its result: boolean, number, text, date, datetime or "" when only the values can tell.

        Raises FormulaError for unknown fields and for values where they may not stand.
        """
        return _kind(self.tree, types)

    def evaluate(
        self,
        record: Mapping[str, Any],
        *,
        prior: Mapping[str, Any] | None = None,
        is_new: bool = False,
        now: datetime,
        permissions: frozenset[str] = frozenset(),
        types: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
    ) -> Value:
        """The result for one record, given as Salesforce's JSON has it.

        `prior` is the record before the save, `types` maps field names to describe types; without it they are
        guessed from the values. `zone` is the user's. Raises FormulaError as Salesforce stops a save: a wrong
        type, a division by zero.
        """
        if types is not None:
            self.check(types)
        seen = _Record(record, types)
        before = seen if prior is None or is_new else _Record(prior, types)
        result = _Run(seen, before, is_new, now.astimezone(UTC), permissions, zone).value(self.tree)
        return None if _is_blank(result) else result


class _Record:
    def __init__(self, fields: Mapping[str, Any], types: Mapping[str, str] | None) -> None:
        self.fields = fields
        self.types = types

    def value(self, name: Name) -> Value:
        """The value of a field; a picklist's as text, a multi-select picklist's joined by semicolons."""
        raw = self.fields.get(name.name)
        kind = _guess(raw) if self.types is None else KINDS[self.types[name.name]]
        if kind == "boolean":
            return raw is True
        if raw is None or raw == "":
            # A blank text is still a text: it equals "", which no other blank does.
            return "" if kind in _TEXTS and self.types is not None else None
        try:
            return _read(kind, raw)
        except (ValueError, InvalidOperation):
            raise FormulaError(f"Field {name.name} holds no {kind}: {raw!r}", name.position) from None


def _is_blank(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _guess(raw: Any) -> str:
    if isinstance(raw, bool):
        return "boolean"
    if isinstance(raw, int | float | Decimal):
        return "number"
    if isinstance(raw, str) and _DATE.fullmatch(raw):
        return "date"
    return "datetime" if isinstance(raw, str) and _DATETIME.fullmatch(raw) else "text"


def _read(kind: str, raw: Any) -> Value:
    match kind:
        case "number":
            return Decimal(str(raw))
        case "percent":
            return Decimal(str(raw)).scaleb(-2)
        case "date":
            return date.fromisoformat(str(raw))
        case "datetime":
            return _to_millisecond(datetime.fromisoformat(str(raw)).astimezone(UTC))
        case "id":
            return str(raw)[:15]
    return str(raw)


def _to_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class _Run:
    """One evaluation."""

    def __init__(
        self,
        record: _Record,
        before: _Record,
        is_new: bool,
        now: datetime,
        permissions: frozenset[str],
        zone: tzinfo,
    ) -> None:
        self.record = record
        self.before = before
        self.is_new = is_new
        self.now = _to_millisecond(now)
        self.permissions = permissions
        self.zone = zone

    def value(self, tree: Tree) -> Value:
        match tree:
            case Literal(value=value):
                return value
            case Name(name=name):
                if name.startswith(PERMISSION):
                    return name.removeprefix(PERMISSION) in self.permissions
                return self.record.value(tree)
        lazy = _LAZY.get(tree.name)
        if lazy is not None:
            return lazy(self, tree)
        return _FUNCTIONS[tree.name].run(self, tree, [self.value(arg) for arg in tree.args])

    def truth(self, tree: Tree) -> bool | None:
        value = self.value(tree)
        if value is None or isinstance(value, bool):
            return value
        raise FormulaError("Incorrect parameter type. Expected Boolean", tree.position)

    def field(self, tree: Tree, record: _Record) -> Value:
        """A field, or the PRIORVALUE of one."""
        if isinstance(tree, Call):
            return self.value(tree)
        return record.value(_field_name(tree))


def _field_name(tree: Tree) -> Name:
    if isinstance(tree, Name) and not tree.name.startswith("$"):
        return tree
    raise FormulaError("Incorrect parameter. Expected a field", tree.position)


# Functions that do not evaluate everything they are given.


def _and(run: _Run, call: Call) -> Value:
    return _joined(run, call, decides=False)


def _or(run: _Run, call: Call) -> Value:
    return _joined(run, call, decides=True)


def _joined(run: _Run, call: Call, *, decides: bool) -> Value:
    has_blank = False
    for arg in call.args:
        truth = run.truth(arg)
        if truth is decides:
            return decides
        has_blank = has_blank or truth is None
    return None if has_blank else not decides


def _if(run: _Run, call: Call) -> Value:
    condition, yes, no = call.args
    return run.value(yes if run.truth(condition) else no)


def _case(run: _Run, call: Call) -> Value:
    asked, *pairs, otherwise = call.args
    value = run.value(asked)
    for known, result in zip(pairs[::2], pairs[1::2], strict=True):
        if _equal(call, value, run.value(known)):
            return run.value(result)
    return run.value(otherwise)


def _is_changed(run: _Run, call: Call) -> Value:
    name = _field_name(call.args[0])
    return not run.is_new and run.record.value(name) != run.before.value(name)


def _prior_value(run: _Run, call: Call) -> Value:
    return run.before.value(_field_name(call.args[0]))


def _is_picklist_value(run: _Run, call: Call) -> Value:
    value, wanted = run.field(call.args[0], run.record), run.value(call.args[1])
    return _text(call, value).lower() == _text(call, wanted).lower()


def _includes(run: _Run, call: Call) -> Value:
    value, wanted = run.field(call.args[0], run.record), run.value(call.args[1])
    chosen = [one.lower() for one in _text(call, value).split(";") if one]
    return _text(call, wanted).lower() in chosen


_LAZY: dict[str, Callable[[_Run, Call], Value]] = {
    "AND": _and,
    "OR": _or,
    "IF": _if,
    "CASE": _case,
    "ISCHANGED": _is_changed,
    "PRIORVALUE": _prior_value,
    "ISPICKVAL": _is_picklist_value,
    "INCLUDES": _includes,
}


# What values are.


def _wrong(call: Call, expected: str) -> FormulaError:
    return FormulaError(f"Incorrect parameter type for {call.name}. Expected {expected}", call.position)


def _text(call: Call, value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(call, "Text")
    return value


def _number(call: Call, value: Value) -> Decimal:
    if not isinstance(value, Decimal):
        raise _wrong(call, "Number")
    return value


def _equal(call: Call, left: Value, right: Value) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return _text(call, left) == _text(call, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(left) == bool(right)
    if left is None or right is None:
        return False
    if type(left) is not type(right):
        raise _wrong(call, "two values of one type")
    return left == right


def _differ(call: Call, left: Value, right: Value) -> bool:
    if (left is None or right is None) and not isinstance(left or right, str | bool):
        return False
    return not _equal(call, left, right)


def _order(call: Call, left: Value, right: Value) -> bool:
    if left is None or right is None:
        return False
    if type(left) is not type(right) or isinstance(left, bool):
        raise _wrong(call, "two Numbers, Dates, Date/Times or Texts")
    # Of one type, as was just seen.
    is_less, is_more = left < right, left > right  # type: ignore[operator]
    return {"<": is_less, ">": is_more, "<=": not is_more, ">=": not is_less}[call.name]


# Functions of values.


@dataclass(frozen=True, slots=True)
class _Function:
    """`run` takes the evaluated arguments. `takes`: kinds of the arguments, the last one for all that follow;
    `gives`: the kind of the result, "" when it is that of the first argument."""

    run: Callable[[_Run, Call, list[Value]], Value]
    takes: tuple[str, ...]
    gives: str
    least: int
    most: int


def _not(run: _Run, call: Call, args: list[Value]) -> Value:
    if args[0] is None or isinstance(args[0], bool):
        return None if args[0] is None else not args[0]
    raise _wrong(call, "Boolean")


def _add(run: _Run, call: Call, args: list[Value]) -> Value:
    left, right = args
    if isinstance(left, str) or isinstance(right, str):
        return _text(call, left) + _text(call, right)
    if left is None or right is None:
        return None
    if isinstance(left, Decimal) and isinstance(right, date):
        left, right = right, left
    if isinstance(left, date) and isinstance(right, Decimal):
        return _moved(call, left, right)
    return _DIGITS.add(_number(call, left), _number(call, right))


def _subtract(run: _Run, call: Call, args: list[Value]) -> Value:
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
    return _DIGITS.subtract(_number(call, left), _number(call, right))


def _moved(call: Call, value: date, days: Decimal) -> Value:
    try:
        if not isinstance(value, datetime):
            return value + timedelta(days=int(days))
        seconds = _DIGITS.multiply(days, _DAY).quantize(Decimal(1), ROUND_HALF_UP)
        return value + timedelta(seconds=int(seconds))
    except OverflowError:
        raise FormulaError("The date is out of range", call.position) from None


def _arithmetic(operate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[_Run, Call, list[Value]], Value]:
    def run(_: _Run, call: Call, args: list[Value]) -> Value:
        if None in args:
            return None
        left, right = (_number(call, arg) for arg in args)
        if call.name == "/" and not right:
            raise FormulaError("Division by zero", call.position)
        return operate(left, right)

    return run


def _of_number(operate: Callable[[Decimal], Decimal]) -> Callable[[_Run, Call, list[Value]], Value]:
    def run(_: _Run, call: Call, args: list[Value]) -> Value:
        return None if args[0] is None else operate(_number(call, args[0]))

    return run


def _of_text(operate: Callable[[str], Value]) -> Callable[[_Run, Call, list[Value]], Value]:
    return lambda run, call, args: operate(_text(call, args[0]))


def _round(run: _Run, call: Call, args: list[Value]) -> Value:
    if None in args:
        return None
    number, digits = (_number(call, arg) for arg in args)
    return number.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP, Context(prec=60))


def _floor(number: Decimal) -> Decimal:
    return Context(prec=33, rounding=ROUND_HALF_UP).plus(number).to_integral_value(ROUND_DOWN)


def _ceiling(number: Decimal) -> Decimal:
    return Context(prec=33, rounding=ROUND_HALF_DOWN).plus(number).to_integral_value(ROUND_UP)


def _begins(run: _Run, call: Call, args: list[Value]) -> Value:
    return None if _is_blank(args[0]) else _text(call, args[0]).startswith(_text(call, args[1]))


def _substitute(run: _Run, call: Call, args: list[Value]) -> Value:
    text, old, new = (_text(call, arg) for arg in args)
    return text.replace(old, new) if old else text


def _cut(run: _Run, call: Call, args: list[Value]) -> Value:
    """LEFT, RIGHT and MID."""
    text, numbers = _text(call, args[0]), [int(_number(call, arg)) for arg in args[1:]]
    count = max(numbers[-1], 0)
    if call.name == "LEFT":
        return text[:count]
    if call.name == "RIGHT":
        return text[-count:] if count else ""
    start = max(numbers[0] - 1, 0)
    return text[start : start + count]


def _find(run: _Run, call: Call, args: list[Value]) -> Value:
    wanted, text = _text(call, args[0]), _text(call, args[1])
    return Decimal(text.find(wanted) + 1) if wanted else Decimal(0)


def _to_text(run: _Run, call: Call, args: list[Value]) -> Value:
    value = args[0]
    match value:
        case None | str():
            return value
        case bool():
            raise _wrong(call, "Number, Date, Date/Time or Picklist")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case date():
            return value.isoformat()
    plain = f"{value.normalize():f}"
    return plain if isinstance(call.args[0], Literal) else re.sub(r"^(-?)0\.", r"\1.", plain)


def _date(run: _Run, call: Call, args: list[Value]) -> Value:
    if None in args:
        return None
    year, month, day = (int(_number(call, arg)) for arg in args)
    try:
        return date(year, month, day)
    except ValueError:
        raise FormulaError("The date is out of range", call.position) from None


def _date_value(run: _Run, call: Call, args: list[Value]) -> Value:
    value = args[0]
    if _is_blank(value):
        return None
    if isinstance(value, datetime):
        return value.astimezone(run.zone).date()
    try:
        return date.fromisoformat(_text(call, value))
    except ValueError:
        raise FormulaError(f"{value!r} is no date", call.position) from None


def _datetime_value(run: _Run, call: Call, args: list[Value]) -> Value:
    value = args[0]
    if _is_blank(value):
        return None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return datetime.strptime(_text(call, value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise FormulaError(f"{value!r} is no date and time", call.position) from None


def _part(name: str) -> Callable[[_Run, Call, list[Value]], Value]:
    def run(_: _Run, call: Call, args: list[Value]) -> Value:
        if args[0] is None:
            return None
        if type(args[0]) is not date:
            raise _wrong(call, "Date")
        return Decimal(getattr(args[0], name))

    return run


def _pick(choose: Callable[[list[Decimal]], Decimal]) -> Callable[[_Run, Call, list[Value]], Value]:
    def run(_: _Run, call: Call, args: list[Value]) -> Value:
        return None if None in args else choose([_number(call, arg) for arg in args])

    return run


_FUNCTIONS: dict[str, _Function] = {
    "NOT": _Function(_not, ("boolean",), "boolean", 1, 1),
    "NEGATE": _Function(_of_number(lambda one: -one), ("number",), "number", 1, 1),
    "+": _Function(_add, ("",), "", 2, 2),
    "-": _Function(_subtract, ("",), "", 2, 2),
    "&": _Function(lambda r, c, a: _text(c, a[0]) + _text(c, a[1]), ("text",), "text", 2, 2),
    "*": _Function(_arithmetic(_DIGITS.multiply), ("number",), "number", 2, 2),
    "/": _Function(_arithmetic(_DIGITS.divide), ("number",), "number", 2, 2),
    "^": _Function(_arithmetic(_DIGITS.power), ("number",), "number", 2, 2),
    "=": _Function(lambda r, c, a: _equal(c, *a), ("",), "boolean", 2, 2),
    "<>": _Function(lambda r, c, a: _differ(c, *a), ("",), "boolean", 2, 2),
    **{
        sign: _Function(lambda r, c, a: _order(c, *a), ("",), "boolean", 2, 2)
        for sign in ("<", "<=", ">", ">=")
    },
    "ISBLANK": _Function(lambda r, c, a: _is_blank(a[0]), ("any but boolean",), "boolean", 1, 1),
    # Text is never null for ISNULL.
    "ISNULL": _Function(lambda r, c, a: a[0] is None, ("any but text",), "boolean", 1, 1),
    "BLANKVALUE": _Function(lambda r, c, a: a[1] if _is_blank(a[0]) else a[0], ("",), "", 2, 2),
    "ISNEW": _Function(lambda r, c, a: r.is_new, (), "boolean", 0, 0),
    "CONTAINS": _Function(lambda r, c, a: _text(c, a[1]) in _text(c, a[0]), ("text",), "boolean", 2, 2),
    "BEGINS": _Function(_begins, ("text",), "boolean", 2, 2),
    "LEFT": _Function(_cut, ("text", "number"), "text", 2, 2),
    "RIGHT": _Function(_cut, ("text", "number"), "text", 2, 2),
    "MID": _Function(_cut, ("text", "number"), "text", 3, 3),
    "LEN": _Function(_of_text(lambda text: Decimal(len(text))), ("text",), "number", 1, 1),
    "LOWER": _Function(_of_text(str.lower), ("text",), "text", 1, 1),
    "UPPER": _Function(_of_text(str.upper), ("text",), "text", 1, 1),
    "TRIM": _Function(_of_text(str.strip), ("text",), "text", 1, 1),
    "SUBSTITUTE": _Function(_substitute, ("text",), "text", 3, 3),
    "FIND": _Function(_find, ("text",), "number", 2, 2),
    "TEXT": _Function(_to_text, ("any or picklist",), "text", 1, 1),
    "ABS": _Function(_of_number(abs), ("number",), "number", 1, 1),
    "ROUND": _Function(_round, ("number",), "number", 2, 2),
    "FLOOR": _Function(_of_number(_floor), ("number",), "number", 1, 1),
    "CEILING": _Function(_of_number(_ceiling), ("number",), "number", 1, 1),
    "MIN": _Function(_pick(min), ("number",), "number", 1, 30),
    "MAX": _Function(_pick(max), ("number",), "number", 1, 30),
    "NOW": _Function(lambda r, c, a: r.now, (), "datetime", 0, 0),
    "TODAY": _Function(lambda r, c, a: r.now.astimezone(r.zone).date(), (), "date", 0, 0),
    "DATE": _Function(_date, ("number",), "date", 3, 3),
    "DATEVALUE": _Function(_date_value, ("text or datetime",), "date", 1, 1),
    "DATETIMEVALUE": _Function(_datetime_value, ("text or date",), "datetime", 1, 1),
    "YEAR": _Function(_part("year"), ("date",), "number", 1, 1),
    "MONTH": _Function(_part("month"), ("date",), "number", 1, 1),
    "DAY": _Function(_part("day"), ("date",), "number", 1, 1),
}
_LAZY_COUNTS = {
    "AND": (1, 1000),
    "OR": (1, 1000),
    "IF": (3, 3),
    "CASE": (4, 1000),
    "ISCHANGED": (1, 1),
    "PRIORVALUE": (1, 1),
    "ISPICKVAL": (2, 2),
    "INCLUDES": (2, 2),
}


def _check_call(call: Call) -> None:
    if call.name in _LAZY_COUNTS:
        least, most = _LAZY_COUNTS[call.name]
    elif call.name in _FUNCTIONS and call.name != "NEGATE":
        least, most = _FUNCTIONS[call.name].least, _FUNCTIONS[call.name].most
    elif call.name == "NEGATE":
        return
    else:
        raise FormulaError(f"Unknown function {call.name}. Check spelling.", call.position)
    count = len(call.args)
    if not least <= count <= most or (call.name == "CASE" and count % 2):
        raise FormulaError(
            f"Incorrect number of parameters for function '{call.name}()'. Expected {least}, received {count}",
            call.position,
        )


# Whether values stand where they may, before there are any.

_SPECIAL = ("picklist", "multipicklist")


def _kind(tree: Tree, types: Mapping[str, str]) -> str:
    match tree:
        case Literal(value=value):
            return "" if value is None else {bool: "boolean", str: "text"}.get(type(value), "number")
        case Name(name=name):
            return _field_kind(tree, types) if not name.startswith(PERMISSION) else "boolean"
    if tree.name in _LAZY:
        return _lazy_kind(tree, types)
    function = _FUNCTIONS[tree.name]
    kinds = [_plain_kind(_kind(arg, types)) for arg in tree.args]
    for place, (arg, kind) in enumerate(zip(tree.args, kinds, strict=True)):
        _check_kind(tree, arg, kind, function.takes[min(place, len(function.takes) - 1)])
    if tree.name in ("=", "<>", "<", "<=", ">", ">=") and "" not in kinds and kinds[0] != kinds[1]:
        raise FormulaError(
            f"Incorrect parameter type for operator '{tree.name}'. Expected {kinds[0]}, received {kinds[1]}",
            tree.position,
        )
    if tree.name in ("+", "-"):
        return _sum_kind(tree, kinds)
    return function.gives or kinds[0]


def _plain_kind(kind: str) -> str:
    return {"id": "text", "percent": "number"}.get(kind, kind)


def _field_kind(name: Name, types: Mapping[str, str]) -> str:
    if name.name not in types:
        raise FormulaError(f"Field {name.name} does not exist. Check spelling.", name.position)
    kind = KINDS.get(types[name.name])
    if kind is None:
        raise FormulaError(f"Field {name.name} may not be used in this type of formula", name.position)
    return kind


def _check_kind(call: Call, arg: Tree, kind: str, wanted: str) -> None:
    if kind == "picklist" and wanted not in ("any or picklist",):
        shown = arg.name if isinstance(arg, Name) else call.name
        text = f"Field {shown} is a picklist field. Picklist fields are only supported in certain functions."
        raise FormulaError(text, arg.position)
    if kind == "multipicklist" and call.name not in ("ISBLANK", "ISNULL"):
        raise FormulaError(
            "Multi-select picklist fields are only supported in certain functions.", arg.position
        )
    allowed = {
        "": True,
        "any or picklist": kind != "boolean",
        "any but boolean": kind != "boolean",
        "any but text": kind not in ("boolean", "text"),
        "text or datetime": kind in ("text", "datetime"),
        "text or date": kind in ("text", "date"),
    }.get(wanted, kind == wanted)
    if kind and not allowed:
        raise FormulaError(
            f"Incorrect parameter type for function '{call.name}()'. Expected {wanted}, received {kind}",
            arg.position,
        )


def _sum_kind(call: Call, kinds: list[str]) -> str:
    left, right = kinds
    if left == right:
        if left in ("date", "datetime") and call.name == "-":
            return "number"
        if left in ("number", "") or (left == "text" and call.name == "+"):
            return left
    elif "" in kinds:
        return left or right
    elif right == "number" and left in ("date", "datetime"):
        return left
    elif left == "number" and right in ("date", "datetime") and call.name == "+":
        return right
    raise FormulaError(f"Incorrect parameter type for operator '{call.name}'", call.position)


def _lazy_kind(call: Call, types: Mapping[str, str]) -> str:
    match call.name:
        case "AND" | "OR":
            for arg in call.args:
                _check_kind(call, arg, _kind(arg, types), "boolean")
            return "boolean"
        case "ISCHANGED" | "PRIORVALUE":
            kind = _field_kind(_field_name(call.args[0]), types)
            return "boolean" if call.name == "ISCHANGED" else kind
        case "ISPICKVAL" | "INCLUDES":
            wanted = "picklist" if call.name == "ISPICKVAL" else "multipicklist"
            if _kind(call.args[0], types) != wanted:
                raise FormulaError(f"{call.name} takes a {wanted} field", call.args[0].position)
            if not (isinstance(call.args[1], Literal) and isinstance(call.args[1].value, str)):
                raise FormulaError(f"{call.name} takes a text literal", call.args[1].position)
            return "boolean"
    kinds = [_kind(arg, types) for arg in call.args]
    results = kinds[1:] if call.name == "IF" else [*kinds[2::2], kinds[-1]]
    told = {_plain_kind(kind) for kind in results if kind}
    if len(told) > 1 or told & set(_SPECIAL):
        raise FormulaError(f"The results of {call.name} must be of one type", call.position)
    if call.name == "IF":
        _check_kind(call, call.args[0], kinds[0], "boolean")
    return next(iter(told), "")
