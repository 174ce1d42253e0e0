"""The operating model of this room in the typed form that the folds read: one load for a whole batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from definitions.bodies import (
    DEFINITIONS,
    PIPELINES,
    STAGES,
    StageBody,
    definition_body,
    pipeline_body,
    stage_body,
)
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue
from definitions.judging import InForce
from definitions.passages import PipelineHistory, PipelineVersion
from definitions.stages import DefinitionHistory, DefinitionVersion, StageHistory, StageVersion
from definitions.versions import Model, load_model


@dataclass(frozen=True)
class TypedModel:
    """``versions`` answers for every section; the rest is typed. Two queries to load, none to ask."""

    versions: Model
    catalogue: Catalogue

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
        return InForce(
            {
                key: (v.pk, definition_body(key, v.body, self.catalogue))
                for key, v in self.versions.in_force(DEFINITIONS, at).items()
            },
            {
                key: (v.pk, pipeline_body(key, v.body, self.catalogue))
                for key, v in self.versions.in_force(PIPELINES, at).items()
            },
        )


def load_typed_model() -> TypedModel:
    """Two queries."""
    return TypedModel(load_model(), catalogue_from_db())
