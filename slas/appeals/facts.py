"""What the data knows of one late clock and one person, loaded for ``slas/appeals/reasons.py``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from records.canonical import instant, instant_text
from records.kinds import BASELINE, CHANGE
from records.models import Event, Record
from slas.appeals.reasons import A_DAYS_LEAVE, Facts, Leave
from slas.calendars.business_time import Calendar
from slas.counted import Span
from slas.evidence import TOUCH_KINDS
from slas.models import Clock
from slas.retold import Retold
from slas.rules import Rule
from slas.staff import Away, Staff

A_MINUTE = timedelta(minutes=1)
LONGEST_CLOSED = timedelta(days=30)


def who_had_it(clock: Clock, told: Retold) -> list[int]:
    """The people who had a clock at some time, whoever has or had it last first."""
    last = [clock.owner_id] if clock.owner_id else []
    held = [s.person_id for s in reversed(told.segments) if s.person_id is not None]
    return list(dict.fromkeys([*last, *held]))


def facts_of(clock: Clock, told: Retold, person_id: int) -> Facts | None:
    """None for a clock that never was due. At most two queries."""
    if clock.due_at is None:
        return None
    counted = [c.span for c in told.counted]
    return Facts(
        person_id=person_id,
        started_at=clock.started_at,
        due_at=clock.due_at,
        learned_at=told.learned_at,
        ended_at=told.end,
        could_be_read=clock.state != Clock.State.BREACHED_NOT_VERIFIED,
        counted=counted,
        at_work=[c.span for c in told.at_work],
        segments=told.segments,
        leaves=_leaves(clock, told, person_id, clock.due_at),
        own_hours=_own_hours(told, person_id, counted),
        counts_every_hour=not told.rule.target.needs_calendar,
        alike=_alike(clock.start_event),
    )


def _leaves(clock: Clock, told: Retold, person_id: int, due_at: datetime) -> list[Leave]:
    found = []
    for away in told.staff.away.get(person_id, ()):
        if away.withdrawn_at is None and away.begin < max(due_at, told.end) and away.end > clock.started_at:
            if _is_covered(told.staff, away):
                continue
            is_late = away.entered_at > clock.started_at and away.end - away.begin >= A_DAYS_LEAVE
            found.append(
                Leave(
                    begin=away.begin,
                    end=away.end,
                    written_at=away.entered_at,
                    back_until=_back_until(told, person_id, away.end),
                    done=_done(told, person_id, away.begin, away.end) if is_late else 0,
                )
            )
    return found


def _is_covered(staff: Staff, away: Away) -> bool:
    cover = away.cover
    return (
        cover is not None
        and staff.works_at(cover, away.begin)
        and staff.away_at(cover, away.begin, away.entered_at) is None
    )


def _back_until(told: Retold, person_id: int, at: datetime) -> datetime:
    """The end of the first working day from ``at`` on."""
    hours = _hours_of(told.staff, person_id, told.rule, at)
    opened = hours.intervals(at, at + LONGEST_CLOSED) if hours else []
    if not hours or not opened:
        return at
    day = opened[0][0].astimezone(hours.zone).date()
    return max(end.astimezone(UTC) for _, end in hours.opened_on(day))


def _own_hours(told: Retold, person_id: int, counted: Sequence[Span]) -> list[Span] | None:
    rule = told.rule
    if rule.target.kind == "before" or (rule.target.needs_calendar and rule.hours == "owner") or not counted:
        return None
    hours = _hours_of(told.staff, person_id, rule, counted[0][0])
    if hours is None:
        return None
    return [
        (opens.astimezone(UTC), closes.astimezone(UTC))
        for begin, end in counted
        for opens, closes in hours.intervals(begin, end)
    ]


def _hours_of(staff: Staff, person_id: int, rule: Rule, at: datetime) -> Calendar | None:
    found = staff.hours_at(person_id, staff.team_at(person_id, at) or rule.acting_team, at)
    return found[1] if found else None


def _done(told: Retold, person_id: int, begin: datetime, end: datetime) -> int:
    """How many activities of a person the CRMs logged in [begin, end) in working hours; an e-mail that somebody answers
    on a Sunday is no day's work, and what a machine sent is none of theirs."""
    logged = Record.objects.filter(object="activity", owner=person_id, deleted_at=None).annotate(
        at=KeyTextTransform("occurred_at", "values")
    )
    # What is not said of an activity is NULL, and NOT NULL is no truth: so by containment.
    is_machine = Q(values__contains={"is_automated": True}) | Q(values__contains={"direction": "inbound"})
    mine = Q(values__kind__in=sorted(TOUCH_KINDS)) & ~is_machine
    found = logged.filter(mine, at__gte=instant_text(begin), at__lt=instant_text(end)).values_list(
        "at", flat=True
    )
    hours = _hours_of(told.staff, person_id, told.rule, begin)
    return sum(hours is None or hours.is_open(instant(at)) for at in found)


def _alike(start: Event) -> int:
    """How many records were changed in the same way within a minute before or after."""
    if start.kind not in (CHANGE, BASELINE):
        return 0
    near = (start.occurred_at - A_MINUTE, start.occurred_at + A_MINUTE)
    same = Event.objects.filter(
        connection=start.connection_id, kind=start.kind, field=start.field, occurred_at__range=near
    )
    if start.kind == CHANGE:
        same = same.filter(new=start.new)
    return same.values("record").distinct().count()
