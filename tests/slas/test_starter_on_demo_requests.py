"""The starter's clock for the form of highest intent runs from the form, whatever stage the buyer is in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slas.models import Clock
from tests.handoffs.conftest import House, house

__all__ = ["house"]
pytestmark = pytest.mark.django_db


def test_a_demo_request_of_a_prospect_with_a_fleet_starts_it_each_time(house: House) -> None:
    entered_at, asked_at = house.now - timedelta(days=1), house.now - timedelta(minutes=50)
    buyers = {
        "prospect": {"relationship": "prospect"},
        "small": {"relationship": "prospect", "fleet_size": "4"},
        "customer": {"relationship": "customer"},
    }
    for remote_id, values in buyers.items():
        house.mql(remote_id, entered_at, **values)
        house.say("hubspot", "contacts", remote_id, asked_at, demo_requested_at=asked_at.isoformat())
    clocks = Clock.objects.filter(rule_key="s8_inbound_forms").select_related("record")
    assert {(c.record.remote_id, c.started_at) for c in clocks} == {("prospect", asked_at)}
    first = Clock.objects.get(rule_key="s2_first_touch", record__remote_id="prospect")
    assert first.started_at == entered_at
