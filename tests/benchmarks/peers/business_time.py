"""Our business time beside pandas, pm4py and businesstimedelta: one call each, on the answers all of them agree on.

pm4py drops the zone and pandas adds whole hours; so the cases have no clock change inside working hours, and hours.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import businesstimedelta
import holidays
import pandas as pd
import pytz
from pm4py.util.business_hours import soj_time_business_hours_diff

from slas.calendars.business_time import Calendar
from tests.benchmarks.measure import Result
from tests.benchmarks.measure import compare as measure
from tests.benchmarks.peers import tell

ZONE = ZoneInfo("Europe/Berlin")
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
SHIFTS = ((time(9), time(12, 30)), (time(13, 15), time(18)))
CLOSED = holidays.country_holidays("DE", subdiv="BE", years=range(2020, 2062))
CALENDAR = Calendar.from_spec(
    {
        "tz": "Europe/Berlin",
        "week": {day: [[f"{a:%H:%M}", f"{b:%H:%M}"] for a, b in SHIFTS] for day in WORKDAYS},
        "holidays": sorted(day.isoformat() for day in CLOSED),
    }
)
SLOTS = [
    (day * 86_400 + a.hour * 3600 + a.minute * 60, day * 86_400 + b.hour * 3600 + b.minute * 60)
    for day in range(5)
    for a, b in SHIFTS
]
HOURS = {
    "start": [a for a, _ in SHIFTS],
    "end": [b for _, b in SHIFTS],
    "holidays": sorted(CLOSED),
    "weekmask": "Mon Tue Wed Thu Fri",
}
_TZ = pytz.timezone("Europe/Berlin")
_DAYS = [0, 1, 2, 3, 4]
RULES = businesstimedelta.Rules(
    [
        businesstimedelta.WorkDayRule(start_time=time(9), end_time=time(18), working_days=_DAYS, tz=_TZ),
        businesstimedelta.LunchTimeRule(
            start_time=time(12, 30), end_time=time(13, 15), working_days=_DAYS, tz=_TZ
        ),
        businesstimedelta.HolidayRule(CLOSED, tz=_TZ),
    ]
)


class WorkCalendar:
    def is_working_day(self, day: date) -> bool:
        return day not in CLOSED


WORK_CALENDAR = WorkCalendar()


def starts(number: int, chance: random.Random) -> list[datetime]:
    """Odd seconds of ordinary days, in the calendar's zone; never the instant of an opening or closing."""
    first = datetime(2026, 1, 5, tzinfo=UTC)
    return [
        (first + timedelta(seconds=2 * chance.randrange(15_000_000) + 1)).astimezone(ZONE)
        for _ in range(number)
    ]


def spans(number: int, days: int) -> list[tuple[datetime, datetime]]:
    chance = random.Random(days)
    return [
        (
            start,
            (start.astimezone(UTC) + timedelta(days=days, seconds=2 * chance.randrange(20_000))).astimezone(
                ZONE
            ),
        )
        for start in starts(number, chance)
    ]


def ours(case: tuple[datetime, datetime]) -> int:
    return CALENDAR.elapsed(*case)


def pm4py_seconds(case: tuple[datetime, datetime]) -> int:
    return int(soj_time_business_hours_diff(*case, SLOTS, WORK_CALENDAR))


def businesstimedelta_seconds(case: tuple[datetime, datetime]) -> int:
    return int(RULES.difference(*case).timedelta.total_seconds())


def pandas_sum(case: tuple[pd.Timestamp, pd.tseries.offsets.CustomBusinessHour, int]) -> datetime:
    return (case[0] + case[1]).to_pydatetime().astimezone(UTC)


def ours_sum(case: tuple[pd.Timestamp, pd.tseries.offsets.CustomBusinessHour, int]) -> datetime:
    return CALENDAR.add(case[0], case[2]).astimezone(UTC)


def compare() -> list[Result]:
    chance = random.Random(2026)
    sums = []
    # From inside a shift: used up exactly at closing, ours is the closing and pandas' the next opening.
    for start in (at for at in starts(600, chance) if CALENDAR.elapsed(at, at + timedelta(seconds=1))):
        hours = chance.randrange(1, 25)
        sums.append(
            (pd.Timestamp(start), pd.tseries.offsets.CustomBusinessHour(n=hours, **HOURS), hours * 3600)
        )
    far = spans(200, 30 * 365)
    near = spans(200, 3)
    results = [
        measure(
            "add 1 to 24 working hours", sums, ours_sum, "pandas CustomBusinessHour", pandas_sum, goal=12
        ),
        measure("elapsed, 3 days", near, ours, "pm4py with holidays", pm4py_seconds, goal=3),
        measure("elapsed, 1 year", spans(200, 365), ours, "pm4py with holidays", pm4py_seconds, goal=25),
        measure("elapsed, 3 days", near[:60], ours, "businesstimedelta", businesstimedelta_seconds, goal=250),
    ]
    # Whether the cost depends on the span: the peer is ourselves.
    pairs = list(zip(far, near, strict=True))
    results.append(
        measure(
            "elapsed, 30 years", pairs, lambda it: CALENDAR.elapsed(*it[0]) and 0,
            "ours, 3 days", lambda it: CALENDAR.elapsed(*it[1]) * 0, goal=0.77,
        )
    )  # fmt: skip
    return results


if __name__ == "__main__":
    tell(compare)
