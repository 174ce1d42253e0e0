"""The forms in which each CRM writes times, dates, numbers and booleans."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any


def salesforce_stamp(at: datetime) -> str:
    """``2026-05-06T11:56:44.000+0000``: whole seconds, no colon in the offset."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def hubspot_stamp(at: datetime) -> str:
    """``2026-05-06T11:56:44.123Z``."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def stamp(system: str, at: datetime) -> str:
    return salesforce_stamp(at) if system == "salesforce" else hubspot_stamp(at)


def read_instant(text: str) -> datetime:
    """An aware UTC datetime from either CRM's form or from epoch milliseconds; raises ValueError."""
    if text.lstrip("-").isdigit():
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def salesforce_value(value: Any) -> Any:
    """A Python value as Salesforce's JSON carries it."""
    if isinstance(value, datetime):
        return salesforce_stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return None if value == "" else value


def hubspot_value(value: Any) -> str | None:
    """A Python value as HubSpot carries it: a string, or None."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return hubspot_stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
