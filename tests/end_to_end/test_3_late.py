"""Time finds what is late, with nobody saving anything; and evidence in the CRM prevents a false alarm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gtmops.demo import SYSTEM_ADMIN
from tests.end_to_end.product import Product, wait_for

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
      - {when: breached, to: [owner], by: [inbox, email]}
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
