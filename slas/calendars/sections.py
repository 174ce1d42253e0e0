"""Calendars in the operating model: body -> the engine's spec, public holidays included."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import holidays

from definitions.models import Version
from slas.calendars.business_time import Calendar

CALENDAR_KEYS = (
    "name", "teams", "people", "regions", "agreed_by", "tz", "week", "holidays_of", "holidays", "yearly", "exceptions",
)  # fmt: skip
PLACE_KEYS = ("country", "subdivision")
FIRST_HOLIDAY_YEAR, LAST_HOLIDAY_YEAR = 2015, 2045


def calendar_spec(body: Mapping[str, Any]) -> dict[str, Any]:
    """The spec for ``Calendar.from_spec``. Raises ValueError for holidays that can't be read or that nobody knows."""
    spec = {key: body[key] for key in ("tz", "week", "exceptions") if key in body}
    closed = body.get("holidays") or []
    if not isinstance(closed, list | tuple | Mapping):
        raise ValueError("holidays is a list of dates, or dates with what they are")  # noqa: TRY004 - callers catch one error
    days = {str(day) for day in closed} | set(yearly_days(body))
    if place := body.get("holidays_of"):
        if not isinstance(place, Mapping):
            raise ValueError("holidays_of says country and, if wanted, subdivision")
        days |= set(named_holidays(str(place.get("country")), place.get("subdivision")))
    return {**spec, "holidays": sorted(days)}


def yearly_days(body: Mapping[str, Any]) -> Iterator[str]:
    """The dates of ``yearly``, in all years that are covered; 29 February is one in leap years only.

    Raises ValueError for what is no day of a year."""
    told = body.get("yearly") or ()
    if not isinstance(told, list | tuple | Mapping):
        raise ValueError("yearly is a list of days such as 12-24")  # noqa: TRY004 - callers catch one error
    for day in told:
        if not is_yearly_day(str(day)):
            raise ValueError(f"a day of every year is MM-DD in quotes, not {day!r}")
        for year in range(FIRST_HOLIDAY_YEAR, LAST_HOLIDAY_YEAR + 1):
            if str(day) != "02-29" or isleap(year):
                yield f"{year}-{day}"


def is_yearly_day(text: str) -> bool:
    """Whether it is a day such as 12-24; 02-29 is one, too."""
    try:
        date.fromisoformat(f"2024-{text}")
    except ValueError:
        return False
    return len(text) == 5 and text.isascii() and text.replace("-", "", 1).isdigit()


def calendar_of(version: Version) -> Calendar:
    """The calendar of a version; of a published one built once per process, since it never changes."""
    if version._state.adding:
        return Calendar.from_spec(calendar_spec(version.body))
    if version.pk not in _built:
        _built[version.pk] = Calendar.from_spec(calendar_spec(version.body))
    return _built[version.pk]


_built: dict[int, Calendar] = {}


@lru_cache(maxsize=64)
def named_holidays(country: str, subdivision: str | None) -> Mapping[str, str]:
    """ISO date -> name of every public holiday of the years covered. Raises ValueError for a place nobody knows."""
    try:
        found = holidays.country_holidays(
            country,
            subdiv=subdivision,
            years=range(FIRST_HOLIDAY_YEAR, LAST_HOLIDAY_YEAR + 1),
            language="en_US",
        )
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {country} {subdivision or ''}".strip()) from error
    return {day.isoformat(): name for day, name in found.items()}
