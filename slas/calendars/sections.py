"""Calendars in the operating model: body -> the engine's spec, public holidays included."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import holidays

from definitions.models import Version
from slas.calendars.business_time import Calendar

CALENDAR_KEYS = ("name", "teams", "people", "regions", "tz", "week", "holidays_of", "holidays", "exceptions")
PLACE_KEYS = ("country", "subdivision")
FIRST_HOLIDAY_YEAR, LAST_HOLIDAY_YEAR = 2015, 2045


def calendar_spec(body: Mapping[str, Any]) -> dict[str, Any]:
    """The spec for ``Calendar.from_spec``. Raises ValueError for holidays that can't be read or that nobody knows."""
    spec = {key: body[key] for key in ("tz", "week", "exceptions") if key in body}
    closed = body.get("holidays") or []
    if not isinstance(closed, list | tuple):
        raise ValueError("holidays is a list of dates")  # noqa: TRY004 - callers catch one error
    days = {str(day) for day in closed}
    if place := body.get("holidays_of"):
        if not isinstance(place, Mapping):
            raise ValueError("holidays_of says country and, if wanted, subdivision")
        days |= set(_public_holidays(str(place.get("country")), place.get("subdivision")))
    return {**spec, "holidays": sorted(days)}


def calendar_of(version: Version) -> Calendar:
    """The calendar of a published version; built once per process, since a version never changes."""
    if version.pk not in _built:
        _built[version.pk] = Calendar.from_spec(calendar_spec(version.body))
    return _built[version.pk]


_built: dict[int, Calendar] = {}


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str | None) -> tuple[str, ...]:
    try:
        found = holidays.country_holidays(
            country, subdiv=subdivision, years=range(FIRST_HOLIDAY_YEAR, LAST_HOLIDAY_YEAR + 1)
        )
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {country} {subdivision or ''}".strip()) from error
    return tuple(sorted(day.isoformat() for day in found))
