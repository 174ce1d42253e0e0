"""What the fold is told beside the journey and the people, and the one case it folds (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from records.journey_data import Batch, EventData, JourneyData, RecordData
from slas.conditions import Conditions
from slas.evidence import Holding
from slas.folding.clock import Start
from slas.rules import Rule
from slas.staff import Staff
from slas.touch_rules import TouchHistory


@dataclass(frozen=True)
class Entered:
    """A record entered a stage, or a deal a stage of its pipeline, at ``at``. ``key`` and ``learned_at``: of the event
    that told it first. ``is_backward``: it came from a later stage. ``exclusion``: why it never counted, "" if it did.
    ``name``: what pages call the stage."""

    stage: str
    record_id: uuid.UUID
    event: EventData
    at: datetime
    key: str
    learned_at: datetime
    left_at: datetime | None = None
    is_exact: bool = True
    is_backward: bool = False
    exclusion: str = ""
    name: str = ""


EnteredOf = Callable[[JourneyData, str], Sequence[Entered]]
"""(journey, stage or ``pipeline/stage``) -> its entries, oldest first."""


@dataclass(frozen=True)
class Unread:
    """A source whose calls, e-mails and meetings can't be read. ``since`` None: they never could."""

    label: str
    since: datetime | None = None

    def is_blind(self, at: datetime) -> bool:
        """Whether nothing of what was done from ``at`` on can be known."""
        return self.since is None or self.since <= at


def _nothing_entered(journey: JourneyData, stage: str) -> Sequence[Entered]:
    return ()


@dataclass(frozen=True)
class Setting:
    """``touches``: what counts as a human touch, over time. ``unread``: connections whose activities can't be read.
    ``measures_all``: a trial of a rule; every clock is told from all that is known, as of history."""

    touches: TouchHistory = field(default_factory=TouchHistory)
    unread: Mapping[str, Unread] = field(default_factory=dict)
    entered: EnteredOf = _nothing_entered
    measures_all: bool = False


@dataclass(frozen=True)
class Move:
    """From ``since`` on an open clock has the time and the steps of ``rule``; all else stays as it was at its start."""

    since: datetime
    version_id: int
    rule: Rule
    conditions: Conditions


@dataclass(frozen=True)
class Case:
    """One clock to fold. ``rule`` as its version says it: the tier is told by the values at the start.

    ``moves``: later versions that both teams agreed to hold for open clocks, too; oldest first."""

    journey: JourneyData
    record: RecordData
    rule: Rule
    start: Start
    owned: Sequence[Holding]
    batch: Batch
    staff: Staff
    conditions: Conditions
    setting: Setting
    moves: Sequence[Move] = ()
