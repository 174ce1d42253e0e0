"""Who had it: every wall second from start to end is charged to exactly one party (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from slas.evidence import NOBODY, Holding
from slas.hands import Pause, covered
from slas.rules import Rule
from slas.staff import Staff

SYSTEM, SENDER, RECEIVER, CUSTOMER, CLOSED = "system", "sender", "receiver", "customer", "closed"


@dataclass(frozen=True)
class Segment:
    """``party``: system, sender, receiver, customer or closed; ``who`` is the holder's name ("Nobody" too)."""

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
    rule: Rule,
    start: datetime,
    end: datetime,
    owned: Sequence[Holding],
    staff: Staff,
    *,
    pauses: Sequence[Pause] = (),
    known_at: datetime | None = None,
) -> Iterator[Segment]:
    """Segments from ``start`` to ``end`` without gap or overlap; adjoining ones of one party and holder are one.

    Closed is what is closed in the calendar of whoever holds it; the system never closes. In an absence the cover has
    it, and without cover it is closed. While it is paused the customer has it. Fractions of a second are cut off at
    both ends. ``known_at`` (default: ``end``): which absences count as written down.
    """
    pending: Segment | None = None
    known = [seen for p in pauses if (seen := p.known(known_at or end)) is not None]
    for piece in _pieces(rule, _whole(start), _whole(end), owned, staff, known, known_at or end):
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
    rule: Rule,
    start: datetime,
    end: datetime,
    owned: Sequence[Holding],
    staff: Staff,
    pauses: Sequence[Pause],
    known_at: datetime,
) -> Iterator[Segment]:
    for begin, until, holder in _spans(start, end, owned):
        cuts = {_whole(at) for at in _cuts(holder, staff, pauses, known_at)}
        edges = [begin, *sorted(at for at in cuts if begin < at < until), until]
        for first, last in pairwise(edges):
            yield from _piece(rule, first, last, holder, staff, pauses, known_at)


def _piece(
    rule: Rule,
    begin: datetime,
    until: datetime,
    holder: Holding | None,
    staff: Staff,
    pauses: Sequence[Pause],
    known_at: datetime,
) -> Iterator[Segment]:
    """A stretch during which neither holder, hours, absence nor pause changes."""
    name, person = (holder.name, holder.person_id) if holder else (NOBODY, None)
    if any(_whole(p.begin) <= begin and (p.end is None or begin < _whole(p.end)) for p in pauses):
        team = staff.team_at(person, begin) or ""
        yield Segment(CUSTOMER, name, team, person, begin, until)
        return
    if holder is None or person is None:
        yield Segment(SYSTEM, name, "", None, begin, until)
        return
    holder, is_away = covered(holder, staff, begin, known_at)
    name, person = holder.name, holder.person_id
    team = staff.team_at(person, begin) or ""
    if is_away:
        yield Segment(CLOSED, name, team, person, begin, until)
        return
    party = party_of(rule, holder, begin, staff)
    hours = staff.hours_at(person, team, begin)
    opened = hours[1].intervals(begin, until) if hours else [(begin, until)]
    at = begin
    for opens, closes in ((o.astimezone(UTC), c.astimezone(UTC)) for o, c in opened):
        yield Segment(CLOSED, name, team, person, at, opens)
        yield Segment(party, name, team, person, opens, closes)
        at = closes
    yield Segment(CLOSED, name, team, person, at, until)


def _cuts(
    holder: Holding | None, staff: Staff, pauses: Sequence[Pause], known_at: datetime
) -> Iterator[datetime]:
    for pause in pauses:
        yield from (at for at in (pause.begin, pause.end) if at is not None)
    if holder is None or holder.person_id is None:
        return
    people = {holder.person_id, *(a.cover for a in staff.away.get(holder.person_id, ()) if a.cover)}
    for person in people:
        for away in staff.away.get(person, ()):
            if away.is_known(known_at):
                yield from (away.begin, away.end)
        for stay in staff.stays.get(person, ()):
            yield from (at for at in stay[:2] if at is not None)
            yield from staff.turns(person, stay[2])


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
