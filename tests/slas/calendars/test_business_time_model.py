"""The engine against a slow model that walks minute by minute and shares no code with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from slas.calendars.business_time import Calendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)
# Fortnights around clock changes, among them at midnight and by half an hour, and a plain one.
PLACES = [
    ("Europe/Berlin", date(2026, 3, 22)),
    ("Europe/Berlin", date(2026, 10, 18)),
    ("America/New_York", date(2026, 3, 1)),
    ("America/New_York", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 9, 27)),
    ("Australia/Lord_Howe", date(2026, 3, 29)),
    ("America/Sao_Paulo", date(2018, 10, 28)),
    ("America/Sao_Paulo", date(2018, 2, 11)),
    ("Atlantic/Azores", date(2026, 10, 18)),
    # Clocks go back for Ramadan and forward after it.
    ("Africa/Casablanca", date(2026, 2, 8)),
    ("Africa/Casablanca", date(2026, 3, 15)),
    ("Asia/Kathmandu", date(2026, 12, 25)),
    ("UTC", date(2026, 12, 20)),
]
DAYS = 14


class SlowModel:
    """The set of open minutes of a fortnight and its surroundings, found by walking."""

    def __init__(self, spec: dict[str, Any], first: date) -> None:
        zone = ZoneInfo(spec["tz"])
        self.start = datetime.combine(first - timedelta(days=3), datetime.min.time(), UTC)
        self.end = self.start + timedelta(days=DAYS + 6)
        self.first_minute_of_wall: dict[datetime, datetime] = {}
        self.gaps: list[tuple[datetime, datetime]] = []
        minute, wall_before = self.start, None
        while minute < self.end:
            wall = minute.astimezone(zone).replace(tzinfo=None)
            self.first_minute_of_wall.setdefault(wall, minute)
            if wall_before is not None and wall - wall_before > MINUTE:
                self.gaps.append((wall_before + MINUTE, wall))
            minute, wall_before = minute + MINUTE, wall
        self.open = self._open_minutes(spec, first)

    def _minute(self, wall: datetime) -> datetime:
        for gap_start, gap_end in self.gaps:
            if gap_start <= wall < gap_end:
                wall += gap_end - gap_start
        return self.first_minute_of_wall[wall]

    def _open_minutes(self, spec: dict[str, Any], first: date) -> set[datetime]:
        opened: set[datetime] = set()
        for offset in range(-1, DAYS + 1):
            day = first + timedelta(days=offset)
            midnight = datetime.combine(day, datetime.min.time())
            next_midnight = midnight + timedelta(days=1)
            excepted = day.isoformat() in spec["exceptions"]
            shifts = spec["exceptions"].get(day.isoformat(), spec["week"].get(WEEKDAYS[day.weekday()], []))
            tomorrow = (day + timedelta(days=1)).isoformat()
            for opening, closing in shifts:
                start, end = _wall(midnight, opening), _wall(midnight, closing)
                if end <= start:
                    end += timedelta(days=1)
                if day.isoformat() in spec["holidays"] and not excepted:
                    start = max(start, next_midnight)
                if tomorrow in spec["holidays"] or tomorrow in spec["exceptions"]:
                    end = min(end, next_midnight)
                if start < end:
                    minute = self._minute(start)
                    while minute < self._minute(end):
                        opened.add(minute)
                        minute += MINUTE
        for away, back in spec["absences"]:
            minute = datetime.fromisoformat(away)
            while minute < datetime.fromisoformat(back):
                opened.discard(minute)
                minute += MINUTE
        return opened

    def is_open(self, at: datetime) -> bool:
        return at.replace(second=0, microsecond=0) in self.open

    def elapsed(self, start: datetime, end: datetime) -> int:
        if end < start:
            return -self.elapsed(end, start)
        seconds, minute = 0, start.replace(second=0)
        while minute < end:
            if minute in self.open:
                seconds += int((min(end, minute + MINUTE) - max(start, minute)).total_seconds())
            minute += MINUTE
        return seconds

    def add(self, start: datetime, seconds: int) -> datetime | None:
        """None when the answer lies outside the fortnight."""
        step = MINUTE if seconds >= 0 else -MINUTE
        minute, left = start.replace(second=0), abs(seconds)
        while self.start < minute < self.end:
            if minute in self.open:
                if seconds >= 0:
                    begin = max(start, minute)
                    room = int((minute + MINUTE - begin).total_seconds())
                    if left < room or (left == room and seconds > 0):
                        return begin + timedelta(seconds=left)
                else:
                    begin = min(start, minute + MINUTE)
                    room = int((begin - minute).total_seconds())
                    if left <= room:
                        return begin - timedelta(seconds=left)
                left -= room
            minute += step
        return None


def _wall(midnight: datetime, text: str) -> datetime:
    return midnight + timedelta(hours=int(text[:2]), minutes=int(text[3:]))


times = st.one_of(
    st.sampled_from(["00:00", "01:00", "02:00", "02:15", "02:30", "03:00", "12:00", "22:00", "23:30"]),
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
)
shifts = st.lists(
    st.tuples(times, st.one_of(times, st.just("24:00"))).filter(lambda shift: shift[0] != shift[1]).map(list),
    max_size=3,
)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[dict[str, Any], date]:
    zone, first = draw(st.sampled_from(PLACES))
    days = [(first + timedelta(days=offset)).isoformat() for offset in range(DAYS)]
    moments = st.integers(0, DAYS * 1440).map(
        lambda minutes: datetime.combine(first, datetime.min.time(), UTC) + timedelta(minutes=minutes)
    )
    week = draw(st.dictionaries(st.sampled_from(WEEKDAYS), shifts, min_size=3))
    week["wed"] = [*week.get("wed", []), ["08:00", "08:30"]]
    absences = draw(st.lists(st.tuples(moments, moments).map(sorted), max_size=3))
    spec = {
        "tz": zone,
        "week": week,
        "holidays": draw(st.lists(st.sampled_from(days), max_size=3)),
        "exceptions": draw(st.dictionaries(st.sampled_from(days), shifts, max_size=3)),
        "absences": [[away.isoformat(), back.isoformat()] for away, back in absences],
    }
    return spec, first


def moments_around(first: date) -> st.SearchStrategy[datetime]:
    start = datetime.combine(first, datetime.min.time(), UTC)
    return st.integers(0, DAYS * 86_400 - 1).map(lambda second: start + timedelta(seconds=second))


@settings(max_examples=60, deadline=None)
@given(calendars(), st.data())
def test_the_engine_agrees_with_a_walk_by_minutes(
    drawn: tuple[dict[str, Any], date], data: st.DataObject
) -> None:
    spec, first = drawn
    engine, model = Calendar.from_spec(spec), SlowModel(spec, first)
    for _ in range(6):
        start, end = data.draw(moments_around(first)), data.draw(moments_around(first))
        seconds = data.draw(st.sampled_from([0, 1, -1, 60, -60, 1800]) | st.integers(-200_000, 200_000))
        assert engine.is_open(start) == model.is_open(start)
        assert engine.elapsed(start, end) == model.elapsed(start, end)
        expected = model.add(start, seconds)
        inside = model.start + timedelta(days=3), model.end - timedelta(days=4)
        if expected is not None and inside[0] < expected < inside[1]:
            assert engine.add(start, seconds).astimezone(UTC) == expected


@settings(max_examples=150, deadline=None)
@given(calendars(), st.data())
def test_adding_and_counting_undo_each_other(drawn: tuple[dict[str, Any], date], data: st.DataObject) -> None:
    spec, first = drawn
    engine = Calendar.from_spec(spec)
    start, end = data.draw(moments_around(first)), data.draw(moments_around(first))
    seconds = data.draw(st.integers(-5_000_000, 5_000_000))
    assert engine.elapsed(start, engine.add(start, seconds)) == seconds
    there = engine.add(start, seconds)
    if seconds:
        # The way back ends at the same working second, wherever closed time lies between the two.
        assert engine.elapsed(engine.add(there, -seconds), start) == 0
    assert engine.elapsed(start, end) == -engine.elapsed(end, start)
    assert engine.elapsed(*sorted([start, end])) == sum(
        int((closing.astimezone(UTC) - opening.astimezone(UTC)).total_seconds())
        for opening, closing in engine.intervals(*sorted([start, end]))
    )


@settings(max_examples=100, deadline=None)
@given(calendars(), st.data())
def test_time_only_ever_adds_up(drawn: tuple[dict[str, Any], date], data: st.DataObject) -> None:
    spec, first = drawn
    engine = Calendar.from_spec(spec)
    one, two, three = (data.draw(moments_around(first)) for _ in range(3))
    assert engine.elapsed(one, two) + engine.elapsed(two, three) == engine.elapsed(one, three)
    nearer, farther = sorted(data.draw(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))))
    assert nearer == 0 or engine.add(one, nearer).astimezone(UTC) <= engine.add(one, farther).astimezone(UTC)
    opening = engine.add(one, 0)
    assert engine.is_open(opening)
    assert opening >= one
    assert engine.elapsed(one, opening) == 0
