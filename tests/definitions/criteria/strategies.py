"""Catalogues, trees, records and moments for the property tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from definitions.criteria import FieldType
from definitions.criteria.operators import OPERATORS, Takes

# Around clock changes, month ends, leap days and year ends, where dates go wrong.
DAYS = [date(2024, 2, 29), date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31), date(2027, 1, 1)]
WORDS = [
    "Sales",
    "SALES",
    "sales ops",
    "Ärger",
    "ärger",
    "İstanbul",
    "ß",
    "SS",
    "日本",
    "a%b_c",
    "50%",
    "'",
    '"',
    "\\",
]
NUMBERS = [0, -0.0, 1, -1, 0.1, 0.30000000000000004, 49.99, 50, 1e21, -1e-7, 123456789012345678, 10**99]
OPTIONS = ["new", "New", "open", "won – paid", "ünlü"]

storable = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
words = st.sampled_from(WORDS) | st.text(storable, min_size=1, max_size=8)
numbers = (
    st.sampled_from(NUMBERS)
    | st.integers(-1000, 1000)
    | st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 4))
    | st.floats(allow_nan=False, allow_infinity=False)
)
dates = st.sampled_from(DAYS).flatmap(
    lambda day: st.integers(-9, 9).map(lambda offset: day + timedelta(days=offset))
)
instants = st.builds(
    lambda day, seconds, micro: (
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=micro)
    ),
    dates,
    st.sampled_from([0, 1, 3600, 7200, 43_200, 86_399]) | st.integers(0, 86_399),
    st.sampled_from([0, 0, 0, 1, 500_000, 999_999]),
)


def spell_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


ANY_JUNK = [True, 0, 7.5, "x", "", " ", [], {}, {"a": 1}, ["x"], [1], [["x"]], [None], "true", "NaN", "1e5"]
# What is nearly right, which a careless reader would take.
TYPED_JUNK: dict[str, list[Any]] = {
    "number": [10**400, -(10**100), 1e300, "50", True],
    "date": ["2026-02-30", "2025-02-29", "0000-01-01", "2026-3-29", "2026-03-29\n", " 2026-03-29", "20260329",
             "infinity", "today", "2026-03-29T00:00:00Z", "2026-13-01", "２０２６-03-29"],
    "datetime": ["2026-02-30T10:00:00Z", "2026-03-29T24:00:00Z", "2026-03-29T23:59:60Z", "2026-03-29T02:30:00",
                 "2026-03-29 02:30:00Z", "2026-03-29T02:30:00+15:00", "2026-03-29T02:30:00.1234567Z", "now",
                 "2026-03-29", "2026-03-29T02:30:00z", "infinity", "0000-01-01T00:00:00Z"],
    "multi_picklist": [[["new"]], ["new", 1], ["new", None], [["new"], "open"], "new;open", {"new": 1}],
}  # fmt: skip
TYPED_JUNK["money"] = TYPED_JUNK["number"]


def junk(field_type: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(TYPED_JUNK.get(field_type, ANY_JUNK)) | st.sampled_from(ANY_JUNK)


@st.composite
def catalogues(draw: st.DrawFn, kinds: Sequence[FieldType] = tuple(FieldType)) -> dict[str, dict[str, Any]]:
    types = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))
    odd = draw(st.sampled_from(["", "", "%", "'", '"', " é", "{}", "%s"]))
    return {
        f"f{place}{odd}": {"type": kind.value}
        | ({"options": OPTIONS} if "picklist" in kind and draw(st.booleans()) else {})
        for place, kind in enumerate(types)
    }


def operands(told: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Valid operands of a field: one value."""
    match told["type"]:
        case "number" | "money":
            return numbers.filter(lambda number: abs(number) < 1e99)
        case "date":
            return dates.map(date.isoformat)
        case "datetime":
            return dates.map(date.isoformat) | instants.map(spell_instant)
    return st.sampled_from(told["options"]) if "options" in told else words


@st.composite
def leaves(draw: st.DrawFn, fields: dict[str, dict[str, Any]], *, moving: bool = False) -> dict[str, Any]:
    """One condition; `moving` prefers those that time changes."""
    name = draw(st.sampled_from(sorted(fields)))
    told = fields[name]
    fitting = [one for one in OPERATORS.values() if told["type"] in one.types]
    windows = [one for one in fitting if one.takes is Takes.WINDOW]
    operator = draw(st.sampled_from(windows if moving and windows else fitting))
    node: dict[str, Any] = {"field": name, "op": operator.name}
    values = operands(told) if operator.name != "is_on" else dates.map(date.isoformat)
    match operator.takes:
        case Takes.ONE:
            node["value"] = draw(values)
        case Takes.MANY:
            node["value"] = draw(st.lists(values, min_size=1, max_size=4))
        case Takes.RANGE:
            node["value"] = sorted(draw(st.tuples(values, values)))
            if told["type"] == "datetime" and len({len(value) for value in node["value"]}) > 1:
                node["value"] = [node["value"][0][:10], node["value"][1][:10]]
        case Takes.WINDOW:
            unit = draw(
                st.sampled_from(["days", "weeks"] + ["minutes", "hours"] * (told["type"] == "datetime"))
            )
            node["value"] = {unit: draw(st.integers(1, 9))}
        case Takes.NOTHING:
            pass
    return node


def trees(fields: dict[str, dict[str, Any]], *, moving: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        leaves(fields, moving=moving),
        lambda below: st.one_of(
            st.lists(below, min_size=1, max_size=3).map(lambda children: {"all": children}),
            st.lists(below, min_size=1, max_size=3).map(lambda children: {"any": children}),
            below.map(lambda child: {"not": child}),
        ),
        max_leaves=8,
    )


def operands_in(tree: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each (field, operand) a tree mentions: records near them find the boundaries."""
    if "field" in tree:
        value = tree.get("value")
        if isinstance(value, dict):
            return []
        return [(tree["field"], one) for one in (value if isinstance(value, list) else [value])]
    below = [tree["not"]] if "not" in tree else tree.get("all", tree.get("any", []))
    return [pair for child in below for pair in operands_in(child)]


def _near(told: dict[str, Any], operand: Any, draw: st.DrawFn) -> Any:
    match told["type"]:
        case "multi_picklist":
            return [operand]
        case "text":
            return draw(st.sampled_from([operand, operand.swapcase(), f"x{operand}", f"{operand}y"]))
        case "datetime" if len(operand) == 10:
            return operand + draw(st.sampled_from(["T00:00:00Z", "T23:59:59.999999Z", "T12:00:00+14:00"]))
    return operand


def stored_values(told: dict[str, Any], now: datetime) -> st.SearchStrategy[Any]:
    steps = st.sampled_from([0, 1, -1, 60, -60, 3600, -3600, 86_400, -86_400]) | st.integers(-9, 9).map(
        lambda days: days * 86_400
    )
    match told["type"]:
        case "number" | "money":
            return numbers
        case "boolean":
            return st.booleans()
        case "date":
            return st.one_of(dates, steps.map(lambda step: (now + timedelta(seconds=step)).date())).map(
                date.isoformat
            )
        case "datetime":
            near = steps.map(lambda step: now + timedelta(seconds=step))
            offset = st.sampled_from(["Z", "Z", "Z", "+00:00", "-03:30", "+14:00"])
            return st.builds(
                lambda instant, ending: spell_instant(instant)[:-1] + ending, instants | near, offset
            )
        case "multi_picklist":
            return st.lists(st.sampled_from(OPTIONS) | words, max_size=4)
    return st.sampled_from(OPTIONS) | words


@st.composite
def records(
    draw: st.DrawFn, fields: dict[str, dict[str, Any]], tree: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """One row of stored values: good, near the operands, empty, absent or junk."""
    row: dict[str, Any] = {}
    mentioned = operands_in(tree)
    for name, told in fields.items():
        near = [operand for field, operand in mentioned if field == name and operand is not None]
        match draw(st.sampled_from(["good"] * 3 + ["near"] * 4 + ["empty", "absent", "junk"])):
            case "near" if near:
                row[name] = _near(told, draw(st.sampled_from(near)), draw)
            case "good" | "near":
                row[name] = draw(stored_values(told, now))
            case "empty":
                blanks: list[Any] = [None, ""]
                row[name] = draw(
                    st.sampled_from([*blanks, []] if told["type"] == "multi_picklist" else blanks)
                )
            case "junk":
                row[name] = draw(junk(told["type"]))
    return row
