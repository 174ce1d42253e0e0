"""Time finds what is late, with nobody saving anything; and evidence in the CRM prevents a false alarm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from gtmops.demo import SYSTEM_ADMIN
from integrations.standins.fernhill.people import DEMO_SDR
from tests.end_to_end.product import Product, wait_for
from tests.end_to_end.test_2_loop import SEEN_WITHIN_MS, company_of, signed_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RULE = "quick_touch"
BODY = """
  quick_touch:
    name: Quick touch
    from_team: marketing
    to_team: sdr
    agreed_by: [marketing, sdr]
    sentence: When a lead becomes MQL, a person of the SDR team touches it within 25 seconds.
    start: {stage_entered: mql}
    stop: {touch_by_team: sdr}
    target: {elapsed: 25s}
    evidence: [person, activity]
    escalate:
      - {when: breached, to: [owner], by: [inbox, email], at_any_hour: true}
"""


@pytest.fixture(scope="module")
def quick_rule(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A rule that nobody waits an hour for, applied by the model files as an admin would, and retired again."""
    folder = tmp_path_factory.mktemp("model")
    product.manage("model", "export", str(folder))
    rules = folder / "sla_rules.yaml"
    before = rules.read_text()
    rules.write_text(f"{before.rstrip()}\n{BODY}")
    product.manage("model", "apply", str(folder), "--force", "--as", SYSTEM_ADMIN)
    yield product
    Path(rules).write_text(before)
    product.manage("model", "apply", str(folder), "--force", "--as", SYSTEM_ADMIN)


def clock_of(product: Product, contact: str) -> dict[str, Any] | None:
    rows = product.rows(
        """SELECT c.id::text, c.state, c.due_at, c.stopped_at, c.breached_at FROM slas_clock c
           JOIN records_record r ON r.id = c.record_id
           WHERE c.rule_key = %s AND r.remote_object = 'contacts' AND r.remote_id = %s""",
        RULE,
        contact,
    )
    return (
        dict(zip(("id", "state", "due_at", "stopped_at", "breached_at"), rows[0], strict=True))
        if rows
        else None
    )


def in_state(product: Product, contact: str, *states: str) -> dict[str, Any] | None:
    clock = clock_of(product, contact)
    return clock if clock and clock["state"] in states else None


def escalations(product: Product, clock_id: str) -> list[tuple[str, str]]:
    return product.rows(  # type: ignore[return-value]  # two columns are asked for
        "SELECT channel, state FROM effects_effect WHERE key LIKE %s ORDER BY channel", f"clock:{clock_id}:%"
    )


def test_doing_nothing_makes_it_late_once_and_tells_the_owner_once(
    loaded: Product, quick_rule: Product
) -> None:
    contact = loaded.make_live_lead()
    running = wait_for(lambda: in_state(loaded, contact, "running"), seconds=30, what="the clock runs")
    late = wait_for(lambda: in_state(loaded, contact, "breached"), seconds=60, what="it is late")
    assert late["breached_at"] == running["due_at"]
    wait_for(
        lambda: escalations(loaded, late["id"]) == [("email", "done"), ("inbox", "done")],
        seconds=30,
        what=f"one message and one mail: {escalations(loaded, late['id'])}",
    )
    asked = loaded.rows(
        "SELECT outcome FROM records_refreshrequest WHERE key LIKE %s", f"clock:{late['id']}:%"
    )
    assert {outcome for (outcome,) in asked} == {"read"}, "evidence was read again first"
    assert (
        loaded.value("SELECT count(*) FROM effects_inboxmessage WHERE key LIKE %s", f"clock:{late['id']}:%")
        == 1
    )


def test_a_touch_logged_in_the_crm_in_time_prevents_it(loaded: Product, quick_rule: Product) -> None:
    contact = loaded.make_live_lead()
    wait_for(lambda: in_state(loaded, contact, "running"), seconds=30, what="the clock runs")
    loaded.press(f"/hubspot/contacts/{contact}/log", kind="call", subject="Spoke for three minutes")
    met = wait_for(lambda: in_state(loaded, contact, "met", "breached"), seconds=60, what="it is decided")
    assert met["state"] == "met"
    assert escalations(loaded, met["id"]) == []


def late_in_crm(product: Product, contact: str) -> str:
    told = product.crm(f"/crm/v3/objects/contacts/{contact}?properties=gtm_late")["properties"]
    return str(told.get("gtm_late") or "")


def test_what_falls_late_turns_up_on_the_open_page_and_in_the_crm(
    loaded: Product, quick_rule: Product, browser: Browser
) -> None:
    with signed_in(browser, loaded, DEMO_SDR.email) as page:
        page.goto(loaded.url)
        page.evaluate("window.wasNeverReloaded = true")
        contact = loaded.make_live_lead()
        row = page.locator(".gt-row", has_text=company_of(loaded, contact)).first
        expect(row).to_be_visible(timeout=SEEN_WITHIN_MS)
        expect(row).to_contain_text("late", timeout=90_000, ignore_case=True)
        assert page.evaluate("window.wasNeverReloaded")
    wait_for(lambda: "Quick touch" in late_in_crm(loaded, contact), seconds=30, what="the CRM says so")
