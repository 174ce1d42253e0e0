"""Working-time arithmetic: from one calendar to deadlines and elapsed working seconds.

Pure: aware datetimes and integer seconds in, aware datetimes and integer seconds out.
A calendar keeps one table of its open intervals in UTC with running totals, so every question is
a bisection and costs the same for three days and for thirty years.

Meanings
- Intervals are half-open: the closing instant is not open.
- A deadline used up exactly at closing is the closing instant; going back, one used up exactly at
  opening is the opening instant.
- A shift belongs to the local date it starts on. Its part past midnight belongs to the next date.
- A holiday closes its local date: also the part of a shift that spills in from the night before,
  but not the part that spills out of it into the next date.
- An exception replaces the shifts that start on its date, cuts what spills in from the night
  before, and wins over a holiday.
- Absences are subtracted last.
- A wall time that comes twice means the first; one that is skipped moves forward by the gap. An
  interval across a clock change counts real seconds.
- Microseconds of an input are cut off. Results are in the calendar's zone. Python compares and
  subtracts two datetimes of one zone by the wall clock, and never calls a repeated wall time equal
  to another zone's: convert to UTC before either.
"""

# ruff: noqa: TRY004 (a wrong type in plain data is a wrong value: callers catch one error)
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A mistyped or hostile date (year 9999) must not cost a table of eight thousand years.
FIRST_YEAR, LAST_YEAR = 1900, 2299
FIRST_DAY = date(FIRST_YEAR, 1, 1).toordinal()
END_DAY = date(LAST_YEAR + 1, 1, 1).toordinal()
MARGIN_DAYS = 400
ONE_DAY = timedelta(days=1)
DAY_MINUTES = 24 * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPEC_KEYS = frozenset({"tz", "week", "holidays", "exceptions", "absences"})

Shift = tuple[int, int]  # minutes after local midnight; the end may lie past 24:00


class _Table(NamedTuple):
    """Open intervals in epoch seconds, sorted and disjoint, with running totals around each."""

    first_day: int
    end_day: int
    first_second: int
    end_second: int
    starts: list[int]
    ends: list[int]
    before: list[int]
    after: list[int]

    def worked(self, second: int) -> int:
        index = bisect_right(self.starts, second) - 1
        if index < 0:
            return 0
        total = self.before[index] + second - self.starts[index]
        return min(total, self.after[index])


class Calendar:
    """Open hours of a team or person. Build one with `from_spec`; it never changes afterwards."""

    __slots__ = ("_absences", "_exceptions", "_holidays", "_table", "_week", "zone")

    def __init__(
        self,
        zone: ZoneInfo,
        week: Sequence[Sequence[Shift]],
        holidays: Iterable[int],
        exceptions: Mapping[int, Sequence[Shift]],
        absences: Iterable[tuple[int, int]],
    ) -> None:
        self.zone = zone
        self._week = tuple(tuple(shifts) for shifts in week)
        self._holidays = frozenset(holidays)
        self._exceptions = {day: tuple(shifts) for day, shifts in exceptions.items()}
        self._absences = _merged(absences)
        self._table: _Table | None = None
        if not any(self._week) and not self._is_opened_by_exceptions():
            raise ValueError("the calendar has no working time")

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Calendar:
        """Build a calendar from plain data.

        `tz` (zone name, required), `week` {"mon": [["09:00", "17:00"], …], …}, `holidays`
        ["2026-12-25", …], `exceptions` {"2026-12-24": [["09:00", "12:00"]]}, `absences`
        [[aware start, aware end], …]. Times are HH:MM up to 24:00; an end before its start runs
        past midnight. Dates and instants may be ISO text or date and datetime objects.

        Raises ValueError when anything is malformed or the calendar has no working time.
        """
        if not isinstance(spec, Mapping):
            raise ValueError("a calendar is a mapping")
        unknown = [key for key in spec if key not in SPEC_KEYS]
        if unknown:
            raise ValueError(f"unknown calendar keys: {', '.join(map(str, unknown))}")
        week = _mapping(spec, "week")
        strange = [day for day in week if day not in WEEKDAYS]
        if strange:
            raise ValueError(f"unknown weekdays: {', '.join(map(str, strange))}; use {', '.join(WEEKDAYS)}")
        return cls(
            zone=_read_zone(spec.get("tz")),
            week=[read_shifts(week.get(day)) for day in WEEKDAYS],
            holidays=[_read_day(day) for day in _listing(spec, "holidays")],
            exceptions={
                _read_day(day): read_shifts(shifts) for day, shifts in _mapping(spec, "exceptions").items()
            },
            absences=[_read_absence(absence) for absence in _listing(spec, "absences")],
        )

    def add(self, start: datetime, seconds: int) -> datetime:
        """The instant at which `seconds` of working time after `start` are used up.

        Zero gives `start` when open, else the next opening. Negative goes back.
        Raises ValueError for a naive `start`, or when the years covered hold too little working time.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int):
            raise ValueError("seconds must be a whole number")
        second = _epoch_second(start)
        table = self._covering(second)
        while True:
            found = _find(table, second, seconds)
            if found is not None:
                return datetime.fromtimestamp(found, self.zone)
            table = self._grown(table, forward=seconds >= 0)

    def add_days(self, start: datetime, days: int) -> datetime:
        """The last closing of the `days`-th working day after the local date of `start`.

        That date is day 0, even when it is closed or over. A working day has at least one open second left by
        holidays, exceptions and absences; a night shift closes the day it began on. Raises ValueError for a naive
        `start`, for less than one day, or when the years covered hold too few working days.
        """
        if isinstance(days, bool) or days != int(days) or days < 1:
            raise ValueError("days must be a whole number, one or more")
        begin = datetime.fromtimestamp(_epoch_second(start), UTC)
        due = closing_of_day(begin, days, [(self, begin, datetime(LAST_YEAR, 1, 1, tzinfo=UTC))])
        if due is None:
            raise ValueError(f"too few working days within the years {FIRST_YEAR} to {LAST_YEAR}")
        return due.astimezone(self.zone)

    def opened_on(self, day: date) -> list[tuple[datetime, datetime]]:
        """Open (start, end) pairs of the shifts that begin on a local date; a night shift ends the next morning.

        Raises ValueError for a day outside the years covered.
        """
        number = day.toordinal()
        if not FIRST_DAY + 2 <= number < END_DAY - 2:
            raise ValueError(f"too few working days within the years {FIRST_YEAR} to {LAST_YEAR}")
        pieces = _subtracted(_merged(self._opened(number)), self._absences)
        return [
            (datetime.fromtimestamp(start, self.zone), datetime.fromtimestamp(end, self.zone))
            for start, end in pieces
        ]

    def elapsed(self, start: datetime, end: datetime) -> int:
        """Working seconds from `start` to `end`; negative when `end` comes first.

        Raises ValueError for naive datetimes.
        """
        first, last = _epoch_second(start), _epoch_second(end)
        table = self._covering(first)
        if not table.first_second <= last < table.end_second:
            table = self._covering(last)
        return table.worked(last) - table.worked(first)

    def is_open(self, at: datetime) -> bool:
        """Whether `at` is working time. Raises ValueError for a naive `at`."""
        second = _epoch_second(at)
        table = self._covering(second)
        index = bisect_right(table.starts, second) - 1
        return index >= 0 and second < table.ends[index]

    def intervals(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Open (start, end) pairs between two instants, in order, cut at both.

        Empty when `end` is not after `start`. Raises ValueError for naive datetimes.
        """
        first, last = _epoch_second(start), _epoch_second(end)
        if last <= first:
            return []
        self._covering(first)
        table = self._covering(last)
        found = []
        for index in range(bisect_right(table.ends, first), bisect_left(table.starts, last)):
            opening, closing = max(table.starts[index], first), min(table.ends[index], last)
            found.append(
                (datetime.fromtimestamp(opening, self.zone), datetime.fromtimestamp(closing, self.zone))
            )
        return found

    def _covering(self, second: int) -> _Table:
        """The table, grown to hold `second`; it never shrinks."""
        table = self._table
        if table is not None and table.first_second <= second < table.end_second:
            return table
        day = EPOCH.toordinal() + second // 86_400
        if not FIRST_DAY + 2 <= day < END_DAY - 2:
            raise ValueError(f"working time is counted within the years {FIRST_YEAR} to {LAST_YEAR}")
        if table is None:
            return self._build(day - MARGIN_DAYS, day + MARGIN_DAYS)
        return self._build(min(table.first_day, day - MARGIN_DAYS), max(table.end_day, day + MARGIN_DAYS))

    def _grown(self, table: _Table, *, forward: bool) -> _Table:
        # Doubling keeps the total cost of growing proportional to the final span.
        span = table.end_day - table.first_day
        if table.end_day == END_DAY if forward else table.first_day == FIRST_DAY:
            raise ValueError(f"too little working time within the years {FIRST_YEAR} to {LAST_YEAR}")
        if forward:
            return self._build(table.first_day, table.end_day + span)
        return self._build(table.first_day - span, table.end_day)

    def _build(self, first_day: int, end_day: int) -> _Table:
        first_day, end_day = max(first_day, FIRST_DAY), min(end_day, END_DAY)
        first_second, end_second = self._second(first_day, 0), self._second(end_day, 0)
        starts: list[int] = []
        ends: list[int] = []
        before: list[int] = []
        after: list[int] = []
        total = 0
        # Shifts reach past their own date, hence the days around the range.
        opened = (piece for day in range(first_day - 2, end_day + 2) for piece in self._opened(day))
        for start, end in _subtracted(_merged(opened), self._absences):
            start, end = max(start, first_second), min(end, end_second)
            if start < end:
                starts.append(start)
                ends.append(end)
                before.append(total)
                total += end - start
                after.append(total)
        table = _Table(first_day, end_day, first_second, end_second, starts, ends, before, after)
        self._table = table
        return table

    def _opened(self, day: int) -> Iterable[tuple[int, int]]:
        """Intervals that the shifts of one local date open, holidays and exceptions applied."""
        shifts = self._exceptions.get(day)
        own_date_open = shifts is not None or day not in self._holidays
        if shifts is None:
            shifts = self._week[(day - 1) % 7]
        for start, end in shifts:
            next_date_open = end > DAY_MINUTES and not (
                day + 1 in self._exceptions or day + 1 in self._holidays
            )
            first = start if own_date_open else DAY_MINUTES
            last = end if next_date_open else min(end, DAY_MINUTES)
            if first < last:
                yield self._second(day, first), self._second(day, last)

    def _second(self, day: int, minute: int) -> int:
        days, minute = divmod(minute, DAY_MINUTES)
        local = datetime.combine(date.fromordinal(day + days), datetime.min.time(), self.zone)
        # fold=0 is the meaning we chose: the first of two, or forward by the gap.
        return _epoch_second(local.replace(hour=minute // 60, minute=minute % 60))

    def _is_opened_by_exceptions(self) -> bool:
        days = [day for day, shifts in self._exceptions.items() if shifts]
        opened = _merged(piece for day in days for piece in self._opened(day))
        return any(True for _ in _subtracted(opened, self._absences))


def closing_of_day(
    start: datetime, days: int, stretches: Iterable[tuple[Calendar | None, datetime, datetime]]
) -> datetime | None:
    """The last closing (UTC) of the ``days``-th working day after the local date of ``start``, None when the stretches
    hold too few.

    ``stretches``: (calendar, begin, end) in order: by whose hours time counts from when until when; a calendar that
    nobody wrote down ends the search. A day counts when any of its time lies in one of them."""
    closings: dict[date, datetime] = {}
    for calendar, begin, end in stretches:
        if calendar is None:
            return None
        # A night shift of the day before may still be on.
        day = max(_local(start, calendar), _local(begin, calendar) - ONE_DAY * 2) + ONE_DAY
        while day <= _local(end, calendar):
            if len(closings) == days and day > max(closings):
                return max(closings.values())
            opened = calendar.opened_on(day)
            if any(opens < end and closes > begin for opens, closes in opened):
                closings[day] = opened[-1][1].astimezone(UTC)
            day += ONE_DAY
    return max(closings.values()) if len(closings) == days else None


def _local(at: datetime, calendar: Calendar) -> date:
    return at.astimezone(calendar.zone).date()


def _find(table: _Table, second: int, seconds: int) -> int | None:
    """The second that `add` looks for, or None when it lies outside the table."""
    if seconds == 0:
        index = bisect_right(table.starts, second) - 1
        if index >= 0 and second < table.ends[index]:
            return second
        return table.starts[index + 1] if index + 1 < len(table.starts) else None
    target = table.worked(second) + seconds
    if seconds > 0:
        index = bisect_left(table.after, target)
        if index == len(table.after):
            return None
    else:
        index = bisect_right(table.before, target) - 1
        if index < 0:
            return None
    return table.starts[index] + target - table.before[index]


def _epoch_second(moment: datetime) -> int:
    try:
        since = moment - EPOCH
    except TypeError:
        raise ValueError(f"an aware datetime is needed, not {moment!r}") from None
    return since.days * 86_400 + since.seconds


def _merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _subtracted(opened: list[tuple[int, int]], closed: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """`opened` without `closed`; both sorted and disjoint."""
    index = 0
    for start, end in opened:
        while index < len(closed) and closed[index][1] <= start:
            index += 1
        ahead = index
        while ahead < len(closed) and closed[ahead][0] < end:
            if start < closed[ahead][0]:
                yield start, closed[ahead][0]
            start = max(start, closed[ahead][1])
            ahead += 1
        if start < end:
            yield start, end


def _mapping(spec: Mapping[str, Any], key: str) -> Mapping[Any, Any]:
    value = spec.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be a mapping")
    return value


def _listing(spec: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = spec.get(key)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError(f"{key} must be a list")
    return value


def _read_zone(name: object) -> ZoneInfo:
    if not isinstance(name, str):
        raise ValueError("tz must name a time zone")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"unknown time zone {name!r}") from None


def read_shifts(shifts: object) -> list[Shift]:
    """The shifts of a day from [["09:00", "17:00"], …], None meaning none. Raises ValueError."""
    if shifts is None:
        return []
    if not isinstance(shifts, list | tuple):
        raise ValueError("the shifts of a day must be a list of [start, end]")
    return [_read_shift(shift) for shift in shifts]


def _read_shift(shift: object) -> Shift:
    if not isinstance(shift, list | tuple) or len(shift) != 2:
        raise ValueError(f"a shift is [start, end], not {shift!r}")
    start, end = _read_minute(shift[0]), _read_minute(shift[1])
    if start == DAY_MINUTES:
        raise ValueError("a shift cannot start at 24:00")
    if start == end:
        raise ValueError(f"a shift from {shift[0]} to {shift[1]} is empty; a whole day is 00:00 to 24:00")
    return (start, end) if start < end else (start, end + DAY_MINUTES)


def _read_minute(text: object) -> int:
    if isinstance(text, str) and len(text) == 5 and text[2] == ":" and text.isascii():
        hour, minute = text[:2], text[3:]
        if hour.isdigit() and minute.isdigit() and int(minute) < 60:
            total = int(hour) * 60 + int(minute)
            if total <= DAY_MINUTES:
                return total
    raise ValueError(f"a time is HH:MM from 00:00 to 24:00 in quotes, not {text!r}")


def _read_day(value: object) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.toordinal()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value).toordinal()
        except ValueError:
            pass
    raise ValueError(f"a date is YYYY-MM-DD, not {value!r}")


def _read_absence(absence: object) -> tuple[int, int]:
    if not isinstance(absence, list | tuple) or len(absence) != 2:
        raise ValueError(f"an absence is [start, end], not {absence!r}")
    start, end = (_read_instant(value) for value in absence)
    if end < start:
        raise ValueError(f"an absence ends before it starts: {absence!r}")
    return start, end


def _read_instant(value: object) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"an instant is ISO 8601 with its offset, not {value!r}") from None
    if not isinstance(value, datetime):
        raise ValueError(f"an instant is an aware datetime, not {value!r}")
    return _epoch_second(value)


__all__ = ["Calendar"]
