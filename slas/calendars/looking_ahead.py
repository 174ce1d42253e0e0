"""What working hours come to: this week, a few deadlines, the next closed days (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from slas.calendars.business_time import ONE_DAY, Calendar
from slas.calendars.sections import named_holidays

HOUR = 3600
DAY_SECONDS = 86_400
MOST_CLOSED = 6
DAYS_AHEAD = 400


@dataclass(frozen=True)
class Stretch:
    """Open from ``begin`` to ``end``; ``left`` and ``width`` in thousandths of its local day."""

    begin: datetime
    end: datetime
    left: int
    width: int


@dataclass(frozen=True)
class DayAhead:
    day: date
    stretches: tuple[Stretch, ...]
    seconds: int
    closed_for: str = ""


@dataclass(frozen=True)
class Example:
    """So many seconds of working time from ``start`` on are used up at ``due``."""

    start: datetime
    seconds: int
    due: datetime


@dataclass(frozen=True)
class Ahead:
    week: tuple[DayAhead, ...]
    seconds: int
    examples: tuple[Example, ...]
    closed: tuple[tuple[date, str], ...]
    opens_at: datetime | None
    is_open: bool


def look_ahead(calendar: Calendar, body: Mapping[str, Any], now: datetime) -> Ahead:
    """This week (Monday to Sunday of the calendar's zone), two examples, and the next closed days."""
    today = now.astimezone(calendar.zone).date()
    names = closed_names(body)
    monday = today - timedelta(days=today.weekday())
    week = tuple(_day(calendar, monday + ONE_DAY * i, names) for i in range(7))
    is_open = calendar.is_open(now)
    return Ahead(
        week=week,
        seconds=sum(day.seconds for day in week),
        examples=tuple(_examples(calendar, now)),
        closed=tuple(_closed(calendar, body, names, today)),
        opens_at=None if is_open else _opens(calendar, now),
        is_open=is_open,
    )


def closed_names(body: Mapping[str, Any]) -> dict[str, str]:
    """ISO date -> what it is, of public and own holidays; a yearly one under MM-DD."""
    place = body.get("holidays_of")
    found: dict[str, str] = {}
    if isinstance(place, Mapping):
        found |= named_holidays(str(place.get("country")), place.get("subdivision"))
    for key in ("yearly", "holidays"):
        told = body.get(key) or ()
        found |= (
            {str(d): str(n or "") for d, n in told.items()}
            if isinstance(told, Mapping)
            else dict.fromkeys(map(str, told), "")
        )
    return found


def name_of(names: Mapping[str, str], day: date) -> str | None:
    """What a holiday is called, "" without a name, None for a day that is none."""
    key = day.isoformat()
    return names.get(key, names.get(key[5:]))


def _day(calendar: Calendar, day: date, names: Mapping[str, str]) -> DayAhead:
    midnight = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    following = day + ONE_DAY
    end = datetime(following.year, following.month, following.day, tzinfo=calendar.zone)
    stretches = []
    for begins, ends in calendar.intervals(midnight, end):
        left, right = _wall(begins, day), _wall(ends, day)
        stretches.append(Stretch(begins, ends, left, max(1, right - left)))
    seconds = calendar.elapsed(midnight, end)
    return DayAhead(day, tuple(stretches), seconds, "" if stretches else name_of(names, day) or "")


def _wall(at: datetime, day: date) -> int:
    """Thousandths of the day by the wall clock."""
    if at.date() > day:
        return 1000
    return (at.hour * HOUR + at.minute * 60) * 1000 // DAY_SECONDS


def _examples(calendar: Calendar, now: datetime) -> list[Example]:
    """From now, and from half an hour before the last closing of the next stretch that a longer pause follows."""
    starts = [now.astimezone(calendar.zone)]
    opened = calendar.intervals(now, now + timedelta(days=14))
    for (_, closes), (opens, _) in pairwise(opened):
        if (opens - closes).total_seconds() > DAY_SECONDS:
            start = (closes.astimezone(UTC) - timedelta(minutes=30)).astimezone(calendar.zone)
            if start > now:
                starts.append(start)
                break
    try:
        return [Example(start, HOUR, calendar.add(start, HOUR)) for start in starts]
    except ValueError:
        # Open on a few dates only, and they are over.
        return []


def _opens(calendar: Calendar, now: datetime) -> datetime | None:
    try:
        return calendar.add(now, 0)
    except ValueError:
        return None


def _closed(
    calendar: Calendar, body: Mapping[str, Any], names: Mapping[str, str], today: date
) -> list[tuple[date, str]]:
    """The next days that are closed although their weekday is open."""
    week: Mapping[str, Sequence[Any]] = body.get("week") or {}
    open_days = {
        i for i, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")) if week.get(day)
    }
    found = []
    for i in range(DAYS_AHEAD):
        day = today + ONE_DAY * i
        if day.weekday() in open_days and not calendar.opened_on(day):
            found.append((day, name_of(names, day) or "Closed"))
            if len(found) == MOST_CLOSED:
                break
    return found
