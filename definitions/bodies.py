"""Typed forms of what the model files say about stages, definitions and pipelines. Pure."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from definitions.criteria import Catalogue, Criterion, CriterionError, all_of, any_of, not_, parse
from definitions.sections import Body

log = logging.getLogger(__name__)

STAGES, DEFINITIONS, PIPELINES = "stages", "definitions", "pipelines"
ALLOWED, FLAGGED = "allowed", "flagged"


# --- typed bodies ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """How a CRM shows that a record is in a stage: its field has one of these values. Only ever read."""

    connection: str
    object: str
    field: str
    values: tuple[str, ...]

    def holds(self, value: Any) -> bool:
        """Whether ``value`` says so; a list (multi-picklist) does when it includes one of the values."""
        return any(v in self.values for v in value) if isinstance(value, list) else value in self.values


@dataclass(frozen=True)
class StageBody:
    """``may_follow`` empty: a buyer may enter from anywhere."""

    key: str
    name: str
    short: str
    order: int
    owner: str
    sentence: str
    claimed_when: Claim | None
    definition: str
    may_follow: tuple[str, ...] = ()
    is_backward_allowed: bool = True
    guidance: str = ""
    key_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """Who is not one, whatever else is true. ``criterion`` None: it can't be built now, ``broken`` says why."""

    key: str
    name: str
    criterion: Criterion | None
    text: str = ""
    broken: str = ""


@dataclass(frozen=True)
class Variant:
    """What counts for some records. ``when`` None with ``is_fallback``: for all that no variant before it is for."""

    key: str
    name: str
    when: Criterion | None
    criterion: Criterion | None
    is_fallback: bool = False
    broken: str = ""


@dataclass(frozen=True)
class DefinitionBody:
    """``connections`` empty: judged in all.

    ``criterion``: what must be true of a record that is not excluded; with ``variants``, all of them in one.
    None: something of it can't be built now, ``broken`` says why."""

    key: str
    name: str
    owner: str
    agreed_by: tuple[str, ...]
    object: str
    connections: tuple[str, ...]
    text: str
    examples: tuple[str, ...]
    criterion: Criterion | None
    broken: str = ""
    exclusions: tuple[Exclusion, ...] = ()
    variants: tuple[Variant, ...] = ()
    play: str = ""

    def is_about(self, object_name: str, connection: str) -> bool:
        return self.object == object_name and (not self.connections or connection in self.connections)

    @cached_property
    def whole(self) -> Criterion | None:
        """One criterion with exclusions and variants compiled in: true exactly for the records judged met."""
        if self.criterion is None:
            return None
        excluded = [e.criterion for e in self.exclusions if e.criterion is not None]
        if not excluded:
            return self.criterion
        return all_of([not_(any_of(excluded)), self.criterion])


@dataclass(frozen=True)
class Reason:
    """What a move into a stage is asked: why. ``field``: of the record, it gets the choice.

    ``choices`` empty: those of the field. ``text``: the field for one's own words, needed with "Other"."""

    field: str
    choices: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class PipelineStage:
    """``exit_criterion`` None without ``broken``: nothing is checked when a record leaves. The same for the entry."""

    key: str
    name: str
    value: str
    guidance: str
    exit_criterion: Criterion | None
    broken: str = ""
    entry_criterion: Criterion | None = None
    entry_broken: str = ""
    key_fields: tuple[str, ...] = ()
    may_follow: tuple[str, ...] = ()
    is_lost: bool = False
    reason: Reason | None = None


@dataclass(frozen=True)
class ExemptBelow:
    """Records whose ``field`` is less than ``value`` need not meet exit criteria. ``currency`` "": the plain number."""

    field: str
    value: str
    currency: str
    criterion: Criterion | None
    broken: str = ""


@dataclass(frozen=True)
class PipelineBody:
    """``when`` None with ``when_broken``: which records belong to it can't be told now."""

    key: str
    name: str
    owner: str
    agreed_by: tuple[str, ...]
    object: str
    connection: str
    stage_field: str
    when: Criterion | None
    stages: tuple[PipelineStage, ...]
    when_broken: str = ""
    are_skips_allowed: bool = True
    is_backward_allowed: bool = True
    exempt_below: ExemptBelow | None = None
    warn_until: date | None = None
    has_moves: bool = False

    def is_warning(self, today: date) -> bool:
        """Whether a missing condition only warns today."""
        return self.warn_until is not None and today < self.warn_until

    def stage_of(self, value: Any) -> PipelineStage | None:
        """The stage that a value of the stage field means; None for none of them."""
        return next((s for s in self.stages if s.value == value), None)


# --- reading them ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def known_catalogue(spec: str) -> Catalogue:
    """The catalogue of a JSON text, ``{"objects": …}`` and the other arguments of ``Catalogue.from_spec``; criteria
    built on it are cached."""
    told = json.loads(spec)
    return _Known(Catalogue.from_spec(told.pop("objects"), **told), spec)


class _Known(Catalogue):
    """A catalogue that knows the text it was read from, so that what is parsed against it can be cached."""

    __slots__ = ("spec",)
    spec: str

    def __init__(self, found: Catalogue, spec: str) -> None:
        super().__init__(**{field.name: getattr(found, field.name) for field in fields(found)})
        object.__setattr__(self, "spec", spec)


def stage_body(key: str, body: Body) -> StageBody:
    claim = body.get("claimed_when")
    return StageBody(
        key=key,
        name=str(body.get("name") or key),
        short=str(body.get("short") or body.get("name") or key),
        order=int(body.get("order") or 0),
        owner=str(body.get("owner") or ""),
        sentence=str(body.get("sentence") or ""),
        claimed_when=None
        if claim is None
        else Claim(claim["connection"], claim["object"], claim["field"], tuple(claim["values"])),
        definition=str(body.get("definition") or ""),
        may_follow=tuple(body.get("may_follow") or ()),
        is_backward_allowed=body.get("backward") != FLAGGED,
        guidance=str(body.get("guidance") or ""),
        key_fields=tuple(body.get("key_fields") or ()),
    )


def definition_body(key: str, body: Body, catalogue: Catalogue) -> DefinitionBody:
    object_name = str(body.get("object") or "")
    exclusions = exclusions_of(body, catalogue, object_name)
    variants = _variants_of(body, catalogue, object_name)
    if variants:
        criterion, broken = _one_of(variants), next((v.broken for v in variants if v.broken), "")
    else:
        criterion, broken = build_criterion(body.get("criteria"), catalogue, object_name)
    broken = broken or next((e.broken for e in exclusions if e.broken), "")
    return DefinitionBody(
        key=key,
        name=str(body.get("name") or key),
        owner=str(body.get("owner") or ""),
        agreed_by=tuple(body.get("agreed_by") or ()),
        object=object_name,
        connections=tuple(body.get("in") or ()),
        text=str(body.get("text") or ""),
        examples=tuple(body.get("examples") or ()),
        criterion=None if broken else criterion,
        broken=broken,
        exclusions=exclusions,
        variants=variants,
        play=str(body.get("play") or ""),
    )


def exclusions_of(body: Body, catalogue: Catalogue, object_name: str) -> tuple[Exclusion, ...]:
    """The exclusions of a definition or trigger, in their order."""
    found = []
    for i, row in enumerate(body.get("exclusions") or ()):
        criterion, broken = build_criterion(
            row.get("when"), catalogue, object_name, f"$.exclusions[{i}].when"
        )
        key = str(row.get("key") or "")
        found.append(
            Exclusion(key, str(row.get("name") or key), criterion, str(row.get("text") or ""), broken)
        )
    return tuple(found)


def _variants_of(body: Body, catalogue: Catalogue, object_name: str) -> tuple[Variant, ...]:
    found = []
    for i, row in enumerate(body.get("variants") or ()):
        key, tree, path = str(row.get("key") or ""), row.get("when"), f"$.variants[{i}]"
        when, when_broken = _built_if_any(tree, catalogue, object_name, f"{path}.when")
        criterion, broken = build_criterion(row.get("criteria"), catalogue, object_name, f"{path}.criteria")
        found.append(
            Variant(key, str(row.get("name") or key), when, criterion, tree is None, when_broken or broken)
        )
    return tuple(found)


def _one_of(variants: Sequence[Variant]) -> Criterion | None:
    """The first variant whose ``when`` holds decides: any(all(w1, c1), all(not w1, any(all(w2, c2), …)))."""
    found: Criterion | None = None
    for variant in reversed(variants):
        if variant.broken or variant.criterion is None:
            return None
        if variant.when is None:
            found = variant.criterion
            continue
        here = all_of([variant.when, variant.criterion])
        found = here if found is None else any_of([here, all_of([not_(variant.when), found])])
    return found


def pipeline_body(key: str, body: Body, catalogue: Catalogue) -> PipelineBody:
    object_name = str(body.get("object") or "deal")
    when, when_broken = _built_if_any(body.get("when"), catalogue, object_name)
    until = body.get("warn_until")
    return PipelineBody(
        key=key,
        name=str(body.get("name") or key),
        owner=str(body.get("owner") or ""),
        agreed_by=tuple(body.get("agreed_by") or ()),
        object=object_name,
        connection=str(body.get("connection") or ""),
        stage_field=str(body.get("stage_field") or ""),
        when=when,
        stages=tuple(_pipeline_stage(row, catalogue, object_name) for row in body.get("stages") or ()),
        when_broken=when_broken,
        are_skips_allowed=body.get("skips") != FLAGGED,
        is_backward_allowed=body.get("backward") != FLAGGED,
        exempt_below=_exempt_below(body.get("exempt_below"), catalogue, object_name),
        warn_until=until if isinstance(until, date) or until is None else date.fromisoformat(str(until)),
        has_moves=body.get("moves_in_gtmops") is True,
    )


def _pipeline_stage(row: Body, catalogue: Catalogue, object_name: str) -> PipelineStage:
    leaving, broken = _built_if_any(row.get("exit_criteria"), catalogue, object_name)
    entering, entry_broken = _built_if_any(row.get("entry_criteria"), catalogue, object_name)
    return PipelineStage(
        key=str(row["key"]),
        name=str(row.get("name") or row["key"]),
        value=str(row.get("value") or ""),
        guidance=str(row.get("guidance") or ""),
        exit_criterion=leaving,
        broken=broken,
        entry_criterion=entering,
        entry_broken=entry_broken,
        key_fields=tuple(row.get("key_fields") or ()),
        may_follow=tuple(row.get("may_follow") or ()),
        is_lost=row.get("is_lost") is True,
        reason=_reason(row.get("reason")),
    )


def _reason(told: Body | None) -> Reason | None:
    if not told:
        return None
    return Reason(str(told.get("field") or ""), tuple(told.get("choices") or ()), str(told.get("text") or ""))


def exempt_tree(told: Body) -> Body:
    """The condition that ``exempt_below`` stands for."""
    tree = {"field": told.get("field"), "op": "less_than", "value": told.get("value")}
    return {**tree, "currency": told["currency"]} if told.get("currency") else tree


def _exempt_below(told: Body | None, catalogue: Catalogue, object_name: str) -> ExemptBelow | None:
    if not told:
        return None
    criterion, broken = build_criterion(exempt_tree(told), catalogue, object_name)
    field, value, currency = (str(told.get(name) or "") for name in ("field", "value", "currency"))
    return ExemptBelow(field, value, currency, criterion, broken)


def _built_if_any(
    tree: Any, catalogue: Catalogue, object_name: str, at: str = "$"
) -> tuple[Criterion | None, str]:
    return build_criterion(tree, catalogue, object_name, at) if tree else (None, "")


def build_criterion(
    tree: Any, catalogue: Catalogue, object_name: str, at: str = "$"
) -> tuple[Criterion | None, str]:
    """(criterion, "") or (None, why it can't be built now): a field may have left the catalogue since.

    ``at`` is the prefix of its leaves' paths."""
    if isinstance(catalogue, _Known):
        return _built(json.dumps(tree, default=str), catalogue.spec, object_name, at)
    return _build(tree, catalogue, object_name, at)


@lru_cache(maxsize=2048)
def _built(tree: str, spec: str, object_name: str, at: str) -> tuple[Criterion | None, str]:
    return _build(json.loads(tree), known_catalogue(spec), object_name, at)


def _build(tree: Any, catalogue: Catalogue, object_name: str, at: str) -> tuple[Criterion | None, str]:
    try:
        return parse(tree, catalogue, object=object_name, at=at), ""
    except CriterionError as error:
        log.warning("a criterion in force can't be built: %s", error)
        return None, error.faults[0].text if error.faults else str(error)


def definition_sentence(definition: DefinitionBody) -> str:
    """ "A person is “Marketing qualified lead” when …", with what is never one and each variant's own words."""
    if definition.criterion is None:
        return f"{definition.name} can't be judged now: {definition.broken}"
    article = "An" if definition.object[:1] in "aeiou" else "A"
    head = f"{article} {definition.object} is “{definition.name}”"
    if definition.variants:
        told = "; ".join(_variant_words(v) for v in definition.variants)
        text = f"{head}: {told}."
    else:
        text = f"{head} when {definition.criterion.to_english()}."
    if definition.exclusions:
        told = "; ".join(
            f"{e.name} ({e.criterion.to_english()})" for e in definition.exclusions if e.criterion is not None
        )
        text += f" Never: {told}."
    return text


def _variant_words(variant: Variant) -> str:
    asked = variant.criterion.to_english() if variant.criterion is not None else variant.broken
    group = f" ({variant.when.to_english()})" if variant.when is not None else ""
    return f"{variant.name}{group} when {asked}"
