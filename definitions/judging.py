"""Current judgements: every record by every definition and exit criterion in force now. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from definitions.bodies import DEFINITIONS, PIPELINES, DefinitionBody, PipelineBody, StageBody
from definitions.criteria import Criterion, Evaluation, Facts
from definitions.criteria.nodes import All, Leaf, Node, Not
from definitions.criteria.nodes import Any as AnyOf
from definitions.criteria.targets.english import describe
from records.journey_data import JourneyData, RecordData

CANT_TELL = "(can't tell)"


@dataclass(frozen=True)
class Judged:
    """``leaves``: [{path, field, text, truth, seen}] in the order of the criterion; truth None is unknown."""

    record_id: uuid.UUID
    section: str
    key: str
    version_id: int
    state: str
    leaves: tuple[Mapping[str, Any], ...]
    recheck_at: datetime | None


@dataclass(frozen=True)
class InForce:
    """What is in force at the instant of judgement: (version id, body) by key."""

    definitions: Mapping[str, tuple[int, DefinitionBody]]
    pipelines: Mapping[str, tuple[int, PipelineBody]]


def judge(journey: JourneyData, in_force: InForce, now: datetime) -> list[Judged]:
    """All current judgements of a journey's records; deleted records have none."""
    found: list[Judged] = []
    for record in journey.records:
        if record.deleted_at is not None:
            continue
        for key, (version_id, definition) in in_force.definitions.items():
            if definition.is_about(record.object, record.connection):
                found.append(
                    _judge(record, DEFINITIONS, key, version_id, definition.criterion, definition.broken, now)
                )
        for key, (version_id, pipeline) in in_force.pipelines.items():
            found.extend(_judge_exits(record, key, version_id, pipeline, now))
    return found


def _judge_exits(
    record: RecordData, key: str, version_id: int, pipeline: PipelineBody, now: datetime
) -> list[Judged]:
    """Exit criteria of the stage the record is in, and of those it has left: met, or left on paper."""
    if (record.object, record.connection) != (pipeline.object, pipeline.connection) or pipeline.when_broken:
        return []
    if pipeline.when is not None and pipeline.when.evaluate(Facts(record.values), now).truth is not True:
        return []
    been = {str(value) for _, value in record.changes(pipeline.stage_field) if value is not None}
    been.add(str(record.values.get(pipeline.stage_field)))
    return [
        _judge(record, PIPELINES, f"{key}/{stage.key}", version_id, stage.exit_criterion, stage.broken, now)
        for stage in pipeline.stages
        if stage.value in been and (stage.exit_criterion is not None or stage.broken)
    ]


def _judge(
    record: RecordData,
    section: str,
    key: str,
    version_id: int,
    criterion: Criterion | None,
    broken: str,
    now: datetime,
) -> Judged:
    if criterion is None:
        leaf = {"path": "$", "field": "", "text": broken, "truth": None, "seen": None}
        return Judged(record.id, section, key, version_id, "unknown", (leaf,), None)
    outcome = criterion.evaluate(Facts(record.values), now)
    return Judged(
        record.id, section, key, version_id, state_of(outcome.truth), plain_leaves(outcome), outcome.recheck_at
    )  # fmt: skip


def state_of(truth: bool | None) -> str:
    """The judgement's word for a truth."""
    return "unknown" if truth is None else "met" if truth else "missing"


def plain_leaves(outcome: Evaluation) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"path": leaf.path, "field": leaf.field, "text": leaf.text, "truth": leaf.truth, "seen": leaf.value}
        for leaf in outcome.leaves
    )


# --- what is missing, in words ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One thing a criterion asks for: a condition, or a choice of several. ``leaves`` are the paths inside."""

    text: str
    truth: bool | None
    leaves: tuple[str, ...]


def parts_of(criterion: Criterion, truths: Mapping[str, bool | None]) -> list[Part]:
    """What must all hold, in order: a choice ("any") is one part. ``truths``: truth by path of a leaf; a path that is
    not there counts as unknown."""
    return [Part(describe(n), _truth(n, truths), _paths(n)) for n in _conjuncts(criterion.root)]


def missing_of(criterion: Criterion, outcome: Evaluation) -> list[str]:
    """English of the parts that do not hold; those nobody can tell say so."""
    return missing_parts(parts_of(criterion, {leaf.path: leaf.truth for leaf in outcome.leaves}))


def missing_parts(parts: Sequence[Part]) -> list[str]:
    return [p.text if p.truth is False else f"{p.text} {CANT_TELL}" for p in parts if p.truth is not True]


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, All):
        return [part for child in node.children for part in _conjuncts(child)]
    if isinstance(node, AnyOf) and len(node.children) == 1:
        return _conjuncts(node.children[0])
    return [node]


def _truth(node: Node, truths: Mapping[str, bool | None]) -> bool | None:
    match node:
        case Leaf():
            return truths.get(node.path)
        case Not(child):
            truth = _truth(child, truths)
            return None if truth is None else not truth
        case All(children) | AnyOf(children):
            settles = isinstance(node, AnyOf)
            found = [_truth(child, truths) for child in children]
            if settles in found:
                return settles
            return None if None in found else not settles


def _paths(node: Node) -> tuple[str, ...]:
    match node:
        case Leaf():
            return (node.path,)
        case Not(child):
            return _paths(child)
        case All(children) | AnyOf(children):
            return tuple(path for child in children for path in _paths(child))


# --- where a buyer stands by the model -------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """``stage``: the furthest one whose definition is met. ``state``: met, missing or unknown. ``missing``: what the
    next defined stage asks for and doesn't have."""

    stage: StageBody | None
    state: str
    missing: tuple[str, ...]


def stage_by_model(states: Mapping[str, str], stages: Sequence[StageBody]) -> StageBody | None:
    """The furthest stage, in the model's order, whose definition is met. ``states``: judgement by definition key."""
    met = [s for s in stages if s.definition and states.get(s.definition) == "met"]
    return max(met, key=lambda s: (s.order, s.key), default=None)


def joined_state(states: Iterable[str]) -> str:
    """One state of several records of one buyer: one that meets it is enough; '' for none judged."""
    found = set(states)
    return next((state for state in ("met", "unknown", "missing") if state in found), "")


def standing(
    judged: Mapping[str, Sequence[tuple[str, Sequence[str]]]], stages: Sequence[StageBody]
) -> Standing | None:
    """``judged``: definition key -> (state, missing in words) of each record; None when nothing is judged."""
    states = {key: joined_state(state for state, _ in rows) for key, rows in judged.items()}
    defined = sorted((s for s in stages if states.get(s.definition)), key=lambda s: (s.order, s.key))
    if not defined:
        return None
    stage = stage_by_model(states, defined)
    ahead = defined if stage is None else defined[defined.index(stage) + 1 :]
    following = next((s for s in ahead if states[s.definition] != "met"), None)
    missing: Sequence[str] = ()
    if following is not None:
        missing = min((words for state, words in judged[following.definition] if state != "met"), key=len)
    state = "met" if stage else joined_state(states[s.definition] for s in defined)
    return Standing(stage, state, tuple(missing))
