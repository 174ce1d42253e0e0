"""Story 15: the positive control.

Over the year's 150 MQLs of lead_origin partner: 144 (96%) were touched by an active SDR within an hour of the MQL
entry, and 66 (44%) reached Qualified. All entered in the morning of an open day and had an owner within five minutes
where they were touched in time, so that clocks in business time come to the same 96%. Partner leads that never were
MQLs (story 1's only-Sales ones) are not counted here.
"""

from __future__ import annotations

from datetime import timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.world import World

NUMBER = "15"
LATE = 6


def plant(builder: WorldBuilder) -> None:
    partner = builder.pick(150, NUMBER, origin="partner", where=lambda p: p.is_mql)
    late = builder.sample(LATE, "story 15 late", [p for p in partner if not p.qualifies])
    for p in partner:
        p.pace = "late" if p in late else "hour"


def _partner_mqls(world: World) -> set[str]:
    entries = counting.mql_entries(world)
    return {
        c["id"]
        for c in counting.contacts_of_the_year(world)
        if c["fields"]["lead_origin"] == "partner" and c["id"] in entries
    }


def assert_numbers(world: World) -> None:
    entries = counting.mql_entries(world)
    touches = counting.first_touches(world)
    partner = _partner_mqls(world)
    in_time = {c for c in partner if c in touches and touches[c] - entries[c] < timedelta(hours=1)}
    counting.expect("partner MQLs touched in time", counting.percent(partner, in_time), 96)
    counting.expect(
        "partner MQLs that reached Qualified",
        counting.percent(partner, counting.qualified_contacts(world)),
        44,
    )


def record(world: World) -> Record:
    """The latest partner MQL that became a deal."""
    entries = counting.mql_entries(world)
    deals = counting.contacts_with_deals(world)
    return Record("hubspot", "contacts", max(_partner_mqls(world) & deals, key=lambda c: (entries[c], c)))
