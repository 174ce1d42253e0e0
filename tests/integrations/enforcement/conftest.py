"""Deals in Salesforce and a pipeline whose stage Negotiation has exit criteria."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from definitions.models import Version
from integrations.enforcement import acting
from integrations.pull import pull_to_the_end
from integrations.salesforce import deploying
from integrations.standins.app import Running, running_standins
from integrations.standins.world import World, salesforce_id
from records.models import Connection
from teams.models import BusinessUnit, Person
from tests.integrations.conftest import ANNA, START, connect, small_world

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
EMPTY, FILLED, SMALL, RENEWAL = (salesforce_id("006", n) for n in range(1, 5))
KEY = ("new_business", "negotiation", "Opportunity")
STAGES = ("Discovery", "Negotiation", "Closed Won", "Closed Lost")

PIPELINE: dict[str, Any] = {
    "name": "New business",
    "object": "deal",
    "connection": "salesforce",
    "stage_field": "stage",
    "when": {"field": "pipeline", "op": "is", "value": "New business"},
    "exempt_below": {"field": "amount", "value": 5000},
    "owner": "sales",
    "agreed_by": ["sales"],
    "stages": [
        {"key": "discovery", "name": "Discovery", "value": "Discovery"},
        {
            "key": "negotiation",
            "name": "Negotiation",
            "value": "Negotiation",
            "exit_criteria": {
                "all": [
                    {"field": "success_criteria", "op": "is_not_empty"},
                    {"activity": "call", "at_least": 1},
                ]
            },
        },
        {"key": "won", "name": "Closed won", "value": "Closed Won"},
        {"key": "lost", "name": "Closed lost", "value": "Closed Lost", "is_lost": True},
    ],
}


def deal(remote_id: str, **fields: Any) -> Any:
    told = {
        "Name": f"Deal {remote_id[-4]}",
        "StageName": "Negotiation",
        "Pipeline__c": "New business",
        "Amount": 20_000.0,
        "OwnerId": ANNA,
        **fields,
    }
    return {"id": remote_id, "fields": told, "created": START, "modified": START}


def world_of_deals() -> World:
    world = small_world(1)
    world["salesforce"]["Opportunity"] = [
        deal(EMPTY, Name="Empty"),
        deal(FILLED, Name="Filled", Success_Criteria__c="Two depots live by June"),
        deal(SMALL, Name="Small", Amount=900.0),
        deal(RENEWAL, Name="Renewal", Pipeline__c="Renewal"),
    ]
    world["schema"] = {
        "salesforce": {
            "Opportunity": [
                {
                    "name": "StageName",
                    "type": "picklist",
                    "label": "Stage",
                    "required": True,
                    "tracked": True,
                    "values": [{"value": value} for value in STAGES],
                },
                {
                    "name": "Pipeline__c",
                    "type": "picklist",
                    "label": "Pipeline",
                    "values": [{"value": "New business"}, {"value": "Renewal"}],
                },
                {"name": "Success_Criteria__c", "type": "textarea", "label": "Success", "length": 4000},
            ]
        }
    }
    return world


def mappings(remote_object: str, names: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "object": "deal",
            "remote_object": remote_object,
            "field": field,
            "remote_name": remote_name,
            "type": kind,
            "label": field.replace("_", " ").capitalize(),
        }
        for field, (remote_name, kind) in names.items()
    ]


SALESFORCE_FIELDS = {
    "name": ("Name", "text"),
    "stage": ("StageName", "picklist"),
    "pipeline": ("Pipeline__c", "picklist"),
    "amount": ("Amount", "money"),
    "success_criteria": ("Success_Criteria__c", "text"),
}


def put_in_force(body: dict[str, Any], number: int = 1, at: datetime = START) -> Version:
    return Version.objects.create(
        section="pipelines", key="new_business", number=number, body=body, state="signed", effective_from=at
    )


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "PAUSES_SECONDS", (0.0,) * 8)
    monkeypatch.setattr(deploying, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def crm() -> Iterator[Running]:
    with running_standins(world_of_deals()) as running:
        yield running


@pytest.fixture
def salesforce(crm: Running, db: None) -> Connection:
    """Connected, writing, read to the end, with the pipeline in force."""
    connection = connect(
        "salesforce",
        crm.base_url,
        is_writing=True,
        go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
        mappings=mappings("Opportunity", SALESFORCE_FIELDS),
    )
    put_in_force(PIPELINE)
    assert pull_to_the_end(connection) == []
    return connection


@pytest.fixture
def revops(db: None) -> Person:
    person = Person.objects.create(email="ines@fernhill.example", name="Ines Opsen", role="revops_admin")
    person.business_units.add(*BusinessUnit.objects.all())
    return person


def save_in_the_crm(crm: Running, remote_id: str, **form: str) -> requests.Response:
    """What a rep does on the page of the CRM."""
    address = f"{crm.base_url}/salesforce/Opportunity/{remote_id}/edit"
    return requests.post(address, data=form, timeout=10)


def rules_there(crm: Running) -> list[dict[str, Any]]:
    return [row.fields for row in crm.store.all_of("salesforce", "ValidationRule")]
