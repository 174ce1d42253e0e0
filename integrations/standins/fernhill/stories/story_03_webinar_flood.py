"""Story 3: the webinar flood.

- 612 contacts became MQLs within two days, about seven and a half months ago; nobody else did on those days;
  19 of them (3.1%) ever reached Qualified;
- demo requests: 38 of the 100 that became MQLs in the flood's quarter (184 to 272 days before the anchor) reached
  Qualified: 38%. Over the whole year it is 22%, which is story 5's business;
- lead to opportunity, over the year's Leads by LeadSource (created in the last 365 days, converted with an
  Opportunity): Partner 22% (53 of 240), Paid social 2% (7 of 300).
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import FLOOD_QUARTER, QUARTERS, WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.moments import at, is_open_day, local_day
from integrations.standins.fernhill.prospect import Pace
from integrations.standins.world import World

NUMBER = "03"
AROUND_DAYS_AGO = 228
QUALIFIED_PACES: tuple[Pace, ...] = ("day", "late")
OTHER_PACES: tuple[Pace, ...] = ("never", "never", "late", "late", "day")


def plant(builder: WorldBuilder) -> None:
    _plant_flood(builder)
    qualified = builder.free(origin="demo_request", qualifies=True)
    others = builder.free(origin="demo_request", qualifies=False)
    for p in [*builder.sample(38, "story 3 demos", qualified), *builder.sample(62, "story 3 demos", others)]:
        p.quarter = FLOOD_QUARTER


def _plant_flood(builder: WorldBuilder) -> None:
    random = builder.random("story 3")
    first = _first_day(builder)
    builder.moments.kept_days = frozenset(first + timedelta(days=n) for n in (-1, 0, 1, 2))
    flood = [
        *builder.pick(3, NUMBER, origin="webinar", group="both", deal=True),
        *builder.pick(9, NUMBER, origin="webinar", group="both", qualifies=True, deal=False),
        *builder.pick(48, NUMBER, origin="webinar", group="both", qualifies=False),
        *builder.pick(3, NUMBER, origin="webinar", group="marketing", deal=True),
        *builder.pick(4, NUMBER, origin="webinar", group="marketing", qualifies=True, deal=False),
        *builder.pick(545, NUMBER, origin="webinar", group="marketing", qualifies=False),
    ]
    starts = at("Berlin", first, 16 * 60)
    for p in flood:
        p.quarter = FLOOD_QUARTER
        p.webinar_at = starts + timedelta(seconds=random.randint(0, 900))
        if random.random() < 0.62:
            p.mql_at = at("Berlin", first, random.uniform(17 * 60, 21 * 60))
        else:
            p.mql_at = at("Berlin", first + timedelta(days=1), random.uniform(8 * 60, 21 * 60))
        if random.random() < 0.7:
            p.created = p.webinar_at - timedelta(days=random.uniform(0.5, 15))
        else:
            p.created = p.webinar_at - timedelta(minutes=random.uniform(1, 20))
        p.pace = random.choice(QUALIFIED_PACES if p.qualifies else OTHER_PACES)


def _first_day(builder: WorldBuilder) -> date:
    """A Tuesday with an open Wednesday behind it."""
    day = local_day("Berlin", builder.moments.ago(days=AROUND_DAYS_AGO))
    while not (day.weekday() == 1 and all(is_open_day("Berlin", day + timedelta(days=n)) for n in (0, 1))):
        day += timedelta(days=1)
    return day


def assert_numbers(world: World) -> None:
    entries = counting.mql_entries(world)
    qualified = counting.qualified_contacts(world)
    flood = flood_contacts(world)
    counting.expect("MQLs of the flood", len(flood), 612)
    rate = round(100 * len(flood & qualified) / len(flood), 1)
    counting.expect("the flood's MQLs that reached Qualified", rate, 3.1)

    oldest, newest = QUARTERS[FLOOD_QUARTER]
    start = counting.anchor_of(world) - timedelta(days=oldest + 1)
    end = counting.anchor_of(world) - timedelta(days=newest - 1)
    demos = {
        c["id"]
        for c in counting.contacts_of_the_year(world)
        if c["fields"]["lead_origin"] == "demo_request"
        and c["id"] in entries
        and start <= entries[c["id"]] < end
    }
    counting.expect("demo requests of the flood's quarter", len(demos), 100)
    counting.expect("demo requests that reached Qualified", counting.percent(demos, qualified), 38)

    year = counting.anchor_of(world) - timedelta(days=365)
    leads = [lead for lead in world["salesforce"]["Lead"] if lead["created"] >= year]
    for source, wanted in (("Partner", 22), ("Paid social", 2)):
        of = [lead for lead in leads if lead["fields"]["LeadSource"] == source]
        deals = [lead for lead in of if lead["fields"]["ConvertedOpportunityId"]]
        counting.expect(f"{source}: lead to opportunity", round(100 * len(deals) / len(of)), wanted)


def flood_contacts(world: World) -> set[str]:
    """The contacts that became MQLs on the two busiest days, counted in UTC."""
    entries = counting.mql_entries(world)
    days = Counter(moment.date() for moment in entries.values())
    busiest = {day for day, _ in days.most_common(2)}
    counting.expect("days between the two days of the flood", (max(busiest) - min(busiest)).days, 1)
    return {contact for contact, moment in entries.items() if moment.date() in busiest}


def record(world: World) -> Record:
    """A contact of the flood whom nobody ever called."""
    untouched = flood_contacts(world) - set(counting.first_touches(world))
    return Record("hubspot", "contacts", min(untouched))
