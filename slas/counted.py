"""Which intervals of a clock counted, in whose hands and by whose hours (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from slas.hands import FAR, Hand, Pause

Span = tuple[datetime, datetime]
"""[from, to)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Time that counted, [begin, end). ``version``: of the calendar by whose hours it did; None: every hour does.

    ``person_id`` had it for the team that must act, None: nobody did; ``covers``: in whose place."""

    begin: datetime
    end: datetime
    person_id: int | None = None
    version: int | None = None
    covers: int | None = None

    @property
    def seconds(self) -> int:
        return int((self.end - self.begin).total_seconds())

    @property
    def span(self) -> Span:
        return self.begin, self.end


def counted_by_the_wall(start: datetime, end: datetime, pauses: Sequence[Pause]) -> list[Counted]:
    """Every hour counts, except while it is paused."""
    return [Counted(begin, until) for begin, until in _unpaused(start, end, pauses)]


def counted_by_hours(
    start: datetime, end: datetime, in_hands: Sequence[Hand], pauses: Sequence[Pause]
) -> list[Counted]:
    """The opened hours of whoever had it; nothing while it is paused, or its holder away without cover."""
    found: list[Counted] = []
    for i, hand in enumerate(in_hands):
        until = min(in_hands[i + 1].begin if i + 1 < len(in_hands) else FAR, end)
        if hand.is_away or hand.calendar is None or hand.begin >= until:
            continue
        for first, last in _unpaused(max(hand.begin, start), until, pauses):
            for opens, closes in hand.calendar.intervals(first, last):
                begin, stop = opens.astimezone(UTC), closes.astimezone(UTC)
                if begin < stop:
                    found.append(Counted(begin, stop, hand.person_id, hand.version, hand.covers))
    return found


def _unpaused(begin: datetime, end: datetime, pauses: Sequence[Pause]) -> Iterator[Span]:
    yield from without([(begin, end)], ((p.begin, p.end or FAR) for p in pauses))


# --- spans -----------------------------------------------------------------------------------------------------


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What ``taken`` leaves of ``spans``, in order."""
    gone = sorted(taken)
    left: list[Span] = []
    for begin, end in sorted(spans):
        at = begin
        for first, last in gone:
            if at < min(first, end):
                left.append((at, min(first, end)))
            at = max(at, last)
        if at < end:
            left.append((at, end))
    return left


def shared_seconds(spans: Iterable[Span], others: Iterable[Span]) -> int:
    """How much of ``spans`` lies in ``others``. Neither overlaps itself."""
    listed = list(others)
    return sum(
        max(0, int((min(end, until) - max(begin, first)).total_seconds()))
        for begin, end in spans
        for first, until in listed
    )


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
