"""What My day shows, as shapes: rows, their sections, and the sentence over them (pure)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

NOW, TODAY, LATER, WAITING = "now", "today", "later", "waiting"


@dataclass(frozen=True)
class Chip:
    """What ``due_chip`` takes."""

    state: str
    due_at: datetime | None
    href: str = ""
    late_seconds: int | None = None


@dataclass(frozen=True)
class Row:
    """One journey's line. The sentence reads ``text``, then the moment ``at`` in relative words, then ``more``."""

    journey_id: uuid.UUID
    section: str
    title: str
    href: str
    text: str
    at: datetime | None
    more: str
    chip: Chip | None
    action: str
    action_href: str
    menu: tuple[Mapping[str, str], ...]
    urgent_at: datetime | None
    state: str = ""
    record_id: uuid.UUID | None = None

    @property
    def order(self) -> tuple[bool, float, str]:
        return (self.urgent_at is None, self.urgent_at.timestamp() if self.urgent_at else 0.0, self.title)


@dataclass(frozen=True)
class Hours:
    """The team's working hours on a day: ``spans`` is empty when it is closed."""

    place: str
    spans: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """ "your hours 08:30–17:30 Austin"."""
        times = ", ".join(f"{begin}–{end}" for begin, end in self.spans)
        return f"your hours {times} {self.place}" if times else f"closed today in {self.place}"


@dataclass(frozen=True)
class Day:
    now: datetime
    hours: Hours | None
    rows: tuple[Row, ...]
    waiting: tuple[Row, ...]
    late_elsewhere: tuple[Row, ...] = ()
    due_elsewhere: tuple[Row, ...] = ()
    snoozed: tuple[Row, ...] = ()
    is_cut: bool = False
    sections: Sequence[tuple[str, Sequence[Row]]] = field(init=False)

    def __post_init__(self) -> None:
        words = {NOW: "Now", TODAY: "Today", LATER: "Later"}
        found = [(label, [r for r in self.rows if r.section == key]) for key, label in words.items()]
        object.__setattr__(self, "sections", [(label, rows) for label, rows in found if rows])

    @property
    def now_count(self) -> int:
        return sum(1 for row in self.rows if row.section == NOW)

    @property
    def heading(self) -> str:
        """ "3 need you now"."""
        if self.now_count:
            shown = f"{self.now_count}{'+' if self.is_cut else ''}"
            return f"{shown} need you now" if self.now_count > 1 else "One needs you now"
        for section, word in ((TODAY, "today"), (LATER, "later")):
            if count := sum(1 for row in self.rows if row.section == section):
                return f"Nothing right now, {count} {word}"
        if self.late_elsewhere:
            return f"Your team: {len(self.late_elsewhere)} late"
        return "Your team is in time" if self.due_elsewhere else "Nothing waiting"

    @property
    def next_up(self) -> Row | None:
        """What comes next when nothing waits."""
        ahead = [r for r in (*self.rows, *self.waiting) if r.urgent_at and r.urgent_at > self.now]
        return min(ahead, key=lambda row: row.order, default=None)

    @property
    def mark(self) -> str:
        """Another one as soon as anything shown differs; the passing of time alone is counted in the browser."""
        lists = (self.rows, self.waiting, self.late_elsewhere, self.due_elsewhere, self.snoozed)
        seen = repr(([[_without_seconds(row) for row in rows] for rows in lists], self.hours))
        return hashlib.blake2b(seen.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _without_seconds(row: Row) -> Row:
    """How late it is counts in whole minutes: a page must not change every second."""
    if row.chip is None or row.chip.late_seconds is None:
        return row
    return replace(row, chip=replace(row.chip, late_seconds=row.chip.late_seconds // 60))
