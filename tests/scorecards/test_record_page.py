"""One record: why it is (not) an MQL, whose move it is, what happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from records.models import FieldMapping, Record
from scorecards.record_timeline import plain_subject
from teams.models import BusinessUnit, Person
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db
MOST_QUERIES = 16


@pytest.fixture
def browser(house: House, signed_in: Callable[[Person], Client]) -> Client:
    return signed_in(house.sdr)


@pytest.fixture
def buyer(house: House) -> Record:
    """A HubSpot contact and its Salesforce lead: one buyer, an MQL for five hours, called once, sent to an AE."""
    contact = house.mql("C1", house.now - timedelta(hours=5), email="l1@buyer.example", jobtitle="Fleet manager",
                        demo_requested_at=str(house.now - timedelta(hours=6)))  # fmt: skip
    house.lead("L1", house.now - timedelta(hours=4), Need_Confirmed__c=True, Authority_Confirmed__c=False)
    house.say("salesforce", "Task", "T1", house.now - timedelta(hours=3), Subject="Call: about the trucks",
              TaskSubtype="Call", OwnerId="sdr", WhoId="L1",
              CompletedDateTime=str(house.now - timedelta(hours=3)))  # fmt: skip
    house.say("salesforce", "Lead", "L1", house.now - timedelta(hours=2), Status="Qualified")
    return contact


def look(browser: Client, record: Record, **query: str) -> Any:
    answer = browser.get(reverse("records:record", args=[record.pk]), query)
    assert answer.status_code == 200
    return answer.context["page"]


def test_the_sentence_is_about_the_first_check_not_passed(buyer: Record, browser: Client) -> None:
    page = look(browser, buyer)
    assert page.sentence == "Not an SQL: 2 of 3 conditions missing."
    assert [s.heading for s in page.sections][:2] == ["An MQL: all 2 conditions are met.", page.sentence]


def test_each_condition_shows_the_value_seen_and_where(buyer: Record, browser: Client) -> None:
    sections = {s.check.key: s for s in look(browser, buyer).sections}
    first, choice = sections["mql"].parts
    assert (sections["mql"].crm, first.state, first.seen_words[0].text) == ("HubSpot", "met", "40")
    assert choice.is_choice
    assert choice.seen_words[0].at is not None
    seen = [(p.state, p.seen_words[0].text) for p in sections["sql"].parts]
    assert seen == [("met", "yes"), ("missing", "no"), ("missing", "empty")]


def test_a_field_that_is_not_connected_says_so(house: House, browser: Client) -> None:
    contact = house.mql("C1", house.now - timedelta(hours=5))
    field = "fleet_size"
    house.say("hubspot", "contacts", "C1", house.now - timedelta(hours=1))
    FieldMapping.objects.filter(field__name=field).update(is_broken=True)
    house.say("hubspot", "contacts", "C1", house.now, firstname="Kit")
    part = look(browser, contact).sections[0].parts[0]
    assert (part.state, part.seen_words[0].text) == ("unknown", "field not connected")


def test_the_stages_stand_with_their_dates(buyer: Record, browser: Client) -> None:
    bar = {s["name"]: s["state"] for s in look(browser, buyer).stages}
    told = {
        "Lead": "done",
        "MQL": "done",
        "SQL": "current",
        "SAL": "ahead",
        "Opportunity": "ahead",
        "Won": "ahead",
    }
    assert bar == told


def test_a_second_time_is_said(house: House, browser: Client) -> None:
    contact = house.mql("C1", house.now - timedelta(hours=9))
    house.say("hubspot", "contacts", "C1", house.now - timedelta(hours=5), lifecyclestage="lead")
    house.say(
        "hubspot", "contacts", "C1", house.now - timedelta(hours=2), lifecyclestage="marketingqualifiedlead"
    )
    notes = {s["name"]: s["note"] for s in look(browser, contact).stages}
    assert notes["MQL"] == "2nd time"


def test_both_crms_of_the_buyer_are_there(buyer: Record, browser: Client) -> None:
    page = look(browser, buyer)
    assert [(m.crm, m.noun, m.is_this) for m in page.members] == [
        ("HubSpot", "contact", True),
        ("Salesforce", "lead", False),
    ]
    assert page.members[0].url == "http://127.0.0.1:9/hubspot/contacts/C1"


def test_an_admin_finds_what_was_sent_of_each_record_and_a_rep_does_not(
    house: House, buyer: Record, browser: Client
) -> None:
    page = reverse("records:record", args=[buyer.pk])
    sent = f'{reverse("integrations:write_log", args=["hubspot"])}?record={buyer.pk}"'
    assert sent not in browser.get(page).content.decode()
    Person.objects.filter(pk=house.sdr.pk).update(role="revops_admin")
    assert sent in browser.get(page).content.decode()


def test_the_timeline_mixes_stages_activities_and_handoffs_newest_first(
    buyer: Record, browser: Client
) -> None:
    happened = look(browser, buyer).happened
    texts = [h.text.partition(" (seen later")[0] for h in happened]
    assert sorted(texts) == [
        "Became Lead",
        "Became MQL",
        "Became SQL",
        "Call: about the trucks",
        "Handoff opened",
    ]
    assert [h.at for h in happened] == sorted((h.at for h in happened), reverse=True)


def test_the_switch_shows_every_change_with_names_and_words(
    buyer: Record, house: House, browser: Client
) -> None:
    house.say(
        "salesforce", "Lead", "L1", house.now - timedelta(hours=1), OwnerId="ae", Need_Confirmed__c=False
    )
    key = {h.text for h in look(browser, buyer).happened}
    every = {h.text for h in look(browser, buyer, events="all").happened}
    assert f"Owner: {house.sdr.name} → {house.ae.name}" in every - key
    assert "Need confirmed: yes → no" in every - key


def test_its_handoff_and_clock_lead_on(buyer: Record, browser: Client) -> None:
    page = look(browser, buyer)
    assert [h.name for h in page.handoff_lines] == ["SDR to AE"]
    assert page.handoff_lines[0].href
    assert all(due.href for due in page.due)


def test_outside_the_business_unit_it_does_not_exist(
    buyer: Record, signed_in: Callable[[Person], Client]
) -> None:
    unit = BusinessUnit.objects.create(key="elsewhere", name="Elsewhere")
    Record.objects.update(business_unit=unit)
    outsider = Person.objects.create_user("out@fernhill.example", name="Out Sider")
    assert signed_in(outsider).get(reverse("records:record", args=[buyer.pk])).status_code == 404


def test_members_of_another_unit_stay_behind_its_border(buyer: Record, browser: Client) -> None:
    hidden = BusinessUnit.objects.create(key="elsewhere", name="Elsewhere")
    Record.objects.filter(remote_id="L1").update(business_unit=hidden)
    page = look(browser, buyer)
    assert [m.record.remote_id for m in page.members] == ["C1"]
    assert page.handoff_lines == []
    keys = {s.check.key for s in page.sections}
    assert {"mql", "mql_by_sales"} <= keys
    assert "sql" not in keys
    assert "SQL" not in {s["name"] for s in page.stages if s["at"]}


def test_a_record_without_a_journey_has_a_page(house: House, browser: Client) -> None:
    account = house.say("salesforce", "Account", "A1", house.now, Name="Kestrel Haulage")
    assert look(browser, account).company == "Kestrel Haulage"


def test_the_page_costs_a_constant_number_of_queries(
    buyer: Record, house: House, browser: Client, django_assert_max_num_queries: Any
) -> None:
    house.say("salesforce", "Lead", "L1", house.now - timedelta(hours=1), OwnerId="ae")
    look(browser, buyer)  # the session is written once a minute
    for query in ({}, {"events": "all"}):
        with django_assert_max_num_queries(MOST_QUERIES):
            look(browser, buyer, **query)


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("Email: One page", "One page"),
        ("email:one", "one"),
        ("Call: later", "later"),
        ("Call with Jens", "Call with Jens"),
        ("Recall: nothing", "Recall: nothing"),
        ("", ""),
    ],
)
def test_the_crms_own_prefix_is_not_said_twice(subject: str, plain: str) -> None:
    assert plain_subject(subject) == plain
