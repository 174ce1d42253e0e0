"""A version of a rule that holds for open clocks, too: worked out by hand for one hour of working time from 10:00."""

from __future__ import annotations

import pytest

from definitions.judging.publishing import publish_due
from records.models import Record, Touched
from records.services import touch
from slas.models import Clock
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House
from tests.slas.test_pages import read

pytestmark = pytest.mark.django_db

FOUR_HOURS = {**RULES["touch"], "target": {"business": "4h"}, "open_clocks": "move"}
QUARTER = {**RULES["touch"], "target": {"business": "15m"}, "open_clocks": "move"}


@pytest.fixture
def running(house: House) -> House:
    house.become_mql("Thu 10:00")
    return house


def agree(house: House, body: dict[str, object], at: str) -> None:
    house.publish("sla_rules", "touch", body, since=austin(at))
    touch(Record.objects.values_list("pk", flat=True), austin(at))
    house.conclude(at)


def test_an_open_clock_keeps_its_time_unless_the_version_says_otherwise(running: House) -> None:
    agree(running, {**FOUR_HOURS, "open_clocks": "keep"}, "Thu 10:20")

    assert running.clock().due_at == austin("Thu 11:00")


def test_more_time_is_given_from_the_day_it_holds_and_counted_from_the_start(running: House) -> None:
    agree(running, FOUR_HOURS, "Thu 10:20")

    clock = running.clock()
    assert clock.due_at == austin("Thu 14:00")
    told = [austin(f"Thu {at}").isoformat() for at in ("10:20", "11:00", "14:00")]
    assert [(r["at"], r["old"], r["new"]) for r in clock.receipt["retargets"]] == [tuple(told)]
    # Which words it started under stands.
    assert clock.rule.number == 1
    text = read(running.sasha, f"/clocks/{clock.pk}/")
    assert "Learned then: version 2 of the rule holds for open clocks, too." in text


def test_less_time_that_is_not_over_yet_is_the_new_time(running: House) -> None:
    agree(running, QUARTER, "Thu 10:10")

    assert running.clock().due_at == austin("Thu 10:15")
    running.run_late("Thu 10:15")
    assert running.clock().state == Clock.State.BREACHED


def test_less_time_that_is_over_already_makes_nobody_late(running: House) -> None:
    agree(running, QUARTER, "Thu 10:40")

    assert running.clock().state == Clock.State.SEEN_LATE


def test_a_clock_that_is_done_keeps_its_result(running: House) -> None:
    running.call("Thu 10:30")
    running.conclude("Thu 10:30")
    agree(running, QUARTER, "Thu 10:40")

    clock = running.clock()
    assert (clock.state, clock.due_at) == (Clock.State.MET, austin("Thu 11:00"))


def test_a_clock_that_was_late_stays_late(running: House) -> None:
    running.run_late("Thu 11:00")
    agree(running, FOUR_HOURS, "Thu 11:30")

    clock = running.clock()
    assert (clock.state, clock.due_at) == (Clock.State.BREACHED, austin("Thu 11:00"))


def test_history_is_not_told_anew(house: House) -> None:
    house.hubspot.go_live_at = austin("Thu 10:30")
    house.hubspot.save()
    house.become_mql("Thu 10:00")
    house.call("Thu 10:30")
    agree(house, QUARTER, "Thu 10:40")

    clock = house.clock()
    assert (clock.state, clock.due_at) == (Clock.State.MET, austin("Thu 11:00"))


def test_its_steps_hold_too(running: House) -> None:
    steps = [{"when": {"before": "15m"}, "to": ["owner"], "by": ["inbox"]}]
    agree(running, {**FOUR_HOURS, "escalate": steps}, "Thu 10:20")

    assert running.clock().next_step_at == austin("Thu 13:45")


def test_a_later_version_that_keeps_leaves_what_moved_as_it_is(running: House) -> None:
    agree(running, FOUR_HOURS, "Thu 10:20")
    agree(running, RULES["touch"], "Thu 10:30")

    assert running.clock().due_at == austin("Thu 14:00")


def test_when_it_begins_to_hold_the_open_clocks_are_told_of_it(running: House) -> None:
    while publish_due(austin("Thu 10:15")):
        pass
    Touched.objects.all().delete()
    running.publish("sla_rules", "touch", {**FOUR_HOURS, "open_clocks": "keep"}, since=austin("Thu 10:20"))
    while publish_due(austin("Thu 10:20")):
        pass
    assert not Touched.objects.exists()

    running.publish("sla_rules", "touch", FOUR_HOURS, since=austin("Thu 10:25"))
    while publish_due(austin("Thu 10:25")):
        pass
    running.conclude("Thu 10:25")

    assert running.clock().due_at == austin("Thu 14:00")
