"""The list of records: what each filter finds, inside the border, at a constant cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from records.models import Record
from scorecards.models import MetricFact
from teams.models import BusinessUnit, Person
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15


@pytest.fixture
def leads(house: House) -> House:
    """Three MQLs and two other leads; the CRMs changed them one after the other."""
    for i, (key, company, origin) in enumerate(
        [
            ("C1", "Tarnbrook Paving", "partner"),
            ("C2", "Kestrel Haulage", "content"),
            ("C3", "Ardent Foods", "content"),
        ]
    ):
        house.mql(key, house.now - timedelta(hours=9 - i), company=company, lead_origin=origin,
                  hs_analytics_source=origin.upper(), demo_requested_at=str(house.now))  # fmt: skip
    house.say("hubspot", "contacts", "C4", house.now - timedelta(hours=3), email="kim@mistral.example",
              company="Mistral Freight", fleet_size="3", lifecyclestage="lead")  # fmt: skip
    house.lead("L5", house.now - timedelta(hours=2), Company="Bluewater Couriers", LeadSource="WEB")
    house.say("salesforce", "Opportunity", "D1", house.now - timedelta(hours=1), Name="Ardent, 40 trucks",
              StageName="Discovery", Pipeline__c="New business", IsClosed=False)  # fmt: skip
    return house


@pytest.fixture
def browser(house: House, signed_in: Callable[[Person], Client]) -> Client:
    return signed_in(house.sdr)


def names(browser: Client, **query: Any) -> list[str]:
    page = browser.get(reverse("records:list"), query)
    assert page.status_code == 200
    return [row.company for row in page.context["rows"]]


ALL = ["Bluewater Couriers", "Mistral Freight", "Ardent Foods", "Kestrel Haulage", "Tarnbrook Paving"]


FOUND: list[tuple[dict[str, str], list[str]]] = [
    ({}, ALL),
    ({"sort": "changed"}, ALL[::-1]),
    ({"sort": "title"}, sorted(ALL)),
    ({"sort": "-title"}, sorted(ALL)[::-1]),
    ({"sort": "nonsense"}, ALL),
    ({"stage": "mql"}, ALL[2:]),
    ({"stage": "lead"}, ["Mistral Freight"]),
    ({"definition": "mql", "state": "met"}, ALL[2:]),
    ({"definition": "mql", "state": "missing"}, ["Mistral Freight"]),
    ({"definition": "sql"}, ["Bluewater Couriers"]),
    ({"owner": "none"}, ["Mistral Freight"]),
    ({"owner": "me"}, [ALL[0], *ALL[2:]]),
    ({"owner": "left"}, []),
    ({"connection": "salesforce"}, ["Bluewater Couriers"]),
    ({"source": "PARTNER"}, ["Tarnbrook Paving"]),
    ({"object": "deal"}, ["Ardent, 40 trucks"]),
    ({"object": "deal", "open": "1"}, ["Ardent, 40 trucks"]),
    ({"object": "account"}, []),
    ({"object": "activity"}, ALL),
    ({"q": "kestrel"}, ["Kestrel Haulage"]),
    ({"q": "salloway ardent"}, ["Ardent Foods"]),
    ({"q": "kim@mis"}, ["Mistral Freight"]),
    ({"q": "KIM@MISTRAL.example"}, ["Mistral Freight"]),
    ({"q": "C2"}, []),  # two letters
    ({"q": "nobody like this"}, []),
    ({"q": "100%"}, []),
]


def test_each_filter_finds_its_records_in_order(leads: House, browser: Client) -> None:
    assert [(query, names(browser, **query)) for query, _ in FOUND] == FOUND


def test_a_crm_id_finds_its_record(leads: House, browser: Client) -> None:
    leads.say("hubspot", "contacts", "70000123", leads.now, email="r@v.example", company="Ravel Tours")
    assert names(browser, q="70000123") == ["Ravel Tours"]


def test_many_matches_come_in_the_order_of_the_list(
    leads: House, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scorecards.record_list.FEW_FOUND", 1)
    assert names(browser, q="salloway") == ALL[2:]


def test_the_facts_of_a_number_are_its_records(leads: House, browser: Client) -> None:
    today = leads.now.date()
    days = {"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat()}
    page = browser.get(reverse("records:list"), {"metric": "mql_to_sql", **days})
    assert {row.record.pk for row in page.context["rows"]} == set(
        MetricFact.objects.filter(metric="mql_to_sql").values_list("record", flat=True)
    )
    assert "Behind the number “MQL to SQL”" in page.content.decode()
    assert names(browser, metric="mql_to_sql", value="1", **days) == []
    before = {"from": "2020-01-01", "to": "2020-01-31"}
    assert names(browser, metric="mql_to_sql", **before) == []


def test_a_stage_and_days_find_who_entered_then(leads: House, browser: Client) -> None:
    day = (leads.now - timedelta(hours=9)).date().isoformat()
    assert "Tarnbrook Paving" in names(browser, stage="mql", **{"from": day, "to": day})
    assert names(browser, stage="mql", **{"from": "2020-01-01", "to": "2020-01-02"}) == []


def test_another_business_unit_sees_none_of_it(leads: House, signed_in: Callable[[Person], Client]) -> None:
    unit = BusinessUnit.objects.create(key="elsewhere", name="Elsewhere")
    other = BusinessUnit.objects.create(key="hidden", name="Hidden")
    Record.objects.update(business_unit=other)
    outsider = Person.objects.create_user("out@fernhill.example", name="Out Sider")
    outsider.business_units.add(unit)
    assert names(signed_in(outsider)) == []
    assert names(signed_in(outsider), q="kestrel") == []


def test_deleted_and_merged_records_are_not_listed(leads: House, browser: Client) -> None:
    Record.objects.filter(remote_id="C1").update(deleted_at=leads.now)
    Record.objects.filter(remote_id="C2").update(merged_into=Record.objects.get(remote_id="C3"))
    assert names(browser) == ["Bluewater Couriers", "Mistral Freight", "Ardent Foods"]


def test_the_list_costs_a_constant_number_of_queries(
    leads: House, browser: Client, django_assert_max_num_queries: Any
) -> None:
    browser.get(reverse("records:list"))  # what is kept for a while
    for query in ({}, {"q": "kestrel"}, {"stage": "mql", "definition": "mql", "state": "met", "owner": "me"}):
        with django_assert_max_num_queries(MOST_QUERIES):
            browser.get(reverse("records:list"), query)


def test_htmx_gets_only_the_rows_and_caches_tell_the_two_apart(leads: House, browser: Client) -> None:
    part = browser.get(reverse("records:list"), {"q": "kestrel"}, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "Kestrel Haulage" in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_the_export_is_the_list(leads: House, browser: Client) -> None:
    house = leads
    house.say(
        "hubspot", "contacts", "C9", house.now, email="e@x.example", company="=cmd()", lifecyclestage="lead"
    )
    answer = browser.get(reverse("records:export"), {"sort": "title"})
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]  # streamed
    assert answer["Content-Disposition"] == 'attachment; filename="gtmops-people.csv"'
    assert len(lines) == 1 + 6
    assert lines[1].startswith("person,'=cmd()")


def test_a_page_nobody_made_is_the_first(leads: House, browser: Client) -> None:
    for page in ("nonsense", "%00", "a" * 5000):
        assert names(browser, page=page) == ALL


def test_no_query_breaks_the_page(leads: House, browser: Client) -> None:
    for query in (
        {"owner": "999999999999999999999"},
        {"owner": "-1"},
        {"owner": "²"},
        {"q": "\x00\x00\x00"},
        {"from": "0000-00-00"},
        {"metric": "nothing"},
        {"metric": "in_time", "from": "2026-01-01"},
        {"connection": "'; --"},
    ):
        assert browser.get(reverse("records:list"), query).status_code == 200, query
        assert browser.get(reverse("records:export"), query).status_code == 200, query
