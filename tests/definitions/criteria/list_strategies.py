"""Worlds with several objects, trees over their lists, and what is known of a record: for the property tests.

A world is plain: {"objects": spec of the catalogue, "currencies": spec}. `COMPILERS` of other targets may use
`whole_trees` and `facts` as they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from definitions.criteria import Catalogue
from tests.definitions.criteria.strategies import (
    OPTIONS,
    catalogues,
    instants,
    leaves,
    records,
    spell_instant,
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


@st.composite
def worlds(draw: st.DrawFn) -> World:
    activity: dict[str, Any] = {
        "kind": {"type": "picklist", "options": KINDS},
        "occurred_at": {"type": "datetime"},
        "direction": {"type": "picklist", "options": ["inbound", "outbound"]},
        "notes": {"type": "text"},
    }
    objects = {"person": draw(catalogues()) | MONEY, "activity": activity}
    objects["deal"] = draw(catalogues()) | MONEY
    objects["account"] = {"industry": {"type": "text"}, "fleet": {"type": "number"}}
    rates = st.dictionaries(st.sampled_from(DATE_ODDS), st.sampled_from(RATES), max_size=3)
    currencies: dict[str, Any] = {"EUR": {"is_base": True}}
    for code in draw(st.sets(st.sampled_from(CODES[1:]))):
        currencies[code] = {"rates": draw(rates)}
    return {"objects": objects, "currencies": currencies}


def catalogue_of(world: World) -> Catalogue:
    return Catalogue.from_spec(world["objects"], currencies=world["currencies"])


windows = st.builds(lambda unit, count: {unit: count}, st.sampled_from(UNITS), st.integers(1, 40))


@st.composite
def bounds(draw: st.DrawFn) -> Tree:
    match draw(st.integers(0, 4)):
        case 0:
            return {}
        case 1:
            return {"at_least": draw(st.integers(1, 3))}
        case 2:
            return {"at_most": draw(st.integers(0, 2))}
        case 3:
            least = draw(st.integers(1, 2))
            return {"at_least": least, "at_most": least + draw(st.integers(0, 1))}
    return {"at_least": 1}


@st.composite
def money_leaves(draw: st.DrawFn) -> Tree:
    op = draw(st.sampled_from(["at_least", "less_than", "is", "is_none_of", "between"]))
    value: Any = draw(st.sampled_from([0, 5, 100, 92, 99.36, 1e-9, 10**15]))
    if op == "is_none_of":
        value = [value, 7]
    elif op == "between":
        value = [value, value + draw(st.integers(0, 50))]
    return {"field": "amount", "op": op, "value": value, "currency": draw(st.sampled_from(CODES))}


def groups_of(leaf: st.SearchStrategy[Tree], most: int) -> st.SearchStrategy[Tree]:
    return st.recursive(
        leaf,
        lambda below: st.one_of(
            st.lists(below, min_size=1, max_size=3).map(lambda children: {"all": children}),
            st.lists(below, min_size=1, max_size=3).map(lambda children: {"any": children}),
            below.map(lambda child: {"not": child}),
        ),
        max_leaves=most,
    )


def conditions_on(fields: dict[str, Any], *, moving: bool = False) -> st.SearchStrategy[Tree]:
    plain = leaves(fields, moving=moving)
    return plain | money_leaves() if "amount" in fields else plain


@st.composite
def property_leaves(draw: st.DrawFn) -> Tree:
    return draw(
        leaves(
            {"plan": PROPERTIES["plan"], "seats": PROPERTIES["seats"], "trial": PROPERTIES["trial"]}
        ).filter(lambda leaf: leaf["op"] not in ("is_empty", "is_not_empty"))
    )


@st.composite
def list_leaves(draw: st.DrawFn, world: World, *, moving: bool = False) -> Tree:
    """One condition on a list or a stage."""
    objects = world["objects"]
    match draw(st.sampled_from(["activity", "related", "stage", "event"])):
        case "activity":
            leaf: Tree = {"activity": draw(st.sampled_from([*KINDS, "any"]))} | draw(bounds())
            if moving or draw(st.booleans()):
                leaf[draw(st.sampled_from(["within", "within", "within_next"]))] = draw(windows)
            where = conditions_on(objects["activity"], moving=moving)
        case "related":
            name = draw(st.sampled_from(sorted(RELATIONS)))
            leaf = {"related": name} | draw(bounds())
            where = conditions_on(objects[RELATIONS[name]], moving=moving)
        case "event":
            leaf = {"event": draw(st.sampled_from(EVENTS))} | draw(bounds())
            if moving or draw(st.booleans()):
                leaf["within"] = draw(windows)
            where = property_leaves()
        case _:
            leaf = {"stage": draw(st.sampled_from(STAGES))}
            leaf["op"] = draw(st.sampled_from(TIMED_OPS if moving else STAGE_OPS + TIMED_OPS))
            return leaf | ({"value": draw(windows)} if leaf["op"] in TIMED_OPS else {})
    if draw(st.booleans()):
        leaf["where"] = draw(groups_of(where, 3))
    return leaf


def whole_trees(world: World, *, moving: bool = False, most: int = 5) -> st.SearchStrategy[Tree]:
    """Trees over all that a person can be asked for."""
    fields = conditions_on(world["objects"]["person"], moving=moving)
    return groups_of(fields | list_leaves(world, moving=moving), most)


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


def moments_near(now: datetime) -> st.SearchStrategy[Any]:
    """Instants about now, nearly right ones, and what is no instant."""
    seconds = st.sampled_from([0, 1, -1, 60, -60, 3600, -3600]) | st.integers(-40, 40).map(
        lambda n: n * 86_400
    )
    micro = st.sampled_from([0, 0, 0, 1, -1])
    near = st.builds(lambda s, m: spell_instant(now + timedelta(seconds=s, microseconds=m)), seconds, micro)
    odd = st.sampled_from([None, "", "2026-02-30T10:00:00Z", "now", 7, [], "2026-03-29T02:30:00+02:00"])
    return st.one_of(near, near, near, near, odd, instants.map(spell_instant))


@st.composite
def items(draw: st.DrawFn, fields: dict[str, Any], wheres: list[Tree], now: datetime) -> dict[str, Any]:
    near = draw(st.sampled_from(wheres)) if wheres else {"all": []}
    row = draw(records(fields, own_conditions(near), now))
    if "amount" in fields and draw(st.booleans()):
        row |= {"amount": draw(st.sampled_from([0, 5, 100, 92, 108, None])), "currency": draw(codes)}
    return row


codes = st.sampled_from([*CODES, *CODES, "CHF", "", None, "eur", 7])


@st.composite
def facts(draw: st.DrawFn, world: World, tree: Tree, now: datetime) -> dict[str, Any]:
    """What is known of one record, in the form of `Facts.from_spec`; lists that can't be read are named unknown."""
    objects, wheres = world["objects"], wheres_of(tree)
    times = moments_near(now)
    spec: dict[str, Any] = {"values": draw(items(objects["person"], [tree], now))}
    activities = []
    for row in draw(st.lists(items(objects["activity"], wheres.get("activities", []), now), max_size=3)):
        row |= {"kind": draw(st.sampled_from([*KINDS, "meeting", None, 3])), "occurred_at": draw(times)}
        activities.append(_without_some(draw, row, ("kind", "occurred_at")))
    spec["activities"] = activities
    spec["related"] = {
        name: draw(st.lists(items(objects[target], wheres.get(name, []), now), max_size=3))
        for name, target in RELATIONS.items()
        if name in str(tree)
    }
    spec["stages"] = [
        {"stage": draw(st.sampled_from(STAGES)), "entered_at": draw(times), "left_at": draw(times)}
        for _ in range(draw(st.integers(0, 2)))
    ]
    spec["events"] = [
        draw(items(PROPERTIES, wheres.get("events", []), now))
        | {"event": draw(st.sampled_from(EVENTS)), "occurred_at": draw(times)}
        for _ in range(draw(st.integers(0, 3)))
    ]
    lists = ["activities", "stages", "events", *(f"related.{name}" for name in spec["related"])]
    spec["unknown"] = draw(st.lists(st.sampled_from(lists), max_size=1)) if draw(st.booleans()) else []
    return spec


def _without_some(draw: st.DrawFn, row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    gone = draw(st.sampled_from([*names, "", "", "", "", ""]))
    return {name: value for name, value in row.items() if name != gone}


def as_stored(spec: dict[str, Any]) -> dict[str, Any]:
    """The same for PostgreSQL: a list that can't be read is null, one that nobody named is empty."""
    unknown = set(spec["unknown"])
    stored = {name: None if name in unknown else spec[name] for name in ("activities", "stages", "events")}
    related = {
        name: None if f"related.{name}" in unknown else spec["related"].get(name, []) for name in RELATIONS
    }
    return stored | {"values": spec["values"], "related": related}


__all__ = ["OPTIONS", "as_stored", "catalogue_of", "facts", "list_leaves", "whole_trees", "worlds"]
