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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import InvalidOperation
from typing import Any

from integrations.standins.salesforce_functions import FUNCTIONS
from integrations.standins.salesforce_kinds import PERMISSION, check_call, field_name, kind_of
from integrations.standins.salesforce_syntax import Call, FormulaError, Literal, Name, Tree, parse_tree, walk
from integrations.standins.salesforce_values import (
    KINDS,
    TEXTS,
    Value,
    equal,
    guess,
    is_blank,
    read,
    text_of,
    to_millisecond,
)

__all__ = ["Formula", "FormulaError", "parse_formula"]


def parse_formula(text: str) -> Formula:
    """Raises FormulaError with the position: syntax, unknown functions, a wrong number of arguments."""
    tree = parse_tree(text)
    for part in walk(tree):
        if isinstance(part, Call):
            check_call(part)
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
        return kind_of(self.tree, types)

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
        return None if is_blank(result) else result


class _Record:
    def __init__(self, fields: Mapping[str, Any], types: Mapping[str, str] | None) -> None:
        self.fields = fields
        self.types = types

    def value(self, name: Name) -> Value:
        """The value of a field; a picklist's as text, a multi-select picklist's joined by semicolons."""
        raw = self.fields.get(name.name)
        kind = guess(raw) if self.types is None else KINDS[self.types[name.name]]
        if kind == "boolean":
            return raw is True
        if raw is None or raw == "":
            # A blank text is still a text: it equals "", which no other blank does.
            return "" if kind in TEXTS and self.types is not None else None
        try:
            return read(kind, raw)
        except (ValueError, InvalidOperation):
            raise FormulaError(f"Field {name.name} holds no {kind}: {raw!r}", name.position) from None


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
        self.now = to_millisecond(now)
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
        return FUNCTIONS[tree.name].run(self, tree, [self.value(arg) for arg in tree.args])

    def truth(self, tree: Tree) -> bool | None:
        value = self.value(tree)
        if value is None or isinstance(value, bool):
            return value
        raise FormulaError("Incorrect parameter type. Expected Boolean", tree.position)

    def field(self, tree: Tree, record: _Record) -> Value:
        """A field, or the PRIORVALUE of one."""
        if isinstance(tree, Call):
            return self.value(tree)
        return record.value(field_name(tree))


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
        if equal(call, value, run.value(known)):
            return run.value(result)
    return run.value(otherwise)


def _is_changed(run: _Run, call: Call) -> Value:
    name = field_name(call.args[0])
    return not run.is_new and run.record.value(name) != run.before.value(name)


def _prior_value(run: _Run, call: Call) -> Value:
    return run.before.value(field_name(call.args[0]))


def _is_picklist_value(run: _Run, call: Call) -> Value:
    value, wanted = run.field(call.args[0], run.record), run.value(call.args[1])
    return text_of(call, value).lower() == text_of(call, wanted).lower()


def _includes(run: _Run, call: Call) -> Value:
    value, wanted = run.field(call.args[0], run.record), run.value(call.args[1])
    chosen = [one.lower() for one in text_of(call, value).split(";") if one]
    return text_of(call, wanted).lower() in chosen


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
