"""A year of months, each day with what it is, and the public holidays by name (pure)."""

from __future__ import annotations

import calendar as months
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from slas.calendars.business_time import WEEKDAYS
from slas.calendars.hours_form import HoursForm
from slas.calendars.sections import named_holidays
from slas.calendars.times import DAY_NAMES


@dataclass(frozen=True)
class DayCell:
    """``kind``: open, off (its weekday is closed), public, closed, hours; ``words``: for who can't see its colour."""

    day: date
    kind: str
    words: str


@dataclass(frozen=True)
class Month:
    """``weeks``: rows from Monday to Sunday, None outside the month."""

    name: str
    weeks: tuple[tuple[DayCell | None, ...], ...]


@dataclass(frozen=True)
class OwnDay:
    """A day that this calendar says something of. ``key``: an ISO date, or MM-DD of every year."""

    key: str
    label: str
    words: str


def months_of(form: HoursForm, year: int) -> list[Month]:
    public = public_holidays(form)
    return [
        Month(
            months.month_name[number],
            tuple(
                tuple(_cell(form, date(year, number, d), public) if d else None for d in week)
                for week in months.Calendar().monthdayscalendar(year, number)
            ),
        )
        for number in range(1, 13)
    ]


def public_holidays(form: HoursForm) -> Mapping[str, str]:
    """ISO date -> name; nothing for a place nobody knows."""
    if not form.country:
        return {}
    try:
        return named_holidays(form.country, form.subdivision or None)
    except ValueError:
        return {}


def listed_years(form: HoursForm, this_year: int) -> list[tuple[int, list[tuple[date, str]]]]:
    """What the import brings for this year and the next, by name."""
    found = public_holidays(form)
    return [
        (
            year,
            [(date.fromisoformat(d), found[d]) for d in sorted(found) if d.startswith(f"{year}-")],
        )
        for year in (this_year, this_year + 1)
    ]


def own_days(form: HoursForm) -> list[OwnDay]:
    """All that stands beside the public holidays, yearly ones first."""
    special = form.special
    found = [
        OwnDay(day, f"Every {_day_words(day)}", f"Closed{_called(name)}{_leap(day)}")
        for day, name in sorted(special.yearly.items())
    ]
    dated = {day: f"Closed{_called(name)}" for day, name in special.closed.items()}
    dated |= {
        day: ", ".join(f"{begin}–{end}" for begin, end in blocks) or "Closed"
        for day, blocks in special.hours.items()
    }
    return found + [
        OwnDay(day, f"{date.fromisoformat(day):%a %-d %b %Y}", dated[day]) for day in sorted(dated)
    ]


def _cell(form: HoursForm, day: date, public: Mapping[str, str]) -> DayCell:
    key, name = day.isoformat(), DAY_NAMES[WEEKDAYS[day.weekday()]]
    special = form.special
    if key in special.hours:
        hours = ", ".join(f"{begin}–{end}" for begin, end in special.hours[key])
        kind, words = "hours", hours or "closed"
    elif key in special.closed or key[5:] in special.yearly:
        kind, words = "closed", special.closed.get(key) or special.yearly.get(key[5:]) or "closed"
    elif key in public:
        kind, words = "public", public[key]
    elif not form.week[WEEKDAYS[day.weekday()]]:
        kind, words = "off", "no working day"
    else:
        kind, words = "open", "as every week"
    return DayCell(day, kind, f"{name} {day:%-d %B %Y}: {words}")


def _called(name: str) -> str:
    return f": {name}" if name else ""


def _leap(day: str) -> str:
    return " (leap years only)" if day == "02-29" else ""


def _day_words(day: str) -> str:
    return f"{date.fromisoformat(f'2024-{day}'):%-d %B}"
