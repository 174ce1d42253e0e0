"""Deadlines in working days, with answers worked out by hand. 2026-11-20 is a Friday."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slas.calendars.business_time import Calendar

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
SPLIT = {day: [["08:00", "12:00"], ["13:00", "16:30"]] for day in ("mon", "tue", "wed", "thu", "fri")}

NIGHT = {"mon": [["22:00", "06:00"]], "wed": [["09:00", "17:00"]]}


def berlin(week: dict[str, Any], **more: Any) -> Calendar:
    return Calendar.from_spec({"tz": "Europe/Berlin", "week": week, **more})


@pytest.mark.parametrize(
    ("calendar", "start", "days", "due"),
    [
        # Friday morning: Monday, Tuesday, Wednesday.
        (berlin(OFFICE), "2026-11-20T10:00+01:00", 3, "2026-11-25T17:00+01:00"),
        # After hours and at the weekend day 0 is that date all the same.
        (berlin(OFFICE), "2026-11-20T22:00+01:00", 1, "2026-11-23T17:00+01:00"),
        (berlin(OFFICE), "2026-11-21T12:00+01:00", 1, "2026-11-23T17:00+01:00"),
        # The date is the calendar's: 23:30 UTC on Sunday is Monday in Berlin.
        (berlin(OFFICE), "2026-11-22T23:30+00:00", 1, "2026-11-24T17:00+01:00"),
        # The last closing of a split day.
        (berlin(SPLIT), "2026-11-23T09:00+01:00", 1, "2026-11-24T16:30+01:00"),
        # A holiday and a half day.
        (berlin(OFFICE, holidays=["2026-12-25"], exceptions={"2026-12-24": [["09:00", "12:00"]]}),
         "2026-12-23T09:00+01:00", 1, "2026-12-24T12:00+01:00"),
        (berlin(OFFICE, holidays=["2026-12-25"], exceptions={"2026-12-24": [["09:00", "12:00"]]}),
         "2026-12-23T09:00+01:00", 2, "2026-12-28T17:00+01:00"),
        # The night shift of Monday closes Monday on Tuesday morning.
        (berlin(NIGHT), "2026-11-22T10:00+01:00", 1, "2026-11-24T06:00+01:00"),
        (berlin(NIGHT), "2026-11-23T10:00+01:00", 1, "2026-11-25T17:00+01:00"),
        # A person's day away is no working day of theirs; half a day away is.
        (berlin(OFFICE, absences=[["2026-11-23T00:00+01:00", "2026-11-24T00:00+01:00"]]),
         "2026-11-20T10:00+01:00", 1, "2026-11-24T17:00+01:00"),
        (berlin(OFFICE, absences=[["2026-11-23T12:00+01:00", "2026-11-24T00:00+01:00"]]),
         "2026-11-20T10:00+01:00", 1, "2026-11-23T12:00+01:00"),
        # Over both clock changes a closing is a closing by the wall clock.
        (berlin(OFFICE), "2026-03-27T10:00+01:00", 1, "2026-03-30T17:00+02:00"),
        (berlin(OFFICE), "2026-10-23T10:00+02:00", 1, "2026-10-26T17:00+01:00"),
    ],
)  # fmt: skip
def test_the_deadline_is_the_last_closing_of_that_working_day(
    calendar: Calendar, start: str, days: int, due: str
) -> None:
    assert calendar.add_days(datetime.fromisoformat(start), days) == datetime.fromisoformat(due)


@pytest.mark.parametrize("days", [0, -1, True, 1.5])
def test_less_than_a_day_is_refused(days: Any) -> None:
    with pytest.raises(ValueError, match="one or more"):
        berlin(OFFICE).add_days(datetime(2026, 11, 20, tzinfo=UTC), days)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        berlin(OFFICE).add_days(datetime(2026, 11, 20), 1)


def test_a_calendar_that_opens_once_runs_out_of_days() -> None:
    once = Calendar.from_spec({"tz": "UTC", "exceptions": {"2026-11-20": [["09:00", "12:00"]]}})
    assert once.add_days(datetime(2026, 11, 1, tzinfo=UTC), 1) == datetime(2026, 11, 20, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="too few working days"):
        once.add_days(datetime(2026, 11, 20, tzinfo=UTC), 1)


@given(st.integers(0, 3 * 365 * 24 * 60), st.integers(1, 30))
def test_it_is_a_closing_and_exactly_so_many_working_days_lie_up_to_it(minutes: int, days: int) -> None:
    calendar = berlin(SPLIT, holidays=["2025-12-25", "2026-05-01"])
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due = calendar.add_days(start, days)
    assert not calendar.is_open(due)
    assert calendar.is_open(due - timedelta(seconds=1))
    first = start.astimezone(calendar.zone).date() + timedelta(days=1)
    midnight = datetime(first.year, first.month, first.day, tzinfo=calendar.zone)
    assert len({opening.date() for opening, _ in calendar.intervals(midnight, due)}) == days
