"""Story 17: a live lead.

Ten HubSpot contacts in the territory of the demo SDR meet no rule yet; their Salesforce Leads are there, Status Open.
``live_change`` of one of them (the button in the Demo HubSpot) makes it meet both rules and enter MQL.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.people import DEMO_AE, DEMO_SDR
from integrations.standins.fernhill.prospect import Company
from integrations.standins.world import LiveLead, Row, Value, World

NUMBER = "17"
FIRST_CONTACT_NUMBER = 88_000_017_001


class Prepared(NamedTuple):
    """A contact that one change turns into an MQL."""

    contact_id: str
    company: str
    first_name: str
    last_name: str
    title: str
    fleet_size: int
    industry: str
    buyer_words: str


_ROWS = (
    ("Kestrel Haulage", "Maren", "Tolliver", "Fleet Operations Manager", 85, "Logistics",
     "We run 85 tractors on three spreadsheets and nobody knows what is due for service."),
    ("Pellworth Dairy", "Augusto", "Brindel", "Director of Distribution", 64, "Food & Beverage",
     "Two reefers down in one week. I need to see it coming, not hear it from the driver."),
    ("Quillmoor Transit", "Shanice", "Ferrold", "Head of Maintenance", 140, "Transportation",
     "Our inspectors still fill in paper. I want defects in the workshop before the bus is back."),
    ("Tarnbrook Paving", "Kip", "Salloway", "Equipment Manager", 47, "Construction",
     "I can't tell you what a grader costs me per hour, and my boss asks every month."),
    ("Sablewick Couriers", "Zoë", "Hartmoor", "VP Operations", 210, "Logistics",
     "Vans get serviced when they break. Looking for one place for mileage, tyres and bookings."),
    ("Oxley Vane Waste", "Demetrius", "Collander", "Fleet Director", 96, "Other",
     "Hydraulics eat our budget. Would like to know which trucks to replace first."),
    ("Merrow Timber", "Ingrid", "Søndvik", "Logistics Manager", 38, "Construction",
     "We want the workshop plan and the trip plan to know about each other."),
    ("Harrowden Foods", "Luis", "Ormachea", "Supply Chain Director", 122, "Food & Beverage",
     "Auditors asked for maintenance records of two years. It took us nine days."),
    ("Brackenfold Utilities", "Tamsin", "Okoye-Reed", "Fleet Supervisor", 73, "Other",
     "Crews swap vehicles all day and service intervals are gone. Need reminders that reach the crew."),
    ("Vesper Line Freight", "Cormac", "Dellaire", "COO", 180, "Transportation",
     "We grew from 60 to 180 trucks. What worked on a whiteboard does not any more."),
)  # fmt: skip

LIVE_LEADS: Final[tuple[Prepared, ...]] = tuple(
    Prepared(str(FIRST_CONTACT_NUMBER + i), *row) for i, row in enumerate(_ROWS)
)


def live_change(now: datetime) -> dict[str, Value]:
    """The properties of the contact that change when the button is pressed at ``now``."""
    return {
        "lifecyclestage": counting.MQL,
        "demo_requested_at": now,
        "pricing_page_views": 2,
        "last_engagement": "Requested a demo; viewed Pricing twice",
    }


def live_leads(now: datetime) -> list[LiveLead]:
    return [{"contact_id": lead.contact_id, "properties": live_change(now)} for lead in LIVE_LEADS]


def plant(builder: WorldBuilder) -> None:
    random = builder.random("story 17")
    prospects = builder.add(len(LIVE_LEADS), "pricing", "live")
    for i, (p, lead) in enumerate(zip(prospects, LIVE_LEADS, strict=True)):
        p.story = NUMBER
        p.contact_number = int(lead.contact_id)
        p.first_name, p.last_name, p.title = lead.first_name, lead.last_name, lead.title
        p.region, p.unit, p.owner, p.executive = "NA", "fleet", DEMO_SDR, DEMO_AE
        p.created = builder.moments.ago(days=3 + i, minutes=random.randint(0, 400))
        p.owned_at = p.created + timedelta(minutes=4)
        slug = "".join(c for c in lead.company.lower() if c.isalnum())
        p.company = Company(
            lead.company, f"{slug}.example", "United States", "NA", "fleet", lead.industry, lead.fleet_size
        )
        p.role_level = "decision_maker"
        p.pricing_views = 1
        p.downloads = 1
        p.last_engagement = "Downloaded the maintenance cost guide; viewed Pricing once"
        p.buyer_words = lead.buyer_words


def _contacts(world: World) -> list[Row]:
    ids = [lead["contact_id"] for lead in world["live_leads"]]
    by_id = {c["id"]: c for c in world["hubspot"]["contacts"]}
    return [by_id[i] for i in ids]


def assert_numbers(world: World) -> None:
    leads = counting.leads_by_contact(world)
    contacts = _contacts(world)
    counting.expect("live leads", len(contacts), 10)
    for contact, live in zip(contacts, world["live_leads"], strict=True):
        lead = leads[contact["id"]]["fields"]
        after: Row = {**contact, "fields": {**contact["fields"], **live["properties"]}}
        ready = (
            not counting.meets_marketing_rule(contact)
            and not counting.meets_sales_rule(contact)
            and counting.mql_entry(contact) is None
            and counting.meets_marketing_rule(after)
            and counting.meets_sales_rule(after)
            and lead["Status"] == "Open"
            and lead["OwnerId"] == DEMO_SDR.user_id
            and lead["Email"] == contact["fields"]["email"]
        )
        counting.expect(f"live lead {contact['fields']['company']} is ready", ready, True)


def record(world: World) -> Record:
    """Kestrel Haulage, the first live lead."""
    return Record("hubspot", "contacts", world["live_leads"][0]["contact_id"])
