"""Stage entries: what the CRMs' own fields claim, moment by moment, and how each entry was judged. Pure."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from definitions.bodies import Claim, DefinitionBody, StageBody
from definitions.criteria import Facts
from definitions.judging import judge_one, missing_words
from records.ids import derive_id
from records.journey_data import EventData, JourneyData, RecordData
from records.kinds import BASELINE


@dataclass(frozen=True)
class DefinitionVersion:
    """One version of a definition, in force in [since, until)."""

    id: int
    body: DefinitionBody
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class StageVersion:
    """One version of a stage, in force in [since, until)."""

    body: StageBody
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class StageHistory:
    """The versions of one stage, oldest first. Before the first one was written the CRM claimed the stage already,
    so that the first version reads all of the past; after a retirement nothing enters."""

    key: str
    versions: Sequence[StageVersion]

    def at(self, at: datetime) -> StageBody | None:
        if not self.versions:
            return None
        i = max(0, bisect_right([v.since for v in self.versions], at) - 1)
        version = self.versions[i]
        return None if version.until is not None and version.until <= at else version.body

    @property
    def fields(self) -> set[tuple[str, str, str]]:
        """(connection, object, field) that any version reads."""
        claims = [v.body.claimed_when for v in self.versions]
        return {(c.connection, c.object, c.field) for c in claims if c is not None}


@dataclass(frozen=True)
class DefinitionHistory:
    key: str
    versions: Sequence[DefinitionVersion]

    def at(self, at: datetime) -> DefinitionVersion | None:
        """The version in force at an instant; None before the first and after a retirement."""
        i = bisect_right([v.since for v in self.versions], at)
        if not i:
            return None
        version = self.versions[i - 1]
        return None if version.until is not None and version.until <= at else version


@dataclass(frozen=True)
class Entry:
    """One entry of a record into a stage, with its entry judgement ('' where none can be given)."""

    id: uuid.UUID
    stage: str
    record_id: uuid.UUID
    event_id: int
    order: tuple[datetime, int, str]
    occurred_at: datetime
    left_at: datetime | None
    is_exact: bool
    pass_number: int
    snapshot: Mapping[str, Any]
    definition_id: int | None
    judgement: str
    missing: tuple[str, ...]
    variant: str = ""
    exclusion: str = ""


def entries(
    journey: JourneyData, stages: Iterable[StageHistory], definitions: Mapping[str, DefinitionHistory]
) -> list[Entry]:
    """Every stage entry of a journey, in order of events. Deleted records keep theirs."""
    found: list[Entry] = []
    for stage in stages:
        of_stage = [
            _judged(entry, record, stage, definitions)
            for record in journey.records
            for name in sorted(
                {f for c, o, f in stage.fields if (c, o) == (record.connection, record.object)}
            )
            for entry in _claimed(record, stage, name)
        ]
        found.extend(_numbered(of_stage))
    return sorted(found, key=lambda e: (e.order, e.stage))


def _claimed(record: RecordData, stage: StageHistory, name: str) -> list[Entry]:
    """Transitions into and out of the claimed values of one field. A value within them changes nothing."""
    found: list[Entry] = []
    for event, value in record.changes(name):
        body = stage.at(event.occurred_at)
        claim = body.claimed_when if body else None
        is_in = claim is not None and _reads(claim, record, name) and claim.holds(value)
        is_open = bool(found) and found[-1].left_at is None
        if is_in and not is_open:
            found.append(_entry(record, stage.key, event))
        elif is_open and not is_in:
            found[-1] = replace(found[-1], left_at=event.occurred_at)
    return found


def _reads(claim: Claim, record: RecordData, name: str) -> bool:
    return (claim.connection, claim.object, claim.field) == (record.connection, record.object, name)


def _entry(record: RecordData, stage: str, event: EventData) -> Entry:
    return Entry(
        id=derive_id("stage_entry", stage, record.key, event.key),
        stage=stage,
        record_id=record.id,
        event_id=event.id,
        order=event.order,
        occurred_at=event.occurred_at,
        left_at=None,
        is_exact=_is_exact(event),
        pass_number=1,
        snapshot=record.values_at(event.occurred_at),
        definition_id=None,
        judgement="",
        missing=(),
    )


def _is_exact(event: EventData) -> bool:
    """A first sight is exact only of a record that was made at that very moment."""
    if event.not_before is None:
        return event.kind != BASELINE
    return event.not_before >= event.occurred_at


def _judged(
    entry: Entry, record: RecordData, stage: StageHistory, definitions: Mapping[str, DefinitionHistory]
) -> Entry:
    body = stage.at(entry.occurred_at)
    history = definitions.get(body.definition) if body and body.definition else None
    version = history.at(entry.occurred_at) if history else None
    if version is None or not version.body.is_about(record.object, record.connection):
        return entry
    outcome = judge_one(version.body, Facts(entry.snapshot), entry.occurred_at)
    return replace(
        entry,
        definition_id=version.id,
        judgement=outcome.state,
        variant=outcome.variant,
        exclusion=outcome.exclusion,
        missing=tuple(missing_words(version.body, outcome)),
    )


def _numbered(of_stage: Sequence[Entry]) -> list[Entry]:
    """Count passes: a new one begins when every earlier entry of the journey into this stage had been left. An entry
    of a second record while the first is still in the stage belongs to the same pass."""
    numbered: list[Entry] = []
    open_until: dict[int, list[datetime | None]] = defaultdict(list)
    current = 0
    for entry in sorted(of_stage, key=lambda e: e.order):
        before = open_until[current]
        if not current or all(left is not None and left <= entry.occurred_at for left in before):
            current += 1
        open_until[current].append(entry.left_at)
        numbered.append(replace(entry, pass_number=current))
    return numbered
