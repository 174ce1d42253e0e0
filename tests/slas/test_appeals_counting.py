"""Raw and adjusted attainment: what was granted counts on neither side."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from records.ids import derive_id
from slas.appeals.counting import (
    Attainment,
    Group,
    Rate,
    attainment,
    grouped,
    in_all,
    rates_of_deciders,
    rates_of_managers,
)
from slas.models import Appeal, Clock
from teams.models import Person
from tests.slas.builders import austin
from tests.slas.conftest import House
from tests.slas.objects import make_clock


def appeal(clock: Clock, state: str, number: int = 1, **other: object) -> Appeal:
    told = {"reason": "unowned", "person": clock.owner, "opened_by": clock.owner}
    return Appeal.objects.create(
        pk=derive_id("appeal", str(clock.pk), str(number)), clock=clock, state=state,
        opened_at=austin("Thu 12:00"), **{**told, **other},
    )  # fmt: skip


@pytest.fixture
def ten(house: House) -> list[Clock]:
    """Four in time (one of them after all), three late and one not verified, and two that count on neither side."""
    states = ("met", "met", "met", "withdrawn", "breached", "breached", "breached", "breached_not_verified")
    return [make_clock(house.unit, house.sasha, state=state) for state in (*states, "seen_late", "running")]


def test_a_granted_clock_counts_on_neither_side(ten: list[Clock]) -> None:
    appeal(ten[4], "granted")
    appeal(ten[5], "refused")
    appeal(ten[6], "open")
    appeal(ten[7], "withdrawn")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = attainment(Clock.objects.all())
    assert len(queries) == 1
    assert found == Attainment(met=4, late=4, granted=1)
    assert (found.n, found.raw, found.adjusted) == (8, 0.5, 4 / 7)


def test_two_granted_appeals_of_one_clock_take_it_out_once(house: House, ten: list[Clock]) -> None:
    appeal(ten[4], "granted")
    appeal(ten[4], "granted", 2, person=house.mira)
    assert attainment(Clock.objects.all()) == Attainment(met=4, late=4, granted=1)


def test_a_clock_that_was_in_time_after_all_stays_in(ten: list[Clock]) -> None:
    appeal(ten[3], "granted")
    assert attainment(Clock.objects.all()) == Attainment(met=4, late=4, granted=0)


def test_nothing_to_count_has_no_share(house: House) -> None:
    found = attainment(Clock.objects.all())
    assert (found.n, found.raw, found.adjusted) == (0, None, None)
    assert Attainment(met=0, late=2, granted=2).adjusted is None


def test_attainment_by_owner_team_rule_segment_and_week(house: House) -> None:
    enterprise = make_clock(house.unit, house.sasha, state="breached", started_at=austin("Mon 00:30"))
    Clock.objects.filter(pk=enterprise.pk).update(team=house.teams["sdr"])
    enterprise.record.values = {"segment": "Enterprise"}
    enterprise.record.save()
    make_clock(house.unit, house.mira, state="met", started_at=austin("Thu 10:00"))
    nobody = make_clock(house.unit, house.mira, state="met", started_at=austin("Thu 10:00"))
    Clock.objects.filter(pk=nobody.pk).update(owner=None)
    appeal(enterprise, "granted")
    late, met = Attainment(0, 1, 1), Attainment(1, 0, 0)
    clocks = Clock.objects.all()
    assert grouped(clocks, "owner") == [
        Group(house.sasha.pk, late), Group(house.mira.pk, met), Group(None, met),
    ]  # fmt: skip
    assert grouped(clocks, "team") == [Group("sdr", late), Group(None, Attainment(2, 0, 0))]
    assert grouped(clocks, "segment") == [Group("Enterprise", late), Group(None, Attainment(2, 0, 0))]
    assert [g.key for g in grouped(clocks, "rule")] == [enterprise.rule_key]
    assert grouped(clocks, "week") == [Group(date(2026, 11, 9), Attainment(2, 1, 1))]
    pacific = ZoneInfo("America/Los_Angeles")
    assert grouped(clocks, "week", zone=pacific) == [
        Group(date(2026, 11, 2), late), Group(date(2026, 11, 9), Attainment(2, 0, 0)),
    ]  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        grouped(clocks, "owner")
    assert len(queries) == 1


def test_rates_of_exceptions_are_said_from_five_decisions_on(house: House) -> None:
    clocks = [make_clock(house.unit, house.sasha, state="breached") for _ in range(7)]
    for clock, state in zip(clocks, ["granted"] * 3 + ["refused"], strict=False):
        appeal(clock, state, decided_by=house.mira)
    appeal(clocks[4], "open")
    appeal(clocks[5], "granted", was_proved=True)
    found = rates_of_deciders(Appeal.objects.all())
    assert found == [Rate(house.mira.pk, "Mira Post", 3, 1)]
    assert found[0].share is None
    appeal(clocks[6], "granted", decided_by=house.mira)
    assert rates_of_deciders(Appeal.objects.all())[0].share == 4 / 5
    assert rates_of_managers(Appeal.objects.all()) == [Rate(house.boss.pk, "Bea Lead", 4, 1, proved=1)]
    assert in_all(rates_of_managers(Appeal.objects.all())).share == 4 / 5
    Person.objects.update(manager=None)
    assert rates_of_managers(Appeal.objects.all()) == [Rate(None, "Nobody", 4, 1, proved=1)]
