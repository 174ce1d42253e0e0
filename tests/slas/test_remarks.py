"""What the check remarks of clocks and working hours."""

from __future__ import annotations

from typing import Any

import pytest

from definitions.criteria import Catalogue
from definitions.sections import Context
from slas.rule_checks import longest_closed_seconds, rule_remarks
from slas.sections import calendar_remarks

HOUR = 3600
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@pytest.mark.parametrize(
    ("week", "hours"),
    [
        (OFFICE, 64),  # Friday 17:00 to Monday 09:00
        ({"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}, 160),  # Monday evening to the next Monday
        ({day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, 0),
        ({"sun": [["22:00", "06:00"]], **OFFICE}, 53),  # Friday 17:00 to the night shift of Sunday
        ({}, 0),
    ],
)
def test_the_longest_closed_stretch_of_a_week(week: dict[str, Any], hours: int) -> None:
    assert longest_closed_seconds(week) == hours * HOUR


def rule(target: dict[str, str], stop: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "name": "Follow-up", "sentence": "Soon.", "from_team": "marketing", "to_team": "sdr",
        "start": {"stage_entered": "mql"}, "stop": stop or {"touch_by_team": "sdr"}, "target": target,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (rule({"elapsed": "1h"}), ["shorter_than_weekend"]),
        (rule({"elapsed": "3d"}), []),
        (rule({"business": "1h"}), []),
        (rule({"elapsed": "5m"}, {"owner_in_team": "sdr"}), []),  # routing needs nobody to be there
    ],
)
def test_a_promise_in_wall_time_shorter_than_a_closed_weekend(body: dict[str, Any], codes: list[str]) -> None:
    calendars = {"austin": {"teams": ["sdr"], "week": OFFICE}}
    context = Context(Catalogue({}), frozenset({"sdr", "marketing"}), bodies={"calendars": calendars})
    assert [fault.code for fault in rule_remarks("s2", body, context)] == codes


def test_working_hours_without_holidays_are_remarked() -> None:
    context = Context(Catalogue({}))
    assert [f.code for f in calendar_remarks("austin", {"week": OFFICE}, context)] == ["no_holidays"]
    assert calendar_remarks("austin", {"week": OFFICE, "holidays_of": {"country": "US"}}, context) == []
