from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slas.calendars.business_time import Calendar
from tests.benchmarks.measure import Result
from tests.benchmarks.measure import compare as measure
from tests.benchmarks.peers import run

ZONE = ZoneInfo("Europe/Berlin")
HOLIDAYS = {date(2026, 12, 25), date(2026, 5, 1), date(2027, 1, 1)}
CALENDAR = Calendar.from_spec(
    {
        "tz": "Europe/Berlin",
        "week": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": sorted(day.isoformat() for day in HOLIDAYS),
    }
)


def opened(day: date) -> tuple[datetime, datetime] | None:
    if day.weekday() > 4 or day in HOLIDAYS:
        return None
    return (
        datetime.combine(day, time(9), ZONE).astimezone(UTC),
        datetime.combine(day, time(17), ZONE).astimezone(UTC),
    )


def walk_elapsed(case: tuple[datetime, datetime]) -> int:
    """Day by day, as one writes it first."""
    start, end = case
    seconds, day = 0, start.astimezone(ZONE).date()
    while day <= end.astimezone(ZONE).date():
        if hours := opened(day):
            seconds += max(0, int((min(hours[1], end) - max(hours[0], start)).total_seconds()))
        day += timedelta(days=1)
    return seconds


def walk_add(case: tuple[datetime, int]) -> datetime:
    start, left = case
    day = start.astimezone(ZONE).date()
    while True:
        if hours := opened(day):
            begin = max(hours[0], start)
            if begin < hours[1] and (hours[1] - begin).total_seconds() >= left:
                return begin + timedelta(seconds=left)
            left -= max(0, int((hours[1] - begin).total_seconds()))
        day += timedelta(days=1)


def compare() -> list[Result]:
    chance = random.Random(2026)
    starts = [
        datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=chance.randrange(31_000_000)) for _ in range(300)
    ]
    spans = [(start, start + timedelta(seconds=chance.randrange(90 * 86_400))) for start in starts]
    sums = [(start, chance.randrange(1, 40 * 8 * 3600)) for start in starts]
    return [
        measure(
            "elapsed working seconds, up to 90 days",
            spans,
            lambda it: CALENDAR.elapsed(*it),
            "day walk",
            walk_elapsed,
        ),
        measure(
            "add working seconds, up to 40 days", sums, lambda it: CALENDAR.add(*it), "day walk", walk_add
        ),
        *run("business_time"),
    ]
