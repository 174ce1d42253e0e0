"""What our own CRM field says of expansion signals: which are open, since when, and who has them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from django.db.models import prefetch_related_objects

from definitions.models import Firing
from definitions.triggers.services import Shown, shown
from records.desired import Declaration, Values, writable_records
from records.journey_data import Batch
from records.stored import Where, rows_where

FIELDS = ("gtm_trigger",)


def compute(batch: Batch) -> Values:
    """For every person of the buyer that may be written. Three queries for the batch, one where nothing fired."""
    open_ = Where(_OPEN, (list(batch.journeys),))
    rows = rows_where(Firing, open_, "ORDER BY fired_at DESC, id")
    if rows:
        prefetch_related_objects(rows, "version")
    told: dict[uuid.UUID, list[Shown]] = defaultdict(list)
    for one in shown(rows) if rows else ():
        if one.firing.journey_id is not None:
            told[one.firing.journey_id].append(one)
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for journey in batch.journeys.values():
        for record in writable_records(journey):
            values[record.id, "gtm_trigger"] = words_of(told[journey.id]) if told[journey.id] else None
    return values


_OPEN = "journey_id = ANY (%s) AND ended_at IS NULL AND handled_at IS NULL AND NOT is_measured_only"


def words_of(open_firings: list[Shown]) -> str:
    """ "Power user, 3 Nov; Customer Success has it", several joined by " | "."""
    told = dict.fromkeys(
        f"{one.name}, {one.firing.fired_at.day} {one.firing.fired_at:%b}; {one.owner_name} has it"
        for one in open_firings
    )
    return " | ".join(told)


DECLARATION = Declaration("triggers", FIELDS, compute)
