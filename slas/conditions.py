"""Conditions that pause a clock or call it off: during which spells they held, and when we learned so (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from definitions.criteria import Criterion, Facts
from records.journey_data import EventData, RecordData
from records.kinds import BASELINE, CHANGE, FIELD_LOST


@dataclass(frozen=True)
class Spell:
    """A condition held in [begin, end); ``end`` None: it still does. ``event`` began it."""

    begin: datetime
    learned_at: datetime
    event: EventData
    end: datetime | None = None
    end_learned_at: datetime | None = None
    because: str = ""


@dataclass(frozen=True)
class Conditions:
    """What pauses the clocks of a rule, and what calls them off; None: nothing does. They read fields only.

    ``where``: it starts only while this is true. ``tiers``: as the rule's targets, None for the last of them."""

    pause: Criterion | None = None
    cancel: Criterion | None = None
    where: Criterion | None = None
    tiers: tuple[Criterion | None, ...] = ()

    def pauses(self, record: RecordData) -> list[Spell]:
        return spells(record, self.pause) if self.pause else []

    def cancels(self, record: RecordData) -> list[Spell]:
        return spells(record, self.cancel) if self.cancel else []


def spells(record: RecordData, criterion: Criterion) -> list[Spell]:
    """When the criterion was true of the record. What can't be told does not hold."""
    fields = criterion.fields()
    found: list[Spell] = []
    for event in _telling(record.events, fields):
        holds = (
            criterion.evaluate(Facts(record.values_at(event.occurred_at)), event.occurred_at).truth is True
        )
        is_open = bool(found) and found[-1].end is None
        if holds and not is_open:
            found.append(Spell(event.occurred_at, event.observed_at, event, because=criterion.to_english()))
        elif is_open and not holds:
            found[-1] = replace(found[-1], end=event.occurred_at, end_learned_at=event.observed_at)
    return found


def _telling(events: Sequence[EventData], fields: frozenset[str]) -> list[EventData]:
    """Events that may change the truth, in order; of one instant the last one has the last word."""
    found: dict[datetime, EventData] = {}
    for event in events:
        is_whole = event.kind == BASELINE and not fields.isdisjoint(event.data.get("values", {}))
        if is_whole or (event.kind in (CHANGE, FIELD_LOST) and event.field in fields):
            found[event.occurred_at] = event
    return list(found.values())
