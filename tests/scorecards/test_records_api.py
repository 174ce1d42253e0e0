from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from definitions.models import Judgement
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
    states = {j["key"]: j["state"] for j in told["judgements"]}
    assert (states["mql"], states["mql_by_sales"]) == ("missing", "missing")
    assert [e["stage"] for e in told["stage_entries"]] == ["lead", "mql"]
    assert told["owner"] == house.sdr.email


def test_a_record_says_why_it_is_judged_so(house: House, ask: Callable[..., Any]) -> None:
    record = house.mql("C1", house.now - timedelta(hours=2))
    checks = {c["key"]: c for c in ask(reverse("api:record", args=[record.pk]))["checks"]}
    assert checks["mql"]["sentence"] == "Not an MQL: 1 of 2 conditions missing."
    fit, choice = checks["mql"]["parts"]
    assert (fit["state"], fit["conditions"][0]["field"], fit["conditions"][0]["seen"]) == (
        "met",
        "fleet_size",
        40,
    )
    assert (choice["state"], len(choice["conditions"]) > 1) == ("missing", True)


def test_filler_is_told_to_the_owner_and_hidden_from_others(house: House, ask: Callable[..., Any]) -> None:
    record = house.lead("L1", house.now - timedelta(hours=2), Pain__c="tbd")
    Judgement.objects.filter(record=record, key="sql").update(
        state="on_paper",
        paper=[{"path": "$.all[0]", "field": "pain", "reason": "placeholder", "text": "Filler."}],
    )

    def state() -> tuple[str, str]:
        told = ask(reverse("api:record", args=[record.pk]))
        judged = {j["key"]: j["state"] for j in told["judgements"]}
        return judged["sql"], {c["key"]: c["state"] for c in told["checks"]}["sql"]

    assert state() == ("on_paper", "on_paper")
    narrowed = {"definition": "sql", "state": "on_paper"}
    assert len(ask(reverse("api:records"), **narrowed)["results"]) == 1
    Record.objects.filter(pk=record.pk).update(owner=house.ae)
    assert state() == ("met", "met")
    assert ask(reverse("api:records"), **narrowed)["results"] == []
    assert len(ask(reverse("api:records"), definition="sql", state="met")["results"]) == 1


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
