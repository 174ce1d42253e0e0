"""First touch, forms and misrouting as tables of one journey."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scorecards.metrics import METRICS, Fact, Subject
from scorecards.metrics.base import Concluded, Entered, Held
from scorecards.metrics.misrouted import why_misrouted

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
RECORD = uuid.uuid4()
FROM_MQL, FROM_FORM = ("stage_entered", "mql"), ("field_set", "demo_requested_at")


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def clock(stopped: float | None, *, began: float = 0, **other: Any) -> Concluded:
    told: dict[str, Any] = {"asks_for": "touch_by_team", "began_with": FROM_MQL, "state": "met"} | other
    stop = None if stopped is None else at(stopped)
    return Concluded(
        uuid.uuid4(), "s2", RECORD, at(began), told.pop("state"), stopped_at=stop, **told
    )  # fmt: skip


def mql(hours: float, number: int = 1) -> Entered:
    return Entered(uuid.uuid4(), "mql", RECORD, at(hours), number)


def facts(metric: str, **held: Any) -> list[Fact]:
    return list(METRICS[metric].facts(Subject(uuid.uuid4(), **held)))


@pytest.mark.parametrize(
    ("clocks", "state", "seconds"),
    [
        ([], "no_clock", None),
        ([clock(0.5)], "touched", 1800),
        ([clock(26, state="breached")], "touched", 26 * 3600),
        ([clock(None, state="breached")], "never", None),
        ([clock(None, state="running")], "never", None),
        ([clock(2, state="cancelled")], "no_clock", None),  # called off: nobody had to
        ([clock(3, asks_for="owner_in_team")], "no_clock", None),
        ([clock(90, at_least=6)], "no_clock", None),  # perseverance is no first touch
        ([clock(3), clock(3, began=0)], "touched", 3 * 3600),  # two rules wait for the same
        ([clock(1, began_with=FROM_FORM)], "no_clock", None),
        ([clock(30, began=25)], "no_clock", None),  # that one is of the next pass
    ],
)
def test_the_first_touch_of_a_pass_is_where_its_clock_stopped(
    clocks: list[Concluded], state: str, seconds: int | None
) -> None:
    found = facts("mql_to_sql", entries=[mql(0), mql(24, 2)], clocks=clocks)
    assert (found[0].dimensions["touch"], found[0].seconds) == (state, seconds)


def test_touches_are_counted_within_the_days_given() -> None:
    touched = [at(-1), at(1), at(5), at(30), at(300)]
    found = facts(
        "mql_to_sql", entries=[mql(0)], clocks=[clock(1)], touched_at=touched,
        given_until=lambda start: start + timedelta(days=10),
    )  # fmt: skip
    assert found[0].dimensions["touches"] == 3
    assert found[0].dimensions["given_until"] == "2026-03-12T09:00:00Z"


def test_a_form_counts_once_however_many_clocks_it_starts() -> None:
    clocks = [clock(1, began_with=FROM_FORM), clock(1, began_with=FROM_FORM), clock(1)]
    sql = Entered(uuid.uuid4(), "sql", RECORD, at(50), 1)
    found = facts("form_to_sql", entries=[sql], clocks=clocks)
    assert [(f.value, f.seconds, f.dimensions["touch"]) for f in found] == [(1, 3600, "touched")]
    assert facts("form_to_sql", entries=[sql], clocks=[clock(1)]) == []


def held(hours: float, person: int, team: str = "sdr", **other: bool) -> Held:
    return Held(at(hours), person, team, **other)


@pytest.mark.parametrize(
    ("owners", "why"),
    [
        ([held(0, 1)], ""),
        ([held(-5, 1)], ""),  # owned before it became MQL
        ([held(-5, 9, "marketing"), held(0.1, 1)], ""),  # who hands over is no first owner
        ([held(0, 7, "sales")], "wrong_team"),
        ([held(0, 7, "sales"), held(1, 1)], "wrong_team"),
        ([held(0, 1, is_of_unit=False)], "wrong_unit"),
        ([held(0, 1, is_of_region=False)], "wrong_region"),
        ([held(0, 1), held(1, 2), held(2, 3)], ""),
        ([held(0, 1), held(1, 2), held(2, 3), held(3, 1)], "moved"),
        ([held(0, 1), held(1, 2), held(2, 3), held(12, 1)], ""),  # the last move was after the touch
    ],
)
def test_misrouted_is_who_had_it_first_and_through_how_many_hands_it_went(
    owners: list[Held], why: str
) -> None:
    routed = clock(0, asks_for="owner_in_team")
    teams: Mapping[str, tuple[str, str]] = {"s2": ("marketing", "sdr")}
    found = facts("misrouted", clocks=[routed, clock(10)], owners={RECORD: owners}, teams=teams)
    assert [(f.value, f.dimensions["why"]) for f in found] == [(int(bool(why)), why)]


def test_what_nobody_was_given_is_not_misrouted() -> None:
    routed = clock(None, asks_for="owner_in_team", state="breached")
    assert facts("misrouted", clocks=[routed], teams={"s2": ("marketing", "sdr")}) == []
    assert why_misrouted([held(0, 1)], "sdr", 3) == "moved"


def test_how_long_until_an_owner_is_part_of_being_left_alone() -> None:
    waited = clock(19, asks_for="owner_in_team", state="breached", without_person="Inbound queue")
    waits = clock(None, asks_for="owner_in_team", state="breached", without_person="Inbound queue")
    assert [f.seconds for f in facts("left_alone", clocks=[waited, waits])] == [19 * 3600, None]
