"""Clocks in the database: only differences are written, people are told once, and rebuilding gives the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import slas.services
from effects.models import Effect
from records.loading import load_batch
from records.models import Event, Journey, RefreshRequest, Touched
from slas.models import Clock, Correction
from teams.models import Membership, Person
from teams.services import deactivate
from tests.slas.builders import austin
from tests.slas.conftest import House


def refresh(at: str) -> list[str]:
    """Conclude everything anew; the statements that wrote something."""
    batch = load_batch(Journey.objects.values_list("pk", flat=True), austin(at))
    with CaptureQueriesContext(
        connection,
    ) as seen:
        slas.services.refresh(batch)
    return [q["sql"] for q in seen if q["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]


def rows() -> list[dict[str, object]]:
    return list(Clock.objects.order_by("pk").values()) + list(Correction.objects.order_by("pk").values())


def test_a_second_refresh_writes_nothing(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late()
    house.call("Thu 10:50", now="Thu 11:30")
    house.conclude("Thu 11:30")
    assert refresh("Thu 12:00") == []


def test_rebuilding_from_the_log_gives_the_same_rows(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.become_mql("Thu 10:10", remote_id="102", owner=None)
    house.run_late("Thu 11:20")
    house.call("Thu 10:50", now="Thu 11:30")
    house.conclude("Thu 12:00")
    before = rows()
    assert {row["state"] for row in before if "state" in row} == {"met", "withdrawn", "breached", "running"}
    Clock.objects.all().delete()
    refresh("Thu 12:00")
    assert rows() == before


def test_the_number_of_queries_does_not_grow_with_the_batch(house: House) -> None:
    def queries() -> int:
        batch = load_batch(Journey.objects.values_list("pk", flat=True), austin("Thu 10:30"))
        with CaptureQueriesContext(connection) as seen:
            slas.services.refresh(batch)
        return len(seen)

    house.become_mql("Thu 10:00")
    few = queries()
    for number in range(5):
        house.become_mql("Thu 10:00", remote_id=f"2{number}")
    assert queries() == few


def test_late_tells_the_owner_and_their_manager_once_by_each_channel(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late()
    house.run_late("Thu 11:05")
    refresh("Thu 11:10")
    Clock.objects.all().delete()
    refresh("Thu 11:20")
    assert house.clock().state == "breached"
    assert house.told() == [
        ("Bea Lead", "email"),
        ("Bea Lead", "inbox"),
        ("Sasha Field", "email"),
        ("Sasha Field", "inbox"),
    ]


def test_late_and_not_verified_says_so(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late(outcome="unreadable")
    assert house.clock().state == "breached_not_verified"
    assert "not verified" in Effect.objects.first().payload["title"]  # type: ignore[union-attr]  # it was told


def test_what_nobody_owns_reaches_the_teams_manager(house: House) -> None:
    house.become_mql("Thu 10:00", owner=None)
    house.run_late()
    assert house.told() == [("Bea Lead", "email"), ("Bea Lead", "inbox")]


def test_without_a_manager_it_reaches_revops(house: House) -> None:
    deactivate(house.boss, austin("Mon 09:00"))
    house.become_mql("Thu 10:00", owner=None)
    house.run_late()
    assert house.told() == [("Rae Ops", "email"), ("Rae Ops", "inbox")]


def test_nobody_is_told_of_a_record_they_may_not_read(house: House) -> None:
    house.boss.business_units.clear()
    house.become_mql("Thu 10:00", owner="queue", business_unit="emea")
    house.run_late()
    assert house.told() == [("Rae Ops", "email"), ("Rae Ops", "inbox")]


def test_a_leaver_is_not_written_to(house: House) -> None:
    house.become_mql("Thu 10:00")
    Person.objects.filter(pk=house.sasha.pk).update(is_active=False)
    house.run_late()
    assert house.told() == [("Bea Lead", "email"), ("Bea Lead", "inbox")]


def test_history_is_late_in_silence(house: House) -> None:
    house.hubspot.go_live_at = austin("Fri 00:00")
    house.hubspot.save()
    house.become_mql("Thu 10:00")
    assert house.tick("Thu 11:00") == 1
    house.conclude("Thu 11:00")
    clock = house.clock()
    assert (clock.state, clock.is_measured_only) == ("breached", True)
    assert (house.told(), RefreshRequest.objects.count()) == ([], 0)


def test_an_owner_who_leaves_takes_nothing_back(house: House) -> None:
    house.become_mql("Thu 10:00")
    assert house.clock("routed").state == "met"
    deactivate(house.sasha, austin("Fri 09:00"))
    house.hubspot.owner_matches.filter(remote_id="sasha").update(is_active=False)
    refresh("Fri 10:00")
    assert house.clock("routed").state == "met"


def test_a_start_told_more_exactly_later_stays_the_same_clock(house: House) -> None:
    record = house.become_mql("Thu 10:00")
    house.run_late()
    before = house.clock()
    polled = Event.objects.get(record=record, field="stage", kind="change")
    better = Event.objects.create(
        connection=house.hubspot,
        external_key="contacts:101:stage:history",
        kind="change",
        record=record,
        field="stage",
        new="mql",
        data={"history": "1"},
        occurred_at=polled.occurred_at - timedelta(minutes=1),
        observed_at=austin("Thu 12:00"),
    )
    Event.objects.filter(pk=polled.pk).update(superseded_by=better)
    Touched.objects.create(record=record)
    house.conclude("Thu 12:00")
    after = house.clock()
    assert (after.pk, after.state, after.due_at) == (before.pk, "breached", austin("Thu 10:59"))
    assert len(house.told()) == 4


@pytest.mark.parametrize("key", ["touch", "routed"])
def test_the_receipt_holds_what_the_page_will_say(house: House, key: str) -> None:
    house.become_mql("Thu 10:00")
    house.run_late("Thu 11:00:03")
    house.call("Thu 11:40")
    house.conclude("Thu 11:40")
    clock = house.clock(key)
    assert (
        clock.receipt["stop"]
        == {
            "touch": {"what": "Call", "who": "Sasha Field", "by": house.sasha.pk, "in": "hubspot"},
            "routed": {"what": "Owner set", "who": "Sasha Field", "by": house.sasha.pk, "in": "hubspot"},
        }[key]
    )
    assert sum(s["seconds"] for s in clock.segments) == {"touch": 6000, "routed": 0}[key]


def test_membership_decides_at_its_time(house: House) -> None:
    Membership.objects.filter(person=house.mira).delete()
    for team, begin, end in (("sdr", "Mon 00:00", "Wed 00:00"), ("marketing", "Wed 00:00", None)):
        Membership.objects.create(
            person=house.mira,
            team=house.teams[team],
            started_at=austin(begin),
            ended_at=austin(end) if end else None,
        )
    house.become_mql("Tue 10:00", owner="mira")
    house.become_mql("Thu 10:00", owner="mira", remote_id="102")
    assert [house.clock("routed", r).state for r in ("101", "102")] == ["met", "running"]
