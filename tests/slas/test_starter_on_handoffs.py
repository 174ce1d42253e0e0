"""The starter's clocks that a handoff starts: who accepts commits to work it, who rejects gets an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handoffs import services
from slas.models import Clock
from tests.handoffs.conftest import House, house, signed_in
from tests.handoffs.test_my_day import FULL, STEP

__all__ = ["house", "signed_in"]
pytestmark = pytest.mark.django_db


def clocks(rule: str) -> list[tuple[str, str]]:
    rows = Clock.objects.filter(rule_key=rule).select_related("owner").order_by("started_at")
    return [(row.state, row.owner.name if row.owner else "") for row in rows]


def test_accepting_starts_the_receivers_clock(house: House) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    services.accept(handoff, house.ae, key="2", now=house.now)
    house.conclude()
    clock = Clock.objects.get(rule_key="s11_commit_to_work")
    assert (clock.state, clock.team.key if clock.team else "") == ("running", "sales")
    # The lead is still the SDR's; what was accepted is not.
    assert clock.owner == house.ae
    assert clock.due_at is not None
    assert clock.due_at > house.now


def test_a_rejection_starts_the_senders_clock_and_the_answer_stops_it(house: House) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    handoff = services.send_back(handoff, house.ae, reason="no_authority", text="", key="2", now=house.now)
    house.conclude()
    assert clocks("n7_sent_back") == [("running", house.sdr.name)]
    later = house.now + timedelta(minutes=5)
    services.send(handoff, house.sdr, {}, key="3", now=later)
    house.conclude(later)
    assert clocks("n7_sent_back") == [("met", house.sdr.name)]
