"""Story 2: another definition.

If for the last three months only those counted as MQLs who meet the rules of Marketing and of Sales (story 1), 31% of
them reach Qualified instead of 18%. Told by Marketing's rule alone, as before, the three months are 18-19% like every
other quarter: what improved is the definition and not the work.
"""

from __future__ import annotations

from datetime import timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.prospect import Group, Prospect
from integrations.standins.world import Row, World

NUMBER = "02"
LAST_QUARTER = 3
DAYS = 92
BOTH_QUALIFIED, BOTH_OTHERS = 73, 163
"""Who meets both rules in the last quarter, by whether they reach Qualified: 31%."""


def plant(builder: WorldBuilder) -> None:
    """Nothing yet: ordinary life puts people into their quarters first."""


def exchange(builder: WorldBuilder) -> None:
    """Swap quarters between people who meet both rules and people who meet Marketing's only, until the numbers are
    right; what each quarter has of MQLs, and of those that qualify, stays."""
    for qualifies, wanted in ((True, BOTH_QUALIFIED), (False, BOTH_OTHERS)):
        both = _in_last(builder, "both", qualifies)
        surplus = len(both) - wanted
        came: Group = "marketing" if surplus > 0 else "both"
        goes: Group = "both" if surplus > 0 else "marketing"
        leaving = _movable(builder, goes, qualifies, is_last=True)
        coming = _movable(builder, came, qualifies, is_last=False)
        if min(len(leaving), len(coming)) < abs(surplus):
            raise ValueError(f"story 2 has to move {abs(surplus)} people and can't")
        for one, other in zip(leaving[: abs(surplus)], coming[: abs(surplus)], strict=True):
            one.quarter, other.quarter = other.quarter, one.quarter


def _in_last(builder: WorldBuilder, group: Group, qualifies: bool) -> list[Prospect]:
    return [
        p
        for p in builder.prospects
        if p.group == group and p.qualifies == qualifies and p.quarter == LAST_QUARTER
    ]


def _movable(builder: WorldBuilder, group: Group, qualifies: bool, *, is_last: bool) -> list[Prospect]:
    """Of no story, so that no other number moves with them; and of the flood's quarter nobody."""
    free = builder.free(group=group, qualifies=qualifies)
    quarters = (LAST_QUARTER,) if is_last else (0, 2)
    return [p for p in free if p.quarter in quarters and p.origin != "demo_request"]


def _of_last_quarter(world: World) -> list[Row]:
    since = counting.anchor_of(world) - timedelta(days=DAYS)
    entries = counting.mql_entries(world)
    return [
        c for c in counting.contacts_of_the_year(world) if c["id"] in entries and entries[c["id"]] >= since
    ]


def assert_numbers(world: World) -> None:
    qualified = counting.qualified_contacts(world)
    last = _of_last_quarter(world)
    stricter = {c["id"] for c in last if counting.meets_sales_rule(c)}
    counting.expect("percent by both rules", counting.percent(stricter, qualified), 31)
    by_the_old = counting.percent((c["id"] for c in last), qualified)
    counting.expect("percent by Marketing's rule", by_the_old in (18, 19), True)


def record(world: World) -> Record:
    """The first MQL of the quarter that only Marketing counts."""
    entries = counting.mql_entries(world)
    left_out = [c for c in _of_last_quarter(world) if not counting.meets_sales_rule(c)]
    first = min(left_out, key=lambda c: (entries[c["id"]], c["id"]))
    return Record("hubspot", "contacts", first["id"])
