"""What a move asks for: the conditions of leaving and entering, judged with what is typed; exactly what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from definitions.bodies import PIPELINES, PipelineBody, Reason
from definitions.criteria import Criterion, Facts
from definitions.evidence.exceptions import standing
from definitions.in_force import TypedModel
from definitions.judging.facts import load_facts
from definitions.judging.judge import Part, parts_of
from definitions.judging.passages import asks_exit
from definitions.moves.fields import AskedField, Typed, describe_fields, with_typed
from definitions.moves.guard import Place
from definitions.moves.ways import Way
from records.asked import open_fields
from records.journey_data import Batch, RecordData
from records.loading import load_batch
from records.models import Record
from records.services import mapped_remote_fields
from teams.models import Person

OTHER: Final = "Other"
REASON_TEXT: Final = "reason_text"
"""The name under which one's own words for "Other" are typed, where the model names no field for them."""
MOST_REASON: Final = 255


@dataclass(frozen=True)
class Plan:
    """A move that somebody is about to make.

    ``fields``: what the dialog asks, as typed so far. ``blocked``: conditions that nothing typed here can meet.
    ``missing``: English of every condition that does not hold with what is typed; ``paths`` of the exit's.
    ``values``: logical field to canonical value, of what is to change beside the stage. ``is_warning``: what is missing
    only warns, so that one may go on with a reason. ``told_reason``: the reason chosen, with one's own words."""

    place: Place
    way: Way
    fields: tuple[AskedField, ...] = ()
    blocked: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    is_warning: bool = False
    told_reason: str = ""

    @property
    def body(self) -> PipelineBody:
        return self.place.body

    @property
    def has_unread(self) -> bool:
        """Something was typed that can't be read, or a reason is not given: no going on makes up for that."""
        return any(f.error and not f.is_condition for f in self.fields)

    @property
    def may_be_excepted(self) -> bool:
        """Whether an exception would let it leave."""
        return bool(self.paths) and not self.is_warning

    def holds(self, why: str, *, go_on: bool) -> bool:
        """Whether it may be sent: nothing is missing, or one goes on; and a flagged way has its reason."""
        is_complete = not self.missing or (go_on and self.is_warning and bool(why))
        return is_complete and not self.has_unread and (bool(why) or not self.way.is_flagged)

    @property
    def check_key(self) -> str:
        """The exit check it is about, as exceptions name it."""
        stage = self.place.stage
        return f"{self.body.key}/{stage.key}" if stage else ""


def plan_move(
    record: Record,
    place: Place,
    way: Way,
    typed: Typed,
    *,
    viewer: Person,
    model: TypedModel,
    now: datetime,
    also: Sequence[str] = (),
    is_sent: bool = True,
) -> Plan:
    """What the move needs, with what was ``typed``. ``also``: fields to ask besides (the CRM named them when it
    refused). ``is_sent`` False: the dialog opens, so empty fields are no faults yet. ``record`` with its connection."""
    knowing = _Knowing.load(record, place, way, model, now)
    before = knowing.failing({})
    reason = way.to.reason
    wanted = before.names | _fields_of(knowing.criteria) | set(also)
    if reason:
        wanted |= {reason.field, reason.text} - {""}
    writable = open_fields(record, wanted - {place.body.stage_field})
    asked = [n for n in before.order if n in writable]
    asked += [n for n in also if n in writable and n not in asked]
    if reason and reason.field in writable and reason.field not in asked:
        asked.append(reason.field)
    asked += [n for n in typed if n in writable and n not in asked]
    fields = describe_fields(record, asked, model.catalogue, before.words, viewer.zone)
    is_free = any(reason and f.name == reason.field and not f.options for f in fields)
    if reason:
        fields = [_as_reason(f, reason) if f.name == reason.field else f for f in fields]
    read = [with_typed(f, typed, viewer.zone) for f in fields]
    told = {f.name: value for f, value in read if f.name in typed and not f.error}
    fields = [f for f, _ in read]
    told, fields, own_words = _with_reason(
        record, reason, told, fields, typed, is_free=is_free, is_sent=is_sent
    )
    after = knowing.failing(told)
    if is_sent:
        late = [n for n in after.order if n in writable and n not in {f.name for f in fields}]
        fields += describe_fields(record, late, model.catalogue, after.words, viewer.zone)
        fields = [_with_fault(f, after.words) for f in fields]
    typable = {f.name for f in fields}
    blocked = [p.text for p in after.parts if not (p.names & typable)]
    values = {n: v for n, v in told.items() if v != record.values.get(n)}
    return Plan(
        place=place,
        way=way,
        fields=tuple(fields),
        blocked=tuple(blocked),
        missing=tuple(p.text for p in after.parts),
        paths=tuple(p for part in after.parts if part.is_exit for p in part.paths),
        values=values,
        is_warning=place.body.is_warning(now.date()),
        told_reason=own_words,
    )


# --- judging ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Failing:
    text: str
    names: frozenset[str]
    paths: tuple[str, ...]
    is_exit: bool


@dataclass(frozen=True)
class _Outcome:
    parts: tuple[_Failing, ...]

    @property
    def order(self) -> list[str]:
        return list(dict.fromkeys(n for part in self.parts for n in sorted(part.names)))

    @property
    def names(self) -> set[str]:
        return set(self.order)

    @property
    def words(self) -> dict[str, list[str]]:
        """Field -> the conditions it takes part in, in words."""
        found: dict[str, list[str]] = {}
        for part in self.parts:
            for name in part.names:
                found.setdefault(name, []).append(part.text)
        return found


@dataclass(frozen=True)
class _Knowing:
    """The record with all that criteria read of it; what is typed is laid over its values."""

    facts: Facts
    place: Place
    way: Way
    exit: Criterion | None
    entry: Criterion | None
    is_waived: bool
    own_fields: frozenset[str]
    now: datetime

    @classmethod
    def load(cls, record: Record, place: Place, way: Way, model: TypedModel, now: datetime) -> _Knowing:
        batch = load_batch([record.journey_id], now) if record.journey_id else Batch({}, now=now)
        mine = _found(batch, record)
        stage = place.stage
        leaving = stage.exit_criterion if stage and asks_exit(place.body, stage, way.to.key) else None
        waived = False
        if leaving is not None and stage is not None:
            name = (PIPELINES, f"{place.body.key}/{stage.key}")
            waived = name in standing(mine.events if mine else (), now)
        return cls(
            load_facts(batch, model).now(mine) if mine else Facts(record.values),
            place, way, leaving, way.to.entry_criterion, waived,
            frozenset(model.catalogue.objects.get(record.object, {})), now,
        )  # fmt: skip

    @property
    def criteria(self) -> list[Criterion]:
        return [c for c in (self.exit, self.entry) if c is not None]

    def failing(self, typed: Mapping[str, Any]) -> _Outcome:
        """What does not hold when the record has moved with these values."""
        body = self.place.body
        values = {**self.facts.values, **typed, body.stage_field: self.way.to.value}
        facts = replace(self.facts, values=values)
        is_exempt = self.is_waived or (
            body.exempt_below is not None
            and body.exempt_below.criterion is not None
            and body.exempt_below.criterion.evaluate(facts, self.now).truth is True
        )
        found: list[_Failing] = []
        if self.exit is not None and not is_exempt:
            found += self._parts(self.exit, facts, is_exit=True)
        if self.entry is not None:
            found += self._parts(self.entry, facts, is_exit=False)
        return _Outcome(tuple(found))

    def _parts(self, criterion: Criterion, facts: Facts, *, is_exit: bool) -> Iterable[_Failing]:
        leaves = {leaf.path: leaf for leaf in criterion.evaluate(facts, self.now).leaves}
        for part in parts_of(criterion, {path: leaf.truth for path, leaf in leaves.items()}):
            names = frozenset(
                leaves[p].field for p in part.leaves if p in leaves and leaves[p].field in self.own_fields
            )
            # What nobody can tell forbids nothing, unless somebody can say it here.
            if part.truth is False or (part.truth is None and names and not names & set(facts.values)):
                yield _Failing(_words(part), names, part.leaves, is_exit)


def _found(batch: Batch, record: Record) -> RecordData | None:
    return next((r for j in batch.journeys.values() for r in j.records if r.id == record.pk), None)


def _words(part: Part) -> str:
    return part.text[:1].upper() + part.text[1:]


def _fields_of(criteria: Iterable[Criterion]) -> set[str]:
    return {name for criterion in criteria for name in criterion.fields()}


def _with_fault(asked: AskedField, words: Mapping[str, Sequence[str]]) -> AskedField:
    if asked.error or asked.name not in words:
        return asked
    text = words[asked.name][0]
    is_plain = not asked.has_value and text.endswith("is not empty")
    return replace(asked, error="This is missing." if is_plain else f"{text}.", is_condition=True)


# --- the reason --------------------------------------------------------------------------------------------------


def _as_reason(asked: AskedField, reason: Reason) -> AskedField:
    """A choice, whatever the field is in the CRM, where there is something to choose from."""
    options = asked.options or tuple((c, c) for c in reason.choices)
    return replace(asked, kind="picklist" if options else asked.kind, options=options)


def is_other(value: str) -> bool:
    return value.strip().lower().startswith(OTHER.lower())


def _with_reason(
    record: Record,
    reason: Reason | None,
    told: dict[str, Any],
    fields: list[AskedField],
    typed: Typed,
    *,
    is_free: bool,
    is_sent: bool,
) -> tuple[dict[str, Any], list[AskedField], str]:
    """The reason and, with "Other", one's own words: into the field named for them, else behind the reason if that
    is a text, else only into our log."""
    mine = next((f for f in fields if reason and f.name == reason.field), None)
    if reason is None or mine is None:
        return told, fields, ""
    if is_sent and not told.get(mine.name) and not mine.error:
        fields = [replace(f, error="Choose why.") if f.name == mine.name else f for f in fields]
    chosen = str(told.get(mine.name) or "")
    mappings = mapped_remote_fields(record.connection, record.remote_object)
    into = reason.text if reason.text in open_fields(record, [reason.text]) else ""
    name = into or REASON_TEXT
    raw = typed.get(name, "")
    words = (raw if isinstance(raw, str) else " ".join(raw)).replace("\x00", "").strip()
    label = mappings[into].field.label if into else "In your own words"
    own = AskedField(
        name, label, "long_text", words, conditions=("Needed with “Other”.",),
        error="Say it in your own words." if is_sent and is_other(chosen) and not words else "",
    )  # fmt: skip
    fields = [f for f in fields if f.name != name]
    place = next(i for i, f in enumerate(fields) if f.name == mine.name) + 1
    fields = [*fields[:place], own, *fields[place:]]
    told.pop(name, None)
    if words and into:
        told[into] = words
    elif words and is_free:
        told[mine.name] = f"{chosen}: {words}"[:MOST_REASON] if chosen else words[:MOST_REASON]
    return told, fields, ": ".join(part for part in (chosen, words) if part)
