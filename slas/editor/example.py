"""What a rule means on a time line: one start, when it is due by each tier, and who is told when (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slas.calendars.business_time import Calendar
from slas.counting import InHands
from slas.hands import Hand, due_time
from slas.rules import Rule
from slas.split import CLOSED, RECEIVER, Segment
from slas.staff import Staff
from slas.steps import Step, planned

FRIDAY = 4
LATE_IN_THE_DAY = timedelta(minutes=20)
WEEK = timedelta(days=7)
MOST_SHOWN = timedelta(days=21)
MEETING_AFTER = timedelta(hours=2)


@dataclass(frozen=True)
class Moment:
    """One thing on the time line. ``kind``: start, warning, due or late."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True)
class Line:
    """The example of one tier. ``due_at`` None: nobody wrote down the hours. ``segments``: what counts or is closed."""

    tier: str
    due_at: datetime | None
    moments: tuple[Moment, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Example:
    """``zone``: of the hours it is counted by; ``place`` names them, "" where every hour counts."""

    start: datetime
    zone: ZoneInfo
    place: str
    lines: tuple[Line, ...]


def example_of(
    rule: Rule,
    staff: Staff,
    now: datetime,
    zone: ZoneInfo,
    teams: Mapping[str, str],
    *,
    begins: str = "",
    weekday: int | None = None,
    at: time | None = None,
) -> Example:
    """What happens to a clock that starts on the next ``weekday`` ``at`` a local time; by default late on a Friday.

    ``begins``: what starts it, in words."""
    hours = staff.calendar_at(rule.acting_team, now)
    calendar = hours[1] if hours else None
    counts_hours = any(tier.target.needs_calendar for tier in rule.targets) or rule.target.needs_calendar
    zone = calendar.zone if calendar else zone
    start = _start(now, zone, calendar, weekday, at)
    hand = Hand(start, None, hours[0] if hours else None, calendar)
    lines = []
    for tier in rule.targets:
        fitting = rule.with_tier(tier)
        lines.append(_line(fitting, tier.name, start, hand, zone, teams, begins))
    name = f"{teams.get(rule.acting_team, rule.acting_team)}’s hours ({zone.key.split('/')[-1].replace('_', ' ')})"
    return Example(start, zone, name if counts_hours else "", tuple(lines))


def _line(
    rule: Rule,
    tier: str,
    start: datetime,
    hand: Hand,
    zone: ZoneInfo,
    teams: Mapping[str, str],
    begins: str,
) -> Line:
    in_hands = [hand] if rule.target.needs_calendar else []
    moments = [Moment(start, "start", f"{begins[:1].upper()}{begins[1:]}" if begins else "It starts")]
    due_at = due_time(rule, start, in_hands, [])
    if rule.target.kind == "before":
        due_at = _meeting(start, zone, hand.calendar)
    if due_at is not None:
        plan = planned(rule.escalations, start, due_at, InHands(rule, in_hands, []))
        moments += [
            Moment(p.at, "warning" if p.step.when.is_warning else "late", _told(p.step, teams))
            for p in plan
            if p.at <= start + MOST_SHOWN
        ]
        words = "The meeting begins: it is due" if rule.target.kind == "before" else "Due"
        moments.append(Moment(due_at, "due", words))
    order = {"start": 0, "warning": 1, "due": 2, "late": 3}
    moments.sort(key=lambda m: (m.at, order[m.kind]))
    return Line(tier, due_at, tuple(moments), tuple(_segments(rule, start, due_at, hand.calendar, teams)))


def _told(step: Step, teams: Mapping[str, str]) -> str:
    """ "Their manager is told by Slack"."""
    who = [_named(to.kind, to.who) if to.who else TO_SAID[to.kind] for to in step.to]
    parts = []
    if who:
        by = " and ".join(BY_SAID.get(by, by) for by in step.by)
        parts.append(f"{_listed(who)} {'are' if len(who) > 1 else 'is'} told{f' by {by}' if by else ''}")
    if step.channel:
        parts.append(f"{step.channel} is told")
    if step.reassign:
        parts.append(f"it passes to the next person of {teams.get(step.reassign, step.reassign)}")
    text = _listed(parts)
    return f"{text[:1].upper()}{text[1:]}{', at any hour' if step.at_any_hour else ''}"


TO_SAID = {
    "owner": "whoever has it", "manager": "their manager", "team_manager": "the team’s manager",
    "team": "the whole team", "sender_team_manager": "the sending team’s manager",
}  # fmt: skip
BY_SAID = {"inbox": "inbox", "email": "e-mail", "slack": "Slack", "crm_task": "a task in the CRM"}


def _named(kind: str, who: str) -> str:
    return f"every {who.replace('_', ' ')}" if kind == "role" else who


def _listed(words: Sequence[str]) -> str:
    return " and ".join(", ".join(words).rsplit(", ", 1))


# --- when ------------------------------------------------------------------------------------------------------


def _start(
    now: datetime, zone: ZoneInfo, calendar: Calendar | None, weekday: int | None, at: time | None
) -> datetime:
    """The moment asked for in the week that begins now; else shortly before closing on a Friday that is worked."""
    today = now.astimezone(zone).date()
    if weekday is not None or at is not None:
        day = _next(today, FRIDAY if weekday is None else weekday)
        return datetime.combine(day, at or time(17, 40), tzinfo=zone).astimezone(UTC)
    friday = _next(today, FRIDAY)
    if calendar is not None:
        for week in range(8):
            opened = calendar.opened_on(friday + WEEK * week)
            if opened:
                return (opened[-1][1] - LATE_IN_THE_DAY).astimezone(UTC)
    return datetime.combine(friday, time(17, 40), tzinfo=zone).astimezone(UTC)


def _next(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday()) % 7 or 7)


def _meeting(start: datetime, zone: ZoneInfo, calendar: Calendar | None) -> datetime:
    """A meeting on the next working day, two hours after it opened."""
    day = start.astimezone(zone).date()
    for ahead in range(1, 22):
        opened = calendar.opened_on(day + timedelta(days=ahead)) if calendar else []
        if opened:
            return (opened[0][0] + MEETING_AFTER).astimezone(UTC)
    return datetime.combine(day + timedelta(days=3), time(10), tzinfo=zone).astimezone(UTC)


def _segments(
    rule: Rule,
    start: datetime,
    due_at: datetime | None,
    calendar: Calendar | None,
    teams: Mapping[str, str],
) -> Iterator[Segment]:
    """What counts from start to due, and what is closed in between."""
    if due_at is None or due_at <= start:
        return
    team = rule.acting_team
    name = teams.get(team, team)
    if not rule.target.needs_calendar or calendar is None:
        yield Segment(RECEIVER, name, team, None, start, due_at)
        return
    at = start
    for opens, closes in calendar.intervals(start, due_at):
        begin, end = opens.astimezone(UTC), closes.astimezone(UTC)
        if at < begin:
            yield Segment(CLOSED, name, team, None, at, begin)
        yield Segment(RECEIVER, name, team, None, begin, end)
        at = end
    if at < due_at:
        yield Segment(CLOSED, name, team, None, at, due_at)
