"""What our own CRM fields say about the model: stage, whether the buyer qualifies, what is missing."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from definitions.facts import load_facts
from definitions.in_force import load_typed_model
from definitions.judging import InForce, Standing, judge, standing
from records.desired import Declaration, Values, writable_records
from records.journey_data import Batch
from records.own_fields import OWN_FIELD_BY_NAME

FIELDS = ("gtm_stage", "gtm_qualified", "gtm_missing")
MISSING_LENGTH = OWN_FIELD_BY_NAME["gtm_missing"].length


def compute(batch: Batch) -> Values:
    """(record, field) -> value, for every record that may be written. A constant number of queries for the batch."""
    writable = {j.id: records for j in batch.journeys.values() if (records := writable_records(j))}
    if not writable:
        return {}
    model = load_typed_model()
    stages = model.stages(batch.now)
    definitions = model.in_force(model.moment(batch.now)).definitions
    in_force, facts = InForce(definitions, {}), load_facts(batch, model)
    judged: dict[uuid.UUID, dict[str, list[tuple[str, Sequence[str]]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for journey_id in writable:
        for one in judge(batch.journeys[journey_id], in_force, batch.now, facts):
            judged[journey_id][one.key].append((one.state, one.missing))
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for journey_id, records in writable.items():
        told = standing(judged[journey_id], stages)
        for record in records:
            values[record.id, "gtm_stage"] = told.stage.short if told and told.stage else None
            values[record.id, "gtm_qualified"] = qualified(told)
            values[record.id, "gtm_missing"] = joined(told.missing, MISSING_LENGTH) if told else None
    return values


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
