"""When a person first touched a lead, and how often since: read from the clocks that wait for a touch (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from scorecards.metrics.base import Concluded, Subject

TOUCHED, NEVER, NO_CLOCK = "touched", "never", "no_clock"
TOUCH = "touch_by_team"


@dataclass(frozen=True)
class FirstTouch:
    """``state``: touched, never (so far), or no_clock: nothing waited for a touch, or it was called off.

    ``touches`` counts what people logged within the working days that ``given_until`` ends."""

    state: str
    seconds: int | None = None
    touches: int = 0
    given_until: datetime | None = None

    @property
    def dimensions(self) -> dict[str, object]:
        until = self.given_until.strftime("%Y-%m-%dT%H:%M:%SZ") if self.given_until else None
        return {"touch": self.state, "touches": self.touches, "given_until": until}


def waits_for_touch(clock: Concluded) -> bool:
    """For the first one; a rule that asks for several is about perseverance."""
    return clock.asks_for == TOUCH and clock.at_least == 1 and clock.state != "cancelled"


def first_touch(
    subject: Subject,
    records: Collection[uuid.UUID],
    begin: datetime,
    until: datetime | None,
    kinds: Collection[str],
) -> FirstTouch:
    """Of a pursuit that began at ``begin`` and ended before ``until``; ``kinds`` are the starts of clocks meant."""
    clocks = [
        c
        for c in subject.clocks
        if waits_for_touch(c)
        and c.began_with[0] in kinds
        and c.record_id in records
        and begin <= c.started_at
        and (until is None or c.started_at < until)
    ]
    if not clocks:
        return FirstTouch(NO_CLOCK)
    given = subject.given_until(begin) if subject.given_until else None
    ends = min((at for at in (given, until) if at is not None), default=None)
    count = sum(1 for at in subject.touched_at if begin <= at and (ends is None or at <= ends))
    stops = [c.stopped_at for c in clocks if c.stopped_at is not None]
    if not stops:
        return FirstTouch(NEVER, touches=0, given_until=given)
    return FirstTouch(TOUCHED, int((min(stops) - begin).total_seconds()), max(1, count), given)
