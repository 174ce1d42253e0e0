"""The whole loop, as its people walk it: marketing's CRM, the SDR, the AE, both CRMs again, and the number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.standins.fernhill.people import DEMO_AE, DEMO_PEOPLE, DEMO_SDR
from tests.end_to_end.product import Product, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEEN_WITHIN_MS = 30_000
WORDS = {
    "pain": "Every van that stands still costs us a delivery slot, and we hear of it from the driver.",
    "impact": "About 40 lost delivery slots a month.",
    "timeline": "Before the spring peak.",
    "stakeholders": "The fleet manager decides, the CFO signs.",
    "next_step": "Workshop with their dispatchers",
}


@contextmanager
def signed_in(browser: Browser, product: Product, email: str) -> Iterator[Page]:
    """A browser of one person, signed in with one click; script errors and CSP refusals fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(20_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto(product.url)
    page.locator(f'[data-demo-sign-in="{email}"]').click()
    expect(page.locator("h1")).to_be_visible()
    yield page
    context.close()
    assert not faults


def lead_of(product: Product, contact: str) -> str:
    """The Salesforce id of the lead that is the same buyer as a HubSpot contact."""
    sql = """SELECT l.remote_id FROM records_record c JOIN records_record l ON l.journey_id = c.journey_id
             WHERE c.remote_object = 'contacts' AND c.remote_id = %s AND l.remote_object = 'Lead'"""
    return str(wait_for(lambda: product.rows(sql, contact), seconds=30, what="the lead is known")[0][0])


def edit(browser: Browser, product: Product, path: str, **values: str) -> None:
    """Change fields of a record in a demo CRM, through its own edit page."""
    page = browser.new_page()
    page.goto(f"{product.standins}{path}/edit")
    for name, value in values.items():
        field = page.locator(f'[name="{name}"]')
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name=re.compile("Save")).click()
    page.wait_for_url(lambda url: not url.endswith("/edit"))
    page.close()


def crm_fields(product: Product, path: str) -> Callable[[], dict[str, Any]]:
    return lambda: dict(product.crm(path)["properties"])


def in_crm(product: Product, contact: str) -> dict[str, Any]:
    names = "gtm_stage,gtm_qualified,gtm_missing,gtm_due,gtm_has_it,gtm_handoff_link"
    return dict(product.crm(f"/crm/v3/objects/contacts/{contact}?properties={names}")["properties"])


def qualify(browser: Browser, product: Product, lead: str) -> None:
    """What an SDR does in Salesforce: log the call that qualified the lead, and say so on the lead."""
    product.press(f"/salesforce/Lead/{lead}/log", kind="call", subject="Qualifying call")
    confirmed = {f"{name}_Confirmed__c": "true" for name in ("Need", "Authority", "Timeline")}
    edit(browser, product, f"/salesforce/Lead/{lead}", Status="Qualified", AE__c=DEMO_AE.user_id, **confirmed)


def handoff_state(product: Product, lead: str) -> tuple[str, str] | None:
    rows = product.rows(
        """SELECT h.state, h.answered_in FROM handoffs_handoff h JOIN records_record r ON r.id = h.record_id
           WHERE r.remote_id = %s""",
        lead,
    )
    return rows[0] if rows else None  # type: ignore[return-value]  # two columns are asked for


def company_of(product: Product, contact: str) -> str:
    return str(product.value("SELECT values ->> 'company' FROM records_record WHERE remote_id = %s", contact))


def send_handoff(page: Page, product: Product, company: str) -> None:
    """On the SDR's My day: finish the handoff and send it."""
    page.goto(product.url)
    row = page.locator(".gt-row", has_text=company).filter(has_text="Finish handoff")
    expect(row).to_be_visible(timeout=SEEN_WITHIN_MS)
    row.get_by_role("link", name=re.compile("Finish handoff")).click()
    page.get_by_role("button", name=re.compile("^Send")).click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    for key, words in WORDS.items():
        field = page.locator(f"#f-{key}")
        if field.count() and field.is_visible():
            field.fill(words)
    when = page.locator("#f-next_step_at")
    if when.is_visible():
        when.fill((datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT10:00"))
    page.get_by_role("button", name=re.compile("^Send")).click()
    expect(page.get_by_role("heading", name=re.compile("missing"))).to_have_count(0)


def test_a_lead_walks_from_marketing_to_sales_and_the_number_holds_it(
    loaded: Product, browser: Browser
) -> None:
    with signed_in(browser, loaded, DEMO_SDR.email) as sdr:
        contact = loaded.make_live_lead()
        company = company_of(loaded, contact)
        row = sdr.locator(".gt-row", has_text=company)
        expect(row.first).to_be_visible(timeout=SEEN_WITHIN_MS)  # nobody reloaded the page
        clock = loaded.rows(
            """SELECT c.state FROM slas_clock c JOIN records_record r ON r.id = c.record_id
               WHERE r.remote_id = %s AND c.rule_key = 's2_first_touch'""",
            contact,
        )
        assert clock == [("running",)]

        lead = lead_of(loaded, contact)
        qualify(browser, loaded, lead)
        send_handoff(sdr, loaded, company)
        assert wait_for(lambda: handoff_state(loaded, lead), seconds=10, what="sent")[0] == "sent"

    with signed_in(browser, loaded, DEMO_AE.email) as ae:
        row = ae.locator(".gt-row", has_text=company).filter(has_text="Accept")
        expect(row).to_be_visible(timeout=SEEN_WITHIN_MS)
        row.get_by_role("link", name=re.compile("Accept")).click()
        expect(ae.get_by_text(WORDS["pain"]).first).to_be_visible()
        ae.get_by_role("button", name="Accept", exact=True).click()
        ae.get_by_role("button", name="Confirm next step").click()
        expect(ae.get_by_text("confirmed the next step").first).to_be_visible()
    assert handoff_state(loaded, lead) == ("completed", "gtmops")

    wait_for(
        lambda: in_crm(loaded, contact)["gtm_stage"] == "SAL", seconds=60, what="our fields stand in HubSpot"
    )
    told = in_crm(loaded, contact)
    assert told["gtm_qualified"] == "Yes: SAL"
    assert "/handoffs/" in told["gtm_handoff_link"]

    with signed_in(browser, loaded, DEMO_PEOPLE["cro"]) as cro:
        cro.goto(f"{loaded.url}/numbers/mql_to_sql/?value=1&q={company}")
        expect(cro.get_by_text(company).first).to_be_visible()


def test_the_ae_accepts_in_the_crm_without_opening_gtmops(loaded: Product, browser: Browser) -> None:
    contact = loaded.make_live_lead()
    lead = lead_of(loaded, contact)
    qualify(browser, loaded, lead)
    with signed_in(browser, loaded, DEMO_SDR.email) as sdr:
        send_handoff(sdr, loaded, company_of(loaded, contact))
    edit(browser, loaded, f"/salesforce/Lead/{lead}", Gtm_Handoff_Answer__c="Accept")
    wait_for(
        lambda: handoff_state(loaded, lead) == ("accepted", "salesforce"),
        seconds=60,
        what=f"the answer came back: {handoff_state(loaded, lead)}",
    )


def test_the_number_is_exactly_its_records(loaded: Product, browser: Browser) -> None:
    with signed_in(browser, loaded, DEMO_PEOPLE["cro"]) as cro:
        cro.goto(f"{loaded.url}/numbers/mql_to_sql/")
        count = loaded.value(
            """SELECT count(*) FROM scorecards_metricfact
               WHERE metric = 'mql_to_sql' AND day > now() - interval '90 days'"""
        )
        assert count > 100
        expect(cro.get_by_text(f"{count:,}").first).to_be_visible()
