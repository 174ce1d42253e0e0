"""What the fold makes: a clock, its start and result, and what was corrected (pure). Import it from ``slas.fold``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from records.journey_data import EventData
from slas.conditions import Spell
from slas.evidence import Holding, Proof
from slas.rules import Rule
from slas.split import Segment
from slas.steps import Planned
from slas.targets import Target

RUNNING, PAUSED, DUE, MET, BREACHED = "running", "paused", "due", "met", "breached"
NOT_VERIFIED, WITHDRAWN, CANCELLED, SEEN_LATE = (
    "breached_not_verified", "withdrawn", "cancelled", "seen_late",
)  # fmt: skip
LATE = (BREACHED, NOT_VERIFIED)
READABLE = "read"


@dataclass(frozen=True)
class Start:
    """What started a clock. ``event`` tells it best, None where no record of a CRM did: a signal, or a trigger.
    ``key`` and ``learned_at`` are of what told us first.

    ``what`` and ``source``: in words, where no event says it. ``calls_off``: what ended the pass that it began.
    ``handoff``: the one that it is about. ``is_bulk``: one of many of the same minute; nobody is told."""

    event: EventData | None
    record_id: uuid.UUID
    at: datetime
    key: str
    learned_at: datetime
    is_exact: bool = True
    what: str = ""
    source: str = ""
    calls_off: tuple[Spell, ...] = ()
    handoff: str = ""
    is_bulk: bool = False


@dataclass(frozen=True)
class Result:
    """How a clock stands. Both times are UTC; ``breached_at`` is the due time, never when we noticed."""

    state: str
    stop: Proof | None = None
    breached_at: datetime | None = None
    cancelled_at: datetime | None = None
    because: str = ""

    @property
    def stopped_at(self) -> datetime | None:
        return self.stop.at if self.stop else self.cancelled_at

    @property
    def is_frozen(self) -> bool:
        """Finished or announced: from here on only a correction changes it."""
        return self.state in LATE or self.stopped_at is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "stopped_at": self.stopped_at.isoformat() if self.stopped_at else None,
            "breached_at": self.breached_at.isoformat() if self.breached_at else None,
        }


@dataclass(frozen=True, order=True)
class Answer:
    """One record read again: when, in which connection, and whether it could be read."""

    at: datetime
    connection: str
    was_readable: bool


@dataclass(frozen=True)
class Check:
    """The evidence was asked for at ``asked_at``; ``answers`` is empty until the last of them is in. ``no_data``: the
    sources that could have held it and couldn't be read at all."""

    asked_at: datetime
    answers: tuple[Answer, ...] = ()
    no_data: tuple[str, ...] = ()

    @property
    def done_at(self) -> datetime | None:
        return max((a.at for a in self.answers), default=None)

    @property
    def was_readable(self) -> bool:
        return all(a.was_readable for a in self.answers) and not self.no_data


@dataclass(frozen=True)
class CorrectionData:
    id: uuid.UUID
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    cause: EventData
    at: datetime


@dataclass(frozen=True)
class Retarget:
    """The due time was moved at ``at``, when we learned of other hands, other hours or a pause."""

    at: datetime
    old: datetime | None
    new: datetime | None


@dataclass(frozen=True)
class ClockData:
    """A folded clock; ``services`` writes it as a row. ``plan``: all steps of its rule and when they are due.
    ``is_given_up``: called off, or its record gone, after it was due.

    ``rule`` has the target of its ``tier``; ``tier_unknown``: tiers before it of which nobody can tell. ``touches``:
    those that counted so far. ``moved_by``: the version whose time and steps it has, if not its own. ``no_data``: why a
    miss is not verified. ``look_at``: when a plan may have come true.
    """

    id: uuid.UUID
    rule: Rule
    rule_version_id: int
    calendar_version_id: int | None
    start: Start
    due_at: datetime | None
    result: Result
    is_measured_only: bool
    holder: Holding | None
    has_it: str
    segments: tuple[Segment, ...]
    check: Check | None
    corrections: tuple[CorrectionData, ...]
    retargets: tuple[Retarget, ...] = ()
    plan: tuple[Planned, ...] = ()
    is_given_up: bool = False
    moved_by: int | None = None
    tier: str = ""
    tier_unknown: tuple[str, ...] = ()
    touches: tuple[Proof, ...] = ()
    no_data: tuple[str, ...] = ()
    look_at: datetime | None = None

    @property
    def target(self) -> Target:
        return self.rule.target
