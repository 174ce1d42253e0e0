"""Story 1: two MQLs.

Counted over the HubSpot contacts created in the 365 days before the anchor:
- Marketing's rule: fleet_size >= 10 and (demo_requested_at set, or pricing_page_views >= 2, or
  content_downloads >= 3, or webinar_attended_at set): 2,410 contacts, and exactly these entered
  ``marketingqualifiedlead`` (all of them within the same 365 days);
- Sales' rule: fleet_size >= 20 and role_level decision_maker or influencer and (demo_requested_at set, or
  pricing_page_views >= 3, or lead_origin partner or outbound): 1,120 contacts.
  The last alternative is what makes the rules differ both ways: without it everyone who meets Sales' rule would
  meet Marketing's too, and "only Sales" would be nobody;
- both 868; only-Sales 252, of whom 48 became deals (19%); only-Marketing 1,542, of whom 46 did (3%).
  A deal is a Lead of that contact that was converted with an Opportunity.

Also true: of the only-Marketing contacts 941 attended a webinar and meet the rule by that alone; 28 (3%) became deals.

The table below is where the totals of stories 1, 3, 5 and 15 meet.
"""

from __future__ import annotations

from typing import NamedTuple

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.prospect import Group
from integrations.standins.world import World

NUMBER = "01"


class Cell(NamedTuple):
    origin: str
    group: Group
    people: int
    qualify: int
    deals: int


TABLE = (
    Cell("demo_request", "both", 330, 109, 62),
    Cell("demo_request", "marketing", 210, 10, 7),
    Cell("partner", "both", 110, 58, 28),
    Cell("partner", "marketing", 40, 8, 5),
    Cell("webinar", "both", 90, 19, 8),
    Cell("webinar", "marketing", 660, 13, 7),
    Cell("paid_social", "both", 48, 7, 5),
    Cell("paid_social", "marketing", 252, 2, 2),
    Cell("pricing", "both", 170, 54, 30),
    Cell("pricing", "marketing", 70, 8, 6),
    Cell("content", "both", 90, 26, 14),
    Cell("content", "marketing", 240, 19, 15),
    Cell("event", "both", 30, 9, 7),
    Cell("event", "marketing", 70, 6, 4),
    Cell("partner", "sales", 90, 45, 20),
    Cell("outbound", "sales", 162, 65, 28),
)
WEBINAR_ONLY = 941


def plant(builder: WorldBuilder) -> None:
    for cell in TABLE:
        builder.add(cell.people, cell.origin, cell.group, qualify=cell.qualify, deals=cell.deals)
    marketing = list(builder.free(group="marketing"))
    attended = [p for p in marketing if p.origin == "webinar"]
    others = [p for p in marketing if p.origin in ("content", "event", "paid_social")]
    attended += [p for p in others if p.deal]
    rest = [p for p in others if not p.deal]
    attended += builder.random("story 1").sample(rest, WEBINAR_ONLY - len(attended))
    for p in attended:
        p.by_webinar_only = True


def assert_numbers(world: World) -> None:
    year = counting.contacts_of_the_year(world)
    marketing = {c["id"] for c in year if counting.meets_marketing_rule(c)}
    sales = {c["id"] for c in year if counting.meets_sales_rule(c)}
    deals = counting.contacts_with_deals(world)
    counting.expect("Marketing's rule", len(marketing), 2410)
    counting.expect("Sales' rule", len(sales), 1120)
    counting.expect("both", len(marketing & sales), 868)
    counting.expect("only Sales that became deals", counting.percent(sales - marketing, deals), 19)
    counting.expect("only Marketing that became deals", counting.percent(marketing - sales, deals), 3)
    entered = {c["id"] for c in world["hubspot"]["contacts"] if counting.mql_entry(c, within_year_of=world)}
    counting.expect("contacts that entered MQL but don't meet the rule", len(entered ^ marketing), 0)


def record(world: World) -> Record:
    """A contact that only Marketing counts: it watched a webinar, Sales sent it to nurture."""
    leads = counting.leads_by_contact(world)
    for contact in counting.contacts_of_the_year(world):
        if (
            counting.meets_marketing_rule(contact)
            and not counting.meets_sales_rule(contact)
            and contact["fields"]["webinar_attended_at"]
            and leads[contact["id"]]["fields"]["Status"] == "Nurture"
        ):
            return Record("hubspot", "contacts", contact["id"])
    raise LookupError("no contact that only Marketing counts is in nurture")
