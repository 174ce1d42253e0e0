"""What working hours come to, worked out by hand. 2026-11-20 is a Friday."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from slas.calendars.business_time import Calendar
from slas.calendars.looking_ahead import Ahead, look_ahead
from slas.calendars.sections import calendar_spec

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def ahead(body: dict[str, Any], at: str) -> Ahead:
    body = {"tz": "Europe/Berlin", **body}
    return look_ahead(
        Calendar.from_spec(calendar_spec(body)), body, datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    )


def test_an_hour_before_the_weekend_ends_after_it() -> None:
    told = ahead({"week": OFFICE}, "2026-11-20T10:00")
    assert [(f"{e.start:%a %H:%M}", f"{e.due:%a %H:%M}") for e in told.examples] == [
        ("Fri 10:00", "Fri 11:00"), ("Fri 17:30", "Mon 09:30"),
    ]  # fmt: skip
    assert told.is_open
    assert told.seconds == 45 * 3600


def test_the_next_closed_days_are_working_days_with_their_names() -> None:
    body = {
        "week": OFFICE,
        "holidays_of": {"country": "DE", "subdivision": "BE"},
        "yearly": {"12-24": "Christmas Eve"},
        "holidays": ["2026-12-31"],
        "exceptions": {"2026-12-25": [["09:00", "10:00"]], "2026-12-30": []},
    }
    assert list(ahead(body, "2026-12-20T10:00").closed)[:4] == [
        (date(2026, 12, 24), "Christmas Eve"),
        (date(2026, 12, 30), "Closed"),
        (date(2026, 12, 31), "Closed"),
        (date(2027, 1, 1), "New Year's Day"),
    ]


def test_a_night_shift_is_drawn_on_both_days() -> None:
    friday, saturday = ahead({"week": {"fri": [["22:00", "06:00"]]}}, "2026-11-18T10:00").week[4:6]
    assert [(s.left, s.left + s.width) for s in friday.stretches] == [(916, 1000)]
    assert [(s.left, s.left + s.width) for s in saturday.stretches] == [(0, 250)]


def test_hours_that_are_over_for_good_have_no_examples() -> None:
    told = ahead({"exceptions": {"2026-11-20": [["09:00", "10:00"]]}}, "2026-11-21T10:00")
    assert (told.examples, told.opens_at, told.closed) == ((), None, ())
