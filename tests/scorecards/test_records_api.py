from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from records.models import Record
from teams.models import BusinessUnit
from teams.tokens import issue_token
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(house: House) -> Callable[..., Any]:
    _, secret = issue_token(house.sdr, name="Reports")

    def get(path: str, **query: str) -> Any:
        answer = Client().get(path, query, headers={"Authorization": f"Bearer {secret}"})
        return answer.json() if answer.status_code == 200 else answer.status_code

    return get


def test_records_come_page_by_page(house: House, ask: Callable[..., Any]) -> None:
    for i in range(3):
        house.mql(f"C{i}", house.now - timedelta(hours=i + 1))
    first = ask(reverse("api:records"), limit="2")
    assert len(first["results"]) == 2
    assert "next" in first
    assert len(ask(reverse("api:records"))["results"]) == 3
    assert len(ask(reverse("api:records"), stage="mql", definition="mql", state="missing")["results"]) == 3
    assert [r["remote_id"] for r in ask(reverse("api:records"), q="c1@buyer")["results"]] == ["C1"]
    assert ask(reverse("api:records"), object="activity") == 400


def test_a_record_comes_with_judgements_and_stage_entries(house: House, ask: Callable[..., Any]) -> None:
    record = house.mql("C1", house.now - timedelta(hours=2))
    told = ask(reverse("api:record", args=[record.pk]))
    assert told["values"]["fleet_size"] == 40
    assert {j["key"]: j["state"] for j in told["judgements"]} == {"mql": "missing", "mql_by_sales": "missing"}
    assert [e["stage"] for e in told["stage_entries"]] == ["lead", "mql"]
    assert told["owner"] == house.sdr.email


def test_a_journey_holds_both_crms_of_the_buyer(house: House, ask: Callable[..., Any]) -> None:
    contact = house.mql("C1", house.now - timedelta(hours=3), email="l1@buyer.example")
    house.lead("L1", house.now - timedelta(hours=2))
    contact.refresh_from_db()
    told = ask(reverse("api:journey", args=[contact.journey_id]))
    assert {r["connection"] for r in told["records"]} == {"hubspot", "salesforce"}


def test_what_is_outside_the_business_unit_does_not_exist(house: House, ask: Callable[..., Any]) -> None:
    record = house.mql("C1", house.now - timedelta(hours=2))
    record.refresh_from_db()
    Record.objects.update(business_unit=BusinessUnit.objects.create(key="elsewhere", name="Elsewhere"))
    assert ask(reverse("api:record", args=[record.pk])) == 404
    assert ask(reverse("api:journey", args=[record.journey_id])) == 404
    assert ask(reverse("api:records"))["results"] == []


def test_without_a_token_nobody_is_answered(house: House) -> None:
    assert Client().get(reverse("api:records")).status_code == 401
