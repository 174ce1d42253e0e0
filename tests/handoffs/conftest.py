from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from gtmops.demo import demo_seed
from gtmops.pipeline import process
from gtmops.seeding import seed
from handoffs.models import Handoff
from integrations.setup import ensure_mappings
from integrations.standins.fernhill.people import DEMO_AE, DEMO_SDR
from records.incoming import HistoryEntry, IncomingRecord
from records.models import Connection, OwnerMatch, Record
from records.services import store_page
from teams.models import Person

FULL = {
    "Pain__c": "Every Monday a truck stands still.",
    "Impact__c": "Three trucks a week",
    "Timeline__c": "This quarter",
    "Stakeholders__c": "Fleet lead, CFO",
}


@dataclass
class House:
    """Fernhill's people, model and mappings, and two CRMs whose rows a test writes itself."""

    now: datetime
    sdr: Person
    ae: Person
    _rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def say(self, connection: str, remote_object: str, remote_id: str, at: datetime, **values: Any) -> Record:
        """The CRM's row has these values from ``at`` on, beside those it had; concluded at once."""
        row = self._rows.setdefault((remote_object, remote_id), {})
        row |= values
        source = Connection.objects.get(name=connection)
        names = source.mappings.filter(remote_object=remote_object).values_list("remote_name", flat=True)
        blank: Mapping[str, Any] = {name: None for name in names if not name.startswith("=")}
        links = [("contacts", row["about"])] if "about" in row else []
        incoming = IncomingRecord(
            remote_object,
            remote_id,
            {**blank, **{k: v for k, v in row.items() if k != "about"}},
            modified_at=at,
            created_at=min(at, self.now - timedelta(days=1)),
            links=links,
        )
        with transaction.atomic():
            store_page(source, [incoming], now=at)
        self.conclude(at)
        return Record.objects.get(connection=source, remote_object=remote_object, remote_id=remote_id)

    def lead_with_history(
        self, remote_id: str, history: list[tuple[str, Any, Any, datetime]], **values: Any
    ) -> None:
        """A Lead as we first see it after all of (field, old, new, moment) has happened."""
        source = Connection.objects.get(name="salesforce")
        now_said = {name: new for name, _, new, _ in history}
        row = IncomingRecord(
            "Lead",
            remote_id,
            self.lead_values(remote_id) | values | now_said,
            modified_at=history[-1][3],
            created_at=history[0][3] - timedelta(hours=1),
            history=[
                HistoryEntry(name, new, at, f"H{i}", old) for i, (name, old, new, at) in enumerate(history)
            ],
        )
        with transaction.atomic():
            store_page(source, [row], now=self.now)
        self.conclude()

    def lead_values(self, remote_id: str) -> dict[str, Any]:
        return {
            "Email": f"{remote_id.lower()}@buyer.example",
            "FirstName": "Maren",
            "LastName": "Tolliver",
            "Company": "Kestrel Haulage",
            "Status": "Working",
            "OwnerId": "sdr",
            "AE__c": "ae",
            "Business_Unit__c": self.sdr.business_units.values_list("key", flat=True).first(),
        }

    def lead(self, remote_id: str = "L1", at: datetime | None = None, **values: Any) -> Record:
        """A Salesforce Lead of the SDR, for the AE."""
        start = at or self.now - timedelta(hours=5)
        return self.say("salesforce", "Lead", remote_id, start, **(self.lead_values(remote_id) | values))

    def handoff(self, remote_id: str = "L1", **values: Any) -> Handoff:
        """The handoff that opens when the lead is qualified, four hours ago."""
        self.lead(remote_id, **values)
        self.say("salesforce", "Lead", remote_id, self.now - timedelta(hours=4), Status="Qualified")
        return self.read(remote_id)

    def read(self, remote_id: str = "L1") -> Handoff:
        found = Handoff.objects.with_people().filter(record__remote_id=remote_id)
        return found.latest("opened_at")

    def mql(self, remote_id: str, at: datetime, **values: Any) -> Record:
        """A HubSpot contact of the SDR that becomes an MQL at ``at``."""
        defaults = {
            "email": f"{remote_id.lower()}@buyer.example",
            "firstname": "Kip",
            "lastname": "Salloway",
            "company": "Tarnbrook Paving",
            "lifecyclestage": "lead",
            "hubspot_owner_id": "sdr",
            "fleet_size": "40",
        }
        self.say("hubspot", "contacts", remote_id, at - timedelta(hours=1), **(defaults | values))
        return self.say("hubspot", "contacts", remote_id, at, lifecyclestage="marketingqualifiedlead")

    def conclude(self, now: datetime | None = None) -> None:
        while process(now or self.now):
            pass


@pytest.fixture
def house(db: None) -> House:
    now = datetime.now(UTC).replace(microsecond=0)
    seed(demo_seed("http://127.0.0.1:9", now), now)
    people = {who: Person.objects.get(email=who.email) for who in (DEMO_SDR, DEMO_AE)}
    for connection in Connection.objects.filter(name__in=["hubspot", "salesforce"]):
        for key, who in (("sdr", DEMO_SDR), ("ae", DEMO_AE)):
            OwnerMatch.objects.create(
                connection=connection, remote_id=key, name=who.name, person=people[who], email=who.email
            )
    ensure_mappings(
        Connection.objects.get(name="salesforce"),
        [
            {
                "object": "person",
                "remote_object": "Lead",
                "field": name,
                "remote_name": remote,
                "type": kind,
            }
            for name, remote, kind in (
                ("gtm_handoff_answer", "Gtm_Handoff_Answer__c", "picklist"),
                ("gtm_handoff_reason", "Gtm_Handoff_Reason__c", "text"),
            )
        ],
    )
    return House(now, people[DEMO_SDR], people[DEMO_AE])


@pytest.fixture
def signed_in() -> Callable[[Person], Client]:
    def enter(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return enter


@pytest.fixture
def colleague(house: House) -> Person:
    """Another AE, in the same team and business units."""
    stays = Person.objects.filter(
        memberships__team__key="sales", memberships__ended_at=None, is_active=True, role="rep",
        business_units__in=house.ae.business_units.all(),
    )  # fmt: skip
    found = stays.exclude(pk__in=[house.ae.pk, house.ae.manager_id]).first()
    assert found is not None
    return found
