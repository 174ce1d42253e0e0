"""What our own CRM fields say about the model: stage, whether the buyer qualifies, what is missing."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from definitions.bodies import DEFINITIONS
from definitions.in_force import load_typed_model
from definitions.judging.facts import load_facts
from definitions.judging.judge import InForce, Judged, Standing, judge, standing
from records.desired import Declaration, Values, writable_records
from records.journey_data import Batch, RecordData
from records.own_fields import OWN_FIELD_BY_NAME

FIELDS = ("gtm_stage", "gtm_qualified", "gtm_missing", "gtm_exception")
MISSING_LENGTH = OWN_FIELD_BY_NAME["gtm_missing"].length


def compute(batch: Batch) -> Values:
    """(record, field) -> value, for every record that may be written. A constant number of queries for the batch."""
    writable = {j.id: records for j in batch.journeys.values() if (records := writable_records(j))}
    deals = {r.id: r for j in batch.journeys.values() for r in writable_records(j, "deal")}
    if not writable and not deals:
        return {}
    model = batch.once(load_typed_model)
    stages = model.stages(batch.now)
    in_force, facts = model.in_force(model.moment(batch.now)), load_facts(batch, model)
    if not deals:
        in_force = InForce(in_force.definitions, {})
    judged: dict[uuid.UUID, dict[str, list[tuple[str, Sequence[str]]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    leaving: list[Judged] = []
    for journey_id in batch.journeys:
        for one in judge(batch.journeys[journey_id], in_force, batch.now, facts):
            if one.section == DEFINITIONS:
                judged[journey_id][one.key].append((one.state, one.missing))
            elif one.record_id in deals:
                leaving.append(one)
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for journey_id, records in writable.items():
        told = standing(judged[journey_id], stages)
        for record in records:
            values[record.id, "gtm_stage"] = told.stage.short if told and told.stage else None
            values[record.id, "gtm_qualified"] = qualified(told)
            values[record.id, "gtm_missing"] = joined(told.missing, MISSING_LENGTH) if told else None
    return values | of_deals(deals, leaving, in_force)


def of_deals(
    deals: Mapping[uuid.UUID, RecordData], leaving: Sequence[Judged], in_force: InForce
) -> dict[tuple[uuid.UUID, str], Any]:
    """What a deal still needs before it leaves the stage it is in, and which stages it may leave without."""
    missing: dict[uuid.UUID, list[str]] = defaultdict(list)
    waived: dict[uuid.UUID, list[str]] = defaultdict(list)
    for one in leaving:
        key, _, stage_key = one.key.partition("/")
        _, pipeline = in_force.pipelines[key]
        here = pipeline.stage_of(deals[one.record_id].values.get(pipeline.stage_field))
        if one.state == "waived":
            waived[one.record_id].append(exception_mark(key, stage_key))
        elif one.state in ("missing", "on_paper") and here is not None and here.key == stage_key:
            missing[one.record_id] += one.missing
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for record_id in deals:
        values[record_id, "gtm_missing"] = joined(missing[record_id], MISSING_LENGTH)
        values[record_id, "gtm_exception"] = " ".join(waived[record_id]) or None
    return values


def exception_mark(pipeline: str, stage: str) -> str:
    """How ``gtm_exception`` names a stage; the brackets tell one from another that it begins with."""
    return f"[{pipeline}/{stage}]"


def qualified(told: Standing | None) -> str | None:
    """ "Yes: MQL", "No", "Can't tell"; None when no definition is about this buyer."""
    if told is None:
        return None
    if told.stage is not None:
        return f"Yes: {told.stage.short}"
    return "Can't tell" if told.state == "unknown" else "No"


def joined(words: Sequence[str], length: int) -> str | None:
    """The words with "; " between them; what doesn't fit is counted: "…; and 2 more". None for none.

    The first stays whole, however long it is."""
    if not words:
        return None
    text = "; ".join(words)
    for kept in range(len(words) - 1, 0, -1):
        if len(text) <= length:
            break
        text = "; ".join([*words[:kept], f"and {len(words) - kept} more"])
    return text


DECLARATION = Declaration("definitions", FIELDS, compute)
