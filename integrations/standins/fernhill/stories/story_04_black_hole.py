"""Story 4: the black hole.

"Inbound EMEA queue" has two members, and both have left. In the 90 days before the anchor 143 Leads were given to it
(their first OwnerId is the queue). The median of the hours from MQL entry to an active owner is 19, whether the 24
that are in the queue to this day are left out or count as "longer than all others". 61 of the 143 were never touched
by an active SDR: those 24, and 37 that got an owner and nothing else. None ever reached Qualified.
"""

from __future__ import annotations

from datetime import timedelta
from math import inf

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.moments import next_open
from integrations.standins.fernhill.people import QUEUE_ID, team
from integrations.standins.fernhill.prospect import Prospect
from integrations.standins.world import Row, World

NUMBER = "04"
STILL_QUEUED = 24
OWNED_UNTOUCHED = 37


def plant(builder: WorldBuilder) -> None:
    random = builder.random("story 4")
    leads = [
        p
        for origin, count in (("demo_request", 40), ("pricing", 43), ("content", 60))
        for p in builder.pick(count, NUMBER, origin=origin, qualifies=False, where=_is_ordinary_mql)
    ]
    # 22 of the 40 demo requests stay untouched: story 5 counts on 18 late ones.
    untouched = [*leads[:22], *leads[40:57], *leads[83:105]]
    touched = [p for p in leads if p not in untouched]
    still_queued = random.sample(untouched, STILL_QUEUED)

    owned = [p for p in leads if p not in still_queued]
    random.shuffle(owned)
    for i, p in enumerate(owned):
        if i < 44:
            _give_owner(builder, p, random.uniform(2, 16), newest_days=12)
        elif i < 86:
            _give_owner(builder, p, random.uniform(18.7, 19.3), newest_days=12)
        else:
            _give_owner(builder, p, random.uniform(22, 71), newest_days=12)
    for p in still_queued:
        p.mql_at = builder.moments.any_time(random, "Berlin", 40, 3)
    for p in leads:
        p.region, p.queued, p.quarter, p.pace = "EMEA", True, 3, "never"
    for p in touched:
        if p.mql_at is None or p.owned_at is None:
            raise ValueError("a touched lead of the queue has no owner")
        after = max(p.owned_at + timedelta(hours=random.uniform(1, 30)), p.mql_at + timedelta(hours=26))
        p.touched_at = next_open("Berlin", after) + timedelta(minutes=random.uniform(1, 200))
        p.pace = "late"


def _is_ordinary_mql(p: Prospect) -> bool:
    return p.is_mql and p.quarter is None


def _give_owner(builder: WorldBuilder, p: Prospect, hours: float, *, newest_days: int) -> None:
    """RevOps empties the queue by hand, in office hours; the lead had come ``hours`` before."""
    random = builder.random(f"story 4: {p.n}")
    p.unit = p.unit or random.choice(("fleet", "fleet", "fleet", "yards"))
    p.owned_at = builder.moments.in_hours(random, "Berlin", 84, newest_days)
    p.mql_at = p.owned_at - timedelta(seconds=round(3600 * hours))
    p.owner = random.choice(team("SDR", office="Berlin", unit=p.unit))


def queue_leads(world: World) -> list[Row]:
    """The Leads that began in the queue."""
    found = []
    for lead in world["salesforce"]["Lead"]:
        owners = [c["old"] for c in lead.get("history", []) if c["field"] == "OwnerId"]
        if (owners[0] if owners else lead["fields"]["OwnerId"]) == QUEUE_ID:
            found.append(lead)
    return found


def assert_numbers(world: World) -> None:
    entries = counting.mql_entries(world)
    leads = queue_leads(world)
    counting.expect("leads of the queue", len(leads), 143)
    hours = [
        counting.hours_to_owner(lead, entries[str(lead["fields"]["HubSpot_Contact_Id__c"])]) for lead in leads
    ]
    owned = [h for h in hours if h is not None]
    counting.expect("hours to an owner, of those that have one", counting.whole_median(owned), 19)
    censored = [inf if h is None else h for h in hours]
    counting.expect("hours to an owner, of all", counting.whole_median(censored), 19)
    contacts = {str(lead["fields"]["HubSpot_Contact_Id__c"]) for lead in leads}
    counting.expect("leads never touched", len(contacts - set(counting.first_touches(world))), 61)
    members = {m for q in world["queues"] for m in q["members"]}
    counting.expect("members of the queue who are still here", len(members & counting.ACTIVE_USERS), 0)


def record(world: World) -> Record:
    """The demo request that has waited longest in the queue."""
    entries = counting.mql_entries(world)
    waiting = [lead for lead in queue_leads(world) if lead["fields"]["OwnerId"] == QUEUE_ID]
    waiting.sort(key=lambda lead: entries[str(lead["fields"]["HubSpot_Contact_Id__c"])])
    demos = [lead for lead in waiting if lead["fields"]["LeadSource"] == "Demo request"]
    return Record("salesforce", "Lead", (demos or waiting)[0]["id"])
