"""Worlds with several objects, trees over their lists, and what is known of a record: for the property tests.

A world is plain: {"objects": spec of the catalogue, "currencies": spec}. `COMPILERS` of other targets may use
`whole_trees` and `facts` as they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st

from definitions.criteria import Catalogue
from tests.definitions.criteria.strategies import (
    chance,
    draw_fields,
    draw_leaf,
    draw_record,
    draw_tree,
    instants,
    operands_in,
    pick,
    spell_instant,
    times,
)

World = dict[str, Any]
Tree = dict[str, Any]
KINDS = ["call", "email", "meeting", "task", "message"]
RELATIONS = {"deals": "deal", "account_deals": "deal", "account": "account"}
STAGES = ["mql", "sql", "new_business/discovery"]
EVENTS = ["handoff.accepted", "signal.report_exported", "signal.Seat added"]
STAGE_OPS = ["is_in", "is_not_in", "has_been", "has_never_been"]
TIMED_OPS = ["in_for_at_least", "in_for_less_than", "entered_within_last"]
UNITS = ["minutes", "hours", "days", "days", "days", "weeks"]
RATES = [0.92, 1.08, 1, 0.0065, 153.27, 1e-7, 123456789.123456]
CODES = ["EUR", "USD", "JPY", "GBP"]
PROPERTIES: dict[str, dict[str, Any]] = {
    "plan": {"type": "text"},
    "seats": {"type": "number"},
    "trial": {"type": "boolean"},
}
MONEY = {"amount": {"type": "money"}, "currency": {"type": "picklist"}}
DATE_ODDS = ["2024-02-29", "2026-03-29", "2026-10-25", "2026-12-31", "2027-01-01"]


ACTIVITY: dict[str, dict[str, Any]] = {
    "kind": {"type": "picklist", "options": KINDS},
    "occurred_at": {"type": "datetime"},
    "direction": {"type": "picklist", "options": ["inbound", "outbound"]},
    "notes": {"type": "text"},
}


OWN_ACTIVITY = {name: ACTIVITY[name] for name in ("direction", "notes")}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """The fields of every object, and what is known of the rates of currencies."""
    objects = {
        "person": draw_fields(draw) | MONEY,
        "deal": draw_fields(draw, most=3) | MONEY,
        "account": {"industry": {"type": "text"}, "fleet": {"type": "number"}},
        "activity": ACTIVITY,
    }
    usd = {"2020-01-01": pick(draw, RATES[:3]), pick(draw, DATE_ODDS): pick(draw, RATES)}
    currencies: dict[str, Any] = {"EUR": {"is_base": True}, "USD": {"rates": usd}}
    for code in CODES[2:]:
        if chance(draw):
            currencies[code] = {
                "rates": {pick(draw, DATE_ODDS): pick(draw, RATES) for _ in times(draw, 0, 3)}
            }
    return {"objects": objects, "currencies": currencies}


def catalogue_of(world: World) -> Catalogue:
    return Catalogue.from_spec(world["objects"], currencies=world["currencies"])


LENGTHS = st.integers(1, 40)


def draw_window(draw: st.DrawFn) -> dict[str, int]:
    return {pick(draw, UNITS): draw(LENGTHS)}


def draw_bounds(draw: st.DrawFn) -> Tree:
    return pick(
        draw,
        [
            {}, {"at_least": 1}, {"at_least": 1}, {"at_least": 2}, {"at_least": 3}, {"at_most": 0}, {"at_most": 1},
            {"at_most": 2}, {"at_least": 1, "at_most": 1}, {"at_least": 1, "at_most": 2},
        ],
    )  # fmt: skip


def draw_money(draw: st.DrawFn) -> Tree:
    op = pick(draw, ["at_least", "less_than", "is", "is_none_of", "between"])
    value: Any = pick(draw, [0, 5, 100, 92, 99.36, 1e-9, 10**15])
    if op == "is_none_of":
        value = [value, 7]
    elif op == "between":
        value = [value, value + pick(draw, [0, 1, 50])]
    return {"field": "amount", "op": op, "value": value, "currency": pick(draw, ["EUR", "EUR", *CODES])}


def draw_condition(draw: st.DrawFn, fields: dict[str, Any], *, moving: bool = False) -> Tree:
    """On a field; on one of money often in a currency."""
    if "amount" in fields and pick(draw, [False, False, True]):
        return draw_money(draw)
    return draw_leaf(draw, fields, moving=moving)


def draw_property(draw: st.DrawFn) -> Tree:
    leaf = draw_leaf(draw, PROPERTIES)
    return leaf if leaf["op"] not in ("is_empty", "is_not_empty") else {"field": "trial", "op": "is_true"}


def draw_list_leaf(draw: st.DrawFn, world: World, *, moving: bool = False) -> Tree:
    objects = world["objects"]

    def on(name: str) -> Tree:
        return draw_condition(draw, objects[name], moving=moving)

    match pick(draw, ["activity", "related", "stage", "event"]):
        case "activity":
            leaf: Tree = {"activity": pick(draw, [*KINDS, "any"])} | draw_bounds(draw)
            if moving or chance(draw):
                leaf[pick(draw, ["within", "within", "within_next"])] = draw_window(draw)
            where = partial(on, "activity")
        case "related":
            name = pick(draw, sorted(RELATIONS))
            leaf = {"related": name} | draw_bounds(draw)
            where = partial(on, RELATIONS[name])
        case "event":
            leaf = {"event": pick(draw, EVENTS)} | draw_bounds(draw)
            if moving or chance(draw):
                leaf["within"] = draw_window(draw)
            where = partial(draw_property, draw)
        case _:
            op = pick(draw, TIMED_OPS if moving else STAGE_OPS + TIMED_OPS)
            leaf = {"stage": pick(draw, STAGES), "op": op}
            return leaf | ({"value": draw_window(draw)} if op in TIMED_OPS else {})
    if chance(draw):
        leaf["where"] = draw_tree(draw, where, most=3, depth=2)
    return leaf


@st.composite
def money_leaves(draw: st.DrawFn) -> Tree:
    """A comparison of money in a currency."""
    return draw_money(draw)


@st.composite
def list_leaves(draw: st.DrawFn, world: World, *, moving: bool = False) -> Tree:
    """One condition on a list or a stage."""
    return draw_list_leaf(draw, world, moving=moving)


@st.composite
def whole_trees(draw: st.DrawFn, world: World, *, moving: bool = False, most: int = 6) -> Tree:
    """Trees over all that a person can be asked for."""

    def leaf() -> Tree:
        if chance(draw):
            return draw_condition(draw, world["objects"]["person"], moving=moving)
        return draw_list_leaf(draw, world, moving=moving)

    return draw_tree(draw, leaf, most)


def wheres_of(tree: Tree) -> dict[str, list[Tree]]:
    """List -> the conditions that a tree puts on its items: items near their operands find the boundaries."""
    found: dict[str, list[Tree]] = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        waiting += [*node.get("all", ()), *node.get("any", ()), *([node["not"]] if "not" in node else ())]
        if "where" in node:
            key = "activities" if "activity" in node else node.get("related") or "events"
            found.setdefault(key, []).append(node["where"])
    return found


def own_conditions(tree: Tree) -> Tree:
    """Only what a tree asks of the record's own fields, in the form that `records` reads."""
    found = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        waiting += [*node.get("all", ()), *node.get("any", ()), *([node["not"]] if "not" in node else ())]
        if "field" in node:
            found.append(node)
    return {"all": found}


_SECONDS = [0, 0, 1, -1, 60, -3600, 3600]
_DAYS = st.integers(-40, 40)
_ODD_MOMENTS = [None, "", "2026-02-30T10:00:00Z", "now", 7, [], "2026-03-29T02:30:00+02:00"]


def draw_moment(draw: st.DrawFn, now: datetime) -> Any:
    """About now, a whole number of days away, nearly right, or no instant at all."""
    match pick(draw, ["near", "days", "days", "days", "odd", "any"]):
        case "near":
            return spell_instant(
                now + timedelta(seconds=pick(draw, _SECONDS), microseconds=pick(draw, [0, 1, -1]))
            )
        case "days":
            return spell_instant(now + timedelta(days=draw(_DAYS), microseconds=pick(draw, [0, 0, 1, -1])))
        case "odd":
            return pick(draw, _ODD_MOMENTS)
    return spell_instant(draw(instants))


def draw_item(
    draw: st.DrawFn, fields: dict[str, Any], near: list[tuple[str, Any]], now: datetime
) -> dict[str, Any]:
    row = draw_record(draw, fields, near, now)
    if "amount" in fields and chance(draw):
        row |= {"amount": pick(draw, AMOUNTS), "currency": pick(draw, ODD_CODES)}
    return row


AMOUNTS = [0, 5, 92, 99.36, 100, 108, 117.39130434782608, None]
ODD_CODES: list[Any] = [*CODES, *CODES, "USD", "USD", "CHF", "", None, "eur", 7]


@st.composite
def facts(draw: st.DrawFn, world: World, tree: Tree, now: datetime) -> dict[str, Any]:
    """What is known of one record, in the form of `Facts.from_spec`; lists that can't be read are named unknown."""
    objects = world["objects"]
    near = {
        name: [pair for where in found for pair in operands_in(own_conditions(where))]
        for name, found in wheres_of(tree).items()
    }
    spec: dict[str, Any] = {
        "values": draw_item(draw, objects["person"], operands_in(own_conditions(tree)), now),
        "activities": [],
        "related": {},
        "stages": [],
        "events": [],
    }
    for _ in times(draw, 0, 3):
        row = draw_item(
            draw,
            {"direction": ACTIVITY["direction"], "notes": ACTIVITY["notes"]},
            near.get("activities", []),
            now,
        )
        row |= {"kind": pick(draw, [*KINDS, "meeting", None, 3]), "occurred_at": draw_moment(draw, now)}
        row.pop(pick(draw, ["kind", "occurred_at", "", "", "", "", ""]), None)
        spec["activities"].append(row)
    for name, target in RELATIONS.items():
        if name in str(tree):
            rows = [draw_item(draw, objects[target], near.get(name, []), now) for _ in times(draw, 0, 3)]
            spec["related"][name] = rows
    for _ in times(draw, 0, 2):
        times_of = {"entered_at": draw_moment(draw, now), "left_at": draw_moment(draw, now)}
        spec["stages"].append({"stage": pick(draw, STAGES), **times_of})
    for _ in times(draw, 0, 3):
        row = draw_item(draw, PROPERTIES, near.get("events", []), now)
        spec["events"].append(row | {"event": pick(draw, EVENTS), "occurred_at": draw_moment(draw, now)})
    lists = ["activities", "stages", "events", *(f"related.{name}" for name in spec["related"])]
    spec["unknown"] = [pick(draw, lists)] if chance(draw) else []
    return spec


def as_stored(spec: dict[str, Any]) -> dict[str, Any]:
    """The same for PostgreSQL: a list that can't be read is null, one that nobody named is empty."""
    unknown = set(spec["unknown"])
    stored = {name: None if name in unknown else spec[name] for name in ("activities", "stages", "events")}
    related = {
        name: None if f"related.{name}" in unknown else spec["related"].get(name, []) for name in RELATIONS
    }
    return stored | {"values": spec["values"], "related": related}
