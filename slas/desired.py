"""What slas says in the CRM: when the next step is due and who has it."""

from __future__ import annotations

import uuid
from typing import Any

from records.canonical import instant_text
from records.desired import Declaration, writable_records
from records.journey_data import Batch
from slas.evidence import NOBODY
from slas.models import Clock


def compute(batch: Batch) -> dict[tuple[uuid.UUID, str], Any]:
    """From the most urgent clock of each journey that still waits for somebody; history is never written."""
    urgent: dict[uuid.UUID, Clock] = {}
    rows = Clock.objects.filter(
        journey_id__in=list(batch.journeys), stopped_at=None, due_at__isnull=False, is_measured_only=False
    )
    for clock in rows.order_by("due_at", "pk").select_related("owner", "team"):
        urgent.setdefault(clock.journey_id, clock)
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for journey in batch.journeys.values():
        found = urgent.get(journey.id)
        for record in writable_records(journey):
            values[record.id, "gtm_due"] = instant_text(found.due_at) if found and found.due_at else None
            values[record.id, "gtm_has_it"] = _has_it(found) if found else None
    return values


def _has_it(clock: Clock) -> str:
    if clock.owner is None:
        return str(clock.receipt.get("holder") or NOBODY)
    return f"{clock.owner.name} ({clock.team.name})" if clock.team else clock.owner.name


DECLARATION = Declaration("slas", ("gtm_due", "gtm_has_it"), compute)
