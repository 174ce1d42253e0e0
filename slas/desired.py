"""What slas says in the CRM: when the next step is due, what is late by now, and who has it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from definitions.in_force import load_typed_model
from records.canonical import instant_text
from records.desired import Declaration, Values, writable_records
from records.journey_data import Batch
from records.own_fields import OWN_FIELD_BY_NAME
from records.standing import standing
from records.stored import rows_of_journeys
from slas.evidence import NOBODY
from slas.in_force import load_staff, load_versions, rule_of
from slas.models import Clock
from teams.models import Team

FIELDS = ("gtm_due", "gtm_late", "gtm_has_it")
SHOWN_ON = OWN_FIELD_BY_NAME["gtm_due"].objects


def compute(batch: Batch) -> Values:
    """From the clocks of each journey that still wait for somebody, on the people and deals of the buyer; history is
    never written."""
    model = batch.once(load_typed_model).versions
    staff, versions, teams = (
        batch.once(load_staff, model),
        batch.once(load_versions, model),
        batch.once(load_team_names),
    )
    waiting: dict[uuid.UUID, list[Clock]] = defaultdict(list)
    urgent_first = sorted(
        ((c.due_at, c.pk, c) for c in batch.standing(Clock, rows_of_journeys(Clock)) if _waits(c)),
        key=lambda row: row[:2],
    )
    for _, _, clock in urgent_first:
        waiting[clock.journey_id].append(clock)
    values: dict[tuple[uuid.UUID, str], Any] = {}
    for journey in batch.journeys.values():
        clocks = waiting[journey.id]
        urgent = clocks[0] if clocks else None
        late = late_words(
            (rule_of(versions[c.rule_id]).name, c.due_at)
            for c in clocks
            if c.due_at and c.state in Clock.LATE
        )
        for record in (r for name in SHOWN_ON for r in writable_records(journey, name)):
            values[record.id, "gtm_due"] = instant_text(urgent.due_at) if urgent and urgent.due_at else None
            values[record.id, "gtm_late"] = late
            values[record.id, "gtm_has_it"] = _has_it(urgent, staff.names, teams) if urgent else None
    return values


def late_words(late: Iterable[tuple[str, datetime]]) -> str | None:
    """(a rule's name, when it was due) -> "First human touch, due 22 Nov 14:05 UTC", several joined by " | "; None for
    nothing."""
    return " | ".join(f"{name}, due {at.day} {at:%b %H:%M} UTC" for name, at in late) or None


def _waits(clock: Clock) -> bool:
    return clock.stopped_at is None and clock.due_at is not None and not clock.is_measured_only


def _has_it(clock: Clock, people: Mapping[int, str], teams: Mapping[int, str]) -> str:
    if clock.owner_id is None:
        return str(clock.receipt.get("holder") or NOBODY)
    name = people[clock.owner_id]
    return f"{name} ({teams[clock.team_id]})" if clock.team_id is not None else name


@standing("teams_team")
def load_team_names() -> Mapping[int, str]:
    """By id. One query."""
    return dict(Team.objects.values_list("pk", "name").order_by())


DECLARATION = Declaration("slas", FIELDS, compute)
