"""The rule editor in a browser: it says what is typed, marks what is wrong, and a reload loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from definitions.agreement.drafts import load_line
from slas.editor import trial_views, views
from tests.slas.builders import austin
from tests.slas.conftest import House

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def editor(page: Page, live_server: Any, house: House, monkeypatch: pytest.MonkeyPatch) -> Page:
    for module in (views, trial_views):
        monkeypatch.setattr(module, "now_utc", lambda: austin("Thu 12:00"))
    house.become_mql("Thu 10:00")
    house.call("Thu 10:30")
    house.conclude("Thu 10:30")
    client = Client()
    client.force_login(house.revops)
    cookie = client.cookies["gtmops_session"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.goto(f"{live_server.url}/clocks/rules/touch/edit/")
    return page


def test_a_rule_is_written_tried_and_kept(editor: Page, page_faults: list[str]) -> None:
    amount = editor.locator("[name='tiers-0-amount']")

    # Both say what is typed, and what it means.
    editor.locator("[data-sentence-own]").uncheck()
    amount.fill("15")
    editor.locator("[name='tiers-0-unit']").select_option("business_m")
    editor.locator("[data-look]").get_by_text("touches it within 15 business minutes.").wait_for()
    assert "within 15 business minutes" in editor.locator("[data-sentence]").input_value()
    editor.locator(".gt-moment-due", has_text="Fri 13 Nov, 17:25").wait_for()

    # What a choice makes needless is out of the way.
    assert editor.locator("[name='at_least']").is_visible()
    editor.locator("[name='stop']").select_option("owner_in_team")
    assert not editor.locator("[name='at_least']").is_visible()
    editor.locator("[name='stop']").select_option("touch_by_team")

    # A reload in the middle loses nothing.
    editor.reload()
    editor.locator("[data-rule-restored]").wait_for()
    assert amount.input_value() == "15"
    assert editor.locator("[name='tiers-0-unit']").input_value() == "business_m"

    # What it would have done, without keeping anything.
    editor.locator("[data-rule-try]").click()
    editor.locator(".gt-trial").get_by_text("1 × in time").wait_for()

    # What is wrong stands beside its control, by keyboard too.
    amount.fill("soon")
    editor.locator("[data-fault-for='tiers-0-amount']", has_text="Write a whole number.").wait_for()
    assert amount.get_attribute("aria-invalid") == "true"
    amount.fill("15")
    editor.locator("[data-look]").get_by_text("within 15 business minutes").wait_for()
    amount.press("Enter")
    editor.wait_for_url("**/model/sla_rules/touch/?version=2")
    draft = load_line("sla_rules", "touch").draft
    assert draft is not None
    assert draft.body["target"] == {"business": "15m"}

    # What was sent is not restored, and a phone shows all of it.
    editor.set_viewport_size({"width": 390, "height": 844})
    editor.goto(editor.url.replace("/model/sla_rules/touch/?version=2", "/clocks/rules/touch/edit/"))
    assert not editor.locator("[data-rule-restored]").is_visible()
    assert editor.evaluate("document.documentElement.scrollWidth") <= 390
    assert page_faults == []
