"""Stage entries: what the CRMs' own fields claim, moment by moment, and how each entry was judged. Pure."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from definitions.bodies import Claim, DefinitionBody, StageBody
from definitions.histories import in_force_at, read_by_at
from definitions.judging.arrivals import FORWARD, Arrival, Doors, arrive, is_exact
from definitions.judging.judge import FactsSource, OwnValues, judge_one, missing_words
from records.ids import derive_id
from records.journey_data import EventData, JourneyData, RecordData

RECYCLE_REASON = "recycle_reason"


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
        """What the version says that reads an instant."""
        version = read_by_at(self.versions, at)
        return version.body if version is not None else None

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
        return in_force_at(self.versions, at)


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
    arrival: str = FORWARD
    is_allowed: bool = True


def entries(
    journey: JourneyData,
    stages: Iterable[StageHistory],
    definitions: Mapping[str, DefinitionHistory],
    facts: FactsSource | None = None,
) -> list[Entry]:
    """Every stage entry of a journey, in order of events. Deleted records keep theirs.

    ``facts`` None: only what stands in the records themselves."""
    source, known = facts or OwnValues(), list(stages)
    found: list[Entry] = []
    for stage in known:
        of_stage = [
            _judged(entry, record, stage, definitions, source)
            for record in journey.records
            for name in sorted(
                {f for c, o, f in stage.fields if (c, o) == (record.connection, record.object)}
            )
            for entry in _claimed(record, stage, name)
        ]
        found.extend(_numbered(of_stage))
    return _arrived(sorted(found, key=lambda e: (e.order, e.stage)), known)


def _arrived(found: Sequence[Entry], stages: Sequence[StageHistory]) -> list[Entry]:
    """Say of each entry how the journey came to it. A second record that enters during a pass came as the first did."""
    told: list[Entry] = []
    of_pass: dict[tuple[str, int], Arrival] = {}
    for entry in found:
        here = of_pass.get((entry.stage, entry.pass_number)) or _arrival(entry, told, stages)
        of_pass[entry.stage, entry.pass_number] = here
        told.append(replace(entry, arrival=here.how, is_allowed=here.is_allowed))
    return told


def _arrival(entry: Entry, before: Sequence[Entry], stages: Sequence[StageHistory]) -> Arrival:
    bodies = {s.key: body for s in stages if (body := s.at(entry.occurred_at)) is not None}
    body = bodies[entry.stage]

    def order(key: str) -> int:
        return bodies[key].order if key in bodies else -1

    own = next((e for e in reversed(before) if e.record_id == entry.record_id), None)
    last = own or (before[-1] if before else None)
    furthest = max((order(e.stage) for e in before if own and e.order >= own.order), default=-1)
    # A record that turns up late, low in the sequence, takes nobody back.
    is_backward = own is not None and furthest > body.order
    been = {e.stage for e in before}
    origin = order(last.stage) if last else -1
    skipped = [
        key
        for key, other in bodies.items()
        if origin < other.order < body.order and other.claimed_when is not None and key not in been
    ]
    came_from = last.stage if last else None
    if body.may_follow:
        is_in = {e.stage for e in before if e.left_at is None or e.left_at >= entry.occurred_at}
        is_in |= {e.stage for e in (own, *before[-1:]) if e is not None}
        came_from = next((key for key in (entry.stage, *body.may_follow) if key in is_in), came_from)
    return arrive(
        came_from,
        is_backward=is_backward,
        skipped=skipped,
        is_exact=entry.is_exact,
        doors=Doors(
            (*body.may_follow, entry.stage) if body.may_follow else (),
            is_backward_allowed=body.is_backward_allowed,
        ),
    )


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
        is_exact=is_exact(event),
        pass_number=1,
        snapshot=record.values_at(event.occurred_at),
        definition_id=None,
        judgement="",
        missing=(),
    )


def _judged(
    entry: Entry,
    record: RecordData,
    stage: StageHistory,
    definitions: Mapping[str, DefinitionHistory],
    facts: FactsSource,
) -> Entry:
    body = stage.at(entry.occurred_at)
    history = definitions.get(body.definition) if body and body.definition else None
    version = history.at(entry.occurred_at) if history else None
    if version is None or not version.body.is_about(record.object, record.connection):
        return entry
    outcome = judge_one(version.body, facts.at(record, entry.occurred_at), entry.occurred_at)
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


# --- passes ----------------------------------------------------------------------------------------------------


class Entered(Protocol):
    """What an ``Entry`` and a stored stage entry have in common."""

    @property
    def stage(self) -> str: ...
    @property
    def pass_number(self) -> int: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def left_at(self) -> datetime | None: ...
    @property
    def snapshot(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Pass:
    """One time a journey was in a stage. ``recycled_at``, ``recycle_reason``: how the time before it ended; the reason
    is '' when no field ``recycle_reason`` told one. ``left_at`` None: it is there still."""

    stage: str
    number: int
    entered_at: datetime
    left_at: datetime | None
    recycled_at: datetime | None = None
    recycle_reason: str = ""

    def to_english(self) -> str:
        """ "2nd time, last recycled in Feb 2026: No budget"; '' for the first time."""
        if self.recycled_at is None:
            return ""
        reason = f": {self.recycle_reason}" if self.recycle_reason else ""
        return f"{_ordinal(self.number)} time, last recycled in {self.recycled_at:%b %Y}{reason}"


def passes(found: Iterable[Entered]) -> list[Pass]:
    """The passes of one journey's entries, oldest first."""
    rows = sorted(found, key=lambda e: e.occurred_at)
    of_pass: dict[tuple[str, int], list[Entered]] = defaultdict(list)
    for row in rows:
        of_pass[row.stage, row.pass_number].append(row)
    told: list[Pass] = []
    for (stage, number), members in of_pass.items():
        entered_at = members[0].occurred_at
        ended_at = _end(of_pass.get((stage, number - 1), []))
        reason = ""
        if ended_at is not None:
            between = [row for row in rows if ended_at <= row.occurred_at <= entered_at]
            reason = next((r for row in between if (r := row.snapshot.get(RECYCLE_REASON))), "")
        told.append(Pass(stage, number, entered_at, _end(members), ended_at, str(reason)))
    return sorted(told, key=lambda p: (p.entered_at, p.stage))


def _end(members: Sequence[Entered]) -> datetime | None:
    ends = [row.left_at for row in members]
    certain = [at for at in ends if at is not None]
    return max(certain) if certain and len(certain) == len(ends) else None


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
