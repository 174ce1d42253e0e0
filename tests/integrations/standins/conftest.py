from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import hubspot
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

from integrations.standins.app import Running, running_standins
from integrations.standins.world import Row, World, salesforce_id

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REP = salesforce_id("005", 1)
QUEUE = salesforce_id("00G", 1)


class ToStandin(HTTPAdapter):
    """simple-salesforce insists on https; this sends it to the local server whatever host it names."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = self.base_url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


def lead(n: int, **fields: Any) -> Row:
    created = START + timedelta(minutes=n // 3)
    return {
        "id": salesforce_id("00Q", n),
        "fields": {
            "FirstName": "Ada",
            "LastName": f"Brightwell {n}",
            "Company": f"Company {n}",
            "Status": "Open - Not Contacted",
            "OwnerId": REP,
            **fields,
        },
        "created": created,
        "modified": created,
    }


def contact(n: int, **fields: Any) -> Row:
    created = START + timedelta(seconds=n)
    return {
        "id": str(1000 + n),
        "fields": {
            "email": f"person{n}@company.example",
            "firstname": "Bo",
            "lastname": f"Tern {n}",
            **fields,
        },
        "created": created,
        "modified": created,
    }


def small_world(leads: int = 7, contacts: int = 7) -> World:
    return {
        "salesforce": {"Lead": [lead(n) for n in range(1, leads + 1)]},
        "hubspot": {"contacts": [contact(n, lifecyclestage="lead") for n in range(1, contacts + 1)]},
        "users": [
            {
                "id": REP,
                "first_name": "Rey",
                "last_name": "Moss",
                "email": "rey@fernhill.example",
                "active": True,
            }
        ],
        "queues": [{"id": QUEUE, "name": "Inbound", "members": [REP], "assigns_leads": True}],
        "owners": [
            {
                "id": "501",
                "user_id": 9501,
                "first_name": "Rey",
                "last_name": "Moss",
                "email": "rey@fernhill.example",
                "archived": False,
            }
        ],
    }


@pytest.fixture(autouse=True)
def _hubspot_is_asked_as_it_is_described() -> None:
    """Not here: these tests ask the stand-ins for what HubSpot refuses."""


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """``start(world, faults="…")`` serves a world until the test ends."""
    with ExitStack() as stack:
        yield lambda world=None, **kwargs: stack.enter_context(
            running_standins(world or small_world(), **kwargs)
        )


@pytest.fixture
def running(start: Start) -> Running:
    return start()


def salesforce_at(running: Running, *, auto_assign: bool = False) -> Salesforce:
    session = requests.Session()
    session.mount("https://", ToStandin(running.base_url))
    if not auto_assign:
        session.headers["Sforce-Auto-Assign"] = "FALSE"
    return Salesforce(
        consumer_key="key", consumer_secret="secret", domain="fernhill.my", session=session, version="62.0"
    )


def hubspot_at(running: Running) -> Any:
    return hubspot.HubSpot(access_token="pat-na1-demo", host=running.base_url)


@pytest.fixture
def sf(running: Running) -> Salesforce:
    return salesforce_at(running)


@pytest.fixture
def hs(running: Running) -> Any:
    return hubspot_at(running)
