"""The two faces of a handoff in a browser: what script adds, and that all of it fits a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from handoffs import services
from records.models import Event
from teams.models import Person
from tests.handoffs.conftest import FULL, House
from tests.handoffs.test_acts import STEP

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


def test_what_is_typed_is_saved_without_a_button_and_survives_a_reload(
    house: House, live_server: Any, page: Page, page_faults: list[str]
) -> None:
    handoff = house.handoff(**FULL)
    enter(page, live_server, house.sdr, f"/handoffs/{handoff.pk}/")
    page.get_by_label("Agreed next step").fill("Call about the pilot")
    page.get_by_label("Agreed next step").blur()
    page.get_by_text("Saved just now").wait_for()
    page.reload()
    assert page.get_by_label("Agreed next step").input_value() == "Call about the pilot"
    assert Event.objects.filter(kind="handoff.filled").count() == 1
    assert page_faults == []


def test_sending_back_asks_why_in_a_dialog(
    house: House, live_server: Any, page: Page, page_faults: list[str]
) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    enter(page, live_server, house.ae, f"/handoffs/{handoff.pk}/")
    assert not page.get_by_role("heading", name="Why does it go back?").is_visible()
    page.get_by_role("button", name="Send back").click()
    page.get_by_label("No budget owner named").check()
    page.locator("#send-back").get_by_role("button", name="Send back").click()
    page.get_by_text("Sent back.").wait_for()
    assert house.read().state == "sent_back"
    assert page_faults == []


def test_a_new_lead_shows_up_on_my_day_without_a_reload(
    house: House, live_server: Any, page: Page, page_faults: list[str]
) -> None:
    enter(page, live_server, house.sdr, "/")
    page.get_by_role("heading", name="Nothing waiting").wait_for()
    house.mql("C1", house.now)
    page.get_by_role("link", name="Tarnbrook Paving · Kip Salloway", exact=True).wait_for()
    assert page.title() != "Nothing waiting · gtmops"
    assert page_faults == []
