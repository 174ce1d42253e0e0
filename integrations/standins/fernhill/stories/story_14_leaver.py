"""Story 14: a leaver.

Ronan Ashgrove, an account executive, has left. 37 open Opportunities are still his, and 4 Leads that reached Qualified
in the last two days name him as the account executive who is to receive them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.moments import at, local_day, next_open_day
from integrations.standins.fernhill.people import PERSON, team
from integrations.standins.fernhill.prospect import Note
from integrations.standins.world import Row, World

NUMBER = "14"
LEAVER: Final = PERSON["ronan.ashgrove"]
OPEN_DEALS = 37
HOURS_AGO = (4.6, 9.2, 21.5, 28.4)
"""When each of the four was qualified."""
LIVE = timedelta(days=2)


def plant(builder: WorldBuilder) -> None:
    people = team("SDR", office="Austin", unit="fleet")
    for i, hours in enumerate(HOURS_AGO):
        p = builder.pick(1, f"{NUMBER}-{i}", origin="content", group="both", qualifies=True, deal=False)[0]
        p.story = NUMBER
        p.quarter, p.pace = 3, "hour"
        p.owner, p.executive = people[i % len(people)], LEAVER
        p.region, p.unit = "NA", "fleet"
        p.mql_at = builder.moments.ago(days=7.3 + 1.4 * i)
        p.created = p.mql_at - timedelta(days=3, minutes=12 + i)
        p.owned_at = p.mql_at + timedelta(minutes=3)
        p.touched_at = p.mql_at + timedelta(minutes=38)
        p.qualified_at = builder.moments.ago(hours=hours)
        p.lead_status = "Qualified"
        day = next_open_day("Austin", local_day("Austin", builder.anchor) + timedelta(days=1))
        p.notes.append(
            Note(
                "meeting",
                at("Austin", day, 10 * 60 + 45 * i),
                p.owner,
                "Introduction to the account executive",
                booked_at=builder.moments.ago(hours=hours, minutes=-5),
            )
        )


def leave_deals(builder: WorldBuilder) -> None:
    """His are 37 of the open deals, whoever had them before: of Austin, his own unit first, then of Berlin."""
    was_his = [d for d in builder.deals if d.owner is LEAVER and not d.is_closed]
    others = [d for d in builder.deals if not d.is_closed and d.owner is not LEAVER]
    others.sort(key=lambda d: (d.prospect.office != LEAVER.office, d.prospect.unit != "fleet"))
    missing = OPEN_DEALS - len(was_his)
    if not 0 <= missing <= len(others):
        raise ValueError(f"story 14: {len(was_his)} open deals are his, {len(others)} could be")
    for deal in others[:missing]:
        deal.owner = LEAVER


def open_deals(world: World) -> list[Row]:
    return [
        deal
        for deal in world["salesforce"]["Opportunity"]
        if deal["fields"]["OwnerId"] == LEAVER.user_id and not deal["fields"]["IsClosed"]
    ]


def assert_numbers(world: World) -> None:
    counting.expect("open deals of the leaver", len(open_deals(world)), OPEN_DEALS)
    since = counting.anchor_of(world) - LIVE
    waiting = [
        lead
        for lead in world["salesforce"]["Lead"]
        if lead["fields"]["AE__c"] == LEAVER.user_id
        and any(
            c["field"] == "Status" and c["new"] == "Qualified" and c["at"] >= since for c in lead["history"]
        )
    ]
    counting.expect("qualified leads without a receiver", len(waiting), len(HOURS_AGO))
    counting.expect("of the receivers those who are here", LEAVER.active, False)


def record(world: World) -> Record:
    """The largest of the deals."""
    largest = max(open_deals(world), key=lambda deal: (deal["fields"]["Amount"], deal["id"]))
    return Record("salesforce", "Opportunity", largest["id"])
