"""Passages through a pipeline's stages, by whatever path the change took: each stay judged at both ends. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from definitions.bodies import PIPELINES, PipelineBody, PipelineStage
from definitions.evidence import paper
from definitions.evidence.exceptions import standing
from definitions.evidence.paper import TextKey
from definitions.histories import in_force_at, read_by_at
from definitions.judging.arrivals import Arrival, Doors, arrive, is_exact
from definitions.judging.judge import FactsSource, judge_criterion, judge_exit
from records.ids import derive_id
from records.journey_data import EventData, JourneyData, RecordData
from records.kinds import BASELINE, CHANGE


@dataclass(frozen=True)
class PipelineVersion:
    """One version of a pipeline, in force in [since, until)."""

    id: int
    body: PipelineBody
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class PipelineHistory:
    """The versions of one pipeline, oldest first. The first one also reads the past before it, but judges nothing
    there; after a retirement nothing enters."""

    key: str
    versions: Sequence[PipelineVersion]

    def at(self, at: datetime) -> PipelineVersion | None:
        """The version in force at an instant."""
        return in_force_at(self.versions, at)

    def reading(self, at: datetime) -> PipelineVersion | None:
        """The version by which stages are told at an instant: the first one also before it."""
        return read_by_at(self.versions, at)


@dataclass(frozen=True)
class Stay:
    """A record's stay in one stage. Judgements are '' where nothing is checked.

    ``missing`` and ``paper``: of the exit criteria, at the instant it left. ``version_id``: the version that judged it
    last; None before there was one."""

    id: uuid.UUID
    pipeline: str
    stage: str
    record_id: uuid.UUID
    event_id: int
    order: tuple[datetime, int, str]
    entered_at: datetime
    arrival: str
    is_allowed: bool
    version_id: int | None
    entry_judgement: str = ""
    left_at: datetime | None = None
    left_event_id: int | None = None
    left_to: str = ""
    exit_judgement: str = ""
    missing: tuple[str, ...] = ()
    paper: tuple[Mapping[str, str], ...] = ()


def stays(
    journey: JourneyData,
    pipelines: Iterable[PipelineHistory],
    facts: FactsSource,
    copied: Mapping[uuid.UUID, frozenset[TextKey]],
) -> list[Stay]:
    """Every stay of a journey's records, in order of events. Deleted records keep theirs.

    ``copied``: record id -> its texts that stand with many other buyers."""
    found = [
        stay
        for pipeline in pipelines
        for record in journey.records
        if any(_runs(v.body, record) for v in pipeline.versions)
        for stay in _Walk(record, pipeline, facts, copied.get(record.id, frozenset())).stays()
    ]
    return sorted(found, key=lambda s: (s.order, s.pipeline))


def _runs(body: PipelineBody, record: RecordData) -> bool:
    return (body.object, body.connection) == (record.object, record.connection)


class _Walk:
    """One record's way through one pipeline."""

    def __init__(
        self,
        record: RecordData,
        pipeline: PipelineHistory,
        facts: FactsSource,
        copied: frozenset[TextKey],
    ) -> None:
        self.record = record
        self.pipeline = pipeline
        self.facts = facts
        self.copied = copied

    def stays(self) -> list[Stay]:
        found: list[Stay] = []
        for event, stage in self._moves():
            is_open = bool(found) and found[-1].left_at is None
            if is_open and stage == found[-1].stage:
                continue
            if is_open:
                found[-1] = self._left(found[-1], event, stage)
            if stage:
                found.append(self._entered(stage, event, found))
        return found

    def _moves(self) -> Iterator[tuple[EventData, str]]:
        """(event, key of the stage from then on or ''): for each change of the stage, and of what says whether the
        record belongs to the pipeline. Changes of one instant are seen together."""
        names = {v.body.stage_field for v in self.pipeline.versions}
        names |= {name for v in self.pipeline.versions if v.body.when for name in v.body.when.fields()}
        touching = [e for e in self.record.events if _told(e) & names]
        for at, group in groupby(touching, key=lambda e: e.occurred_at):
            version = self.pipeline.reading(at)
            events = list(group)
            if version is None or not _runs(version.body, self.record):
                yield events[-1], ""
                continue
            body = version.body
            is_inside = self._is_inside(body, at)
            if is_inside is None:
                continue
            moves = [(e, _value(e, body.stage_field)) for e in events if body.stage_field in _told(e)]
            for event, value in moves or [(events[-1], self.record.value_at(body.stage_field, at)[1])]:
                stage = body.stage_of(value) if is_inside else None
                yield event, stage.key if stage else ""

    def _is_inside(self, body: PipelineBody, at: datetime) -> bool | None:
        """None: it can't be told now by anybody."""
        if body.when_broken:
            return None
        return body.when is None or body.when.evaluate(self.facts.at(self.record, at), at).truth is True

    def _entered(self, key: str, event: EventData, before: Sequence[Stay]) -> Stay:
        at = event.occurred_at
        reading, version = self.pipeline.reading(at), self.pipeline.at(at)
        assert reading is not None  # noqa: S101 (a stage was told by it)
        arrival = _arrival(reading.body, key, event, before)
        stage = _stage(version.body, key) if version else None
        judgement = ""
        if stage and is_exact(event) and (stage.entry_criterion or stage.entry_broken):
            facts = self.facts.at(self.record, at)
            judgement = judge_criterion(stage.entry_criterion, stage.entry_broken, facts, at)[0]
        return Stay(
            id=derive_id("passage", self.pipeline.key, self.record.key, event.key),
            pipeline=self.pipeline.key,
            stage=key,
            record_id=self.record.id,
            event_id=event.id,
            order=event.order,
            entered_at=at,
            arrival=arrival.how,
            is_allowed=arrival.is_allowed,
            version_id=version.id if version else None,
            entry_judgement=judgement,
        )

    def _left(self, stay: Stay, event: EventData, to: str) -> Stay:
        at = event.occurred_at
        left = replace(stay, left_at=at, left_event_id=event.id, left_to=to)
        version = self.pipeline.at(at)
        if version is None:
            return left
        body = version.body
        stage = _stage(body, stay.stage)
        if stage is None or not asks_exit(body, stage, to):
            return left
        outcome = judge_exit(
            body,
            stage,
            self.facts.at(self.record, at),
            at,
            copied=self.copied,
            typed_seconds=paper.typed_seconds_before(
                self.record, paper.text_fields(stage.exit_criterion) if stage.exit_criterion else (), at
            ),
            exception=standing(self.record.events, at).get((PIPELINES, f"{self.pipeline.key}/{stage.key}")),
        )
        return replace(
            left,
            version_id=version.id,
            exit_judgement=outcome.state,
            missing=outcome.missing,
            paper=outcome.paper,
        )


def _told(event: EventData) -> set[str]:
    """The fields whose value an event tells."""
    if event.kind == BASELINE:
        return set(event.data.get("values", {}))
    return {event.field} if event.kind == CHANGE else set()


def _value(event: EventData, name: str) -> Any:
    return event.data["values"][name] if event.kind == BASELINE else event.new


def _stage(body: PipelineBody, key: str) -> PipelineStage | None:
    return next((s for s in body.stages if s.key == key), None)


def asks_exit(body: PipelineBody, stage: PipelineStage, to: str) -> bool:
    """Whether leaving for ``to`` is a step ahead that the exit criteria are about: not back, not lost, not away."""
    if stage.exit_criterion is None and not stage.broken:
        return False
    keys = [s.key for s in body.stages]
    if to not in keys:
        return False
    ahead = keys.index(to) > keys.index(stage.key)
    return ahead and not body.stages[keys.index(to)].is_lost


def _arrival(body: PipelineBody, key: str, event: EventData, before: Sequence[Stay]) -> Arrival:
    last = before[-1].stage if before else None
    return arrival_of(body, key, last, {s.stage for s in before}, is_exact=is_exact(event))


def arrival_of(
    body: PipelineBody, key: str, last: str | None, been: Collection[str], *, is_exact: bool = True
) -> Arrival:
    """How one comes to the stage ``key`` of a pipeline from ``last``, having ``been`` in those."""
    keys = [s.key for s in body.stages]
    here = keys.index(key)
    origin = keys.index(last) if last in keys else -1
    stage = body.stages[here]
    return arrive(
        last,
        is_backward=last in keys and origin > here,
        skipped=passed_over(body, key, last, been),
        is_exact=is_exact,
        doors=Doors(stage.may_follow, body.are_skips_allowed, body.is_backward_allowed),
    )


def passed_over(body: PipelineBody, key: str, last: str | None, been: Collection[str]) -> list[str]:
    """Keys of the stages between ``last`` and ``key`` that were never visited; none on the way to a lost one."""
    keys = [s.key for s in body.stages]
    here = keys.index(key)
    origin = keys.index(last) if last in keys else -1
    if body.stages[here].is_lost:
        return []
    return [s.key for s in body.stages[origin + 1 : here] if not s.is_lost and s.key not in been]
