"""Story 16: small n.

Six contacts of APAC became MQL in the year, three of them reached Qualified: 50% of nothing much. The region's three
others that Sales met without an MQL are not counted here. (Ordinary life plants them: `life.APAC_MQLS`.)
"""

from __future__ import annotations

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.world import World

NUMBER = "16"


def plant(builder: WorldBuilder) -> None:
    """Nothing: life puts them in their place."""


def _mqls(world: World) -> set[str]:
    entries = counting.mql_entries(world)
    return {
        c["id"]
        for c in counting.contacts_of_the_year(world)
        if c["fields"]["region"] == "APAC" and c["id"] in entries
    }


def assert_numbers(world: World) -> None:
    counting.expect("MQLs of APAC", len(_mqls(world)), 6)
    reached = _mqls(world) & counting.qualified_contacts(world)
    counting.expect("of those that reached Qualified", len(reached), 3)


def record(world: World) -> Record:
    """The first of the three."""
    return Record("hubspot", "contacts", min(_mqls(world) & counting.qualified_contacts(world)))
