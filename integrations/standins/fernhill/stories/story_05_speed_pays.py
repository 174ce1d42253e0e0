"""Story 5: speed pays.

Over the year's demo requests that became MQLs and were touched: the first touch by an active SDR came within an hour
of the MQL entry for 212, of whom 34% ever reached Qualified; within 1 to 24 hours for 180 (21%); later for 95 (9%).
All but those of the black hole entered in the morning of an open day, so that an hour is an hour by any calendar.
The 100 demo requests of story 3's quarter are among them; they were answered fast, hence 38% there.
53 more were never touched: 22 in the black hole, a few of the last hours, the rest written off unread.
"""

from __future__ import annotations

from datetime import timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import FLOOD_QUARTER, WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.prospect import Pace, Prospect
from integrations.standins.world import World

NUMBER = "05"

# Pace, then how many: in the flood's quarter qualified and not, in the other quarters qualified and not.
PACES: tuple[tuple[Pace, int, int, int, int], ...] = (
    ("hour", 32, 48, 40, 92),
    ("day", 5, 10, 33, 132),
    ("late", 1, 4, 8, 64),  # with 18 of the black hole: 95
)


def plant(builder: WorldBuilder) -> None:
    for column, (in_flood_quarter, qualifies) in enumerate(
        ((True, True), (True, False), (False, True), (False, False)), start=1
    ):
        pool = [p for p in _undecided(builder) if (p.quarter == FLOOD_QUARTER) == in_flood_quarter]
        pool = [p for p in pool if p.qualifies == qualifies]
        for row in PACES:
            count = row[column]
            if not isinstance(count, int):
                raise TypeError("the table of paces is broken")
            chosen = builder.sample(count, f"story 5 {row[0]} {column}", [p for p in pool if not p.pace])
            for p in chosen:
                p.pace = row[0]
                p.story = NUMBER
    for p in _undecided(builder):
        p.pace = "never"
        p.story = NUMBER


def _undecided(builder: WorldBuilder) -> list[Prospect]:
    return [p for p in builder.free(origin="demo_request") if p.is_mql and not p.pace]


def assert_numbers(world: World) -> None:
    entries = counting.mql_entries(world)
    touches = counting.first_touches(world)
    qualified = counting.qualified_contacts(world)
    hour, day = timedelta(hours=1), timedelta(hours=24)
    waits = {
        c["id"]: touches[c["id"]] - entries[c["id"]]
        for c in counting.contacts_of_the_year(world)
        if c["fields"]["lead_origin"] == "demo_request" and c["id"] in touches
    }
    for what, group, n, share in (
        ("under an hour", {c for c, wait in waits.items() if wait < hour}, 212, 34),
        ("1 to 24 hours", {c for c, wait in waits.items() if hour <= wait <= day}, 180, 21),
        ("over 24 hours", {c for c, wait in waits.items() if wait > day}, 95, 9),
    ):
        counting.expect(f"demo requests touched {what}", len(group), n)
        counting.expect(f"of those {what}, reached Qualified", counting.percent(group, qualified), share)


def record(world: World) -> Record:
    """A demo request touched within minutes that became a deal."""
    entries = counting.mql_entries(world)
    touches = counting.first_touches(world)
    deals = counting.contacts_with_deals(world)
    demos = [
        c["id"]
        for c in counting.contacts_of_the_year(world)
        if c["fields"]["lead_origin"] == "demo_request" and c["id"] in touches and c["id"] in deals
    ]
    return Record("hubspot", "contacts", min(demos, key=lambda c: (touches[c] - entries[c], c)))
