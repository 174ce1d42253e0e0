"""Appeals as rows: folded from the log, written where they differ."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence

from records.derived import write_derived
from records.journey_data import Batch, EventData
from records.models import Event
from records.stored import Where
from slas.appeals.fold import Act, AppealData, act_of, fold_appeals
from slas.appeals.kinds import NAMES
from slas.models import Appeal
from teams.models import Person, Team

FIELDS = (
    "clock", "person", "team", "reason", "note", "state", "opened_by", "opened_at", "decided_by", "decided_at",
    "decided_because", "was_proved",
)  # fmt: skip


def refresh(batch: Batch, clocks: Collection[uuid.UUID], before: list[uuid.UUID]) -> None:
    """Write the appeals of every journey of a batch whose ``clocks`` are written already; ``before``: ids of those that
    stood before. At most three queries, and none where there were no clocks."""
    found = appeals_among(e for j in batch.journeys.values() for e in j.events)
    wanted = [a for a in found if a.clock in clocks]
    stands = _write(wanted, Where("clock_id = ANY (%s)", (before,))) if wanted or before else ()
    batch.stand(Appeal, stands)


def appeals_of(record_id: uuid.UUID) -> list[AppealData]:
    """Every appeal about the clocks of a record, oldest first. One query."""
    rows = Event.objects.filter(record_id=record_id, kind__in=NAMES).effective().order_by("occurred_at", "pk")
    names = ("kind", "occurred_at", "external_key", "actor_id", "data", "connection__source_order")
    return fold_appeals(Act(*row) for row in rows.values_list(*names))


def appeals_among(events: Iterable[EventData]) -> list[AppealData]:
    """The same from a record's events that are loaded already."""
    return fold_appeals(act_of(event) for event in events if event.kind in NAMES)


def write_of_clock(clock: uuid.UUID, appeals: Iterable[AppealData]) -> None:
    """The same for one clock at once, after an act."""
    _write([a for a in appeals if a.clock == clock], Where("clock_id = %s", (clock,)))


def _write(appeals: Collection[AppealData], scope: Where) -> Sequence[Appeal]:
    teams = dict(Team.objects.values_list("key", "pk")) if appeals else {}
    people = _known({p for a in appeals for p in (a.person_id, a.opened_by, a.decided_by) if p is not None})
    rows = [
        Appeal(
            pk=a.id, clock_id=a.clock, person_id=a.person_id if a.person_id in people else None,
            team_id=teams.get(a.team), reason=a.reason, note=a.note, state=a.state, opened_by_id=a.opened_by,
            opened_at=a.opened_at, decided_by_id=a.decided_by, decided_at=a.decided_at, decided_because=a.because,
            was_proved=a.was_proved,
        )
        for a in appeals
    ]  # fmt: skip
    return write_derived(Appeal, rows, fields=FIELDS, scope=scope).stands


def _known(people: set[int]) -> set[int]:
    """Of these, who was not erased since."""
    return set(Person.objects.filter(pk__in=people).values_list("pk", flat=True)) if people else set()
