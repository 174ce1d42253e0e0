from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.test import Client

from definitions.models import Signal
from teams.models import Person, Role, Scope
from teams.tokens import issue_token

pytestmark = pytest.mark.django_db

URL = "/api/v1/signals/"
EVENT: dict[str, Any] = {"type": "track", "event": "Report Exported", "userId": "u_1", "messageId": "m1"}


def secret_of(role: str = Role.REVOPS_ADMIN, scope: str = Scope.WRITE, name: str = "product") -> str:
    person = Person.objects.create_user(f"{role}{name}@fernhill.example", name=role, role=role)
    return issue_token(person, name=name, scope=scope)[1]


def send(secret: str, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    wanted = {"Authorization": f"Bearer {secret}", **headers}
    return Client().post(URL, raw, content_type="application/json", headers=wanted)


def test_a_batch_is_taken_once_and_says_what_it_refused() -> None:
    secret = secret_of()
    batch = {"batch": [EVENT, {**EVENT, "type": "page"}, {**EVENT, "messageId": "m2"}, 7]}
    first = send(secret, batch)
    assert first.status_code == 200, first.content
    told = first.json()
    assert (told["stored"], told["duplicates"], told["matched"]) == (2, 0, 0)
    assert [(r["index"], r["code"]) for r in told["rejected"]] == [(1, "not_track"), (3, "not_an_event")]
    assert send(secret, batch).json()["duplicates"] == 2
    assert set(Signal.objects.values_list("source", "name")) == {("product", "report_exported")}


def test_a_new_token_of_the_same_name_goes_on_and_another_name_is_another_source() -> None:
    first = secret_of()
    send(first, EVENT)
    again = issue_token(Person.objects.get(), name="product", scope=Scope.WRITE)[1]
    other = issue_token(Person.objects.get(), name="warehouse", scope=Scope.WRITE)[1]
    assert send(again, EVENT).json()["duplicates"] == 1
    assert send(other, EVENT).json()["stored"] == 1


def test_basic_with_the_token_as_user_name() -> None:
    told = base64.b64encode(f"{secret_of()}:".encode()).decode()
    assert send("", EVENT, Authorization=f"Basic {told}").status_code == 200
    assert (
        send("", EVENT, Authorization="Basic " + base64.b64encode(b"me:secret").decode()).status_code == 401
    )
    assert send("", EVENT, Authorization="Basic !").status_code == 401


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [
        (Role.REVOPS_ADMIN, Scope.WRITE, 200),
        (Role.SYSTEM_ADMIN, Scope.WRITE, 200),
        (Role.REVOPS_ADMIN, Scope.READ, 403),
        (Role.REP, Scope.WRITE, 403),
    ],
)
def test_it_needs_a_write_token_of_an_admin(role: str, scope: str, status: int) -> None:
    assert send(secret_of(role, scope), EVENT).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"event": NaN}', 400),
        (b"[" * 100_000, 400),
        (b"1" * 5000, 400),
        (b'{"batch": []}', 400),
        (json.dumps({"batch": [7, 8]}).encode(), 400),
        (json.dumps({"batch": [EVENT] * 501}).encode(), 400),
        (b" " * 500_001, 413),
    ],
)
def test_what_cant_be_read_is_refused_as_a_whole(body: bytes, status: int) -> None:
    answer = send(secret_of(), body)
    assert answer.status_code == status, answer.content
    assert answer.json()["text"]
    assert not Signal.objects.exists()
