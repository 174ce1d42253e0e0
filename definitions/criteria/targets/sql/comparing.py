"""One comparison of one field, NULL meaning unknown.

A row has a jsonb column keyed by logical field: key absent is unknown, JSON null is empty. Every cast stands behind
a CASE that has checked the value, so that no stored value can make the statement fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from definitions.criteria.currencies import Conversion, times
from definitions.criteria.fields import FieldType
from definitions.criteria.moments import changes_of, range_of
from definitions.criteria.nodes import Leaf
from definitions.criteria.operators import EVERY, NUMERIC
from definitions.criteria.targets.sql.text import Sql, fill, instant, instant_of, joined, length, param
from definitions.criteria.values import DATE_SHAPE, DATETIME_SHAPE, NUMBER_LIMIT, fold

CURRENCY = "currency"
JSON_TYPES = {
    **dict.fromkeys(EVERY, "string"),
    **dict.fromkeys(NUMERIC, "number"),
    FieldType.BOOLEAN: "boolean",
    FieldType.MULTI_PICKLIST: "array",
}
COMPARISONS = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}


class LeafCompiler:
    """`column` is the jsonb column the field stands in."""

    def __init__(self, leaf: Leaf, column: str, now: datetime) -> None:
        self.leaf = leaf
        self.column = column
        self.now = now
        self.json = Sql(f"({column} -> %s::text)", [leaf.field.name])
        self.text = Sql(f"({column} ->> %s::text)", [leaf.field.name])
        self.number = fill("({})::numeric", self.json)

    def compile(self) -> Sql:
        """Its truth."""
        return self._guard(self._compare(), "TRUE" if self.leaf.op == "is_empty" else "FALSE")

    def recheck(self) -> Sql | None:
        """The first moment after `now` at which time alone changes the truth; None when it never does."""
        if self.leaf.currency is not None:
            return self._next_rate(self.leaf.currency)
        if self.leaf.window is None:
            return None
        if self.leaf.field.type is FieldType.DATE:
            day = fill("({})::date", self.text)
            moments = [
                fill("(({} + {})::timestamp AT TIME ZONE 'UTC')", day, param(days, "int"))
                for days in changes_of(self.leaf)
            ]
        else:
            value = fill("({})::timestamptz", self.text)
            moments = [fill("({} + {})", value, length(count)) for count in changes_of(self.leaf)]
        return self._guard(first_after(self.now, moments), "NULL")

    def _guard(self, value: Sql, empty: str) -> Sql:
        """`value` only where there is one to read; `empty` where the CRM says blank; else NULL."""
        json_type = JSON_TYPES[self.leaf.field.type]
        blank = fill("{} = ''", self.text)
        readable = self._is_readable()
        if readable is not None:
            value = fill("CASE WHEN {} THEN {} END", readable, value)
        if json_type == "string":
            value = fill(f"CASE WHEN {{}} THEN {empty} ELSE {{}} END", blank, value)
            return fill(
                f"(CASE jsonb_typeof({{}}) WHEN 'null' THEN {empty} WHEN 'string' THEN {{}} END)",
                self.json,
                value,
            )
        if json_type == "array":
            value = fill(
                f"CASE WHEN jsonb_array_length({{}}) = 0 THEN {empty} ELSE {{}} END", self.json, value
            )
        return fill(
            f"(CASE jsonb_typeof({{}}) WHEN 'null' THEN {empty} WHEN '{json_type}' THEN {{}}"
            f" WHEN 'string' THEN CASE WHEN {{}} THEN {empty} END END)",
            self.json,
            value,
            blank,
        )

    def _is_readable(self) -> Sql | None:
        """Whether a value of the right JSON type is one that `values.see` reads; None when each is."""
        match self.leaf.field.type:
            case FieldType.NUMBER | FieldType.MONEY:
                limit = param(str(NUMBER_LIMIT), "numeric")
                return fill("({} > -{} AND {} < {})", self.number, limit, self.number, limit)
            case FieldType.DATE:
                return fill(
                    "({} ~ {} AND pg_input_is_valid({}, 'date'))", self.text, param(DATE_SHAPE), self.text
                )
            case FieldType.DATETIME:
                return fill(
                    "({} ~ {} AND pg_input_is_valid(left({}, 10), 'date'))",
                    self.text,
                    param(DATETIME_SHAPE),
                    self.text,
                )
            case FieldType.MULTI_PICKLIST:
                path = param('strict $[*] ? (@.type() != "string")', "jsonpath")
                return fill("NOT jsonb_path_exists({}, {})", self.json, path)
        return None

    def _compare(self) -> Sql:
        leaf = self.leaf
        match leaf.op:
            case "is_empty":
                return Sql("FALSE", [])
            case "is_not_empty":
                return Sql("TRUE", [])
            case "is_true" | "is_false":
                return fill(f"{{}} = '{'true' if leaf.op == 'is_true' else 'false'}'::jsonb", self.json)
        if leaf.moments or leaf.window:
            return self._compare_moment()
        if leaf.numbers:
            return self._compare_number()
        if leaf.field.type is FieldType.MULTI_PICKLIST:
            return self._compare_choices()
        return self._compare_text()

    def _compare_moment(self) -> Sql:
        lowest, end = range_of(self.leaf, self.now)
        if self.leaf.field.type is FieldType.DATE:
            # ISO dates sort as text, byte by byte.
            value = fill('{} COLLATE "C"', self.text)
            bounds = [None if at is None else param(date.fromordinal(at).isoformat()) for at in (lowest, end)]
        else:
            value = fill("({})::timestamptz", self.text)
            bounds = [None if at is None else instant_of(at) for at in (lowest, end)]
        tests = [
            fill(f"{{}} {sign} {{}}", value, bound)
            for sign, bound in zip((">=", "<"), bounds, strict=True)
            if bound is not None
        ]
        return joined("AND", tests)

    def _compare_number(self) -> Sql:
        if self.leaf.currency is not None:
            return self._compare_money(self.leaf.currency)
        return self._compare_with(self.number, self.leaf.numbers)

    def _compare_money(self, conversion: Conversion) -> Sql:
        """In the record's own currency as it is; in another both sides times what one unit is worth."""
        code, wanted = self._code(), param(conversion.code)
        same = self._compare_with(self.number, self.leaf.numbers)
        day = self.now.date()
        rates = {one.code: rate for one in conversion.known if (rate := one.rate_on(day)) is not None}
        ours = rates.get(conversion.code)
        if ours is None:
            return fill("CASE WHEN {} = {} THEN {} END", code, wanted, same)
        pairs = [
            fill("WHEN {} THEN {}", param(one), param(str(rate), "numeric")) for one, rate in rates.items()
        ]
        factor = fill("(CASE {} " + " ".join(["{}"] * len(pairs)) + " END)", code, *pairs)
        other = self._compare_with(
            fill("({} * {})", self.number, factor), [times(number, ours) for number in self.leaf.numbers]
        )
        return fill("CASE WHEN {} = {} THEN {} ELSE {} END", code, wanted, same, other)

    def _next_rate(self, conversion: Conversion) -> Sql | None:
        """When the next rate of any currency begins: early for most records, late for none."""
        ahead = [
            at for one in conversion.known if (at := conversion.next_change(one.code, self.now)) is not None
        ]
        return instant(min(ahead)) if ahead else None

    def _code(self) -> Sql:
        json, text = (fill(f"({self.column} {arrow} {{}})", param(CURRENCY)) for arrow in ("->", "->>"))
        return fill("(CASE WHEN jsonb_typeof({}) = 'string' THEN nullif({}, '') END)", json, text)

    def _compare_with(self, value: Sql, operands: Sequence[Decimal]) -> Sql:
        op, numbers = self.leaf.op, [param(format(number, "f"), "numeric") for number in operands]
        if op == "between":
            return fill("({} BETWEEN {} AND {})", value, *numbers)
        if op in COMPARISONS:
            return fill(f"({{}} {COMPARISONS[op]} {{}})", value, *numbers)
        return self._is_one_of(value, numbers)

    def _compare_text(self) -> Sql:
        folds = self.leaf.field.type is FieldType.TEXT
        # Under this collation lower() changes A to Z and nothing else, as values.fold does.
        value = fill('lower({} COLLATE "C")' if folds else '({} COLLATE "C")', self.text)
        wanted = [param(fold(text) if folds else text) for text in self.leaf.texts]
        match self.leaf.op:
            case "contains":
                return fill("(strpos({}, {}) > 0)", value, *wanted)
            case "starts_with":
                return fill("starts_with({}, {})", value, *wanted)
        return self._is_one_of(value, wanted)

    def _compare_choices(self) -> Sql:
        wanted = param(list(self.leaf.texts), "text[]")
        match self.leaf.op:
            case "includes_all":
                return fill("({} ?& {})", self.json, wanted)
            case "includes_any":
                return fill("({} ?| {})", self.json, wanted)
        return fill("(NOT {} ?| {})", self.json, wanted)

    def _is_one_of(self, value: Sql, wanted: list[Sql]) -> Sql:
        word = "NOT IN" if self.leaf.op in ("is_not", "is_none_of") else "IN"
        return fill(f"({{}} {word} (" + ", ".join(["{}"] * len(wanted)) + "))", value, *wanted)


def first_after(now: datetime, moments: Sequence[Sql]) -> Sql:
    """The first of some moments that is still ahead, NULL if none is."""
    ahead = [fill("CASE WHEN {} > {} THEN {} END", one, instant(now), one) for one in moments]
    return fill("LEAST(" + ", ".join(["{}"] * len(ahead)) + ")", *ahead)
