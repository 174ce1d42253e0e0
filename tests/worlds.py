"""A corner of Fernhill for tests that run the whole loop in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.test import override_settings

from gtmops.demo import demo_seed
from gtmops.pipeline import process
from gtmops.seeding import seed
from integrations.provision import apply as provision
from integrations.pull import pull_to_the_end
from integrations.standins.app import Running, running_standins
from integrations.standins.fernhill import build_world
from integrations.standins.world import World
from records.models import Connection


def corner_of(world: World, *, contacts: int) -> World:
    """The newest ``contacts`` contacts with the leads, deals and activities that belong to them."""
    kept: dict[str, Any] = dict(world)
    hubspot, salesforce = world["hubspot"], world["salesforce"]
    chosen = sorted(hubspot["contacts"], key=lambda row: row["created"])[-contacts:]
    people = {row["id"] for row in chosen}
    leads = [r for r in salesforce["Lead"] if r["fields"].get("HubSpot_Contact_Id__c") in people]
    lead_ids = {row["id"] for row in leads}
    deal_ids = {row["fields"].get("ConvertedOpportunityId") for row in leads}
    kept["hubspot"] = {
        kind: chosen
        if kind == "contacts"
        else [r for r in rows if any(a["to_id"] in people for a in r.get("associations", []))]
        for kind, rows in hubspot.items()
    }
    kept["salesforce"] = {
        **salesforce,
        "Lead": leads,
        "Opportunity": [r for r in salesforce["Opportunity"] if r["id"] in deal_ids],
        "Task": [r for r in salesforce["Task"] if r["fields"].get("WhoId") in lead_ids],
        "Event": [r for r in salesforce["Event"] if r["fields"].get("WhoId") in lead_ids],
        "OpportunityContactRole": [],
    }
    return kept  # type: ignore[return-value]  # a World with fewer rows


@contextmanager
def small_fernhill(*, contacts: int = 60, anchor: datetime | None = None) -> Iterator[Running]:
    """Both CRMs with a corner of Fernhill, seeded, provisioned, read and concluded."""
    world = corner_of(build_world(anchor or datetime.now(UTC)), contacts=contacts)
    with running_standins(world) as running, override_settings(STANDINS_URL=running.base_url):
        now = datetime.now(UTC)
        seed(demo_seed(running.base_url, now), now)
        for connection in connections():
            provision(connection, now)
        read_and_conclude()
        yield running


def connections() -> list[Connection]:
    return list(Connection.objects.filter(kind__in=["hubspot", "salesforce"]).order_by("name"))


def read_and_conclude() -> None:
    """Pull both CRMs to the end and conclude everything touched."""
    for connection in connections():
        faults = pull_to_the_end(connection)
        assert not faults, faults
    conclude()


def conclude() -> None:
    while process(datetime.now(UTC)):
        pass
