"""Moments relative to the anchor, in the offices' own time.

Everything here takes and gives aware UTC datetimes of whole seconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

ZONES = {"Austin": ZoneInfo("America/Chicago"), "Berlin": ZoneInfo("Europe/Berlin")}

OPENS_MINUTE = 9 * 60
CLOSES_MINUTE = 17 * 60


def easter_sunday(year: int) -> date:
    """Easter by the anonymous Gregorian computus."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    n = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + n + 90) // 25
    return date(year, month, (h - m + n + month + 19) % 32)


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The ``n``-th (from 1) ``weekday`` (Monday is 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


@cache
def closed_days(office: str, year: int) -> frozenset[date]:
    """The days of ``year`` on which ``office`` is closed for a holiday."""
    shared = [(1, 1), (12, 25), (12, 26), (12, 31)]
    days = {date(year, month, day) for month, day in shared}
    easter = easter_sunday(year)
    if office == "Berlin":
        days |= {easter + timedelta(days=n) for n in (-2, 1, 39, 50)}
        days |= {date(year, 3, 8), date(year, 5, 1), date(year, 10, 3), date(year, 12, 24)}
    else:
        thanksgiving = nth_weekday(year, 11, 3, 4)
        days |= {date(year, 6, 19), date(year, 7, 4), thanksgiving, thanksgiving + timedelta(days=1)}
        days |= {nth_weekday(year, 1, 0, 3), nth_weekday(year, 2, 0, 3), _last_monday_of_may(year)}
        days |= {nth_weekday(year, 9, 0, 1), nth_weekday(year, 10, 0, 2)}
        days |= {date(year, 12, 24), date(year, 11, 11)}
    return frozenset(days)


def is_open_day(office: str, day: date) -> bool:
    return day.weekday() < 5 and day not in closed_days(office, day.year)


def at(office: str, day: date, minute: float) -> datetime:
    """``minute`` minutes after midnight of ``day`` on the office's clock."""
    seconds = round(minute * 60)
    local = datetime.combine(day, time(seconds // 3600, seconds // 60 % 60, seconds % 60), ZONES[office])
    return local.astimezone(UTC)


def local_day(office: str, moment: datetime) -> date:
    return moment.astimezone(ZONES[office]).date()


def next_open_day(office: str, day: date) -> date:
    """The first open day after ``day``."""
    day += timedelta(days=1)
    while not is_open_day(office, day):
        day += timedelta(days=1)
    return day


def next_open(office: str, moment: datetime) -> datetime:
    """``moment`` itself inside opening hours, else the next opening."""
    day = local_day(office, moment)
    if is_open_day(office, day):
        if moment < at(office, day, OPENS_MINUTE):
            return at(office, day, OPENS_MINUTE)
        if moment < at(office, day, CLOSES_MINUTE - 5):
            return moment
    return at(office, next_open_day(office, day), OPENS_MINUTE)


class Moments:
    """Draws moments between two distances from the anchor, never on a day that a story keeps for itself."""

    def __init__(self, anchor: datetime) -> None:
        if anchor.tzinfo is None:
            raise ValueError("the anchor must be an aware datetime")
        self.anchor = anchor.astimezone(UTC).replace(microsecond=0)
        self.kept_days: frozenset[date] = frozenset()

    def ago(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
        moment = self.anchor - timedelta(days=days, hours=hours, minutes=minutes)
        return moment.replace(microsecond=0)

    def open_day(self, random: Random, office: str, oldest_days: int, newest_days: int) -> date:
        """An open day between ``oldest_days`` and ``newest_days`` ago (both inclusive).

        Raises ValueError when a hundred draws find none.
        """
        today = local_day(office, self.anchor)
        for _ in range(100):
            day = today - timedelta(days=random.randint(newest_days, oldest_days))
            if is_open_day(office, day) and day not in self.kept_days:
                return day
        raise ValueError(f"no open day {oldest_days} to {newest_days} days before {self.anchor}")

    def in_hours(
        self,
        random: Random,
        office: str,
        oldest_days: int,
        newest_days: int,
        *,
        minutes: tuple[int, int] = (OPENS_MINUTE, CLOSES_MINUTE),
    ) -> datetime:
        """A moment inside the given minutes of an open day."""
        day = self.open_day(random, office, oldest_days, newest_days)
        return at(office, day, random.uniform(*minutes))

    def any_time(self, random: Random, office: str, oldest_days: int, newest_days: int) -> datetime:
        """A moment as buyers choose them: mostly office hours, some evenings, some weekends."""
        if random.random() < 0.72:
            return self.in_hours(random, office, oldest_days, newest_days, minutes=(8 * 60, 18 * 60))
        today = local_day(office, self.anchor)
        day = today - timedelta(days=random.randint(newest_days, oldest_days))
        while day in self.kept_days:
            day -= timedelta(days=3)
        return at(office, day, random.uniform(5 * 60, 23 * 60 + 30))
