"""In whose hands a clock is, by which hours it counts there, and when its time is up (pure).

What is known changes: an owner is learned of, an absence is written down, hours are edited. So everything here takes
``known_at`` and sees only what was known then; a later truth moves the due time of a clock that still runs, and never
one that is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from records.journey_data import EventData
from slas.calendars.business_time import Calendar, closing_of_day
from slas.evidence import Holding
from slas.rules import Rule
from slas.staff import Staff

FAR = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hand:
    """One stretch of a clock from ``begin`` on. ``person_id`` None: nobody of the team that must act has it.

    ``is_away``: its holder is away without cover, and no time counts; ``covers``: whose place the person takes."""

    begin: datetime
    person_id: int | None
    version: int | None
    calendar: Calendar | None
    is_away: bool = False
    covers: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """No time counts in [begin, end); ``end`` None: it lasts. Both with when we learned of them."""

    begin: datetime
    learned_at: datetime
    end: datetime | None = None
    end_learned_at: datetime | None = None
    because: str = ""

    def known(self, at: datetime) -> Pause | None:
        """The pause as it was known at an instant."""
        if self.learned_at > at:
            return None
        if self.end_learned_at is None or self.end_learned_at <= at:
            return self
        return Pause(self.begin, self.learned_at, because=self.because)


def hands(
    rule: Rule, start: datetime, owned: Sequence[Holding], staff: Staff, known_at: datetime, region: str = ""
) -> list[Hand]:
    """The stretches of a clock from ``start`` on, as known at ``known_at``; the last one lasts."""
    known = [h for h in owned if h.learned_at <= known_at]
    found: list[Hand] = []
    for at in sorted({start, *(t for t in _turns(rule, known, staff, known_at, region) if t > start)}):
        hand = _hand(rule, at, known, staff, known_at, region)
        if not found or _differs(found[-1], hand):
            found.append(hand)
    return found


def with_acceptance(
    rule: Rule, start: EventData | None, owned: Sequence[Holding], staff: Staff
) -> Sequence[Holding]:
    """Who accepts a handoff commits to it: from then on it is theirs while the owner is nobody of the team that must
    act. ``start``: what started the clock."""
    if rule.start[0] != "handoff_accepted" or start is None:
        return owned
    at, team = start.occurred_at, rule.acting_team
    person = start.data.get("receiver") or start.actor_id
    if person is None or staff.team_at(person, at) != team:
        return owned
    theirs = Holding(at, staff.names.get(person, ""), person, start.observed_at, start)
    before = [h for h in owned if h.begin <= at]
    found = before if before and _is_of(team, before[-1], at, staff) else [*before, theirs]
    for held in owned[len(before) :]:
        if _is_of(team, held, held.begin, staff):
            found.append(held)
        elif found[-1].person_id != person:
            found.append(
                replace(theirs, begin=held.begin, learned_at=max(held.learned_at, theirs.learned_at))
            )
    return found


def _is_of(team: str, held: Holding, at: datetime, staff: Staff) -> bool:
    return held.person_id is not None and staff.team_at(held.person_id, at) == team


def covered(holder: Holding, staff: Staff, at: datetime, known_at: datetime) -> tuple[Holding, bool]:
    """(who really has it then, whether they are away): in an absence its cover, if that one is there."""
    if holder.person_id is None:
        return holder, False
    away = staff.away_at(holder.person_id, at, known_at)
    if away is None:
        return holder, False
    cover = away.cover
    if cover is None or staff.away_at(cover, at, known_at) is not None or not staff.works_at(cover, at):
        return holder, True
    return replace(holder, person_id=cover, name=staff.names.get(cover, holder.name)), False


def _hand(
    rule: Rule, at: datetime, owned: Sequence[Holding], staff: Staff, known_at: datetime, region: str
) -> Hand:
    team = rule.acting_team
    held = next((h for h in reversed(owned) if h.begin <= at), None)
    owner = held.person_id if held else None
    person, is_away = None, False
    if held is not None and _is_of(team, held, at, staff):
        holder, is_away = (held, False) if rule.hours == "team" else covered(held, staff, at, known_at)
        person = holder.person_id
    region = region if rule.hours == "region" else ""
    whose = person if rule.hours != "team" else None
    version, calendar = staff.hours_at(whose, team, at, region) or (None, None)
    return Hand(at, person, version, calendar, is_away, owner if person not in (None, owner) else None)


def _turns(
    rule: Rule, owned: Sequence[Holding], staff: Staff, known_at: datetime, region: str
) -> Iterator[datetime]:
    """Instants at which it may pass into other hands, or count by other hours. Hours are known when they begin."""
    people: set[int | None] = {None, *(h.person_id for h in owned)}
    yield from (h.begin for h in owned)
    for person in [*people]:
        for stay in staff.stays.get(person or 0, ()):
            yield from (at for at in stay[:2] if at is not None)
        for away in staff.away.get(person or 0, ()):
            if away.is_known(known_at):
                yield from (away.begin, away.end)
                people.add(away.cover)
                yield from (at for a in staff.away.get(away.cover or 0, ()) for at in (a.begin, a.end))
    for person in people:
        turns = staff.turns(person, rule.acting_team, region if rule.hours == "region" else "")
        yield from (at for at in turns if at <= known_at)


def _differs(old: Hand, new: Hand) -> bool:
    return (old.person_id, old.version, old.is_away, old.covers) != (
        new.person_id, new.version, new.is_away, new.covers,
    )  # fmt: skip


def learned_turns(rule: Rule, owned: Sequence[Holding], staff: Staff, region: str = "") -> set[datetime]:
    """Instants at which something was learned that may move the due time."""
    people = {None, *(h.person_id for h in owned)}
    covers = {a.cover for p in people if p is not None for a in staff.away.get(p, ())}
    found = {h.learned_at for h in owned}
    for person in people | covers:
        for away in staff.away.get(person or 0, ()):
            found |= {away.entered_at} | ({away.withdrawn_at} if away.withdrawn_at else set())
        found |= set(staff.turns(person, rule.acting_team, region if rule.hours == "region" else ""))
    return found


# --- when the time is up ---------------------------------------------------------------------------------------


def due_time(
    rule: Rule, start: datetime, in_hands: Sequence[Hand], pauses: Sequence[Pause]
) -> datetime | None:
    """When the target is used up, in UTC. None while a pause lasts, and when nobody wrote down the hours."""
    target = rule.target
    if target.kind == "elapsed":
        return _elapsed(start, target.seconds, pauses)
    if target.kind == "before" or any(hand.calendar is None and not hand.is_away for hand in in_hands):
        return None
    if target.kind == "business_days":
        return _days(start, target.days, in_hands, pauses)
    return _seconds(start, target.seconds, in_hands, pauses)


def _elapsed(start: datetime, seconds: int, pauses: Sequence[Pause]) -> datetime | None:
    left = timedelta(seconds=seconds)
    for begin, end in _free(start, FAR, pauses):
        if end == FAR and any(p.end is None for p in pauses):
            break
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return None


def _seconds(
    start: datetime, seconds: int, in_hands: Sequence[Hand], pauses: Sequence[Pause]
) -> datetime | None:
    left = seconds
    for hand, begin, end in _counting(start, in_hands, pauses):
        calendar = hand.calendar
        if calendar is None:
            return None
        if end == FAR:
            return calendar.add(begin, left).astimezone(UTC)
        worked = calendar.elapsed(begin, end)
        if worked >= left:
            return calendar.add(begin, left).astimezone(UTC)
        left -= worked
    return None


def _days(start: datetime, days: int, in_hands: Sequence[Hand], pauses: Sequence[Pause]) -> datetime | None:
    """The last closing of the working day by whoever has it then; a day counts when any of its time does."""
    stretches = ((hand.calendar, begin, end) for hand, begin, end in _counting(start, in_hands, pauses))
    due = closing_of_day(start, days, stretches)
    lasts_since = min((p.begin for p in pauses if p.end is None), default=FAR)
    return due if due is not None and due <= lasts_since else None


def _counting(
    start: datetime, in_hands: Sequence[Hand], pauses: Sequence[Pause]
) -> Iterator[tuple[Hand, datetime, datetime]]:
    """(hand, begin, end) of the stretches in which time counts; the last may end FAR ahead. Nothing after a pause that
    lasts."""
    for i, hand in enumerate(in_hands):
        end = in_hands[i + 1].begin if i + 1 < len(in_hands) else FAR
        if not hand.is_away:
            for begin, until in _free(max(start, hand.begin), end, pauses):
                yield hand, begin, until


def _free(begin: datetime, end: datetime, pauses: Sequence[Pause]) -> Iterator[tuple[datetime, datetime]]:
    """What pauses leave of [begin, end)."""
    at = begin
    for pause in sorted(pauses, key=lambda p: p.begin):
        if at < pause.begin:
            yield at, min(pause.begin, end)
        at = max(at, pause.end or FAR)
        if at >= end:
            return
    if at < end:
        yield at, end
