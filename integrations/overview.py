"""What the page "What we write to your CRM" says of one connection, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import Count, Max, Min, Q

from integrations.budget import ApiUse, api_use
from integrations.models import ActivitySwitches, PullCursor, Run, WriteSwitch
from integrations.troubles import Trouble, troubles_of
from integrations.wanted import remote_objects_of
from integrations.writing import deciding
from integrations.writing.claiming import standing_of
from integrations.writing.dead import dead_letters
from integrations.writing.models import PushState, RecordHold, Uninstall
from integrations.writing.pilot import PilotView, pilot_of
from integrations.writing.preview import planned_rows
from integrations.writing.rows import broken_fields
from integrations.writing.uninstall import last_of
from records.canonical import instant
from records.models import Connection, DesiredField
from records.own_fields import OWN_FIELD_BY_NAME, OwnField


@dataclass(frozen=True)
class FieldLine:
    own: OwnField
    remote_object: str
    switch: WriteSwitch
    last_value: Any
    last_sent_at: datetime | None
    records_a_day: int
    refused: int
    held: int
    is_broken: bool = False

    @property
    def mode(self) -> str:
        return "We write it" if self.own.direction == "out" else "We read it as an answer"


@dataclass(frozen=True)
class ActivityLine:
    """What we may create there beside our fields."""

    what: str
    label: str
    help: str
    is_on: bool


ACTIVITIES = (
    (
        "creates_tasks",
        "Create tasks in this CRM",
        "For the owner, when a rule says so. A task is never counted as a touch.",
    ),
    (
        "logs_touches",
        "Log what people say they did",
        "“I already called” is written as a call, e-mail or meeting, marked as logged from gtmops.",
    ),
)


@dataclass
class Overview:
    connection: Connection
    state: Literal["reading", "writing", "paused", "broken"]
    lines: list[FieldLine] = field(default_factory=list)
    activities: list[ActivityLine] = field(default_factory=list)
    missing: list[OwnField] = field(default_factory=list)
    waiting: int = 0
    refused: int = 0
    held: int = 0
    held_records: int = 0
    standing: deciding.Standing | None = None
    goes_on_at: datetime | None = None
    pilot: PilotView | None = None
    uninstall: Uninstall | None = None
    last_read_at: datetime | None = None
    lag_seconds: int | None = None
    last_push: Run | None = None
    use: ApiUse | None = None
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def writing_count(self) -> int:
        return sum(1 for line in self.lines if line.switch.is_on and line.own.direction == "out")

    @property
    def writing_text(self) -> str:
        count = self.writing_count
        return f"Writing {count} field{'' if count == 1 else 's'} to {self.connection.label}."

    @property
    def pilot_text(self) -> str:
        """Whom the pilot lets through, in words; empty without one."""
        pilot = self.pilot
        if pilot is None or not pilot.is_on:
            return ""
        return f"Pilot: only {pilot.count:,} of {pilot.total:,} records are written."

    @property
    def cap_text(self) -> str:
        """That today's cap is reached and when it goes on; empty while it is not, or nothing waits."""
        if self.standing is None or not self.standing.is_spent or not self.waiting:
            return ""
        cap = self.standing.cap
        written = "1 record is" if cap == 1 else f"{cap:,} records are"
        return f"Today's {written} written: the rest goes on at {self.goes_on_at:%H:%M} UTC."

    @property
    def paused_text(self) -> str:
        at = self.connection.writing_paused_at
        return f"Since {at:%d %b %Y, %H:%M} UTC; nothing is sent until it is resumed." if at else ""


def overview_of(connection: Connection, now: datetime) -> Overview:
    found = Overview(connection, _state(connection))
    switches = list(WriteSwitch.objects.filter(connection=connection))
    broken = broken_fields(connection)
    counts = _counts(connection, now)
    last = _last_values(connection)
    for switch in switches:
        own = OWN_FIELD_BY_NAME.get(switch.field)
        if own is None:
            continue
        key = (switch.remote_object, switch.field)
        value, sent_at = last.get(key, (None, None))
        if own.type == "datetime" and value:
            value = instant(value)
        found.lines.append(
            FieldLine(
                own, switch.remote_object, switch, value, sent_at, *counts.get(key, (0, 0, 0)), key in broken
            )
        )
    found.activities = _activities(connection)
    there = {(s.remote_object, s.field) for s in switches if s.provisioned_at} - broken
    found.missing = [
        own
        for name, own in OWN_FIELD_BY_NAME.items()
        if any((place, name) not in there for place in remote_objects_of(connection, list(own.objects)))
    ]
    found.waiting = planned_rows(connection, now).select_related(None).order_by().count()
    found.refused = dead_letters(connection).select_related(None).order_by().count()
    found.held = sum(line.held for line in found.lines)
    found.held_records = RecordHold.objects.filter(record__connection=connection).count()
    state = PushState.objects.filter(connection=connection).first()
    found.standing = standing_of(connection, state, now)
    found.goes_on_at = deciding.next_day(now)
    found.pilot = pilot_of(connection, now)
    found.uninstall = last_of(connection)
    times = PullCursor.objects.filter(connection=connection).aggregate(
        last=Max("last_pulled_at"), oldest=Min("last_pulled_at")
    )
    found.last_read_at = times["last"]
    found.lag_seconds = int((now - times["oldest"]).total_seconds()) if times["oldest"] else None
    found.last_push = Run.objects.filter(connection=connection, kind=Run.Kind.PUSH).first()
    found.use = api_use(connection.name)
    found.troubles = troubles_of([connection], now)[connection.pk]
    return found


def _state(connection: Connection) -> Literal["reading", "writing", "paused", "broken"]:
    if connection.state == Connection.State.BROKEN:
        return "broken"
    if not connection.is_writing:
        return "reading"
    return "paused" if connection.writing_paused_at else "writing"


def _activities(connection: Connection) -> list[ActivityLine]:
    row = ActivitySwitches.objects.filter(connection=connection).first() or ActivitySwitches()
    return [ActivityLine(what, label, text, getattr(row, what)) for what, label, text in ACTIVITIES]


def _counts(connection: Connection, now: datetime) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(remote object, field) -> sent in the last day, refused, held."""
    rows = (
        DesiredField.objects.filter(record__connection=connection)
        .order_by()
        .values_list("record__remote_object", "field")
        .annotate(
            day=Count("pk", filter=Q(sent_at__gt=now - timedelta(days=1))),
            refused=Count("pk", filter=Q(state=DesiredField.State.REFUSED)),
            held=Count("pk", filter=Q(hold=True)),
        )
    )
    return {(o, f): (day, refused, held) for o, f, day, refused, held in rows}


def _last_values(connection: Connection) -> dict[tuple[str, str], tuple[Any, datetime]]:
    rows = (
        DesiredField.objects.filter(record__connection=connection, sent_at__isnull=False)
        .order_by("record__remote_object", "field", "-sent_at")
        .distinct("record__remote_object", "field")
        .values_list("record__remote_object", "field", "desired", "sent_at")
    )
    return {(o, f): (value, at) for o, f, value, at in rows if at is not None}
