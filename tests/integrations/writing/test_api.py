"""Writing over the API: the same functions as the pages, for admins, inside their border."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from integrations.push import push_due
from integrations.writing.models import RecordHold
from records.models import Connection, DesiredField, Record
from teams.models import Person
from tests.integrations.writing.bare import NOW, Bare


@pytest.fixture
def admin(db: None) -> APIClient:
    client = APIClient()
    client.force_login(
        Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    return client


def url(what: str, *args: str) -> str:
    return reverse(f"api:writing{what and '_'}{what}", args=args)


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()


def test_what_waits_is_seen_and_paused_and_goes_on(admin: APIClient, bare: Bare) -> None:
    bare.want("MQL")
    (standing,) = body(admin.get(url("")))["results"]
    assert (standing["state"], standing["waiting"]) == ("writing", 5)
    planned = body(admin.get(url("preview", "hub"), {"field": "gtm_stage", "limit": 2}))
    assert planned["count"] == 5
    assert [(row["after"], row["is_undo"]) for row in planned["results"]] == [("MQL", False)] * 2
    for _ in range(2):
        assert body(admin.post(url("pause", "hub")))["state"] == "paused"
    assert push_due(NOW) == 0
    assert body(admin.post(url("resume", "hub")))["state"] == "writing"
    assert Connection.objects.get(name="hub").writing_paused_at is None


def test_what_was_refused_is_read_in_its_own_words_and_sent_again(admin: APIClient, bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first"}
    bare.want("MQL")
    push_due(NOW)
    (refused,) = body(admin.get(url("refused", "hub")))["results"]
    assert refused["text"] == "NO: Ask Legal first"
    log = body(admin.get(url("log", "hub"), {"record": refused["record"], "outcome": "refused"}))
    assert [(row["code"], row["values"]["gtm_stage"][1]) for row in log["results"]] == [("NO", "MQL")]
    assert body(admin.post(url("retry", "hub"), {"ids": [refused["id"] + 1]})) == {"fields": 0}
    assert body(admin.post(url("retry", "hub"), {"ids": [refused["id"]]})) == {"fields": 1}
    assert body(admin.post(url("retry", "hub"))) == {"fields": 0}


def test_a_record_and_a_field_are_held_and_released(admin: APIClient, bare: Bare) -> None:
    bare.want("MQL")
    first, second = (str(pk) for pk in Record.objects.order_by("remote_id").values_list("pk", flat=True)[:2])
    body(admin.post(url("hold", "hub"), {"record": first, "reason": "Under litigation"}))
    assert RecordHold.objects.get().reason == "Under litigation"
    held = body(admin.post(url("hold", "hub"), {"record": second, "field": "gtm_stage"}))
    assert (held["held"], held["held_records"]) == (1, 1)
    assert DesiredField.objects.get(hold=True).hold_reason == "Ola Opsen put it on hold"
    body(admin.post(url("release", "hub"), {"record": first}))
    body(admin.post(url("release", "hub"), {"record": second, "field": "gtm_stage"}))
    assert not RecordHold.objects.exists()
    assert not DesiredField.objects.filter(hold=True).exists()


@pytest.mark.parametrize(
    ("what", "sent", "status"),
    [
        ("hold", {"record": "no id"}, 400),
        ("hold", {"record": "6f1a3c1e-0000-4000-8000-000000000000"}, 404),
        ("hold", {"record": "6f1a3c1e-0000-4000-8000-000000000000", "field": "email"}, 400),
        ("retry", {"ids": []}, 400),
        ("log", {"outcome": "eaten"}, 400),
        ("preview", {"field": "email"}, 400),
    ],
)
def test_what_cant_be_read_changes_nothing(
    admin: APIClient, bare: Bare, what: str, sent: dict[str, Any], status: int
) -> None:
    ask = admin.get if what in {"log", "preview"} else admin.post
    body(ask(url(what, "hub"), sent), status)
    assert not RecordHold.objects.exists()
