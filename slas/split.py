"""Who had it: every wall second from start to end is charged to exactly one party (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from slas.evidence import NOBODY, Holding
from slas.rules import Rule
from slas.staff import Staff

SYSTEM, SENDER, RECEIVER, CLOSED = "system", "sender", "receiver", "closed"


@dataclass(frozen=True)
class Segment:
    """``party``: system, sender, receiver or closed; ``who`` is the holder's name ("Nobody" too)."""

    party: str
    who: str
    team: str
    person_id: int | None
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return int((self.end - self.begin).total_seconds())

    def as_json(self) -> dict[str, Any]:
        return {
            "party": self.party,
            "who": self.who,
            "person": self.person_id,
            "team": self.team,
            "from": self.begin.isoformat(),
            "to": self.end.isoformat(),
            "seconds": self.seconds,
        }


def party_of(rule: Rule, holder: Holding | None, at: datetime, staff: Staff) -> str:
    """The party that has it at an instant: nobody is the system's doing, whoever is not of the sender receives."""
    if holder is None or holder.person_id is None:
        return SYSTEM
    return SENDER if staff.team_at(holder.person_id, at) == rule.from_team else RECEIVER


def holder_at(owned: Sequence[Holding], at: datetime) -> Holding | None:
    return next((h for h in reversed(owned) if h.begin <= at), None)


def split(
    rule: Rule, start: datetime, end: datetime, owned: Sequence[Holding], staff: Staff
) -> Iterator[Segment]:
    """Segments from ``start`` to ``end`` without gap or overlap; adjoining ones of one party and holder are one.

    Closed is what is closed in the calendar of whoever holds it; the system never closes. Fractions of a second are
    cut off at both ends.
    """
    pending: Segment | None = None
    for piece in _pieces(rule, _whole(start), _whole(end), owned, staff):
        if piece.begin == piece.end:
            continue
        if pending and replace(pending, begin=piece.begin, end=piece.end) == piece:
            pending = replace(pending, end=piece.end)
            continue
        if pending:
            yield pending
        pending = piece
    if pending:
        yield pending


def _pieces(
    rule: Rule, start: datetime, end: datetime, owned: Sequence[Holding], staff: Staff
) -> Iterator[Segment]:
    for begin, until, holder in _spans(start, end, owned):
        party = party_of(rule, holder, begin, staff)
        if holder is None or holder.person_id is None:
            yield Segment(party, holder.name if holder else NOBODY, "", None, begin, until)
            continue
        team = staff.team_at(holder.person_id, begin) or ""
        calendar = staff.calendar_at(team, begin)
        opened = calendar[1].intervals(begin, until) if calendar else [(begin, until)]
        at = begin
        for opens, closes in ((o.astimezone(UTC), c.astimezone(UTC)) for o, c in opened):
            yield Segment(CLOSED, holder.name, team, holder.person_id, at, opens)
            yield Segment(party, holder.name, team, holder.person_id, opens, closes)
            at = closes
        yield Segment(CLOSED, holder.name, team, holder.person_id, at, until)


def _spans(
    start: datetime, end: datetime, owned: Sequence[Holding]
) -> Iterator[tuple[datetime, datetime, Holding | None]]:
    """Stretches of one holder each; before the first known owner there is none."""
    holder: Holding | None = None
    at = start
    for held in owned:
        begin = min(max(_whole(held.begin), start), end)
        if begin > at:
            yield at, begin, holder
            at = begin
        holder = held if _whole(held.begin) < end else holder
    if at < end:
        yield at, end, holder


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
