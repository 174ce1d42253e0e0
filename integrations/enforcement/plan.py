"""What a CRM could hold of the model's exit criteria, and what not, and why. Pure: nothing is asked or changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from definitions.bodies import PipelineBody, PipelineStage
from definitions.criteria.compiled import Compiled, FieldMapping, RefusedError, RemoteField
from definitions.criteria.criterion import Criterion
from definitions.criteria.criterion import any_of as any_criterion
from definitions.criteria.criterion import not_ as not_criterion
from definitions.criteria.nodes import All, Counted, Leaf, Staged, conditions_of
from definitions.criteria.targets import english
from definitions.criteria.targets.salesforce_rule import BYPASS_PERMISSION, exit_rule

PERMISSION = BYPASS_PERMISSION
"""Custom permission, and the permission set that gives it to our user."""
LONGEST_MESSAGE = 255
LONGEST_NAME = 40
RULE_PREFIX = "Gtm_Exit_"
IN_SECONDS = "gtmops checks it within seconds instead"


@dataclass(frozen=True)
class Place:
    """Where a logical object lives in one connection. ``labels``: logical field name to what people call it there."""

    remote_object: str
    fields: FieldMapping
    labels: Mapping[str, str] = field(default_factory=dict)

    def remote_name(self, name: str) -> str:
        """The remote name of a logical field; empty when it isn't mapped or is the same for every record."""
        found = self.fields.get(name)
        remote = found if isinstance(found, str) else found.name if found else ""
        return "" if remote.startswith("=") else remote

    def remote_value(self, name: str, value: str) -> str:
        """What a logical value is called there."""
        found = self.fields.get(name)
        values = found.values if isinstance(found, RemoteField) else {}
        return next((str(there) for there, here in values.items() if here == value), value)


@dataclass(frozen=True)
class Refusal:
    """A condition that the CRM can't hold."""

    condition: str
    reason: str


@dataclass(frozen=True)
class PlannedRule:
    remote_object: str
    name: str
    formula: str
    message: str
    field: str

    @property
    def full_name(self) -> str:
        return f"{self.remote_object}.{self.name}"

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.formula, self.message, self.field)


@dataclass(frozen=True)
class ByHand:
    """A property that an admin of the CRM can require when a record enters the next stage; no API does that."""

    remote_object: str
    name: str
    label: str
    condition: str


@dataclass(frozen=True)
class StagePlan:
    """One stage with exit criteria at one place. ``rule`` None: the CRM can't hold any of it.

    ``criterion``: all that must be true to leave; ``held``: what of it the rule asks, all of it where there is no rule.
    ``stage_field`` and ``value`` are the model's; ``exempt``: of which records the criteria are not asked;
    ``next_stages``: names of those a record goes on to."""

    pipeline: str
    pipeline_name: str
    version: int
    stage: str
    stage_name: str
    remote_object: str
    stage_field: str
    value: str
    criterion: Criterion | None
    exempt: Criterion | None = None
    held: Criterion | None = None
    rule: PlannedRule | None = None
    refused: tuple[Refusal, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    next_stages: tuple[str, ...] = ()
    warn_until: date | None = None
    exempt_words: str = ""
    broken: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.pipeline, self.stage, self.remote_object)

    @property
    def is_whole(self) -> bool:
        return self.rule is not None and not self.refused

    def is_warning(self, today: date) -> bool:
        """Whether leaving without the criteria is only flagged yet."""
        return self.warn_until is not None and today < self.warn_until


def fingerprint_of(formula: str, message: str, field_name: str) -> str:
    """The same for rules that do and say the same; a CRM may give line ends and outer blanks back otherwise."""
    told = [" ".join(text.split()) for text in (formula, message, field_name)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def plan_salesforce(
    pipelines: Sequence[tuple[int, PipelineBody]],
    places: Mapping[str, Sequence[Place]],
    links: Mapping[str, str],
    names: Mapping[tuple[str, str, str], str] | None = None,
    waived: Mapping[tuple[str, str], Criterion] | None = None,
) -> list[StagePlan]:
    """A plan per stage with exit criteria and remote object.

    ``pipelines``: version id and body. ``places`` by logical object. ``links``: pipeline key to the page that explains
    it. ``names``: (pipeline, stage, remote object) to the name a rule has already, which it keeps. ``waived``:
    (pipeline, stage) to what is true of records with an exception; it counts where its field is mapped."""
    taken = {name: key for key, name in (names or {}).items()}
    plans = []
    for version, pipeline in sorted(pipelines, key=lambda p: p[1].key):
        for place in places.get(pipeline.object, ()):
            if not place.remote_name(pipeline.stage_field):
                continue
            for stage in pipeline.stages:
                if stage.exit_criterion is None and not stage.broken:
                    continue
                key = (pipeline.key, stage.key, place.remote_object)
                name = (names or {}).get(key) or rule_name(pipeline.key, stage, taken)
                taken[name] = key
                plan = _stage_plan(
                    version, pipeline, stage, place, (waived or {}).get((pipeline.key, stage.key))
                )
                plans.append(
                    _salesforce_stage(plan, pipeline, stage, place, name, links.get(pipeline.key, ""))
                )
    return plans


def plan_hubspot(
    pipelines: Sequence[tuple[int, PipelineBody]], places: Mapping[str, Sequence[Place]]
) -> list[StagePlan]:
    """The same for HubSpot, whose API can't require anything at a stage: what an admin can do by hand there."""
    plans = []
    for version, pipeline in sorted(pipelines, key=lambda p: p[1].key):
        for place in places.get(pipeline.object, ()):
            if not place.remote_name(pipeline.stage_field):
                continue
            plans += [
                _hubspot_stage(version, pipeline, stage, place)
                for stage in pipeline.stages
                if stage.exit_criterion is not None or stage.broken
            ]
    return plans


def rule_name(pipeline: str, stage: PipelineStage, taken: Mapping[str, object]) -> str:
    """``Gtm_Exit_Negotiation``; with the pipeline before the stage where another has that name already."""
    short = fit_name(RULE_PREFIX + _camel(stage.key))
    return short if short not in taken else fit_name(f"{RULE_PREFIX}{_camel(pipeline)}_{_camel(stage.key)}")


def fit_name(name: str) -> str:
    """A name that Salesforce takes: at most 40 characters, told apart by a digest when it is cut."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: LONGEST_NAME - 7].rstrip('_')}_{digest}"


def message_of(object_name: str, stage_name: str, conditions: Sequence[str], link: str) -> str:
    """What a rep reads when a save is refused: what is needed, and where more stands. At most 255 characters."""
    start = f"This {object_name} leaves {stage_name} only when: "
    end = f". More: {link}" if link else "."
    room = LONGEST_MESSAGE - len(start) - len(end)
    if room < 40:  # an address that fills the message helps nobody
        end, room = ".", LONGEST_MESSAGE - len(start) - 1
    for kept in range(len(conditions), 0, -1):
        rest = len(conditions) - kept
        text = "; ".join([*conditions[:kept], *([f"and {rest} more"] if rest else [])])
        if len(text) <= room:
            return f"{start}{text}{end}"
    cut = (conditions[0] if conditions else "its exit criteria are met")[: max(room - 1, 0)].rstrip()
    return f"{start}{cut}…{end}"[:LONGEST_MESSAGE]


def conditions_in_words(criterion: Criterion) -> tuple[str, ...]:
    """The parts that must all be true, each in words."""
    root = criterion.root
    children = root.children if isinstance(root, All) else (root,)
    return tuple(english.describe(child) for child in children)


# --- Salesforce ---------------------------------------------------------------------------------------------------


def _salesforce_stage(
    plan: StagePlan, pipeline: PipelineBody, stage: PipelineStage, place: Place, name: str, link: str
) -> StagePlan:
    criterion = stage.exit_criterion
    broken = _broken(pipeline, stage)
    if criterion is None or broken:
        return replace(plan, broken=broken)
    values = {s.key: place.remote_value(pipeline.stage_field, s.value) for s in pipeline.stages}
    try:
        compiled = exit_rule(
            criterion,
            place.fields,
            stage_field=place.remote_name(pipeline.stage_field),
            stage=values[stage.key],
            stages=[values[s.key] for s in pipeline.stages if not s.is_lost],
            lost=[values[s.key] for s in pipeline.stages if s.is_lost],
            exempt=plan.exempt,
        )
    except RefusedError as error:
        return replace(plan, refused=(Refusal(criterion.to_english(), _with_remedy(str(error))),))
    refused = tuple(_refusals(criterion, compiled))
    kept = compiled.partial.kept if compiled.partial else ()
    formula = compiled.partial.text if refused and compiled.partial else compiled.text
    if not formula:
        return replace(plan, refused=refused)
    words = conditions_in_words(criterion) if not refused else kept
    message = message_of(pipeline.object, stage.name, words, link)
    rule = PlannedRule(place.remote_object, name, formula, message, _error_field(criterion, compiled, place))
    return replace(plan, rule=rule, refused=refused, held=_held(criterion, compiled))


def exempt_of(pipeline: PipelineBody, place: Place, waived: Criterion | None) -> Criterion | None:
    """Of which records a stage's criteria are not asked: of other pipelines, below the amount, with an exception."""
    free = []
    if pipeline.when is not None:
        free.append(not_criterion(pipeline.when))
    if pipeline.exempt_below is not None and pipeline.exempt_below.criterion is not None:
        free.append(pipeline.exempt_below.criterion)
    if waived is not None and all(place.remote_name(name) for name in waived.fields()):
        free.append(waived)
    if not free:
        return None
    return free[0] if len(free) == 1 else any_criterion(free)


def _broken(pipeline: PipelineBody, stage: PipelineStage) -> str:
    exempt = pipeline.exempt_below.broken if pipeline.exempt_below else ""
    return stage.broken or pipeline.when_broken or exempt


def _refusals(criterion: Criterion, compiled: Compiled) -> list[Refusal]:
    words = {one.path: english.describe(one) for one in conditions_of(criterion.root)}
    return [
        Refusal(words.get(path, ""), _with_remedy(reason) if path in words else reason)
        for path, reason in compiled.refused
    ]


def _with_remedy(reason: str) -> str:
    return reason if "gtmops" in reason else f"{reason}; {IN_SECONDS}"


def _held(criterion: Criterion, compiled: Compiled) -> Criterion:
    """The conditions of the outermost `all` that the rule asks."""
    refused = {path for path, _ in compiled.refused}
    root = criterion.root
    if not refused or not isinstance(root, All):
        return criterion
    kept = tuple(c for c in root.children if refused.isdisjoint(one.path for one in conditions_of(c)))
    return Criterion(criterion.object, All(kept))


def _error_field(criterion: Criterion, compiled: Compiled, place: Place) -> str:
    """Where the CRM shows the message: at the field, when only one is asked for."""
    refused = {path for path, _ in compiled.refused}
    read = {
        one.field.name
        for one in conditions_of(criterion.root)
        if isinstance(one, Leaf) and one.path not in refused
    }
    return place.remote_name(read.pop()) if len(read) == 1 else ""


# --- HubSpot ------------------------------------------------------------------------------------------------------


def _hubspot_stage(version: int, pipeline: PipelineBody, stage: PipelineStage, place: Place) -> StagePlan:
    plan = _stage_plan(version, pipeline, stage, place, None)
    criterion = stage.exit_criterion
    broken = _broken(pipeline, stage)
    if criterion is None or broken:
        return replace(plan, broken=broken)
    root = criterion.root
    by_hand, refused = [], []
    for child in root.children if isinstance(root, All) else (root,):
        words = english.describe(child)
        if isinstance(child, Leaf) and child.op == "is_not_empty" and place.remote_name(child.field.name):
            name = place.remote_name(child.field.name)
            label = place.labels.get(child.field.name) or child.field.label
            by_hand.append(ByHand(place.remote_object, name, label, words))
        else:
            refused.append(Refusal(words, f"{_hubspot_reason(child, place)}; {IN_SECONDS}"))
    return replace(plan, by_hand=tuple(by_hand), refused=tuple(refused))


def _hubspot_reason(child: object, place: Place) -> str:
    match child:
        case Leaf() if not place.remote_name(child.field.name):
            return f"{child.field.label} is not mapped to a property in HubSpot"
        case Leaf():
            return "a stage can require that a property is filled, not what it says"
        case Counted():
            return "a stage can't require activities or related records"
        case Staged():
            return "a stage can't require how long a record was in another"
        case _:
            return "a stage can't require one thing or another"


# --- both ---------------------------------------------------------------------------------------------------------


def _stage_plan(
    version: int, pipeline: PipelineBody, stage: PipelineStage, place: Place, waived: Criterion | None
) -> StagePlan:
    below = pipeline.exempt_below
    words = below.criterion.to_english() if below is not None and below.criterion is not None else ""
    later = pipeline.stages[pipeline.stages.index(stage) + 1 :]
    return StagePlan(
        pipeline.key, pipeline.name, version, stage.key, stage.name, place.remote_object, pipeline.stage_field,
        stage.value, stage.exit_criterion, exempt_of(pipeline, place, waived), stage.exit_criterion,
        next_stages=tuple(s.name for s in later if not s.is_lost),
        warn_until=pipeline.warn_until, exempt_words=words,
    )  # fmt: skip


def _camel(key: str) -> str:
    """``closed_won`` as ``ClosedWon``: single underscores stay for the parts of a name."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", key) if part)
