"""Both stand-ins with a small world, and connections that point at them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from integrations.budget import Budget
from integrations.setup import ensure_connection
from integrations.standins.app import Running, running_standins
from integrations.standins.world import World, salesforce_id
from records.models import Connection
from tests.integrations.hubspot_api.recorder import recording

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEADS = 7
ANNA, QUEUE = salesforce_id("005", 1), salesforce_id("00G", 1)


def lead_id(n: int) -> str:
    return salesforce_id("00Q", n)


def small_world(leads: int = LEADS) -> World:
    """``leads`` leads and as many contacts, a call and a task about the first of each; all stamps tie in pairs."""
    at = [START + timedelta(minutes=n // 2) for n in range(leads + 1)]
    return {
        "users": [
            {"id": ANNA, "first_name": "Anna", "last_name": "Ostra", "email": "anna@fernhill.example", "active": True}
        ],
        "queues": [{"id": QUEUE, "name": "Inbound", "members": [ANNA]}],
        "owners": [
            {
                "id": "501", "user_id": 9501, "first_name": "Anna", "last_name": "Ostra",
                "email": "anna@fernhill.example", "archived": False,
            },
            {
                "id": "502", "user_id": 9502, "first_name": "Gone", "last_name": "Leaver",
                "email": "gone@fernhill.example", "archived": True,
            },
        ],
        "salesforce": {
            "Lead": [
                {
                    "id": lead_id(n),
                    "fields": {
                        "FirstName": "Person", "LastName": f"Number{n}", "Company": "Acme",
                        "Email": f"p{n}@acme.example",
                        "Status": "Working - Contacted" if n == 1 else "Open - Not Contacted", "OwnerId": ANNA,
                    },
                    "created": START,
                    "modified": at[n],
                    "history": [
                        {
                            "field": "Status", "old": "Open - Not Contacted", "new": "Working - Contacted",
                            "at": START + timedelta(seconds=30), "by": ANNA,
                        }
                    ] if n == 1 else [],
                }
                for n in range(1, leads + 1)
            ],
            "Task": [
                {
                    "id": salesforce_id("00T", 1),
                    "fields": {"Subject": "Call", "WhoId": lead_id(1), "OwnerId": ANNA, "Status": "Completed"},
                    "created": START,
                    "modified": START,
                }
            ],
        },
        "hubspot": {
            "contacts": [
                {
                    "id": str(100 + n),
                    "fields": {
                        "firstname": "Person", "lastname": f"Number{n}", "email": f"p{n}@acme.example",
                        "lifecyclestage": "marketingqualifiedlead" if n == 1 else "lead", "hubspot_owner_id": "501",
                    },
                    "created": START,
                    "modified": at[n],
                    "history": [
                        {
                            "field": "lifecyclestage", "old": "lead", "new": "marketingqualifiedlead",
                            "at": START + timedelta(seconds=30), "by": "9501",
                        }
                    ] if n == 1 else [],
                }
                for n in range(1, leads + 1)
            ],
            "calls": [
                {
                    "id": "900",
                    "fields": {"hs_timestamp": START, "hs_call_title": "Call", "hubspot_owner_id": "501"},
                    "created": START,
                    "modified": START,
                    "associations": [{"to_type": "contacts", "to_id": "101", "type_id": 194}],
                }
            ],
        },
    }  # fmt: skip


def _mappings(kind: str) -> list[dict[str, Any]]:
    names = {
        "salesforce": {
            "person": ("Lead", {
                "first_name": "FirstName", "last_name": "LastName", "email": "Email", "stage": "Status",
                "owner": "OwnerId",
            }),
            "activity": ("Task", {"subject": "Subject", "owner": "OwnerId", "about": "WhoId"}),
        },
        "hubspot": {
            "person": ("contacts", {
                "first_name": "firstname", "last_name": "lastname", "email": "email", "stage": "lifecyclestage",
                "owner": "hubspot_owner_id",
            }),
            "activity": ("calls", {"subject": "hs_call_title", "owner": "hubspot_owner_id"}),
        },
    }[kind]  # fmt: skip
    types = {"stage": "picklist", "owner": "reference", "about": "reference"}
    return [
        {
            "object": object_name, "remote_object": remote_object, "field": field, "remote_name": remote_name,
            "type": types.get(field, "text"), "has_history": field == "stage",
            **({"links_to": "salesforce:Lead,salesforce:Contact"} if field == "about" else {}),
        }
        for object_name, (remote_object, fields) in names.items()
        for field, remote_name in fields.items()
    ]  # fmt: skip


SECRETS: dict[str, tuple[str, dict[str, str]]] = {
    "salesforce": (
        "client_credentials",
        {"consumer_key": "key", "consumer_secret": "only-a-test", "domain": "fernhill.my"},
    ),
    "hubspot": (
        "private_app_token",
        {"access_token": "pat-only-a-test", "client_secret": "webhook-only-a-test"},
    ),
}


def connect(kind: str, base_url: str, **more: Any) -> Connection:
    method, secret = SECRETS[kind]
    spec = {
        "name": kind, "kind": kind, "label": kind.capitalize(), "base_url": base_url, "method": method,
        "secret": secret,
        "mappings": _mappings(kind), **more,
    }  # fmt: skip
    return ensure_connection(spec, datetime.now(UTC))


@pytest.fixture(autouse=True)
def _may_call_this_machine(settings: Any) -> None:
    settings.CRM_HOSTS = ["127.0.0.1"]


@pytest.fixture(autouse=True)
def _a_wait_ends_with_its_test(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What a CRM tells one process to wait, all keep by the real clock; most tests have a clock of their own."""
    if "waits_are_kept" not in request.fixturenames:
        monkeypatch.setattr(Budget, "wait_until", lambda self, at, text: None)


@pytest.fixture
def waits_are_kept() -> Iterator[None]:
    """For a test that is about them."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _hubspot_is_asked_as_it_is_described() -> Iterator[None]:
    """No test of a connector passes with a request that HubSpot's API descriptions don't have."""
    with recording() as faults:
        yield
    assert not faults, sorted(set(faults))


@pytest.fixture
def standins() -> Iterator[Running]:
    with running_standins(small_world()) as running:
        yield running


@pytest.fixture(params=["salesforce", "hubspot"])
def connection(request: pytest.FixtureRequest, standins: Running, db: None) -> Connection:
    """Both CRMs in turn."""
    return connect(request.param, standins.base_url)


def first_id(connection: Connection) -> tuple[str, str]:
    """(remote object, remote id) of the first person there."""
    if connection.kind == "csv":
        return "leads", "101"
    return ("Lead", lead_id(1)) if connection.kind == "salesforce" else ("contacts", "101")
