from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from scorecards.periods import Period, last_days, read_period

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("query", "first", "last", "choice"),
    [
        ({}, date(2026, 8, 25), TODAY, "90d"),
        ({"period": "4w"}, date(2026, 10, 26), TODAY, "4w"),
        ({"period": "12m"}, date(2025, 11, 23), TODAY, "12m"),
        ({"period": "forever"}, date(2026, 8, 25), TODAY, "90d"),
        ({"from": "2026-09-01", "to": "2026-09-30"}, date(2026, 9, 1), date(2026, 9, 30), ""),
        ({"from": "2026-09-30", "to": "2026-09-01"}, date(2026, 8, 25), TODAY, "90d"),
        ({"from": "0001-01-01", "to": "9999-12-31"}, date(2026, 8, 25), TODAY, "90d"),
        ({"from": "soon", "to": "2026-09-01", "period": "4w"}, date(2026, 10, 26), TODAY, "4w"),
    ],
)
def test_what_can_not_be_read_is_the_default(
    query: dict[str, str], first: date, last: date, choice: str
) -> None:
    assert read_period(query, TODAY) == Period(first, last, choice)


def test_the_period_before_is_as_long_and_ends_the_day_before() -> None:
    period = last_days("4w", TODAY)
    assert (period.before.days, period.before.last) == (28, date(2026, 10, 25))


def test_weeks_end_with_the_last_day_and_leave_no_day_out() -> None:
    weeks = Period(date(2026, 9, 1), date(2026, 9, 30)).weeks()
    assert [(w.first.day, w.last.day) for w in weeks] == [(1, 2), (3, 9), (10, 16), (17, 23), (24, 30)]


def test_an_end_is_the_instant_after_the_last_day() -> None:
    assert Period(TODAY, TODAY).end == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_period_says_itself_in_words() -> None:
    assert last_days("90d", TODAY).words == "last 90 days"
    assert Period(date(2026, 9, 1), TODAY).words == "1 Sep to 22 Nov 2026"
    assert Period(date(2025, 9, 1), TODAY).words == "1 Sep 2025 to 22 Nov 2026"
