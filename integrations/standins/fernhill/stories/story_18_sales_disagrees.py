"""Story 18: Sales disagrees.

38 people of companies that had bought long before looked at the pricing page and became MQLs: customers who want to
know what the next vehicles cost. None of them went further. Their contact record calls them
prospects; only the account of their domain tells that they are customers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.life import CUSTOMER_COMPANIES
from integrations.standins.world import Row, World

NUMBER = "18"
CUSTOMERS = 38
LONG = timedelta(days=30)
SMALLEST = 20
"""Vehicles, so that whoever works there meets the rules as before."""


def plant(builder: WorldBuilder) -> None:
    builder.pick(
        CUSTOMERS,
        NUMBER,
        origin="pricing",
        qualifies=False,
        deal=False,
        where=lambda p: p.is_mql and not p.queued,
    )


def move_to_customers(builder: WorldBuilder) -> None:
    """Give each a customer of their region for an employer."""
    random = builder.random("story 18")
    customers = [p for p in builder.prospects if p.group == "customer"][:CUSTOMER_COMPANIES]
    for p in builder.prospects:
        if p.story == NUMBER and p.company and p.mql_at:
            bought = (c for c in customers if c.closed_at and c.closed_at < p.mql_at - LONG)
            like = [c.company for c in bought if c.company and c.company.region == p.company.region]
            p.company = random.choice([c for c in like if (c.fleet or 0) >= SMALLEST])
            p.unit = p.company.unit
            p.email = f"{p.email.partition('@')[0]}.{p.n}@{p.company.domain}"


def _customers_since(world: World) -> dict[str, datetime]:
    """Domain of an account to the day of its first won Opportunity."""
    domains = {
        a["id"]: str(a["fields"]["Website"]).removeprefix("https://www.")
        for a in world["salesforce"]["Account"]
    }
    since: dict[str, datetime] = {}
    for deal in world["salesforce"]["Opportunity"]:
        if deal["fields"]["IsWon"]:
            domain = domains[str(deal["fields"]["AccountId"])]
            since[domain] = min(since.get(domain, deal["modified"]), deal["modified"])
    return since


def _contacts(world: World) -> list[Row]:
    since = _customers_since(world)
    entries = counting.mql_entries(world)
    found = []
    for contact in counting.contacts_of_the_year(world):
        domain = str(contact["fields"]["email"]).rpartition("@")[2]
        at = entries.get(contact["id"])
        if at and domain in since and since[domain] < at:
            found.append(contact)
    return found


def assert_numbers(world: World) -> None:
    contacts = _contacts(world)
    counting.expect("MQLs at customers", len(contacts), CUSTOMERS)
    looked = [c for c in contacts if c["fields"]["lead_origin"] == "pricing"]
    counting.expect("of them who looked at prices", len(looked), CUSTOMERS)
    reached = {c["id"] for c in contacts} & counting.qualified_contacts(world)
    counting.expect("of them who reached Qualified", len(reached), 0)


def record(world: World) -> Record:
    """The latest of them."""
    entries = counting.mql_entries(world)
    latest = max(_contacts(world), key=lambda c: (entries[c["id"]], c["id"]))
    return Record("hubspot", "contacts", latest["id"])
