from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from effects.tick import now_utc
from integrations.forgetting import forget_due
from records.models import Connection
from teams.models import Person

SECRETS: dict[str, tuple[str, dict[str, str]]] = {
    "salesforce": (
        "client_credentials",
        {"domain": "fernhill.my", "consumer_key": "key", "consumer_secret": "only-a-test"},
    ),
    "hubspot": ("service_key", {"access_token": "pat-only-a-test"}),
}
"""As the stand-ins take them."""


@pytest.fixture
def person(db: None) -> Person:
    return Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")


@pytest.fixture
def admin(client: Client, person: Person) -> Client:
    client.force_login(person)
    return client


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, (response.status_code, response.content[:2000])
    return str(response.content.decode())


def finish_forgetting() -> None:
    """As the ticker does it, until nothing is left to be made unknown."""
    while forget_due(now_utc()):
        pass


def begin(admin: Client, kind: str, base_url: str, label: str = "Our CRM") -> Connection:
    """The first step, by the form."""
    answer = admin.post(
        reverse("integrations:connection_new"), {"kind": kind, "label": label, "base_url": base_url}
    )
    connection = Connection.objects.get(label=label)
    assert answer["Location"] == reverse("integrations:sign_in", args=[connection.name])
    return connection


def sign_in(admin: Client, connection: Connection) -> None:
    """The second."""
    method, secret = SECRETS[connection.kind]
    answer = admin.post(reverse("integrations:credentials", args=[connection.name, method]), secret)
    assert answer.status_code == 302, answer.content.decode()
