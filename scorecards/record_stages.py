"""Where a buyer or a deal is and was: the stage bar, what the stage asks for, and how each stage was left."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from definitions.bodies import PIPELINES, PipelineBody, StageBody, pipeline_body
from definitions.evidence.visibility import state_for
from definitions.in_force import TypedModel
from definitions.judging.stages import passes
from definitions.models import StageEntry
from definitions.triggers.bodies import TRIGGERS
from records.models import Record
from scorecards.links import address
from scorecards.record_values import Seen, day_words, nth, shortened
from teams.models import Person, Team

ARRIVALS = {"skipped": "skipped", "backward": "went back"}


@dataclass(frozen=True)
class Stay:
    """A stay in a stage of a pipeline, as it lies in the database."""

    record_id: uuid.UUID
    pipeline: str
    stage: str
    entered_at: datetime
    left_at: datetime | None
    left_to: str
    arrival: str
    is_allowed: bool
    exit_judgement: str
    missing: tuple[str, ...]
    event_id: int = 0


@dataclass(frozen=True)
class PassageLine:
    """How one stage was entered and left. ``state``: the judgement when it left, '' when nothing was checked.

    ``through``: who moved it here from gtmops, ''."""

    name: str
    entered_at: datetime
    left_at: datetime | None
    sentence: str
    missing: tuple[str, ...]
    state: str
    arrival: str
    is_allowed: bool
    through: str = ""


@dataclass(frozen=True)
class Fired:
    """One time during which a trigger held."""

    name: str
    fired_at: datetime
    ended_at: datetime | None
    handled_at: datetime | None
    because: tuple[str, ...]
    play: str
    href: str
    owner: str = ""

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.handled_at is None


@dataclass(frozen=True)
class StageNow:
    """The stage it is in: what it asks for, and the few fields that matter there."""

    name: str
    guidance: str
    pass_words: str
    key_fields: tuple[Seen, ...] = field(default=())


def stays_of(rows: Iterable[Record]) -> list[Stay]:
    """What `Record.stays` holds of each member, oldest first."""
    found = [
        Stay(
            row.pk, told["pipeline"], told["stage"], _at(told["entered_at"]), _maybe_at(told["left_at"]),
            told["left_to"], told["arrival"], told["is_allowed"], told["exit_judgement"], tuple(told["missing"]),
            told["event_id"],
        )
        for row in rows
        for told in getattr(row, "stays", ())
    ]  # fmt: skip
    return sorted(found, key=lambda s: s.entered_at)


def firings_of(rows: Iterable[Record], model: TypedModel, now: datetime) -> list[Fired]:
    """What `Record.fired` holds of each member, newest first. One query when there are some."""
    found = []
    fired = [told for row in rows for told in getattr(row, "fired", ())]
    teams = dict(Team.objects.values_list("key", "name")) if fired else {}
    for told in fired:
        history = model.versions.history(TRIGGERS, told["trigger"])
        body = history[-1].body if history else {}
        found.append(
            Fired(
                str(body.get("name") or told["trigger"]), _at(told["fired_at"]), _maybe_at(told["ended_at"]),
                _maybe_at(told["handled_at"]), tuple(told["because"]), str(body.get("play") or ""),
                address("definitions:item", TRIGGERS, told["trigger"]) if history else "",
                teams.get(str(body.get("owner")), str(body.get("owner") or "")),
            )
        )  # fmt: skip
    return sorted(found, key=lambda f: f.fired_at, reverse=True)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe_at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# --- the bar ---------------------------------------------------------------------------------------------------


def stage_bar(stages: Sequence[StageBody], entries: Sequence[StageEntry]) -> list[dict[str, Any]]:
    """The stages of the model, as components/stage_bar.html takes them, by what the CRMs claim."""
    latest: dict[str, StageEntry] = {}
    times: dict[str, int] = {}
    for entry in entries:
        latest[entry.stage] = entry
        times[entry.stage] = max(times.get(entry.stage, 1), entry.pass_number)
    current = current_stage(stages, entries)
    bar = []
    for stage in stages:
        held = latest.get(stage.key)
        ahead = current is None or (stage.order, stage.key) > (current.order, current.key)
        state = "ahead" if ahead else "current" if stage is current else "done" if held else "skipped"
        bar.append(
            {
                "name": stage.short,
                "at": held.occurred_at if held else None,
                "state": state,
                "note": _note(
                    times.get(stage.key, 1), bool(held and held.left_at), state in {"ahead", "current"}
                ),
            }
        )
    return bar


def current_stage(stages: Sequence[StageBody], entries: Sequence[StageEntry]) -> StageBody | None:
    """The furthest stage it is in by the CRMs; else the furthest it was in."""
    latest = {entry.stage: entry for entry in entries}
    is_open = [s for s in stages if s.key in latest and latest[s.key].left_at is None]
    been = [s for s in stages if s.key in latest]
    return next(reversed(is_open or been), None)


def pipeline_bar(body: PipelineBody, stays: Sequence[Stay]) -> list[dict[str, Any]]:
    """The stages of a deal's pipeline, as components/stage_bar.html takes them. Lost is shown once it is."""
    current = stays[-1].stage
    keys = [s.key for s in body.stages]
    here = keys.index(current) if current in keys else len(keys)
    bar = []
    for i, stage in enumerate(body.stages):
        held = [s for s in stays if s.stage == stage.key]
        is_over = _is_lost(body, current)
        if _is_lost(body, stage.key) and not held:
            continue
        if i == here:
            state = "current"
        elif i > here or (is_over and not held):
            state = "ahead"
        else:
            state = "done" if held else "skipped"
        left = bool(held) and held[-1].left_at is not None
        bar.append(
            {
                "name": stage.name,
                "at": held[-1].entered_at if held else None,
                "state": state,
                "note": _note(len(held), left, state in {"ahead", "current"}),
            }
        )
    return bar


def _is_lost(body: PipelineBody, key: str) -> bool:
    return any(s.is_lost and s.key == key for s in body.stages)


def _note(times: int, is_left: bool, says_left: bool) -> str:
    return ", ".join(
        filter(None, [nth(times) if times > 1 else "", "left since" if is_left and says_left else ""])
    )


# --- the stage it is in ------------------------------------------------------------------------------------------


def lifecycle_now(
    stage: StageBody | None, entries: Sequence[StageEntry], seen: Callable[[str], Seen]
) -> StageNow | None:
    """None where the stage says nothing and it is the first time. ``seen``: a key field's value."""
    if stage is None:
        return None
    last = [p for p in passes(_Entered(e) for e in entries) if p.stage == stage.key]
    words = last[-1].to_english() if last else ""
    if not (stage.guidance or stage.key_fields or words):
        return None
    return StageNow(stage.short, stage.guidance, words, tuple(seen(name) for name in stage.key_fields))


def pipeline_now(body: PipelineBody, stays: Sequence[Stay], seen: Callable[[str], Seen]) -> StageNow | None:
    """The same for a deal."""
    stage = next((s for s in body.stages if s.key == stays[-1].stage), None)
    if stage is None or not (stage.guidance or stage.key_fields):
        return None
    return StageNow(stage.name, stage.guidance, "", tuple(seen(name) for name in stage.key_fields))


class _Entered:
    """A stored entry as `passes` takes it; of its snapshot only why it was recycled has been read."""

    def __init__(self, entry: StageEntry) -> None:
        self.stage = entry.stage
        self.pass_number = entry.pass_number
        self.occurred_at = entry.occurred_at
        self.left_at = entry.left_at
        self.snapshot: Mapping[str, Any] = {"recycle_reason": getattr(entry, "recycle_reason", None)}


# --- passages ----------------------------------------------------------------------------------------------------


def here_of(rows: Sequence[Record], stays: Sequence[Stay]) -> frozenset[tuple[uuid.UUID, str]]:
    """(record, "pipeline/stage") where each deal is now."""
    ids = {row.pk for row in rows}
    return frozenset(
        (s.record_id, f"{s.pipeline}/{s.stage}") for s in stays if s.left_at is None and s.record_id in ids
    )


def body_of(model: TypedModel, key: str, now: datetime) -> PipelineBody | None:
    """The pipeline as it is in force, or as it was last."""
    version = model.versions.at(PIPELINES, key, now) or next(
        reversed(model.versions.history(PIPELINES, key)), None
    )
    return pipeline_body(key, version.body, model.catalogue) if version else None


def passage_lines(
    body: PipelineBody,
    stays: Sequence[Stay],
    viewer: Person,
    owner: Person | None,
    through: Mapping[int, str] | None = None,
) -> list[PassageLine]:
    """Newest first: what was missing when it left a stage, and how it arrived. ``through``: event id -> who moved it
    from gtmops."""
    names = {s.key: s.name for s in body.stages}
    keys = list(names)
    found = []
    before: str | None = None
    for stay in stays:
        arrival = ARRIVALS.get(stay.arrival, "")
        if stay.arrival == "skipped" and stay.stage in keys:
            first = keys.index(before) + 1 if before in keys else 0
            been = {s.stage for s in stays if s.entered_at < stay.entered_at}
            over = [names[k] for k in keys[first : keys.index(stay.stage)] if k not in been]
            arrival = f"skipped {' and '.join(over)}" if over else "skipped a stage"
        found.append(
            PassageLine(
                name=names.get(stay.stage, stay.stage),
                entered_at=stay.entered_at,
                left_at=stay.left_at,
                sentence=_passage_sentence(stay, names),
                missing=tuple(_asked_for(text) for text in stay.missing)
                if stay.exit_judgement in {"missing", "unknown", "waived"}
                else (),
                state=state_for(viewer, stay.exit_judgement, owner) if stay.exit_judgement else "",
                arrival=arrival,
                is_allowed=stay.is_allowed,
                through=(through or {}).get(stay.event_id, ""),
            )
        )
        before = stay.stage
    return found[::-1]


def _passage_sentence(stay: Stay, names: Mapping[str, str]) -> str:
    name = names.get(stay.stage, stay.stage)
    if stay.left_at is None:
        return f"In {name} since {day_words(stay.entered_at)}"
    to = f" for {names[stay.left_to]}" if stay.left_to in names else ""
    left = f"Left {name}{to} on {day_words(stay.left_at)}"
    if stay.exit_judgement == "missing" and stay.missing:
        return f"{left} without: {', '.join(shortened(_asked_for(text), 80) for text in stay.missing)}"
    return left


def _asked_for(text: str) -> str:
    """ "Success criteria" of "Success criteria is not empty": what was asked for."""
    return text.removesuffix(" is not empty")
