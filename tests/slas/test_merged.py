"""FLT18: of a record that was merged into another the clocks are closed as "merged into", nobody is late with it, and
its history is kept beside the survivor's, through chains of three."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from records.incoming import IncomingRecord
from records.loading import load_batch
from records.models import Event, Record
from records.services import store_page
from slas.folding import walk
from slas.folding.clock import Result
from tests.slas.builders import austin
from tests.slas.conftest import House

pytestmark = pytest.mark.django_db

MERGES = (("101", "102"), ("102", "103"))
"""Who goes into whom: the last one lives on."""


def others(house: House) -> None:
    for remote_id in ("102", "103"):
        house.lead("Thu 08:30", remote_id, owner="sasha")
    house.conclude("Thu 08:30")


def merge(house: House, pairs: Sequence[tuple[str, str]], at: str) -> None:
    """As a reading of the CRM tells it: the losers as gone, each with who took it in."""
    rows = [
        IncomingRecord("contacts", loser, {}, modified_at=austin(at), is_deleted=True, merged_into=winner)
        for loser, winner in pairs
    ]
    with transaction.atomic():
        store_page(house.hubspot, rows, now=austin(at))
    house.conclude(at)


def closed(house: House, order: Sequence[tuple[str, str]]) -> None:
    house.become_mql("Thu 09:00")
    others(house)
    assert house.clock().state == "running"
    before = set(Event.objects.filter(record__remote_id="101").values_list("external_key", flat=True))
    for pair in order:
        merge(house, [pair], "Thu 09:20")
    clock = house.clock()
    assert clock.state == "cancelled"
    assert clock.stopped_at == austin("Thu 09:20")
    assert clock.receipt["because"] == "merged into 102"
    house.run_late("Thu 12:00")
    assert house.clock().state == "cancelled", "a ghost is late"
    assert house.told() == [], "somebody was told of a ghost"
    held = {r.remote_id: r for r in Record.objects.filter(object="person")}
    assert held["101"].merged_into == held["102"]
    assert held["102"].merged_into == held["103"]
    assert (held["103"].merged_into, held["103"].deleted_at) == (None, None)
    # Its history stands where the survivor's is read.
    assert before <= set(Event.objects.filter(record__remote_id="101").values_list("external_key", flat=True))
    (journey,) = {held[i].journey_id for i in ("101", "102", "103")}
    (loaded,) = load_batch([journey], austin("Thu 12:00")).journeys.values()
    told = {event.key for record in loaded.records for event in record.events}
    assert {f"hubspot:{key}" for key in before} <= told, "the history was lost"


@pytest.mark.parametrize("order", list(permutations(MERGES)))
def test_flt18_a_chain_of_three_closes_the_clocks_and_keeps_the_history(
    house: House, order: Sequence[tuple[str, str]]
) -> None:
    closed(house, order)


def test_flt18_a_chain_told_in_one_page(house: House) -> None:
    house.become_mql("Thu 09:00")
    others(house)
    merge(house, MERGES[::-1], "Thu 09:20")
    assert (house.clock().state, house.clock().receipt["because"]) == ("cancelled", "merged into 102")


def test_flt18_who_was_deleted_was_not_merged(house: House) -> None:
    house.become_mql("Thu 09:00")
    row = IncomingRecord("contacts", "101", {}, modified_at=austin("Thu 09:20"), is_deleted=True)
    with transaction.atomic():
        store_page(house.hubspot, [row], now=austin("Thu 09:20"))
    house.conclude("Thu 09:20")
    assert (house.clock().state, house.clock().receipt["because"]) == ("cancelled", "")


# --- and the tests can fail ----------------------------------------------------------------------------------------


def test_control_a_clock_that_runs_on_for_a_ghost_is_seen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk.Walk, "live", lambda self, deleted_at, because="": None)
    with pytest.raises(AssertionError):
        closed(house, MERGES)


def test_control_a_clock_that_does_not_say_it_was_merged_is_seen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: walk.Walk) -> Any:
        return Result(walk.CANCELLED, cancelled_at=self.deleted_at)

    monkeypatch.setattr(walk.Walk, "_gone", silent)
    with pytest.raises(AssertionError):
        closed(house, MERGES)


def test_control_a_survivor_without_the_others_history_is_seen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load_batch

    def alone(*asked: Any) -> Any:
        journeys = real(*asked).journeys
        left = {
            pk: SimpleNamespace(records=[r for r in journey.records if not r.is_merged])
            for pk, journey in journeys.items()
        }
        return SimpleNamespace(journeys=left)

    monkeypatch.setitem(globals(), "load_batch", alone)
    with pytest.raises(AssertionError, match="the history was lost"):
        closed(house, MERGES)
