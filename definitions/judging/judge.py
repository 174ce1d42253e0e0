"""Current judgements: every record by every definition and exit criterion in force now. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from definitions.bodies import (
    DEFINITIONS,
    PIPELINES,
    DefinitionBody,
    PipelineBody,
    PipelineStage,
    StageBody,
    Variant,
)
from definitions.criteria import Criterion, Evaluation, Facts
from definitions.criteria.nodes import All, Condition, Node, Not
from definitions.criteria.nodes import Any as AnyOf
from definitions.criteria.targets.english import describe
from definitions.evidence import paper
from definitions.evidence.exceptions import Waiver, waive
from definitions.evidence.exceptions import standing as standing_exceptions
from definitions.evidence.paper import TextKey
from records.journey_data import JourneyData, RecordData

CANT_TELL = "(can't tell)"
PASSING = frozenset({"met", "on_paper", "waived"})
"""With these a record counts as what the definition names."""


@dataclass(frozen=True)
class Outcome:
    """How one record is judged by a definition.

    ``exclusion``: the first that holds; the state is then missing. ``variant``: the one that decided; '' where there is
    none, or where nobody can tell which. ``evaluation`` holds the conditions that were looked at; None where something
    of the definition can't be built, then ``broken`` says why. Before ``recheck_at`` time alone changes nothing of it.
    """

    state: str
    variant: str
    exclusion: str
    recheck_at: datetime | None
    evaluation: Evaluation | None
    broken: str = ""


def judge_one(definition: DefinitionBody, facts: Facts, now: datetime) -> Outcome:
    """Exclusions first, in order; then the first variant whose ``when`` holds. Agrees with ``definition.whole``.

    A variant whose ``when`` nobody can tell leaves the result unknown, unless no variant that may count is met."""
    if definition.criterion is None:
        return Outcome("unknown", "", "", None, None, definition.broken)
    seen: list[Evaluation] = []

    def told(criterion: Criterion | None) -> bool | None:
        if criterion is None:
            return True
        outcome = criterion.evaluate(facts, now)
        seen.append(outcome)
        return outcome.truth

    may_be_excluded = False
    for exclusion in definition.exclusions:
        truth = told(exclusion.criterion)
        if truth is True:
            return Outcome("missing", "", exclusion.key, _earliest(seen), _joined(seen, False))
        may_be_excluded = may_be_excluded or truth is None
    if definition.variants:
        met, variant = _judge_variants(definition.variants, told)
    else:
        met, variant = told(definition.criterion), ""
    if may_be_excluded and met is True:
        met = None
    return Outcome(state_of(met), variant, "", _earliest(seen), _joined(seen, met))


def _judge_variants(
    variants: Sequence[Variant], told: Callable[[Criterion | None], bool | None]
) -> tuple[bool | None, str]:
    """(truth, key of the one that decided or '')."""
    met: bool | None = False
    is_open: bool | None = True  # whether no variant so far is the record's
    for variant in variants:
        is_for = told(variant.when)
        if is_for is not False:
            truth = _both(is_open, _both(is_for, told(variant.criterion)))
            if is_for and is_open:
                return truth, variant.key
            met = None if truth is None else met
        if is_for:
            break
        is_open = None if is_for is None else is_open
    return met, ""


def _both(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _earliest(seen: Sequence[Evaluation]) -> datetime | None:
    return min((one.recheck_at for one in seen if one.recheck_at is not None), default=None)


def _joined(seen: Sequence[Evaluation], truth: bool | None) -> Evaluation:
    if len(seen) == 1 and seen[0].truth is truth:
        return seen[0]
    leaves = tuple(leaf for one in seen for leaf in one.leaves)
    deciding = tuple(leaf for one in seen for leaf in one.deciding)
    return Evaluation(truth, leaves, deciding, _earliest(seen))


def missing_words(definition: DefinitionBody, outcome: Outcome) -> list[str]:
    """English of what keeps a record from being one; empty when nothing does."""
    if outcome.state == "met":
        return []
    if outcome.evaluation is None:
        return [outcome.broken]
    if outcome.exclusion:
        name = next((e.name for e in definition.exclusions if e.key == outcome.exclusion), outcome.exclusion)
        return [f"excluded: {name}"]
    truths = {leaf.path: leaf.truth for leaf in outcome.evaluation.leaves}
    words = [
        f"not “{e.name}” {CANT_TELL}"
        for e in definition.exclusions
        if e.criterion is not None and truth_of(e.criterion, truths) is None
    ]
    variant = next((v for v in definition.variants if v.key == outcome.variant), None)
    criterion = variant.criterion if variant else definition.criterion
    if definition.variants and variant is None:
        return [*words, f"which variant counts {CANT_TELL}"]
    if criterion is not None:
        words += missing_parts(parts_of(criterion, truths))
    return words


@dataclass(frozen=True)
class Exit:
    """How a record meets the exit criteria of a stage.

    ``missing``: English of what failed. ``paper``: why it is met on paper only, as rows keep it. A state of waived
    keeps both."""

    state: str
    missing: tuple[str, ...]
    paper: tuple[Mapping[str, str], ...]
    recheck_at: datetime | None


def judge_exit(
    pipeline: PipelineBody,
    stage: PipelineStage,
    facts: Facts,
    now: datetime,
    *,
    copied: Collection[TextKey] = frozenset(),
    typed_seconds: Mapping[str, int] | None = None,
    exception: Waiver | None = None,
) -> Exit:
    """The exit criteria of a stage that has some. What a small deal or an exception lacks is waived."""
    criterion = stage.exit_criterion
    if criterion is None:
        return Exit("unknown", (stage.broken,), (), None)
    outcome = criterion.evaluate(facts, now)
    doubts = paper.of(criterion, outcome, copied=copied, typed_seconds=typed_seconds)
    state = "on_paper" if doubts else state_of(outcome.truth)
    state, recheck_at = waive(state, outcome.recheck_at, exception)
    if state in ("missing", "on_paper") and pipeline.exempt_below and pipeline.exempt_below.criterion:
        small = pipeline.exempt_below.criterion.evaluate(facts, now)
        recheck_at = min((at for at in (recheck_at, small.recheck_at) if at), default=None)
        state = "waived" if small.truth is True else state
    rows = tuple(doubt.plain() for doubt in doubts)
    return Exit(state, tuple(missing_of(criterion, outcome)), rows, recheck_at)


class FactsSource(Protocol):
    """What is known of a record, now or at an instant of its past."""

    def now(self, record: RecordData) -> Facts: ...

    def at(self, record: RecordData, at: datetime) -> Facts: ...


class OwnValues:
    """Only what stands in the record itself: no activities, no related records, no stages, no events."""

    def now(self, record: RecordData) -> Facts:
        return Facts(record.values)

    def at(self, record: RecordData, at: datetime) -> Facts:
        return Facts(record.values_at(at))


@dataclass(frozen=True)
class Judged:
    """``missing``: English of what failed; "(can't tell)" behind what nobody can tell."""

    record_id: uuid.UUID
    section: str
    key: str
    version_id: int
    state: str
    missing: tuple[str, ...]
    recheck_at: datetime | None
    variant: str = ""
    exclusion: str = ""
    paper: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class InForce:
    """What is in force at the instant of judgement: (version id, body) by key."""

    definitions: Mapping[str, tuple[int, DefinitionBody]]
    pipelines: Mapping[str, tuple[int, PipelineBody]]


def judge(
    journey: JourneyData,
    in_force: InForce,
    now: datetime,
    facts: FactsSource | None = None,
    copied: Mapping[uuid.UUID, frozenset[TextKey]] | None = None,
) -> list[Judged]:
    """All current judgements of a journey's records; deleted records have none.

    ``facts`` None: only what stands in the records themselves. ``copied``: record id -> its texts that stand with many
    other buyers."""
    source = facts or OwnValues()
    found: list[Judged] = []
    for record in journey.records:
        if record.deleted_at is not None:
            continue
        about = [
            (key, version_id, body)
            for key, (version_id, body) in in_force.definitions.items()
            if body.is_about(record.object, record.connection)
        ]
        through = [
            (key, version_id, body)
            for key, (version_id, body) in in_force.pipelines.items()
            if (record.object, record.connection) == (body.object, body.connection) and not body.when_broken
        ]
        if not about and not through:
            continue
        known, waivers = source.now(record), standing_exceptions(record.events, now)
        for key, version_id, definition in about:
            found.append(
                _judged(record.id, key, version_id, definition, known, now, waivers.get((DEFINITIONS, key)))
            )
        texts = (copied or {}).get(record.id, frozenset())
        for key, version_id, pipeline in through:
            found.extend(_judge_exits(record, key, version_id, pipeline, known, now, texts, waivers))
    return found


def _judged(
    record_id: uuid.UUID,
    key: str,
    version_id: int,
    definition: DefinitionBody,
    facts: Facts,
    now: datetime,
    exception: Waiver | None,
) -> Judged:
    outcome = judge_one(definition, facts, now)
    state, recheck_at = waive(outcome.state, outcome.recheck_at, exception, exclusion=outcome.exclusion)
    return Judged(
        record_id, DEFINITIONS, key, version_id, state, tuple(missing_words(definition, outcome)), recheck_at,
        outcome.variant, outcome.exclusion,
    )  # fmt: skip


def _judge_exits(
    record: RecordData,
    key: str,
    version_id: int,
    pipeline: PipelineBody,
    facts: Facts,
    now: datetime,
    copied: frozenset[TextKey],
    waivers: Mapping[tuple[str, str], Waiver],
) -> list[Judged]:
    """Exit criteria of the stage the record is in, and of those it has left: met, or left on paper."""
    if pipeline.when is not None and pipeline.when.evaluate(facts, now).truth is not True:
        return []
    been = {str(value) for _, value in record.changes(pipeline.stage_field) if value is not None}
    been.add(str(record.values.get(pipeline.stage_field)))
    found = []
    for stage in pipeline.stages:
        if stage.value not in been or (stage.exit_criterion is None and not stage.broken):
            continue
        name = f"{key}/{stage.key}"
        told = judge_exit(
            pipeline, stage, facts, now, copied=copied, exception=waivers.get((PIPELINES, name))
        )
        found.append(
            Judged(
                record.id, PIPELINES, name, version_id, told.state, told.missing, told.recheck_at, paper=told.paper
            )
        )  # fmt: skip
    return found


def judge_criterion(
    criterion: Criterion | None, broken: str, facts: Facts, now: datetime
) -> tuple[str, tuple[str, ...], datetime | None]:
    """(state, missing in words, recheck_at)."""
    if criterion is None:
        return "unknown", (broken,), None
    outcome = criterion.evaluate(facts, now)
    return state_of(outcome.truth), tuple(missing_of(criterion, outcome)), outcome.recheck_at


def state_of(truth: bool | None) -> str:
    """The judgement's word for a truth."""
    return "unknown" if truth is None else "met" if truth else "missing"


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


def truth_of(criterion: Criterion, truths: Mapping[str, bool | None]) -> bool | None:
    """The criterion's truth from those of its leaves."""
    return _truth(criterion.root, truths)


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
        case Condition():
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
        case Condition():
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
    met = [s for s in stages if s.definition and states.get(s.definition) in PASSING]
    return max(met, key=lambda s: (s.order, s.key), default=None)


def joined_state(states: Iterable[str]) -> str:
    """One state of several records of one buyer: one that meets it is enough; '' for none judged."""
    found = set(states)
    return next((s for s in ("met", "on_paper", "waived", "unknown", "missing") if s in found), "")


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
    following = next((s for s in ahead if states[s.definition] not in PASSING), None)
    missing: Sequence[str] = ()
    if following is not None:
        missing = min(
            (words for state, words in judged[following.definition] if state not in PASSING), key=len
        )
    state = "met" if stage else joined_state(states[s.definition] for s in defined)
    return Standing(stage, state, tuple(missing))
