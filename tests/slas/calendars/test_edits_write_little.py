"""An edit of hours writes the open clocks whose due time it moves, and no other row."""

from __future__ import annotations

import pytest
from django.db import connection

from definitions.judging.publishing import publish_due
from slas.models import Clock
from tests.slas.builders import austin
from tests.slas.conftest import AUSTIN, House

pytestmark = pytest.mark.django_db


def row_versions() -> dict[str, str]:
    """Where each clock's row lies; PostgreSQL puts a written row elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid FROM slas_clock")
        return {str(pk): str(place) for pk, place in cursor.fetchall()}


def test_only_clocks_whose_due_time_moves_are_written(house: House) -> None:
    house.become_mql("Thu 14:00", remote_id="103")
    house.call("Thu 14:10", about="103")
    house.become_mql("Thu 15:45", remote_id="102")  # due on Thursday at 16:45, whatever Friday is like
    house.become_mql("Thu 16:35", remote_id="101")  # due on Friday at 08:35, before the new opening
    turn("Thu 16:36", house)
    before = row_versions()
    week = {**AUSTIN["week"], "fri": [["10:00", "17:30"]]}
    house.publish("calendars", "austin", AUSTIN | {"week": week}, austin("Thu 16:40"))
    turn("Thu 16:40", house)
    after = row_versions()
    moved = str(house.clock(remote_id="101").pk)
    assert [pk for pk in before if before[pk] != after[pk]] == [moved]
    assert house.clock(remote_id="101").due_at == austin("Fri 10:05")
    assert house.clock(remote_id="101").calendar != house.clock(remote_id="102").calendar


def test_an_edit_that_moves_nothing_writes_nothing(house: House) -> None:
    house.become_mql("Thu 16:45")
    turn("Thu 16:46", house)
    before = row_versions()
    told = AUSTIN | {"holidays": ["2026-11-26", "2026-12-25"]}
    house.publish("calendars", "austin", told, austin("Thu 16:50"))
    turn("Thu 16:50", house)
    assert row_versions() == before
    assert Clock.objects.filter(due_at=austin("Fri 08:45")).count() == 1


def turn(at: str, house: House) -> None:
    """What is published comes into force, and the pipeline concludes."""
    while publish_due(austin(at)):
        pass
    house.conclude(at)
