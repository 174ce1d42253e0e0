"""What a metric is, and what it may read of a journey (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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
    """A clock, as metrics see it. ``asks_for`` is what stops it, e.g. ``owner_in_team``.

    ``without_person`` is the queue (or "Nobody") that had it longest, '' when a person had it all along.
    ``began_with`` is the rule's start, e.g. ("stage_entered", "mql"); ``at_least`` how many touches stop it.
    ``is_excused``: an exception was granted. ``dimensions`` say whose it is: owner, team, tier, party, reason."""

    id: uuid.UUID
    rule_key: str
    record_id: uuid.UUID
    started_at: datetime
    state: str
    asks_for: str = ""
    stopped_at: datetime | None = None
    without_person: str = ""
    began_with: tuple[str, str] = ("", "")
    at_least: int = 1
    due_at: datetime | None = None
    is_excused: bool = False
    dimensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HandedOver:
    """A handoff, as metrics see it."""

    id: uuid.UUID
    template_key: str
    record_id: uuid.UUID
    opened_at: datetime
    sent_at: datetime | None
    state: str


@dataclass(frozen=True)
class Held:
    """A person owned a record from ``at`` on. ``is_of_unit``: the person works in the record's business unit;
    ``is_of_region``: by the hours of the buyer's region, as far as calendars name either."""

    at: datetime
    person_id: int
    team: str
    is_of_unit: bool = True
    is_of_region: bool = True


@dataclass(frozen=True)
class Subject:
    """One journey with its conclusions; ``dimensions`` hold for all its facts.

    ``touched_at``: when people logged something they did, oldest first. ``owners``: record -> who had it over time,
    oldest first. ``given_until``: start -> the end of the working days in which a lead must be worked.
    ``teams``: rule -> (from team, to team)."""

    journey_id: uuid.UUID
    entries: Sequence[Entered] = ()
    clocks: Sequence[Concluded] = ()
    handoffs: Sequence[HandedOver] = ()
    dimensions: Mapping[str, Any] = field(default_factory=dict)
    touched_at: Sequence[datetime] = ()
    owners: Mapping[uuid.UUID, Sequence[Held]] = field(default_factory=dict)
    given_until: Callable[[datetime], datetime] | None = None
    teams: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fact:
    """One thing counted: ``key`` is unique within the metric; a ratio's value is 0 or 1.

    ``seconds``: how long what the metric times took, None while it has not happened. ``is_excused``: left out of the
    adjusted number."""

    key: str
    record_id: uuid.UUID
    anchor_at: datetime
    value: int
    dimensions: Mapping[str, Any] = field(default_factory=dict)
    seconds: int | None = None
    is_excused: bool = False


@dataclass(frozen=True)
class Metric:
    """A ratio: its number is the share of facts with value 1.

    ``sentence`` is the formula in words, ``counted`` what one fact is (plural), ``yes`` and ``no`` what value 1 and 0
    say of it. ``slice_by`` names the dimension that roll-ups keep apart, if any; ``roll_up_by`` those rolled up each by
    itself. ``timed`` says what the seconds of a fact are. ``definitions`` are the definitions whose change would
    change the number."""

    key: str
    name: str
    sentence: str
    counted: str
    yes: str
    no: str
    facts: Callable[[Subject], Iterable[Fact]]
    slice_by: str = ""
    definitions: tuple[str, ...] = ()
    version: int = 1
    roll_up_by: tuple[str, ...] = ()
    timed: str = ""

    def slice_of(self, fact: Fact) -> str:
        return str(fact.dimensions.get(self.slice_by) or "") if self.slice_by else ""
