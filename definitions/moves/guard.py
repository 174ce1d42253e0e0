"""Which pipeline a record goes through, and whether its stage may be moved from here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from definitions.bodies import PipelineBody, PipelineStage
from definitions.criteria import Facts
from definitions.in_force import TypedModel, load_typed_model
from effects.tick import now_utc
from records.models import Record


@dataclass(frozen=True)
class Place:
    """Where a record is. ``stage`` None: its value is none of the pipeline's."""

    version_id: int
    body: PipelineBody
    stage: PipelineStage | None


def place_of(record: Record, model: TypedModel, now: datetime) -> Place | None:
    """The pipeline in force that a record belongs to; of several the first that may be moved here. No query, with
    ``record.connection`` loaded."""
    found = []
    for version_id, body in model.in_force(now).pipelines.values():
        if (body.object, body.connection) != (record.object, record.connection.name) or body.when_broken:
            continue
        if body.when is None or body.when.evaluate(Facts(record.values), now).truth is True:
            found.append(Place(version_id, body, body.stage_of(record.values.get(body.stage_field))))
    return next((p for p in found if p.body.has_moves), found[0] if found else None)


def stage_guard(record: Record, fields: Collection[str]) -> dict[str, str]:
    """Those of the fields that say the record's stage: why they may not be moved from here, "" when they may."""
    model, now = load_typed_model(), now_utc()
    says_stage = {b.stage_field for _, b in model.in_force(now).pipelines.values() if _runs(b, record)}
    claims = [s.claimed_when for s in model.stages(now) if s.claimed_when]
    says_stage |= {
        c.field for c in claims if (c.connection, c.object) == (record.connection.name, record.object)
    }
    place, crm = place_of(record, model, now), record.connection.label
    found = dict.fromkeys(says_stage & set(fields), f"This stage is moved in {crm}.")
    if place is not None and place.body.stage_field in found:
        found[place.body.stage_field] = (
            "" if place.body.has_moves else f"The pipeline “{place.body.name}” leaves its stages to {crm}."
        )
    return found


def _runs(body: PipelineBody, record: Record) -> bool:
    return (body.object, body.connection) == (record.object, record.connection.name)
