"""Typed forms of what the model files say about stages, definitions and pipelines. Pure."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from definitions.criteria import Catalogue, Criterion, CriterionError, parse
from definitions.sections import Body

log = logging.getLogger(__name__)

STAGES, DEFINITIONS, PIPELINES = "stages", "definitions", "pipelines"


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
    key: str
    name: str
    short: str
    order: int
    owner: str
    sentence: str
    claimed_when: Claim | None
    definition: str


@dataclass(frozen=True)
class DefinitionBody:
    """``connections`` empty: judged in all. ``criterion`` None: it can't be built now, ``broken`` says why."""

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

    def is_about(self, object_name: str, connection: str) -> bool:
        return self.object == object_name and (not self.connections or connection in self.connections)


@dataclass(frozen=True)
class PipelineStage:
    key: str
    name: str
    value: str
    guidance: str
    exit_criterion: Criterion | None
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


# --- reading them ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def known_catalogue(spec: str) -> Catalogue:
    """The catalogue of a JSON text in the form of ``Catalogue.from_spec``; criteria built on it are cached."""
    return _Known(Catalogue.from_spec(json.loads(spec)).objects, spec)


class _Known(Catalogue):
    """A catalogue that knows the text it was read from, so that what is parsed against it can be cached."""

    __slots__ = ("spec",)
    spec: str

    def __init__(self, objects: Mapping[str, Any], spec: str) -> None:
        super().__init__(objects)
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
    )


def definition_body(key: str, body: Body, catalogue: Catalogue) -> DefinitionBody:
    criterion, broken = build_criterion(body.get("criteria"), catalogue, str(body.get("object")))
    return DefinitionBody(
        key=key,
        name=str(body.get("name") or key),
        owner=str(body.get("owner") or ""),
        agreed_by=tuple(body.get("agreed_by") or ()),
        object=str(body.get("object") or ""),
        connections=tuple(body.get("in") or ()),
        text=str(body.get("text") or ""),
        examples=tuple(body.get("examples") or ()),
        criterion=criterion,
        broken=broken,
    )


def pipeline_body(key: str, body: Body, catalogue: Catalogue) -> PipelineBody:
    object_name = str(body.get("object") or "deal")
    when, when_broken = (
        build_criterion(body["when"], catalogue, object_name) if body.get("when") else (None, "")
    )
    stages = []
    for row in body.get("stages") or ():
        tree = row.get("exit_criteria")
        criterion, broken = build_criterion(tree, catalogue, object_name) if tree else (None, "")
        stages.append(
            PipelineStage(
                str(row["key"]), str(row.get("name") or row["key"]), str(row.get("value") or ""),
                str(row.get("guidance") or ""), criterion, broken,
            )
        )  # fmt: skip
    return PipelineBody(
        key=key,
        name=str(body.get("name") or key),
        owner=str(body.get("owner") or ""),
        agreed_by=tuple(body.get("agreed_by") or ()),
        object=object_name,
        connection=str(body.get("connection") or ""),
        stage_field=str(body.get("stage_field") or ""),
        when=when,
        stages=tuple(stages),
        when_broken=when_broken,
    )


def build_criterion(tree: Any, catalogue: Catalogue, object_name: str) -> tuple[Criterion | None, str]:
    """(criterion, "") or (None, why it can't be built now): a field may have left the catalogue since."""
    if isinstance(catalogue, _Known):
        return _built(json.dumps(tree), catalogue.spec, object_name)
    return _build(tree, catalogue, object_name)


@lru_cache(maxsize=512)
def _built(tree: str, spec: str, object_name: str) -> tuple[Criterion | None, str]:
    return _build(json.loads(tree), known_catalogue(spec), object_name)


def _build(tree: Any, catalogue: Catalogue, object_name: str) -> tuple[Criterion | None, str]:
    try:
        return parse(tree, catalogue, object=object_name), ""
    except CriterionError as error:
        log.warning("a criterion in force can't be built: %s", error)
        return None, error.faults[0].text if error.faults else str(error)


def defined_sentence(body: Body, criterion: Criterion | None, broken: str) -> str:
    """ "A person is a Marketing qualified lead when …" for a definition whose criterion is built already."""
    if criterion is None:
        return f"{body.get('name') or ''!s} can't be judged now: {broken}"
    noun = str(body.get("object"))
    article = "An" if noun[:1] in "aeiou" else "A"
    return f"{article} {noun} is “{body.get('name') or ''!s}” when {criterion.to_english()}."
