"""Deals in both CRMs, going through one pipeline each; everything is switched on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from definitions.models import Version
from gtmops.pipeline import process
from integrations.pull import pull_to_the_end
from integrations.push import push_due
from integrations.standins import hubspot_rules, salesforce_rules
from integrations.standins.app import Running, running_standins
from integrations.standins.store import Actor
from integrations.standins.world import World, salesforce_id
from records.models import Connection, Event, OwnerMatch, Record
from teams.models import BusinessUnit, Person
from tests.integrations.conftest import ANNA, START, connect, small_world

DEAL = {"salesforce": salesforce_id("006", 1), "hubspot": "701"}
OTHER_DEAL = {"salesforce": salesforce_id("006", 2), "hubspot": "702"}
BORIS = {"salesforce": salesforce_id("005", 2), "hubspot": "503"}
OBJECT = {"salesforce": "Opportunity", "hubspot": "deals"}
STAGE = {"salesforce": "StageName", "hubspot": "dealstage"}
STAGES = ("Discovery", "Evaluation", "Negotiation", "Closed Won", "Closed Lost")
HUBSPOT_STAGES = dict(
    zip(
        ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost"),
        STAGES,
        strict=True,
    )
)
REASONS = ["Price", "No decision", "Other"]
FIELDS = {
    "salesforce": {
        "name": ("Name", "text"), "stage": ("StageName", "picklist"), "amount": ("Amount", "money"),
        "currency": ("CurrencyIsoCode", "picklist"), "close_date": ("CloseDate", "date"),
        "owner": ("OwnerId", "reference"),
        "next_step": ("NextStep", "text"), "success_criteria": ("Success_Criteria__c", "text"),
        "loss_reason": ("Loss_Reason__c", "text"), "region": ("Region__c", "picklist"),
        "is_hot": ("Hot__c", "boolean"),
    },
    "hubspot": {
        "name": ("dealname", "text"), "stage": ("dealstage", "picklist"), "amount": ("amount", "money"),
        "currency": ("deal_currency_code", "text"), "close_date": ("closedate", "date"),
        "owner": ("hubspot_owner_id", "reference"), "next_step": ("next_step", "text"),
        "success_criteria": ("success_criteria", "text"), "loss_reason": ("loss_reason", "text"),
        "region": ("region", "picklist"), "is_hot": ("is_hot", "boolean"),
    },
}  # fmt: skip


def pipeline(connection: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "New business", "object": "deal", "connection": connection, "stage_field": "stage", "owner": "sales",
        "agreed_by": ["sales"], "moves_in_gtmops": True,
        "stages": [
            {"key": "discovery", "name": "Discovery", "value": "Discovery",
             "exit_criteria": {"field": "next_step", "op": "is_not_empty"}},
            {"key": "evaluation", "name": "Evaluation", "value": "Evaluation",
             "exit_criteria": {"all": [{"field": "amount", "op": "more_than", "value": 0},
                                       {"field": "success_criteria", "op": "is_not_empty"}]}},
            {"key": "negotiation", "name": "Negotiation", "value": "Negotiation",
             "entry_criteria": {"field": "region", "op": "is_not_empty"}},
            {"key": "won", "name": "Closed won", "value": "Closed Won"},
            {"key": "lost", "name": "Closed lost", "value": "Closed Lost", "is_lost": True,
             "reason": {"field": "loss_reason", "choices": REASONS}},
        ],
        **more,
    }  # fmt: skip


def put_in_force(body: dict[str, Any], number: int = 1) -> Version:
    return Version.objects.create(
        section="pipelines", key="new_business", number=number, body=body, state="signed",
        effective_from=START - timedelta(days=30) + timedelta(seconds=number),
    )  # fmt: skip


def world_of_deals() -> World:
    world = small_world(1)
    world["users"] = [
        *world["users"],
        {
            "id": BORIS["salesforce"], "first_name": "Boris", "last_name": "Ostra",
            "email": "b@fernhill.example", "active": True,
        },
    ]  # fmt: skip
    world["owners"] = [
        *world["owners"],
        {
            "id": BORIS["hubspot"], "user_id": 9503, "first_name": "Boris", "last_name": "Ostra",
            "email": "b@fernhill.example", "archived": False,
        },
    ]  # fmt: skip
    regions = ["NA", "EMEA"]
    world["salesforce"]["Opportunity"] = [
        {
            "id": remote_id, "created": START, "modified": START, "history": [],
            "fields": {"Name": f"Deal {n}", "StageName": "Discovery", "CurrencyIsoCode": "EUR",
                       "CloseDate": "2026-09-30", "OwnerId": ANNA},
        }
        for n, remote_id in enumerate((DEAL["salesforce"], OTHER_DEAL["salesforce"]), 1)
    ]  # fmt: skip
    world["hubspot"]["deals"] = [
        {
            "id": remote_id, "created": START, "modified": START, "history": [],
            "fields": {"dealname": f"Deal {n}", "dealstage": "appointmentscheduled", "pipeline": "default",
                       "deal_currency_code": "EUR", "hubspot_owner_id": "501"},
        }
        for n, remote_id in enumerate((DEAL["hubspot"], OTHER_DEAL["hubspot"]), 1)
    ]  # fmt: skip
    world["schema"] = {
        "salesforce": {
            "Opportunity": [
                {"name": "StageName", "type": "picklist", "label": "Stage", "required": True, "tracked": True,
                 "values": [{"value": value} for value in STAGES]},
                {"name": "Success_Criteria__c", "type": "textarea", "label": "Success", "length": 4000},
                {"name": "Loss_Reason__c", "type": "string", "label": "Why lost", "length": 255},
                {"name": "Region__c", "type": "picklist", "label": "Region", "values": [{"value": v} for v in regions]},
                {"name": "Hot__c", "type": "boolean", "label": "Hot"},
            ]
        },
        "hubspot": {
            "deals": [
                {"name": "next_step", "type": "string", "label": "Next step", "fieldType": "text"},
                {"name": "success_criteria", "type": "string", "label": "Success", "fieldType": "textarea"},
                {"name": "loss_reason", "type": "string", "label": "Why lost", "fieldType": "text"},
                {"name": "region", "type": "enumeration", "label": "Region", "fieldType": "select",
                 "options": [{"value": v, "label": v} for v in regions]},
                {"name": "is_hot", "type": "bool", "label": "Hot", "fieldType": "booleancheckbox"},
            ]
        },
    }  # fmt: skip
    return world


def _mappings(kind: str) -> list[dict[str, Any]]:
    return [
        {
            "object": "deal", "remote_object": OBJECT[kind], "field": field, "remote_name": remote_name, "type": type_,
            "label": field.replace("_", " ").capitalize(), "has_history": field == "stage",
            "value_map": HUBSPOT_STAGES if kind == "hubspot" and field == "stage" else {},
        }
        for field, (remote_name, type_) in FIELDS[kind].items()
    ]  # fmt: skip


@dataclass
class Place:
    """One CRM, connected and switched on, and the deal that moves."""

    connection: Connection
    crm: Running

    @property
    def kind(self) -> str:
        return self.connection.kind

    @property
    def deal(self) -> Record:
        return self.record(DEAL)

    def record(self, ids: Mapping[str, str]) -> Record:
        return Record.objects.select_related("connection", "owner").get(
            connection=self.connection, remote_id=ids[self.kind]
        )

    def in_crm(self, ids: Mapping[str, str] = DEAL) -> dict[str, Any]:
        """Logical field to what stands there, raw."""
        row = self.crm.store.get(self.kind, OBJECT[self.kind], ids[self.kind])
        assert row is not None
        return {name: row.fields.get(remote) for name, (remote, _) in FIELDS[self.kind].items()}

    def stage_in_crm(self, ids: Mapping[str, str] = DEAL) -> str:
        value = str(self.in_crm(ids)["stage"])
        return HUBSPOT_STAGES.get(value, value)

    def stage_changes(self) -> list[Event]:
        """Moves of the deal since it was first read, in order."""
        rows = Event.objects.effective().filter(record=self.deal, field="stage", kind="change")
        return list(rows.filter(occurred_at__gt=START + timedelta(days=1)).order_by("occurred_at", "pk"))

    def versions_in_crm(self) -> int:
        """How often the deal was saved there."""
        return len(self.crm.store.history(self.kind, OBJECT[self.kind], [DEAL[self.kind]]))

    def save_in_crm(self, **values: Any) -> None:
        """What a rep does there; a second later, as by their clock."""
        store = self.crm.store
        row = store.get(self.kind, OBJECT[self.kind], DEAL[self.kind])
        assert row is not None
        names = FIELDS[self.kind]
        back = {v: k for k, v in HUBSPOT_STAGES.items()} if self.kind == "hubspot" else {}
        changes = {names[name][0]: back.get(value, value) for name, value in values.items()}
        if self.kind == "salesforce":
            salesforce_rules.update(store, row, changes, Actor(ANNA, "CRM_UI"))
        else:
            hubspot_rules.update(store, row, changes, Actor("9501", "CRM_UI"))

    def read(self) -> None:
        assert pull_to_the_end(self.connection) == []
        process(datetime.now(UTC))

    def push(self) -> int:
        done = push_due(datetime.now(UTC))
        process(datetime.now(UTC))
        return done


@pytest.fixture(autouse=True)
def _may_call_this_machine(settings: Any) -> None:
    settings.CRM_HOSTS = ["127.0.0.1"]


def connected(kind: str, crm: Running) -> Place:
    connection = connect(
        kind,
        crm.base_url,
        is_writing=True,
        go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
        mappings=_mappings(kind),
    )
    Connection.objects.filter(pk=connection.pk).update(
        is_writing_stage=True, is_writing_fields=True, is_writing_owner=True
    )
    connection.refresh_from_db()
    place = Place(connection, crm)
    put_in_force(pipeline(kind))
    place.read()
    return place


BOTH = pytest.mark.parametrize("place", ["salesforce", "hubspot"], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, db: None) -> Iterator[Place]:
    """Salesforce, or what ``BOTH`` names."""
    with running_standins(world_of_deals()) as crm:
        yield connected(getattr(request, "param", "salesforce"), crm)


def person(name: str, role: str = "rep", **more: Any) -> Person:
    made: Person = Person.objects.create(
        email=f"{name.lower()}@fernhill.example", name=f"{name} Test", role=role, **more
    )
    made.business_units.add(*BusinessUnit.objects.all())
    return made


@pytest.fixture
def anna(place: Place) -> Person:
    """Who owns the deals."""
    return owner_of_deals(place)


def owner_of_deals(place: Place) -> Person:
    made = person("Anna")
    remote_id = ANNA if place.kind == "salesforce" else "501"
    OwnerMatch.objects.update_or_create(
        connection=place.connection, remote_id=remote_id, defaults={"name": made.name, "person": made}
    )
    Record.objects.filter(connection=place.connection, values__owner=remote_id).update(owner=made)
    return made
