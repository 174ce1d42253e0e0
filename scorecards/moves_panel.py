"""Moving a deal on its page: the buttons, what became of the last move, and the dialog of the next."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.urls import reverse

from definitions.in_force import TypedModel, load_typed_model
from definitions.moves.acts import Moves, may_move, moves_of
from definitions.moves.guard import place_of
from definitions.moves.planning import Plan
from definitions.moves.ways import Way, ways_from
from records.models import AskedChange, Connection, Record
from teams.models import Person

DONE_SHOWN: Final = timedelta(minutes=10)
REFUSED_SHOWN: Final = timedelta(days=1)
SHOWN_BESIDE: Final = 2
"""Ways to lose it, beside the next stage; the other ways are in a menu."""


@dataclass(frozen=True)
class Status:
    """``name``: of what was asked ("Evaluation"). ``to``: key of the stage, for another try; "" when it was no move."""

    kind: Literal["waiting", "done", "refused"]
    ask: AskedChange
    crm: str
    name: str
    to: str
    words: str = ""


@dataclass(frozen=True)
class MovePanel:
    """``off``: why nothing can be moved, for whoever can switch it on. ``act_key``: of the next move."""

    record: Record
    moves: Moves
    status: Status | None
    act_key: str
    off: str = ""

    @property
    def is_shown(self) -> bool:
        return bool(self.moves.ways or self.off or self.status)

    @property
    def seen(self) -> str:
        place = self.moves.place
        return place.stage.key if place and place.stage else ""

    @property
    def is_waiting(self) -> bool:
        return self.status is not None and self.status.kind == "waiting"

    @property
    def beside(self) -> list[Way]:
        return [] if self.is_waiting else [w for w in self.moves.others if w.to.is_lost][:SHOWN_BESIDE]

    @property
    def in_menu(self) -> list[Way]:
        """Ahead, then back: the nearest first."""
        rest = [] if self.is_waiting else [w for w in self.moves.others if w not in self.beside]
        return [w for w in rest if not w.is_back] + [w for w in reversed(rest) if w.is_back]


@dataclass(frozen=True)
class MoveDialog:
    """The dialog of one move. ``error``: what is wrong as a whole; ``crm_words``: why the CRM refused it before."""

    record: Record
    plan: Plan
    seen: str
    act_key: str
    why: str = ""
    error: str = ""
    crm_words: str = ""
    is_sent: bool = False

    @property
    def crm(self) -> str:
        return self.record.connection.label

    @property
    def needs_why(self) -> bool:
        return self.plan.way.is_flagged

    @property
    def is_why_missing(self) -> bool:
        return self.is_sent and self.needs_why and not self.why

    @property
    def may_go_on(self) -> bool:
        return self.plan.is_warning and bool(self.plan.missing)

    @property
    def exception_href(self) -> str:
        if not self.plan.may_be_excepted:
            return ""
        query = f"?section=pipelines&check={self.plan.check_key}"
        return reverse("definitions:ask_exception", args=[self.record.pk]) + query


def panel_of(record: Record, viewer: Person, now: datetime, model: TypedModel | None = None) -> MovePanel:
    """``record`` with its connection and owner. Seven queries at most, none where nobody can move it."""
    if record.object != "deal" or record.deleted_at is not None:
        return MovePanel(record, Moves(None), None, "")
    moves = moves_of(record, viewer, now, model)
    off = moves.off if viewer.is_admin else ""
    return MovePanel(record, moves, _status(record, moves, now), str(uuid.uuid4()), off)


def _status(record: Record, moves: Moves, now: datetime) -> Status | None:
    asked, place = moves.latest, moves.place
    if asked is None or place is None or not moves.ways:
        return None
    value = asked.values.get(place.body.stage_field)
    stage = place.body.stage_of(value)
    crm = record.connection.label
    name, to = (stage.name, stage.key) if stage else ("the change", "")
    if asked.state == AskedChange.State.WAITING:
        return Status("waiting", asked, crm, name, to, _waiting(record.connection, asked))
    age = now - (asked.finished_at or asked.asked_at)
    if asked.state == AskedChange.State.DONE:
        return Status("done", asked, crm, name, to, asked.text) if age < DONE_SHOWN else None
    return Status("refused", asked, crm, name, to, asked.text) if age < REFUSED_SHOWN else None


def _waiting(connection: Connection, asked: AskedChange) -> str:
    """Why it takes longer than a moment; "" when it should not."""
    if not connection.is_writing:
        return f"Writing to {connection.label} is off; it waits until it is switched on."
    if connection.writing_paused_at is not None:
        return f"Writing to {connection.label} is paused; it is sent when that goes on."
    if connection.state != Connection.State.ACTIVE:
        return f"{connection.label} can't be reached now; it is sent when that works again."
    return f"{asked.text} It is tried again." if asked.text else ""


def add_next_moves(viewer: Person, rows: Sequence[Record], now: datetime) -> bool:
    """``next_way`` of those of ``rows`` (with connection and owner) that ``viewer`` may move: to their next stage.
    Whether any has one. Two queries, none where nothing is switched on."""
    open_rows = [
        row
        for row in rows
        if row.object == "deal"
        and row.connection.is_writing_stage
        and row.connection.is_writing
        and row.connection.go_live_at is not None
        and may_move(viewer, row)
    ]
    if not open_rows:
        return False
    model, is_any = load_typed_model(), False
    for row in open_rows:
        place = place_of(row, model, now)
        if place is None or not place.body.has_moves or place.stage is None:
            continue
        ways = ways_from(place.body, place.stage, {place.stage.key})
        row.next_way = next((way for way in ways if way.is_next), None)  # type: ignore[attr-defined]  # read by the list
        is_any = True
    return is_any
