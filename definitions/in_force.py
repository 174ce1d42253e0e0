"""The operating model of this room in the typed form that the folds read: one load for a whole batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from definitions.bodies import (
    DEFINITIONS,
    PIPELINES,
    STAGES,
    DefinitionBody,
    PipelineBody,
    StageBody,
    definition_body,
    pipeline_body,
    stage_body,
)
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue
from definitions.judging.judge import InForce
from definitions.judging.passages import PipelineHistory, PipelineVersion
from definitions.judging.stages import DefinitionHistory, DefinitionVersion, StageHistory, StageVersion
from definitions.models import Version
from definitions.versions import Model, load_model
from records.standing import standing

T = TypeVar("T")
Bodies = Mapping[tuple[str, int], T]
"""(key, version) -> body."""


@dataclass(frozen=True, eq=False)
class TypedModel:
    """``versions`` answers for every section; the rest is typed. Two queries to load, none to ask."""

    versions: Model
    catalogue: Catalogue

    @cached_property
    def stage_histories(self) -> list[StageHistory]:
        return [
            StageHistory(
                key,
                [
                    StageVersion(stage_body(key, v.body), v.effective_from, v.retired_at)
                    for v in self.versions.history(STAGES, key)
                    if v.effective_from is not None
                ],
            )
            for key in self.versions.keys(STAGES)
        ]

    @cached_property
    def definition_histories(self) -> dict[str, DefinitionHistory]:
        return {
            key: DefinitionHistory(
                key,
                [
                    DefinitionVersion(
                        v.pk, definition_body(key, v.body, self.catalogue), v.effective_from, v.retired_at
                    )
                    for v in self.versions.history(DEFINITIONS, key)
                    if v.effective_from is not None
                ],
            )
            for key in self.versions.keys(DEFINITIONS)
        }

    def moment(self, now: datetime) -> datetime:
        """``now``, or a little later: the latest turn of the model whose population is being judged already. Who began
        just before that turn must not write over what was concluded by it."""
        turns = [
            at
            for section in (DEFINITIONS, PIPELINES)
            for key in self.versions.keys(section)
            for v in self.versions.history(section, key)
            for at in (v.effective_from, v.retired_at)
            if at is not None and at > now and _has_begun(v, at)
        ]
        return max(turns, default=now)

    @cached_property
    def pipeline_histories(self) -> list[PipelineHistory]:
        return [
            PipelineHistory(
                key,
                [
                    PipelineVersion(
                        v.pk, pipeline_body(key, v.body, self.catalogue), v.effective_from, v.retired_at
                    )
                    for v in self.versions.history(PIPELINES, key)
                    if v.effective_from is not None
                ],
            )
            for key in self.versions.keys(PIPELINES)
        ]

    def stages(self, at: datetime) -> list[StageBody]:
        """The stages in force, in the model's order."""
        found = [stage_body(key, v.body) for key, v in self.versions.in_force(STAGES, at).items()]
        return sorted(found, key=lambda s: (s.order, s.key))

    def in_force(self, at: datetime) -> InForce:
        definitions, pipelines = self._bodies
        return InForce(
            {
                key: (v.pk, definitions[key, v.pk])
                for key, v in self.versions.in_force(DEFINITIONS, at).items()
            },
            {key: (v.pk, pipelines[key, v.pk]) for key, v in self.versions.in_force(PIPELINES, at).items()},
        )

    @cached_property
    def _bodies(self) -> tuple[Bodies[DefinitionBody], Bodies[PipelineBody]]:
        definitions, pipelines = self.definition_histories.items(), self.pipeline_histories
        return (
            {(key, v.id): v.body for key, history in definitions for v in history.versions},
            {(history.key, v.id): v.body for history in pipelines for v in history.versions},
        )


def _has_begun(version: Version, turn: datetime) -> bool:
    """Whether its population is being judged since ``turn``."""
    if version.population_done_at is not None and version.population_done_at >= turn:
        return True
    # A page is done: of its beginning, unless that was through before.
    is_first = version.population_done_at is None
    return version.population_after is not None and turn == (
        version.effective_from if is_first else version.retired_at
    )


@standing(
    "definitions_version",
    "records_cataloguefield",
    turns={"definitions_version": ("effective_from", "retired_at")},
)
def load_typed_model() -> TypedModel:
    """Two queries."""
    model = load_model()
    return TypedModel(model, catalogue_from_db(model))
