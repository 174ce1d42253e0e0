"""When somebody's working day begins, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from slas.calendars.business_time import Calendar
from slas.opening import Day
from slas.staff import Away

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
BERLIN = {
    "tz": "Europe/Berlin",
    "week": {day: [["09:00", "12:00"], ["13:00", "17:30"]] for day in WEEKDAYS},
    "holidays": ["2026-05-01"],
}
NIGHTS = {"tz": "Europe/Berlin", "week": {day: [["22:00", "06:00"]] for day in WEEKDAYS}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "asked", "opens"),
    [
        (BERLIN, "2026-03-02T07:59", "2026-03-02T08:00"),
        (BERLIN, "2026-03-02T08:00", "2026-03-02T08:00"),
        # Lunch is no quiet time.
        (BERLIN, "2026-03-02T11:30", "2026-03-02T11:30"),
        (BERLIN, "2026-03-02T16:30", "2026-03-03T08:00"),
        # Over the weekend and the change of the clocks.
        (BERLIN, "2026-03-27T18:00", "2026-03-30T07:00"),
        # A holiday on a Friday.
        (BERLIN, "2026-04-30T20:00", "2026-05-04T07:00"),
        # The night shift of Monday is on until Tuesday 06:00.
        (NIGHTS, "2026-03-03T03:00", "2026-03-03T03:00"),
        (NIGHTS, "2026-03-03T05:00", "2026-03-03T21:00"),
    ],
)
def test_a_day_begins_with_its_first_opening(spec: dict[str, object], asked: str, opens: str) -> None:
    assert Day(Calendar.from_spec(spec)).opens_at(at(asked)) == at(opens)


def test_nobody_is_disturbed_on_leave() -> None:
    away = Away(at("2026-03-02T00:00"), at("2026-03-06T12:00"), None, at("2026-02-01T00:00"))
    back = Away(at("2026-03-06T12:00"), at("2026-03-07T00:00"), None, at("2026-02-01T00:00"))
    day = Day(Calendar.from_spec(BERLIN), [back, away])
    assert day.opens_at(at("2026-03-03T10:00")) == at("2026-03-09T08:00")
    assert day.opens_at(at("2026-02-27T20:00")) == at("2026-03-09T08:00")


def test_a_calendar_that_never_opens_says_so() -> None:
    once = {"tz": "UTC", "week": {}, "exceptions": {"2026-01-05": [["09:00", "17:00"]]}}
    assert Day(Calendar.from_spec(once)).opens_at(at("2026-03-03T10:00")) is None
