"""What slas says in the CRM: when the next step is due, what is late by now, and who has it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from records.canonical import instant_text
from records.desired import Declaration, Values, writable_records
from records.journey_data import Batch
from records.own_fields import OWN_FIELD_BY_NAME
from slas.evidence import NOBODY
from slas.in_force import rule_of
from slas.models import Clock

FIELDS = ("gtm_due", "gtm_late", "gtm_has_it")
SHOWN_ON = OWN_FIELD_BY_NAME["gtm_due"].objects


def compute(batch: Batch) -> Values:
    """From the clocks of each journey that still wait for somebody, on the people and deals of the buyer; history is
    never written. One query."""
    waiting: dict[uuid.UUID, list[Clock]] = defaultdict(list)
    rows = Clock.objects.filter(
        journey_id__in=list(batch.journeys), stopped_at=None, due_at__isnull=False, is_measured_only=False
    )
    for clock in rows.order_by("due_at", "pk").select_related("owner", "team", "rule"):
        waiting[clock.journey_id].append(clock)
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for journey in batch.journeys.values():
        clocks = waiting[journey.id]
        urgent = clocks[0] if clocks else None
        late = late_words(
            (rule_of(c.rule).name, c.due_at) for c in clocks if c.due_at and c.state in Clock.LATE
        )
        for record in (r for name in SHOWN_ON for r in writable_records(journey, name)):
            values[record.id, "gtm_due"] = instant_text(urgent.due_at) if urgent and urgent.due_at else None
            values[record.id, "gtm_late"] = late
            values[record.id, "gtm_has_it"] = _has_it(urgent) if urgent else None
    return values


def late_words(late: Iterable[tuple[str, datetime]]) -> str | None:
    """(a rule's name, when it was due) -> "First human touch, due 22 Nov 14:05 UTC", several joined by " | "; None for
    nothing."""
    return " | ".join(f"{name}, due {at.day} {at:%b %H:%M} UTC" for name, at in late) or None


def _has_it(clock: Clock) -> str:
    if clock.owner is None:
        return str(clock.receipt.get("holder") or NOBODY)
    return f"{clock.owner.name} ({clock.team.name})" if clock.team else clock.owner.name


DECLARATION = Declaration("slas", FIELDS, compute)
