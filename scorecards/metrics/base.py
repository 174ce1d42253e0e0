"""What a metric is, and what it may read of a journey (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Entered:
    """A stage entry, as metrics see it."""

    id: uuid.UUID
    stage: str
    record_id: uuid.UUID
    occurred_at: datetime
    pass_number: int


@dataclass(frozen=True)
class Concluded:
    """A clock, as metrics see it."""

    id: uuid.UUID
    rule_key: str
    record_id: uuid.UUID
    started_at: datetime
    state: str


@dataclass(frozen=True)
class Subject:
    """One journey with its conclusions; ``dimensions`` hold for all its facts."""

    journey_id: uuid.UUID
    business_unit_id: int | None
    entries: Sequence[Entered] = ()
    clocks: Sequence[Concluded] = ()
    dimensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fact:
    """One thing counted: ``key`` is unique within the metric; a ratio's value is 0 or 1."""

    key: str
    record_id: uuid.UUID
    anchor_at: datetime
    value: int
    dimensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """``sentence`` is the formula in words; ``slice_by`` names the dimension that roll-ups keep apart, if any."""

    key: str
    name: str
    sentence: str
    counted: str
    kind: Literal["ratio", "count"]
    facts: Callable[[Subject], Iterable[Fact]]
    slice_by: str = ""
    version: int = 1
