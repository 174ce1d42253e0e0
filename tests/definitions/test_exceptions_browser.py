"""A rep asks for an exception on the record's page, their manager grants it: in a browser, as wide as a phone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from definitions.models import Judgement
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Record
from teams.models import Person, Role, Team
from tests.definitions.conftest import change, make_record
from tests.definitions.small_model import make_small_model
from tests.definitions.test_exceptions import member

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def enter(page: Page, live_server: Any, person: Person, path: str) -> None:
    client = Client()
    client.force_login(person)
    cookie = client.cookies["gtmops_session"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(live_server.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def deal_of(salesforce: Connection, rep: Person) -> Record:
    """Left Discovery for Negotiation, where its success criteria are missing."""
    now = timezone.now()
    values = {"pipeline": "New business", "stage": "Discovery", "success_criteria": None, "amount": 9000}
    deal = make_record(salesforce, "1", values, object_name="deal", at=now - timedelta(days=30))
    change(deal, "stage", "Negotiation", now - timedelta(days=3))
    deal.owner = rep
    deal.save(update_fields=["owner"])
    refresh(load_batch([deal.journey_id], now))  # type: ignore[list-item]  # it has a journey
    return deal


def test_a_rep_asks_and_their_manager_grants(
    salesforce: Connection, house_teams: dict[str, Team], live_server: Any, page: Page, page_faults: list[str]
) -> None:
    make_small_model()
    manager = member(house_teams["sales"], "Maro", Role.MANAGER)
    deal = deal_of(salesforce, member(house_teams["sales"], "Rilla", manager=manager))
    assert deal.owner is not None
    enter(page, live_server, deal.owner, f"/records/{deal.pk}/")
    page.get_by_role("heading", name="Not ready to leave Negotiation: 1 of 2 conditions missing.").wait_for()
    assert page.get_by_text("Write down what the customer must achieve").is_visible()
    page.get_by_role("button", name="Ask for an exception").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why should it go on without?").fill("Signs on Friday")
    dialog.get_by_label("Until when?").fill(f"{timezone.now() + timedelta(days=9):%Y-%m-%d}")
    dialog.get_by_role("button", name="Ask for an exception").click()
    page.get_by_text("Asked. You get a message when it is decided.").wait_for()
    enter(page, live_server, manager, "/model/exceptions/")
    page.get_by_role("button", name="Grant").click()
    page.get_by_role("dialog").get_by_role("button", name="Grant").click()
    page.get_by_text("Exception granted.").wait_for()
    assert Judgement.objects.get(record=deal, section="pipelines").state == "waived"
    page.goto(f"{live_server.url}/records/{deal.pk}/")
    page.get_by_role("heading", name="May leave Negotiation by exception.").wait_for()
    assert page_faults == []
