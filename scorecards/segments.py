"""By what a buyer is told apart in numbers: where they came from, region, size (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from records.journey_data import JourneyData

SEGMENTS: Final = {
    "lead_origin": "Where they came from",
    "lead_source": "Source in the CRM",
    "region": "Region",
    "size": "Size",
}
"""Dimension -> label."""

SIZE_FIELDS = ("employees", "company_size", "fleet_size")
"""Logical fields that may hold a size; the first that a buyer has counts."""
BANDS = ((20, "Under 20"), (100, "20 to 99"), (500, "100 to 499"))
LARGEST = "500 and more"


def segments_of(journey: JourneyData) -> dict[str, Any]:
    """The first known value of each segment among the journey's people; None where nobody has one."""
    return {name: next(_values(journey, name), None) for name in ("lead_origin", "region", "lead_source")} | {
        "size": size_band(next((v for name in SIZE_FIELDS for v in _values(journey, name)), None))
    }


def size_band(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((label for below, label in BANDS if value < below), LARGEST)


def _values(journey: JourneyData, name: str) -> Iterator[Any]:
    return (r.values[name] for r in journey.of("person") if r.values.get(name))
