"""Who had it: every wall second from start to end is charged to exactly one party (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slas.evidence import Holding
from slas.rules import Rule
from slas.staff import Staff

CLOSED = "closed"


@dataclass(frozen=True)
class Segment:
    """``party``: system, sender, receiver, customer or closed; ``who`` is the holder's name ("Nobody" too)."""

    party: str
    who: str
    team: str
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return int((self.end - self.begin).total_seconds())

    def as_json(self) -> dict[str, Any]:
        return {
            "party": self.party,
            "who": self.who,
            "team": self.team,
            "from": self.begin.isoformat(),
            "to": self.end.isoformat(),
            "seconds": self.seconds,
        }


def split(
    rule: Rule, start: datetime, end: datetime, owned: Sequence[Holding], staff: Staff
) -> Iterator[Segment]:
    """Segments from ``start`` to ``end`` without gap or overlap; adjoining ones of one party and holder are one.

    Closed is what is closed in the calendar of whoever holds it; the system never closes.
    """
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    pending: Segment | None = None
    for piece in _pieces(rule, start, end, owned, staff):
        if piece.begin == piece.end:
            continue
        if pending and (pending.party, pending.who) == (piece.party, piece.who):
            pending = Segment(pending.party, pending.who, pending.team, pending.begin, piece.end)
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
        if holder is None or holder.person_id is None:
            yield Segment("system", holder.name if holder else "Nobody", "", begin, until)
            continue
        team = staff.team_at(holder.person_id, begin) or ""
        party = "sender" if team == rule.from_team else "receiver"
        calendar = staff.calendar_at(team, begin)
        if calendar is None:
            yield Segment(party, holder.name, team, begin, until)
            continue
        at = begin
        for opens, closes in calendar[1].intervals(begin, until):
            opens, closes = opens.astimezone(begin.tzinfo), closes.astimezone(begin.tzinfo)
            if opens > at:
                yield Segment(CLOSED, holder.name, team, at, opens)
            yield Segment(party, holder.name, team, max(at, opens), closes)
            at = closes
        if at < until:
            yield Segment(CLOSED, holder.name, team, at, until)


def _spans(
    start: datetime, end: datetime, owned: Sequence[Holding]
) -> Iterator[tuple[datetime, datetime, Holding | None]]:
    holder: Holding | None = None
    at = start
    for held in owned:
        begin = held.begin.replace(microsecond=0)
        if begin >= end:
            break
        if begin > at:
            yield at, begin, holder
            at = begin
        holder = held
    if at < end:
        yield at, end, holder
