"""Moving a record to another stage of its pipeline: who may, what must hold, and the change asked of the CRM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from definitions.bodies import PIPELINES
from definitions.evidence import exception_acts
from definitions.in_force import TypedModel, load_typed_model
from definitions.models import Passage
from definitions.moves.fields import Typed, shown
from definitions.moves.guard import Place, place_of
from definitions.moves.planning import REASON_TEXT, Plan, plan_move
from definitions.moves.ways import Way, ways_from
from records.asked import AskError, ask, ask_of_key, why_not
from records.models import AskedChange, Journey, Record
from records.services import mapped_remote_fields
from teams.models import Person

MOST_WHY: Final = 300


class MoveError(Exception):
    """It can't be moved; ``text`` says why and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotYours(MoveError):
    """Somebody else's record."""


class Stale(MoveError):
    """The record is no longer where it was seen."""


class NeedsMore(MoveError):
    """Something is missing; ``plan`` says what, as typed so far."""

    def __init__(self, text: str, plan: Plan) -> None:
        super().__init__(text)
        self.plan = plan


@dataclass(frozen=True)
class Moves:
    """What may be done with a record's stage. ``off``: why nothing, where the pipeline or the connection says no.
    ``latest``: the last change asked for."""

    place: Place | None
    ways: tuple[Way, ...] = ()
    off: str = ""
    latest: AskedChange | None = None

    @property
    def following(self) -> Way | None:
        return next((way for way in self.ways if way.is_next), None)

    @property
    def others(self) -> list[Way]:
        """Ahead first, then lost, then back; the next one stands alone."""
        return sorted(
            (way for way in self.ways if not way.is_next), key=lambda w: (w.is_back and not w.to.is_lost, w.to.is_lost)
        )  # fmt: skip

    def way_to(self, key: str) -> Way | None:
        return next((way for way in self.ways if way.to.key == key), None)


def may_move(person: Person, record: Record) -> bool:
    """The record's owner, their manager, RevOps. Inside the business unit is the query's business."""
    if not person.is_active:
        return False
    owner = record.owner
    return person.is_admin or (owner is not None and person.pk in (owner.pk, owner.manager_id))


def moves_of(record: Record, viewer: Person, now: datetime, model: TypedModel | None = None) -> Moves:
    """The ways from the record's stage, for whoever may go them. ``record`` with its connection and owner."""
    typed = model or load_typed_model()
    place = place_of(record, typed, now)
    if place is None or not place.body.has_moves or not may_move(viewer, record):
        return Moves(place)
    if off := why_not(record, [place.body.stage_field]):
        return Moves(place, off=off)
    latest = AskedChange.objects.filter(record=record).order_by("-asked_at", "-pk").first()
    been = set(Passage.objects.filter(record=record, pipeline=place.body.key).values_list("stage", flat=True))
    if place.stage:
        been.add(place.stage.key)
    return Moves(place, tuple(ways_from(place.body, place.stage, been)), latest=latest)


def open_move(record: Record, viewer: Person, to: str, typed: Typed, now: datetime) -> Plan:
    """What the dialog shows when it opens, with ``typed`` (kept from before) in it. Raises MoveError."""
    model = load_typed_model()
    moves, way = _way(record, viewer, to, model, now)
    place = _placed(moves)
    also = moves.latest.faults if moves.latest and moves.latest.state == AskedChange.State.REFUSED else ()
    return plan_move(record, place, way, typed, viewer=viewer, model=model, now=now, also=also, is_sent=False)


def move(
    record: Record, actor: Person, *, to: str, seen: str, typed: Typed, why: str = "", go_on: bool = False,
    act_key: str, now: datetime,
) -> AskedChange:  # fmt: skip
    """Ask the CRM to have the record in the stage ``to``, together with the fields that were ``typed``.

    ``seen``: the key of the stage it was shown in ("" for none). ``go_on``: although something is missing, where the
    model only warns; ``why``: one's reason for that, or for a way that is flagged. The same ``act_key`` again is the
    same move. Raises NeedsMore, NotYours, Stale, MoveError."""
    key = f"move:{actor.pk}:{act_key}"[:250]
    with transaction.atomic():
        if record.journey_id is not None:
            Journey.objects.select_for_update(no_key=True).get(pk=record.journey_id)
        if (held := ask_of_key(key)) is not None:
            if held.record_id != record.pk:
                raise MoveError("This key was used for another move. Send a new one.")
            return held
        record = Record.objects.select_related("connection", "owner").get(pk=record.pk)
        model = load_typed_model()
        moves, way = _way(record, actor, to, model, now)
        place = _placed(moves)
        if (place.stage.key if place.stage else "") != seen:
            raise Stale(
                f"It is in {place.stage.name if place.stage else 'another stage'} by now. Look again."
            )
        if moves.latest is not None and moves.latest.state == AskedChange.State.WAITING:
            raise MoveError(f"An earlier change is still on its way to {record.connection.label}.")
        also = moves.latest.faults if moves.latest and moves.latest.state == AskedChange.State.REFUSED else ()
        plan = plan_move(record, place, way, typed, viewer=actor, model=model, now=now, also=also)
        why = why.replace("\x00", "").strip()[:MOST_WHY]
        if not plan.holds(why, go_on=go_on):
            raise NeedsMore(_asks_words(plan), plan)
        try:
            asked = ask(
                record, {place.body.stage_field: way.to.value, **plan.values}, by=actor,
                why=". ".join(text for text in (way.label, plan.told_reason, why) if text), key=key, now=now,
            )  # fmt: skip
        except AskError as error:
            raise MoveError(error.text) from error
        if plan.paths:
            exception_acts.go_on(
                record, actor, section=PIPELINES, key=plan.check_key, reason=why, paths=plan.paths, act_key=key, now=now
            )  # fmt: skip
        return asked


def typed_before(
    record: Record, asked: AskedChange, place: Place, to: str, zone: ZoneInfo
) -> dict[str, str | Sequence[str]]:
    """What a refused move had typed, for the dialog that comes back; empty when it was about another stage."""
    way = next((s for s in place.body.stages if s.key == to), None)
    if way is None or asked.values.get(place.body.stage_field) != way.value:
        return {}
    mappings = mapped_remote_fields(record.connection, record.remote_object)
    found: dict[str, str | Sequence[str]] = {
        name: shown(mappings[name].field.type, value, zone)
        for name, value in asked.values.items()
        if name != place.body.stage_field and name in mappings
    }
    reason = way.reason
    if reason and (text := found.get(reason.field)) and isinstance(text, str) and reason.choices:
        chosen, _, words = text.partition(": ")
        if chosen in reason.choices and words:
            found[reason.field], found[REASON_TEXT] = chosen, words
    return found


def _way(record: Record, actor: Person, to: str, model: TypedModel, now: datetime) -> tuple[Moves, Way]:
    if not may_move(actor, record):
        raise NotYours("Its owner, their manager or RevOps can move it.")
    moves = moves_of(record, actor, now, model)
    if moves.place is None or not moves.place.body.has_moves:
        raise MoveError(f"It is moved in {record.connection.label}.")
    if moves.off:
        raise MoveError(moves.off)
    way = moves.way_to(to)
    if way is None:
        at = moves.place.stage
        if at is not None and at.key == to:
            raise Stale(f"It is in {at.name} already.")
        raise MoveError("There is no such stage in its pipeline.")
    return moves, way


def _placed(moves: Moves) -> Place:
    assert moves.place is not None  # noqa: S101 (a way was found in it)
    return moves.place


def _asks_words(plan: Plan) -> str:
    """ "2 things are missing."""
    number = len(plan.missing)
    if not number:
        return plan.way.note or "One answer is missing."
    return "One thing is missing." if number == 1 else f"{number} things are missing."
