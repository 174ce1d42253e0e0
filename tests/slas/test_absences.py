"""Somebody leaves and comes back: the open clocks are folded again when time says so, nothing else is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from definitions.judging.publishing import publish_due
from records.models import Touched
from slas.services import next_absence, notice_absences
from teams.models import Absence
from tests.slas.builders import LONG_AGO, austin
from tests.slas.conftest import AUSTIN, House

pytestmark = pytest.mark.django_db


def test_the_cover_has_the_clock_from_the_first_minute_to_the_last(house: House) -> None:
    cover = house.person("odd", "Odd Moe", team="sdr")
    house.become_mql("Thu 16:45")
    Absence.objects.create(
        person=house.sasha, starts_at=austin("Thu 17:00"), ends_at=austin("Fri 08:40"), cover=cover,
        entered_at=LONG_AGO,
    )  # fmt: skip
    owners = []
    for at in ("Thu 16:50", "Thu 17:00", "Fri 08:40"):
        assert next_absence(austin(at) - timedelta(seconds=1)) is not None
        notice_absences(austin(at))
        house.conclude(at)
        owners.append(house.clock().owner)
    assert owners == [house.sasha, cover, house.sasha]


def test_an_absence_without_cover_moves_the_due_time_when_it_is_written_down(house: House) -> None:
    house.become_mql("Thu 16:45")
    assert house.clock().due_at == austin("Fri 08:45")
    assert next_absence(austin("Thu 17:00")) is None
    Absence.objects.create(
        person=house.sasha, starts_at=austin("Fri 00:00"), ends_at=austin("Sat 00:00"), entered_at=austin("Thu 17:00")
    )  # fmt: skip
    assert next_absence(austin("Thu 17:00")) == austin("Thu 17:00")
    assert notice_absences(austin("Thu 17:00")) == 1
    house.conclude("Thu 17:00")
    clock = house.clock()
    assert clock.due_at == austin("16 Mon 08:45")
    assert [row["old"] for row in clock.receipt["retargets"]] == [austin("Fri 08:45").isoformat()]
    assert next_absence(austin("Thu 17:01")) == austin("Fri 00:00")


def test_noticing_twice_touches_nothing_again(house: House) -> None:
    house.become_mql("Thu 16:45")
    Absence.objects.create(person=house.sasha, starts_at=austin("Thu 16:50"), ends_at=austin("Fri 12:00"))
    Absence.objects.update(entered_at=LONG_AGO)
    assert notice_absences(austin("Thu 17:00")) == 1
    Touched.objects.all().delete()
    assert notice_absences(austin("Thu 17:01")) == 0
    assert not Touched.objects.exists()


def test_an_edit_of_hours_touches_open_clocks_only(house: House) -> None:
    house.become_mql("Thu 16:45")
    house.become_mql("Thu 16:45", remote_id="102")
    house.call("Thu 16:50", about="102")
    house.conclude("Thu 16:50")
    publish_all("Thu 17:00")
    Touched.objects.all().delete()
    house.publish(
        "calendars", "austin", AUSTIN | {"week": {"mon": [["10:00", "12:00"]]}}, austin("Thu 20:00")
    )
    publish_all("Thu 20:00")
    assert [t.record.remote_id for t in Touched.objects.select_related("record")] == ["101"]
    house.conclude("Thu 20:00")
    assert house.clock().due_at == austin("16 Mon 10:15")
    assert house.clock(remote_id="102").due_at == austin("Fri 08:45")


def publish_all(at: str) -> None:
    while publish_due(austin(at)):
        pass
