"""Catalogues, trees, records and moments for the property tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

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


T = TypeVar("T")
# A strategy that is made while drawing is checked each time, which takes longer than the drawing.
_PLACES = [st.integers(0, most) for most in range(40)]


def pick(draw: st.DrawFn, values: Sequence[T]) -> T:
    """One of a few values."""
    return values[draw(_PLACES[len(values) - 1])]


def chance(draw: st.DrawFn) -> bool:
    return draw(_PLACES[1]) == 1


def times(draw: st.DrawFn, least: int, most: int) -> range:
    """As many turns as are drawn."""
    return range(least + draw(_PLACES[most - least]))


def draw_fields(
    draw: st.DrawFn, kinds: Sequence[FieldType] = tuple(FieldType), most: int = 6
) -> dict[str, dict[str, Any]]:
    odd = pick(draw, ["", "", "%", "'", '"', " é", "{}", "%s"])
    found: dict[str, dict[str, Any]] = {}
    for place in times(draw, 1, most):
        kind = pick(draw, kinds)
        has_options = "picklist" in kind and chance(draw)
        found[f"f{place}{odd}"] = {"type": kind.value} | ({"options": OPTIONS} if has_options else {})
    return found


@st.composite
def catalogues(draw: st.DrawFn, kinds: Sequence[FieldType] = tuple(FieldType)) -> dict[str, dict[str, Any]]:
    return draw_fields(draw, kinds)


def operand(draw: st.DrawFn, told: dict[str, Any], *, is_date: bool = False) -> Any:
    """One valid operand of a field."""
    match told["type"]:
        case "number" | "money":
            number = draw(numbers)
            return number if abs(number) < 1e99 else 7
        case "date":
            return draw(dates).isoformat()
        case "datetime":
            return draw(dates).isoformat() if is_date or chance(draw) else spell_instant(draw(instants))
    return pick(draw, told["options"]) if "options" in told else draw(words)


def draw_leaf(draw: st.DrawFn, fields: dict[str, dict[str, Any]], *, moving: bool = False) -> dict[str, Any]:
    """One condition; `moving` prefers those that time changes."""
    name = pick(draw, sorted(fields))
    told = fields[name]
    fitting = [one for one in OPERATORS.values() if told["type"] in one.types]
    windows = [one for one in fitting if one.takes is Takes.WINDOW]
    operator = pick(draw, windows if moving and windows else fitting)
    node: dict[str, Any] = {"field": name, "op": operator.name}
    match operator.takes:
        case Takes.ONE:
            node["value"] = operand(draw, told, is_date=operator.name == "is_on")
        case Takes.MANY:
            node["value"] = [operand(draw, told) for _ in times(draw, 1, 4)]
        case Takes.RANGE:
            node["value"] = sorted([operand(draw, told), operand(draw, told)])
            if told["type"] == "datetime" and len({len(value) for value in node["value"]}) > 1:
                node["value"] = [node["value"][0][:10], node["value"][1][:10]]
        case Takes.WINDOW:
            unit = pick(draw, ["days", "weeks"] + ["minutes", "hours"] * (told["type"] == "datetime"))
            node["value"] = {unit: draw(SHORT)}
        case Takes.NOTHING:
            pass
    return node


SHORT = st.integers(1, 9)


@st.composite
def leaves(draw: st.DrawFn, fields: dict[str, dict[str, Any]], *, moving: bool = False) -> dict[str, Any]:
    return draw_leaf(draw, fields, moving=moving)


def draw_tree(
    draw: st.DrawFn, leaf: Callable[[], dict[str, Any]], most: int = 8, depth: int = 3
) -> dict[str, Any]:
    """A tree of up to `most` conditions."""
    kind = pick(draw, ["leaf", "leaf", "all", "any", "not"]) if depth else "leaf"
    if kind == "leaf":
        return leaf()
    if kind == "not":
        return {"not": draw_tree(draw, leaf, most, depth - 1)}
    children = [*times(draw, 1, min(3, most))]
    return {kind: [draw_tree(draw, leaf, most // len(children), depth - 1) for _ in children]}


@st.composite
def trees(draw: st.DrawFn, fields: dict[str, dict[str, Any]], *, moving: bool = False) -> dict[str, Any]:
    return draw_tree(draw, lambda: draw_leaf(draw, fields, moving=moving))


def operands_in(tree: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each (field, operand) a tree mentions: records near them find the boundaries."""
    if "field" in tree:
        value = tree.get("value")
        if isinstance(value, dict):
            return []
        return [(tree["field"], one) for one in (value if isinstance(value, list) else [value])]
    below = [tree["not"]] if "not" in tree else tree.get("all", tree.get("any", []))
    return [pair for child in below for pair in operands_in(child)]


def _near(draw: st.DrawFn, told: dict[str, Any], operand: Any) -> Any:
    match told["type"]:
        case "multi_picklist":
            return [operand]
        case "text":
            return pick(draw, [operand, operand.swapcase(), f"x{operand}", f"{operand}y"])
        case "datetime" if len(operand) == 10:
            return operand + pick(draw, ["T00:00:00Z", "T23:59:59.999999Z", "T12:00:00+14:00"])
    return operand


_STEPS = [0, 1, -1, 60, -60, 3600, -3600, *(days * 86_400 for days in range(-9, 10))]


def stored_value(draw: st.DrawFn, told: dict[str, Any], now: datetime) -> Any:
    """A good value, often close to now."""
    match told["type"]:
        case "number" | "money":
            return draw(numbers)
        case "boolean":
            return chance(draw)
        case "date":
            return (
                draw(dates) if chance(draw) else (now + timedelta(seconds=pick(draw, _STEPS))).date()
            ).isoformat()
        case "datetime":
            instant = draw(instants) if chance(draw) else now + timedelta(seconds=pick(draw, _STEPS))
            return spell_instant(instant)[:-1] + pick(draw, ["Z", "Z", "Z", "+00:00", "-03:30", "+14:00"])
        case "multi_picklist":
            return [_choice(draw) for _ in times(draw, 0, 4)]
    return _choice(draw)


def _choice(draw: st.DrawFn) -> str:
    return pick(draw, OPTIONS) if chance(draw) else draw(words)


def draw_record(
    draw: st.DrawFn, fields: dict[str, dict[str, Any]], mentioned: Sequence[tuple[str, Any]], now: datetime
) -> dict[str, Any]:
    """One row of stored values: good, near the operands mentioned, empty, absent or junk."""
    row: dict[str, Any] = {}
    for name, told in fields.items():
        near = [operand for field, operand in mentioned if field == name and operand is not None][:40]
        match pick(draw, ["good"] * 3 + ["near"] * 4 + ["empty", "absent", "junk"]):
            case "near" if near:
                row[name] = _near(draw, told, pick(draw, near))
            case "good" | "near":
                row[name] = stored_value(draw, told, now)
            case "empty":
                blanks: list[Any] = [None, ""]
                row[name] = pick(draw, [*blanks, []] if told["type"] == "multi_picklist" else blanks)
            case "junk":
                row[name] = pick(draw, TYPED_JUNK.get(told["type"], ANY_JUNK) if chance(draw) else ANY_JUNK)
    return row


@st.composite
def records(
    draw: st.DrawFn, fields: dict[str, dict[str, Any]], tree: dict[str, Any], now: datetime
) -> dict[str, Any]:
    return draw_record(draw, fields, operands_in(tree), now)
