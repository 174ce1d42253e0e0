"""A month of a team: who is away on which day (pure)."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from teams.absences import span_words
from teams.models import Absence, Person

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cell:
    """``kind``: away, covered, part (of the day), or ""."""

    day: date
    kind: str = ""
    words: str = ""
    is_weekend: bool = False


@dataclass(frozen=True)
class Row:
    person: Person
    cells: tuple[Cell, ...]


def read_month(text: str, today: date) -> date:
    """The first of a month from 2026-08; that of today for what is none."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    return found if 1970 <= found.year <= 2199 else today.replace(day=1)


def days_of(month: date) -> list[date]:
    return [month.replace(day=d + 1) for d in range(calendar.monthrange(month.year, month.month)[1])]


def month_before(month: date) -> date:
    return (month - ONE_DAY).replace(day=1)


def month_after(month: date) -> date:
    return (month + ONE_DAY * 31).replace(day=1)


def bounds(month: date) -> tuple[datetime, datetime]:
    """Every instant that is in the month somewhere on earth."""
    begin = datetime.combine(month, time.min, UTC) - ONE_DAY
    return begin, datetime.combine(month_after(month), time.min, UTC) + ONE_DAY


def rows_of(people: Sequence[Person], absences: Sequence[Absence], month: date) -> list[Row]:
    """One row a person, each day by the person's own zone."""
    days = days_of(month)
    return [
        Row(
            person,
            tuple(_cell(person, day, [a for a in absences if a.person_id == person.pk]) for day in days),
        )
        for person in people
    ]


def _cell(person: Person, day: date, absences: Sequence[Absence]) -> Cell:
    begin = datetime.combine(day, time.min, person.zone).astimezone(UTC)
    end = datetime.combine(day + ONE_DAY, time.min, person.zone).astimezone(UTC)
    is_weekend = day.weekday() >= 5
    for absence in absences:
        if absence.starts_at < end and absence.ends_at > begin:
            is_whole = absence.starts_at <= begin and absence.ends_at >= end
            kind = ("covered" if absence.cover_id else "away") if is_whole else "part"
            cover = f", {absence.cover.name} covers" if absence.cover else ", nobody covers"
            return Cell(day, kind, f"{person.name} away {span_words(absence, person)}{cover}", is_weekend)
    return Cell(day, is_weekend=is_weekend)
