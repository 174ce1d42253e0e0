"""One condition as a Salesforce formula; what its comparisons mean is told in ``salesforce``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from definitions.criteria.compiled import (
    RefusedError,
    RemoteField,
)
from definitions.criteria.currencies import Conversion, times
from definitions.criteria.fields import FieldType
from definitions.criteria.moments import range_of
from definitions.criteria.nodes import Leaf, Window
from definitions.criteria.operators import TEMPORAL
from definitions.criteria.targets.salesforce_pieces import (
    DIGITS,
    FALSE,
    SOURCE_LIMIT,
    TRUE,
    YEARS,
    Piece,
    all_of,
    any_of,
    date_literal,
    literal,
    not_,
    plain_number,
)
from definitions.criteria.values import EPOCH, fold

RATE_DIGITS = 15
TEXT_LENGTH = 255

_KINDS = {
    **dict.fromkeys(("string", "email", "phone", "url", "combobox", "textarea"), "text"),
    **dict.fromkeys(("double", "int", "long", "currency", "percent"), "number"),
    **dict.fromkeys(("reference", "id"), "reference"),
    "picklist": "picklist",
    "multipicklist": "multipicklist",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}
_USUAL = {
    FieldType.TEXT: "string",
    FieldType.NUMBER: "double",
    FieldType.MONEY: "currency",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
    FieldType.PICKLIST: "picklist",
    FieldType.MULTI_PICKLIST: "multipicklist",
    FieldType.REFERENCE: "reference",
}
_READS = {
    FieldType.TEXT: ("text", "picklist"),
    FieldType.NUMBER: ("number",),
    FieldType.MONEY: ("number",),
    FieldType.BOOLEAN: ("boolean",),
    FieldType.DATE: ("date",),
    FieldType.DATETIME: ("datetime",),
    FieldType.PICKLIST: ("picklist", "text"),
    FieldType.MULTI_PICKLIST: ("multipicklist",),
    FieldType.REFERENCE: ("reference", "text"),
}
# Fields of every Salesforce whose type their name does not tell.
_KNOWN = {"Description": ("textarea", 32_000), "Probability": ("percent", None)}
_UTC_DAYS = 'FLOOR(NOW() - DATETIMEVALUE("1970-01-01 00:00:00"))'
_COMPARISONS = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}
_NEGATIVE = ("is_not", "is_none_of")


class Comparison:
    """Writes one leaf."""

    def __init__(self, leaf: Leaf, remote: RemoteField) -> None:
        self.leaf = leaf
        self.name = remote.name
        self.values = remote.values
        known = _KNOWN.get(remote.name.rpartition(".")[2], ("", None))
        self.type = remote.type or known[0] or _USUAL[leaf.field.type]
        self.kind = self._read_kind(remote.length or known[1])
        self.stored = f"TEXT({self.name})" if self.kind == "picklist" else self.name
        self.is_blank = Piece(f"ISBLANK({self.stored})")
        self.has_value = not_(self.is_blank)

    def _read_kind(self, length: int | None) -> str:
        label, wanted = self.leaf.field.label, self.leaf.field.type
        is_long = self.type == "textarea" and (length is None or length > TEXT_LENGTH)
        # Validation rules, unlike formula fields, may ask whether a long text is blank.
        if is_long and self.leaf.op not in ("is_empty", "is_not_empty"):
            raise RefusedError(f"{label} is a long text in Salesforce, which formulas can't compare")
        kind = _KINDS.get(self.type)
        if kind is None or kind not in _READS[wanted]:
            shown = wanted.replace("_", " ")
            raise RefusedError(f"{label} is a {shown} here and a {self.type} field in Salesforce")
        if self.values and kind not in ("text", "picklist", "reference"):
            raise RefusedError(f"{label} is translated on its way from Salesforce")
        return kind

    def false(self) -> Piece:
        return not_(self.true())

    def true(self) -> Piece:
        leaf = self.leaf
        if leaf.op in ("is_empty", "is_not_empty"):
            if self.kind == "boolean":  # a checkbox is never blank
                return FALSE if leaf.op == "is_empty" else TRUE
            return self.is_blank if leaf.op == "is_empty" else self.has_value
        if leaf.field.type is FieldType.BOOLEAN:
            return Piece(self.name if leaf.op == "is_true" else f"{self.name} = FALSE")
        if leaf.field.type in TEMPORAL:
            return self._moment()
        if leaf.numbers:
            return self._number()
        if leaf.field.type is FieldType.MULTI_PICKLIST:
            return self._choices()
        if leaf.field.type is FieldType.TEXT:
            return self._text()
        return self._exact()

    def _valued(self, tests: Iterable[str]) -> Piece:
        """The field has a value and every test holds."""
        return all_of([self.has_value, *map(Piece, tests)])

    # numbers

    def _number(self) -> Piece:
        return all_of([self.has_value, self._compare(self.name, map(self._spell, self.leaf.numbers))])

    def _compare(self, value: str, numbers: Iterable[str]) -> Piece:
        op, spelled = self.leaf.op, list(numbers)
        if op == "between":
            return all_of([Piece(f"{value} >= {spelled[0]}"), Piece(f"{value} <= {spelled[1]}")])
        if op in _COMPARISONS:
            return Piece(f"{value} {_COMPARISONS[op]} {spelled[0]}")
        if op in _NEGATIVE:
            return all_of(Piece(f"{value} <> {number}") for number in spelled)
        return any_of(Piece(f"{value} = {number}") for number in spelled)

    def _spell(self, number: Decimal) -> str:
        text = plain_number(number, DIGITS)
        return plain_number(number.scaleb(-2), DIGITS + 2) if self.type == "percent" else text

    # dates and times

    def _moment(self) -> Piece:
        if self.leaf.window is not None:
            return self._window(self.leaf.window)
        write = self._date_bounds if self.kind == "date" else self._datetime_bounds
        # Without a window the range does not depend on when it is asked for.
        return self._valued(write(*range_of(self.leaf, EPOCH)))

    def _date_bounds(self, lowest: int | None, end: int | None) -> list[str]:
        tests = []
        if lowest is not None:
            tests.append(f"{self.name} >= {date_literal(date.fromordinal(lowest))}")
        if end is not None:
            tests.append(f"{self.name} < {date_literal(date.fromordinal(end))}")
        return tests

    def _datetime_bounds(self, lowest: int | None, end: int | None) -> list[str]:
        tests = []
        if lowest is not None:
            at, is_past = self._whole_second(lowest)
            tests.append(f"{self.name} {'>' if is_past else '>='} {at}")
        if end is not None:
            at, is_past = self._whole_second(end)
            tests.append(f"{self.name} {'<=' if is_past else '<'} {at}")
        return tests

    def _whole_second(self, position: int) -> tuple[str, bool]:
        """The second of a bound as a literal, and whether the bound is the first moment after it."""
        second, microsecond = divmod(position, 1_000_000)
        if microsecond > 1:
            raise RefusedError("Salesforce's times have no fractions of a second")
        at: datetime = EPOCH + timedelta(seconds=second)
        if at.year not in YEARS:
            raise RefusedError(f"Salesforce's dates run from {YEARS.start} to {YEARS.stop - 1}")
        return f'DATETIMEVALUE("{at:%Y-%m-%d %H:%M:%S}")', microsecond == 1

    def _window(self, window: Window) -> Piece:
        unit, count = window.unit, window.count
        if self.kind == "date":
            days = count * 7 if unit == "weeks" else count
            now, length = f"DATE(1970, 1, 1) + {_UTC_DAYS}", str(days)
        else:
            now, length = "NOW()", _days(unit, count)
        match self.leaf.op:
            case "within_last":
                tests = [f"{self.name} >= {now} - {length}", f"{self.name} <= {now}"]
            case "within_next":
                tests = [f"{self.name} >= {now}", f"{self.name} <= {now} + {length}"]
            case _:
                tests = [f"{self.name} < {now} - {length}"]
        return self._valued(tests)

    # texts

    def _text(self) -> Piece:
        if self.values:
            raise RefusedError(f"{self.leaf.field.label} is translated on its way from Salesforce")
        wanted = ((self._folded(fold(text)), literal(fold(text))) for text in self.leaf.texts)
        if self.leaf.op in ("contains", "starts_with"):
            value, text = next(wanted)
            if self.leaf.op == "contains":
                return Piece(f"CONTAINS({value}, {text})")
            return self._valued([f"BEGINS({value}, {text})"])
        return self._is_one_of(wanted)

    def _is_one_of(self, wanted: Iterable[tuple[str, str]]) -> Piece:
        """The value of each pair is its text, or none of them is, as the operator asks."""
        sign = "<>" if self.leaf.op in _NEGATIVE else "="
        tests: list[str] = []
        size = 0
        for value, text in wanted:
            tests.append(f"{value} {sign} {text}")
            size += len(tests[-1])
            if size > SOURCE_LIMIT:  # and not one value more is written of a list that may be very long
                raise RefusedError(f"this alone takes more than the {SOURCE_LIMIT:,} characters of a formula")
        return self._valued(tests) if sign == "<>" else any_of(map(Piece, tests))

    def _folded(self, text: str) -> str:
        """The field with its letters A to Z in lower case, as far as that matters beside `text`, folded already."""
        letters = [letter for letter in dict.fromkeys(text) if "a" <= letter <= "z"]
        value = self.stored
        if not letters:
            return value
        if not text.isascii():
            for letter in letters:
                value = f'SUBSTITUTE({value}, "{letter.upper()}", "{letter}")'
            return value
        # Of all letters beyond A to Z, LOWER makes one of a to z of these two only.
        for letter, stranger in (("i", "İ"), ("k", "\u212a")):
            if letter in letters:
                value = f'SUBSTITUTE({value}, "{stranger}", "·")'
        return f"LOWER({value})"

    def _exact(self) -> Piece:
        value = f"LEFT({self.name}, 15)" if self.kind == "reference" else self.stored
        texts = (text for operand in self.leaf.texts for text in self._remote_texts(operand))
        return self._is_one_of((value, literal(text)) for text in texts)

    def _remote_texts(self, operand: str) -> list[str]:
        """The texts in Salesforce that stand for an operand."""
        texts = [remote for remote, logical in self.values.items() if logical == operand]
        if operand not in self.values:
            texts.append(operand)
        if self.kind != "reference":
            return texts
        if any(not _is_id(text) for text in texts):
            raise RefusedError(f"{operand!r} is no Salesforce id of 18 characters")
        return [text[:15] for text in texts]

    def _choices(self) -> Piece:
        for text in self.leaf.texts:
            if ";" in text:
                raise RefusedError(f"{text!r} can't be chosen in Salesforce: a value has no semicolon")
            if any(other != text and other.lower() == text.lower() for other in self.leaf.field.options):
                raise RefusedError(f"INCLUDES can't tell {text!r} from an option with other capitals")
        tests = [Piece(f"INCLUDES({self.name}, {literal(text)})") for text in self.leaf.texts]
        match self.leaf.op:
            case "includes_any":
                return any_of(tests)
            case "includes_all":
                return all_of(tests)
        return all_of([self.has_value, *map(not_, tests)])


class MoneyComparison(Comparison):
    """Compares money of the record's currency with an amount in another; unknown for currencies without a rate."""

    def __init__(
        self, leaf: Leaf, remote: RemoteField, conversion: Conversion, currency: RemoteField
    ) -> None:
        super().__init__(leaf, remote)
        self.conversion = conversion
        self.currency = currency

    def true(self) -> Piece:
        if not self.leaf.numbers:
            return super().true()
        cases = [all_of([*guards, comparison]) for guards, comparison in self._cases()]
        return all_of([self.has_value, any_of(cases)])

    def false(self) -> Piece:
        if not self.leaf.numbers:
            return super().false()
        cases = [all_of([*guards, not_(comparison)]) for guards, comparison in self._cases()]
        return any_of([self.is_blank, *cases])

    def _cases(self) -> Iterator[tuple[list[Piece], Piece]]:
        """When a rate holds, and what is compared then."""
        conversion = self.conversion
        codes = dict.fromkeys([conversion.code, *(one.code for one in conversion.known)])
        for code in codes:
            guard = self._is_in(code)
            if guard == FALSE:
                continue
            for since, until in _spans(conversion, code):
                factors = conversion.factors(code, datetime.combine(since or date(1, 1, 1), time(), UTC))
                if factors is not None:
                    yield [guard, *_while(since, until)], self._converted(*factors)

    def _is_in(self, code: str) -> Piece:
        name = self.currency.name
        if name.startswith("="):
            return TRUE if name == f"={code}" else FALSE
        stored = name if self.currency.type in ("string", "combobox") else f"TEXT({name})"
        return Piece(f"{stored} = {literal(code)}")

    def _converted(self, theirs: Decimal, ours: Decimal) -> Piece:
        value = self.name if theirs == 1 else f"{self.name} * {plain_number(theirs, RATE_DIGITS)}"
        numbers = [times(number, ours) for number in self.leaf.numbers]
        return self._compare(value, [plain_number(number, DIGITS + RATE_DIGITS) for number in numbers])


def _spans(conversion: Conversion, code: str) -> Iterator[tuple[date | None, date | None]]:
    """From when until when (not included) the rates between two currencies stay the same."""
    pair = (
        () if code == conversion.code else (conversion.currency(code), conversion.currency(conversion.code))
    )
    days = {since for one in pair if one is not None and not one.is_base for since, _ in one.rates}
    bounds = [None, *sorted(days), None]
    yield from pairwise(bounds)


def _while(since: date | None, until: date | None) -> Iterator[Piece]:
    if since is not None:
        yield Piece(f'NOW() >= DATETIMEVALUE("{since} 00:00:00")')
    if until is not None:
        yield Piece(f'NOW() < DATETIMEVALUE("{until} 00:00:00")')


def _days(unit: str, count: int) -> str:
    """A length in days, as an expression that is exact to the second."""
    per_day = {"minutes": 1440, "hours": 24}.get(unit)
    if per_day is None:
        return str(count * 7 if unit == "weeks" else count)
    return str(count // per_day) if count % per_day == 0 else f"{count} / {per_day}"


def _is_id(text: str) -> bool:
    """Whether these are 18 characters whose last three follow from the first fifteen."""
    if len(text) != 18 or not text.isascii() or not text.isalnum():
        return False
    marks = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(text[start : start + 5]) if char.isupper())
        marks += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return marks == text[15:]
