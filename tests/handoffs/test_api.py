from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from handoffs import services
from handoffs.models import Handoff
from records.models import Event
from teams.models import BusinessUnit, Person, Scope
from teams.tokens import issue_token
from tests.handoffs.conftest import FULL, House
from tests.handoffs.test_acts import STEP

Api = Callable[..., Any]


def client_of(person: Person, scope: str = Scope.WRITE) -> Client:
    _, secret = issue_token(person, name="test", scope=scope)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def act(
    client: Client, handoff: Handoff, name: str, body: dict[str, Any] | None = None, key: str = "k"
) -> Any:
    return client.post(
        reverse(f"api:handoff_{name}", args=[handoff.pk]),
        body or {},
        content_type="application/json",
        headers={"Idempotency-Key": key} if key else {},
    )


@pytest.fixture
def ready(house: House) -> Handoff:
    return house.handoff(**FULL)


def test_a_handoff_goes_all_the_way(house: House, ready: Handoff) -> None:
    sdr, ae = client_of(house.sdr), client_of(house.ae)
    steps: list[tuple[Client, str, dict[str, Any], str]] = [
        (sdr, "fill", {"values": {"next_step": "Call"}}, "open"),
        (sdr, "send", {"values": STEP}, "sent"),
        (ae, "ask", {"text": "Who signs?"}, "asked"),
        (sdr, "answer", {"text": "The CFO."}, "seen"),
        (ae, "send_back", {"reason": "other", "text": "Wrong region"}, "sent_back"),
        (sdr, "send", {"receiver": house.ae.pk}, "sent"),
        (ae, "accept", {}, "accepted"),
        (ae, "confirm_next_step", {"next_step_at": "2030-02-01T10:00:00Z"}, "completed"),
    ]
    for i, (client, name, body, state) in enumerate(steps):
        answer = act(client, ready, name, body, key=str(i))
        assert (answer.status_code, answer.json().get("state")) == (200, state), answer.content
    shown = sdr.get(reverse("api:handoff", args=[ready.pk])).json()
    assert shown["next_step_at"] == "2030-02-01T10:00:00Z"
    assert {f["key"]: f["source"] for f in shown["form_fields"]}["pain"] == "salesforce"


@pytest.mark.parametrize(
    ("name", "body", "status", "fields"),
    [
        ("send", {}, 400, {"next_step", "next_step_at"}),
        ("send", {"receiver": 987654}, 400, {"receiver"}),
        ("fill", {"values": {"nonsense": "x"}}, 400, set()),
        ("fill", {"values": {"next_step_at": "soon"}}, 400, {"next_step_at"}),
        ("fill", {"values": "x"}, 400, {"values"}),
        ("answer", {"text": "x"}, 409, set()),
        ("answer", {}, 400, {"text"}),
        ("accept", {}, 403, set()),
    ],
)
def test_a_refusal_says_why_and_which_fields(
    house: House, ready: Handoff, name: str, body: dict[str, Any], status: int, fields: set[str]
) -> None:
    answer = act(client_of(house.sdr), ready, name, body)
    assert answer.status_code == status, answer.content
    assert set(answer.json()) == {"text", "fields"}
    assert answer.json()["text"]
    assert set(answer.json()["fields"]) == fields


def test_the_same_key_is_one_act_and_another_body_is_refused(house: House, ready: Handoff) -> None:
    client = client_of(house.sdr)
    body = {"values": {"next_step": "Call"}}
    assert [act(client, ready, "fill", body).status_code for _ in range(2)] == [200, 200]
    assert Event.objects.filter(kind="handoff.filled").count() == 1
    assert act(client, ready, "fill", {"values": {"next_step": "Mail"}}).status_code == 422
    assert act(client, ready, "send", {"values": STEP}).status_code == 422
    assert act(client, ready, "fill", body, key="").status_code == 400


def test_a_reading_token_only_reads(house: House, ready: Handoff) -> None:
    client = client_of(house.sdr, Scope.READ)
    assert client.get(reverse("api:handoff", args=[ready.pk])).status_code == 200
    assert act(client, ready, "fill", {"values": {}}).status_code == 403


def test_the_business_unit_is_the_border(house: House, ready: Handoff) -> None:
    stranger = Person.objects.create_user("far@fernhill.example", name="Stella Faraway", role="leader")
    stranger.business_units.add(BusinessUnit.objects.create(key="elsewhere", name="Elsewhere"))
    client = client_of(stranger)
    assert client.get(reverse("api:handoff", args=[ready.pk])).status_code == 404
    assert act(client, ready, "accept").status_code == 404
    assert client.get(reverse("api:handoffs")).json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("state=sent", 1),
        ("whose_move=sender", 1),
        ("q=kestrel", 2),
        ("team=cs", 0),
        ("opened_after=2999-01-01T00:00:00Z", 0),
        ("limit=1", 2),
    ],
)
def test_the_list_is_narrowed_and_paged(house: House, ready: Handoff, query: str, count: int) -> None:
    services.send(house.handoff("L2", **FULL), house.sdr, STEP, key="1", now=house.now)
    found = client_of(house.ae).get(f"{reverse('api:handoffs')}?{query}").json()
    assert found["count"] == count
    assert len(found["results"]) == min(count, 1 if "limit" in query else 100)


def test_a_filter_that_cannot_be_read_is_an_error(house: House) -> None:
    answer = client_of(house.ae).get(f"{reverse('api:handoffs')}?state=nonsense")
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"state"})
