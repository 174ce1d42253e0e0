"""The editor of conditions in a browser: by keyboard alone, filled wrong, reloaded in the middle, on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from records.models import Connection
from teams.models import Person
from tests.definitions.conftest import make_record

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TREE = """all:
  - {field: fleet_size, op: at_least, value: 10}
  - any:
      - {field: region, op: is_any_of, value: [EMEA]}
      - {activity: call, at_least: 2, within: {days: 30}}
"""


@pytest.fixture
def open_editor(
    page: Page, live_server: Any, admin: Person, catalogue: None, hubspot: Connection
) -> Callable[..., Page]:
    for n, size in enumerate([3, 12, 40, None]):
        make_record(hubspot, str(n), {"fleet_size": size, "region": "EMEA" if n else "NA"})

    def open_it(width: int = 1280) -> Page:
        client = Client()
        client.force_login(admin)
        cookie = client.cookies["gtmops_session"]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/model/try/")
        page.get_by_role("button", name="Condition", exact=True).wait_for()
        return page

    return open_it


def words(page: Page) -> Locator:
    return page.locator(".gt-builder-words")


def told(page: Page) -> Any:
    """The tree that the form would send."""
    text = page.locator("textarea[name=tree]").input_value()
    return json.loads(text) if text else None


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def add_by_keyboard(page: Page, field: str, value: str) -> None:
    page.locator("[data-key$=':add']").last.focus()
    page.keyboard.press("Enter")
    page.keyboard.type(field)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(value)


def test_conditions_are_built_counted_moved_and_undone_by_keyboard_alone(
    open_editor: Callable[..., Page], page_faults: list[str]
) -> None:
    page = open_editor()
    add_by_keyboard(page, "fleet", "10")
    words(page).get_by_text("2 of 4 pass").wait_for()
    page.get_by_text("A person passes when Fleet size is at least 10.").wait_for()
    add_by_keyboard(page, "region", "NA")
    words(page).get_by_text("0 of 4 pass").wait_for()
    fleet = {"field": "fleet_size", "op": "at_least", "value": 10}
    region = {"field": "region", "op": "is", "value": "NA"}
    assert told(page) == {"all": [fleet, region]}
    page.keyboard.press("Control+Shift+ArrowUp")
    assert told(page) == {"all": [region, fleet]}
    assert focused(page) == "Value"
    page.locator("[data-key$=':menu']").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert told(page) == {"all": [{"not": region}, fleet]}
    words(page).get_by_text("2 of 4 pass").wait_for()
    page.keyboard.press("Control+Shift+Backspace")
    assert told(page) == {"all": [fleet]}
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert told(page) == {"all": [region, fleet]}
    page.keyboard.press("Control+Shift+z")
    assert told(page) == {"all": [{"not": region}, fleet]}
    assert page_faults == []


def test_what_is_wrong_stands_at_its_condition_and_goes_when_it_is_mended(
    open_editor: Callable[..., Page], page_faults: list[str]
) -> None:
    page = open_editor()
    add_by_keyboard(page, "fleet", "ten")
    fault = page.get_by_text("A number is needed, not 'ten'.")
    fault.wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    described = page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent"
    )
    assert "A number is needed" in described
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("40")
    words(page).get_by_text("1 of 4 pass").wait_for()
    assert not fault.is_visible()
    page.keyboard.press("Enter")
    assert page.url.endswith("/model/try/")
    assert page_faults == []


def test_text_and_tree_are_the_same_thing(open_editor: Callable[..., Page], page_faults: list[str]) -> None:
    from playwright.sync_api import expect

    page = open_editor()
    page.get_by_role("tab", name="As text").click()
    area = page.get_by_label("Conditions as text (YAML)")
    area.fill(TREE)
    words(page).wait_for()
    page.get_by_role("tab", name="Conditions").click()
    assert page.get_by_role("group", name="Any of these, 2 conditions").is_visible()
    assert page.locator(".gt-chip").inner_text().strip() == "EMEA"
    page.locator(".gt-cond-count").get_by_text("2", exact=True).first.wait_for()
    page.get_by_label("Value").first.fill("40")
    page.get_by_role("tab", name="As text").click()
    expect(area).to_have_value(re.compile("value: 40"))
    area.fill(TREE.replace("fleet_size", "fleet_siz"))
    page.get_by_role("button", name="Line 2").click()
    assert page.evaluate("window.getSelection().toString()").strip().startswith("- {field: fleet_siz")
    assert page_faults == []


def test_what_is_typed_while_the_text_is_still_coming_stays(open_editor: Callable[..., Page]) -> None:
    page = open_editor()
    held: list[Any] = []
    page.route("**/model/builder/text/", lambda route: held.append(route) if not held else route.continue_())
    with page.expect_request("**/model/builder/text/"):
        page.get_by_role("tab", name="As text").click()
    area = page.get_by_label("Conditions as text (YAML)")
    area.fill(TREE)
    words(page).get_by_text("pass").first.wait_for()
    with page.expect_response("**/model/builder/text/"):
        held[0].continue_()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert area.input_value() == TREE


def test_a_reload_in_the_middle_loses_nothing(
    open_editor: Callable[..., Page], page_faults: list[str]
) -> None:
    page = open_editor()
    add_by_keyboard(page, "fleet", "12")
    words(page).get_by_text("2 of 4 pass").wait_for()
    page.reload()
    page.get_by_text("What you were editing before is back.").wait_for()
    assert told(page) == {"all": [{"field": "fleet_size", "op": "at_least", "value": 12}]}
    page.get_by_role("button", name="Start from what is saved").click()
    assert told(page) is None
    page.reload()
    page.get_by_role("button", name="Condition", exact=True).wait_for()
    assert not page.get_by_text("What you were editing before is back.").is_visible()
    assert page_faults == []


def test_an_unfinished_condition_is_said_and_not_counted(open_editor: Callable[..., Page]) -> None:
    page = open_editor()
    add_by_keyboard(page, "fleet", "10")
    page.locator("[data-key$=':add']").last.click()
    page.get_by_text("Not finished: not counted yet.").wait_for()
    page.get_by_text("1 unfinished condition left out.").wait_for()
    assert words(page).inner_text().startswith("2 of 4 pass")
    assert len(told(page)["all"]) == 2


def test_it_fits_a_phone_and_can_be_dragged(open_editor: Callable[..., Page], page_faults: list[str]) -> None:
    page = open_editor(390)
    page.get_by_role("tab", name="As text").click()
    page.get_by_label("Conditions as text (YAML)").fill(TREE)
    words(page).wait_for()
    page.get_by_role("tab", name="Conditions").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("[data-drag]").first.drag_to(
        page.locator(".gt-branch-condition .gt-cond-row").last, target_position={"x": 300, "y": 40}
    )
    assert re.search(r"EMEA.*call.*fleet_size", json.dumps(told(page)))
    assert page_faults == []
