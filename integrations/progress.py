"""How far a reading is, how fast it goes and how long it still takes: for the run's page and the connection's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.models import PullCursor, Run
from records.models import Connection
from teams.models import Person

SLOW_SECONDS = 5.0
"""Before that much work, a rate is a guess."""


@dataclass(frozen=True)
class Pace:
    """``rate``: records per second of work; ``seconds_left`` None: the end is not known yet."""

    rate: float | None
    seconds_left: int | None

    @property
    def rate_words(self) -> str:
        if self.rate is None:
            return "known after a few pages"
        return (
            f"{self.rate:,.0f} records a second"
            if self.rate >= 1
            else f"{self.rate * 60:,.0f} records a minute"
        )

    @property
    def left_words(self) -> str:
        if self.seconds_left is None:
            return "not known yet"
        if self.seconds_left < 60:
            return "less than a minute"
        minutes = -(-self.seconds_left // 60)
        hours, rest = divmod(minutes, 60)
        return f"about {hours} h {rest} min" if hours else f"about {minutes} min"

    @property
    def note(self) -> str:
        return "" if self.seconds_left is None else f"{self.left_words} left"


def pace_of(done: int, total: int | None, busy_seconds: float) -> Pace:
    if done <= 0 or busy_seconds < SLOW_SECONDS:
        return Pace(None, None)
    rate = done / busy_seconds
    left = max(0, total - done) if total is not None else None
    return Pace(rate, None if left is None else round(left / rate))


@dataclass(frozen=True)
class ObjectLine:
    """How one object is read. ``state``: paused, failing, reading, history, loading, waiting."""

    cursor: PullCursor
    state: str
    read: int
    total: int | None
    every_seconds: int
    is_due: bool

    @property
    def is_paused(self) -> bool:
        return self.cursor.paused_at is not None


def object_lines(
    connection: Connection, now: datetime, usual_seconds: float, run: Run | None = None
) -> list[ObjectLine]:
    """Every object of a connection with what ``run`` has read of it. One query."""
    counts = run.counts if run else {}
    read, totals = counts.get("by_object", {}), counts.get("totals", {})
    mapped = set(connection.mappings.values_list("remote_object", flat=True))
    return [
        ObjectLine(
            cursor,
            _state(cursor, now),
            read.get(cursor.remote_object, 0),
            totals.get(cursor.remote_object),
            cursor.every_seconds or round(usual_seconds),
            cursor.next_pull_at <= now,
        )
        for cursor in PullCursor.objects.filter(connection=connection, remote_object__in=mapped)
    ]


def _state(cursor: PullCursor, now: datetime) -> str:
    if cursor.paused_at is not None:
        return "paused"
    if cursor.failures:
        return "failing"
    if not cursor.is_loaded:
        return "loading" if cursor.page_state else "waiting_load"
    if cursor.history_asked_at is not None:
        return "history"
    return "reading" if cursor.page_state else "waiting"


@dataclass(frozen=True)
class Step:
    """A step of a first load: ``state`` is ahead, current or done."""

    name: str
    state: str
    note: str = ""


def steps_of(lines: Sequence[ObjectLine], run: Run, compared: Sequence[str]) -> list[Step]:
    """Records, their history, and the proof of both. ``compared``: objects whose comparison has ended."""
    objects = {line.cursor.remote_object for line in lines}
    is_loaded = bool(lines) and all(line.cursor.is_loaded for line in lines)
    waiting = [line for line in lines if line.cursor.history_asked_at is not None]
    history = "done" if is_loaded and not waiting else "current"
    is_proved = is_loaded and objects <= set(compared)
    changes = run.counts.get("history", 0)
    return [
        Step("Records", "done" if is_loaded else "current", f"{run.done:,} read"),
        Step("History of their fields", history, f"{changes:,} changes read"),
        Step(
            "Compared with the CRM",
            "done" if is_proved else "current" if is_loaded else "ahead",
            "" if is_proved or is_loaded else "when everything is read",
        ),
    ]


# --- what upper rooms say on a run's page -----------------------------------------------------------------------


@dataclass(frozen=True)
class RunNote:
    """A question or remark beside a run. ``action`` is the words of the link."""

    text: str
    detail: str
    href: str
    action: str


NotesOf = Callable[[Connection, datetime, datetime, Person], Sequence[RunNote]]
"""(connection, when the run began, when it ended or now, who looks)"""

_notes: dict[str, NotesOf] = {}


def register_run_notes(name: str, notes: NotesOf) -> None:
    _notes[name] = notes


def notes_of(run: Run, now: datetime, person: Person) -> list[RunNote]:
    """What upper rooms have to say about what a run brought."""
    if run.connection is None:
        return []
    until = (run.finished_at or now) + timedelta(minutes=10)  # what it brought is concluded after it
    return [note for tell in _notes.values() for note in tell(run.connection, run.started_at, until, person)]
