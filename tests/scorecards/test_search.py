from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from records.models import Record
from teams.models import BusinessUnit, Person
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(house: House, signed_in: Callable[[Person], Client]) -> Client:
    return signed_in(house.sdr)


def found(browser: Client, text: str) -> dict[str, list[str]]:
    page = browser.get(reverse("records:search"), {"q": text})
    return {group["label"]: [row["text"] for row in group["rows"]] for group in page.context["groups"]}


def test_records_and_their_handoffs_are_found(house: House, browser: Client) -> None:
    house.handoff("L1")
    house.say("salesforce", "Opportunity", "D1", house.now, Name="Kestrel, 40 trucks")
    assert found(browser, "kestrel") == {
        "People": ["Kestrel Haulage · Maren Tolliver"],
        "Deals": ["Kestrel, 40 trucks"],
        "Handoffs": ["SDR to AE: Kestrel Haulage · Maren Tolliver"],
    }
    assert list(found(browser, "l1@buyer")) == ["People", "Handoffs"]


def test_the_command_menu_gets_rows_it_can_choose_from(house: House, browser: Client) -> None:
    lead = house.lead("L1")
    part = browser.get(reverse("records:search"), {"q": "kestrel"}, headers={"HX-Request": "true"})
    text = part.content.decode()
    assert "<html" not in text
    assert f'role="option" href="{reverse("records:record", args=[lead.pk])}"' in text


def test_nothing_found_is_a_page_as_well(house: House, browser: Client) -> None:
    for text in ("", "ke", "\x00\x00\x00", "nobody"):
        assert found(browser, text) == {}, text


def test_nothing_of_another_business_unit_is_found(
    house: House, signed_in: Callable[[Person], Client]
) -> None:
    house.handoff("L1")
    Record.objects.update(business_unit=BusinessUnit.objects.create(key="elsewhere", name="Elsewhere"))
    outsider = Person.objects.create_user("out@fernhill.example", name="Out Sider")
    assert found(signed_in(outsider), "kestrel") == {}
    assert found(signed_in(outsider), "l1@buyer.example") == {}


def test_a_page_of_results_has_links_and_no_script_is_needed(house: House, browser: Client) -> None:
    lead = house.lead("L1", house.now - timedelta(hours=1))
    text = browser.get(reverse("records:search"), {"q": "kestrel"}).content.decode()
    assert reverse("records:record", args=[lead.pk]) in text
