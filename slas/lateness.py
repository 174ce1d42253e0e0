"""How late, or how much in time, in the time the rule counts: wall seconds or a calendar's (one clock, no query)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from slas.calendars.sections import calendar_of
from slas.models import Clock
from slas.querysets import IN_TIME, LATE
from slas.split import CLOSED, CUSTOMER


def counted_seconds(clock: Clock, begin: datetime, end: datetime) -> int:
    """Seconds between two instants as the rule counts them; negative when ``end`` comes first."""
    if clock.calendar is None:
        return int((end - begin).total_seconds())
    return calendar_of(clock.calendar).elapsed(begin, end)


def late_seconds(clock: Clock, now: datetime, held: Sequence[Mapping[str, Any]] = ()) -> int | None:
    """How late it was done, or is by now; None for a clock that is not late. ``held``: who has had an open one (as in
    ``Clock.segments``); of one that is done the row knows."""
    if clock.due_at is None or clock.state not in LATE:
        return None
    end = clock.stopped_at or now
    away = _away_seconds(clock, clock.segments or held, clock.due_at, end)
    return max(0, counted_seconds(clock, clock.due_at, end) - away)


def _away_seconds(clock: Clock, held: Sequence[Mapping[str, Any]], begin: datetime, end: datetime) -> int:
    """What would count between two instants if somebody had been there: their holder was away without cover, or the
    buyer had it."""
    parties = {CUSTOMER}
    if clock.calendar is not None and clock.rule.body.get("hours", "owner") == "owner":
        parties.add(CLOSED)
    gone = 0
    for row in held:
        first = max(datetime.fromisoformat(row["from"]), begin)
        last = min(datetime.fromisoformat(row["to"]), end)
        if row["party"] in parties and first < last:
            gone += counted_seconds(clock, first, last)
    return gone


def spare_seconds(clock: Clock) -> int | None:
    """How long before its due time it was done; None for a clock that was not done in time."""
    if clock.due_at is None or clock.stopped_at is None or clock.state not in IN_TIME:
        return None
    return counted_seconds(clock, clock.stopped_at, clock.due_at)


def used_seconds(clock: Clock, now: datetime) -> int | None:
    """How much of its time an open clock has used up, at most all of it; None where it has no due time, or is over."""
    if clock.due_at is None or clock.state not in Clock.OPEN:
        return None
    return max(0, counted_seconds(clock, clock.started_at, min(now, clock.due_at)))


def whole_seconds(clock: Clock) -> int | None:
    """All of the time a clock has from start to due time."""
    if clock.due_at is None:
        return None
    return max(0, counted_seconds(clock, clock.started_at, clock.due_at))
