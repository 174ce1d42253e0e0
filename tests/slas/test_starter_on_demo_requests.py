"""The starter's clock for the form of highest intent is for those alone who came by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slas.models import Clock
from tests.handoffs.conftest import House, house

__all__ = ["house"]
pytestmark = pytest.mark.django_db


def test_only_who_became_an_mql_by_asking_for_a_demo_has_it(house: House) -> None:
    entered_at = house.now - timedelta(minutes=50)
    house.mql("asked", entered_at, demo_requested_at=(entered_at - timedelta(minutes=1)).isoformat())
    house.mql("asked long ago", entered_at, demo_requested_at=(entered_at - timedelta(days=9)).isoformat())
    house.mql("reader", entered_at)
    clocks = Clock.objects.filter(rule_key__in=["s2_first_touch", "s8_inbound_forms"]).select_related(
        "record"
    )
    found = {(c.record.remote_id, c.rule_key) for c in clocks}
    assert {who for who, rule in found if rule == "s8_inbound_forms"} == {"asked"}
    assert {who for who, rule in found if rule == "s2_first_touch"} == {"asked", "asked long ago", "reader"}
