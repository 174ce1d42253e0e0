"""When a trigger fired: every time its condition became true, and until when it held. Pure."""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from definitions.criteria import Facts
from definitions.criteria.moments import utc
from definitions.histories import in_force_at
from definitions.judging.judge import FactsSource, Outcome, judge_one
from definitions.triggers.bodies import TriggerBody
from definitions.triggers.kinds import HANDLED
from records.ids import derive_id
from records.journey_data import EventData, JourneyData, RecordData
from records.kinds import BASELINE, CHANGE, FIELD_LOST

MOST_MOMENTS = 300
MOST_REASONS = 8


@dataclass(frozen=True)
class TriggerVersion:
    """One version of a trigger, in force in [since, until)."""

    id: int
    body: TriggerBody
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class TriggerHistory:
    """The versions of one trigger, oldest first."""

    key: str
    versions: Sequence[TriggerVersion]

    def at(self, at: datetime) -> TriggerVersion | None:
        """The version in force at an instant; None before the first and after a retirement."""
        return in_force_at(self.versions, at)


@dataclass(frozen=True)
class Fired:
    """One time during which a trigger held. ``because``: English of the conditions that held when it began."""

    id: uuid.UUID
    trigger: str
    version_id: int
    record_id: uuid.UUID
    fired_at: datetime
    ended_at: datetime | None
    because: tuple[str, ...]
    is_measured_only: bool
    handled_at: datetime | None = None
    handled_by: int | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.handled_at is None


@dataclass(frozen=True)
class Folded:
    """``since``: the first moment that was looked at; what is stored of before stands. ``now``: how it is judged now by
    the version in force, None without one."""

    fired: tuple[Fired, ...]
    since: datetime | None
    now: tuple[int, Outcome] | None


class Looked:
    """The facts of one record at the moments asked for, each read once for all its triggers."""

    def __init__(self, record: RecordData, source: FactsSource, now: datetime) -> None:
        self.record = record
        self.now = now
        self._source = source
        self._at: dict[datetime, Facts] = {}
        self.known = source.now(record)

    def at(self, moment: datetime) -> Facts:
        if moment >= self.now:
            return self.known
        if moment not in self._at:
            self._at[moment] = self._source.at(self.record, moment)
        return self._at[moment]


def fold_trigger(
    looked: Looked, journey: JourneyData, history: TriggerHistory, held_before: Sequence[Fired] = ()
) -> Folded:
    """All firings of one trigger for one record.

    It is judged at each moment at which something happened that it reads, and whenever time alone may have changed it;
    at most ``MOST_MOMENTS`` of them, the latest. ``held_before``: the stored firings of the record, of which those
    from before the first moment say whether it held already."""
    record, now = looked.record, looked.now
    bodies = [v.body for v in history.versions]
    if record.deleted_at is not None or not any(
        b.definition.is_about(record.object, record.connection) for b in bodies
    ):
        return Folded((), None, None)
    moments = _moments(looked, journey, history)
    if not moments:
        return Folded((), None, _judged(looked, history, now))
    since = moments[0]
    before = max((f for f in held_before if f.fired_at < since), key=lambda f: f.fired_at, default=None)
    found: list[Fired] = []
    current = before if before is not None and before.ended_at is None else None
    if current is not None:
        found.append(current)
    waiting = list(moments)
    heapq.heapify(waiting)
    seen: datetime | None = None
    left = 2 * MOST_MOMENTS
    while waiting and left:
        moment = heapq.heappop(waiting)
        if moment == seen:
            continue
        seen, left = moment, left - 1
        told = _judged(looked, history, moment)
        outcome = told[1] if told else None
        if outcome is not None and outcome.recheck_at is not None and moment < outcome.recheck_at < now:
            heapq.heappush(waiting, outcome.recheck_at)
        if outcome is not None and outcome.state == "met":
            if current is None:
                current = _fired(record, history.key, told[0] if told else 0, moment, outcome)
                found.append(current)
        elif current is not None and (outcome is None or outcome.state != "unknown"):
            found[-1] = replace(current, ended_at=moment)
            current = None
    handled = _handled(record.events)
    return Folded(tuple(_with_handling(one, handled) for one in found), since, _judged(looked, history, now))


def _judged(looked: Looked, history: TriggerHistory, moment: datetime) -> tuple[int, Outcome] | None:
    version = history.at(moment)
    record = looked.record
    if version is None or not version.body.definition.is_about(record.object, record.connection):
        return None
    return version.id, judge_one(version.body.definition, looked.at(moment), moment)


def _fired(record: RecordData, key: str, version_id: int, moment: datetime, outcome: Outcome) -> Fired:
    leaves = outcome.evaluation.leaves if outcome.evaluation else ()
    reasons = [leaf.text for leaf in leaves if leaf.truth is True]
    return Fired(
        id=derive_id("firing", key, record.key, moment.isoformat()),
        trigger=key,
        version_id=version_id,
        record_id=record.id,
        fired_at=moment,
        ended_at=None,
        because=tuple(dict.fromkeys(reasons))[:MOST_REASONS],
        is_measured_only=record.go_live_at is None or moment < record.go_live_at,
    )


def _handled(events: Iterable[EventData]) -> Mapping[str, EventData]:
    """The first act of each firing."""
    found: dict[str, EventData] = {}
    for event in events:
        if event.kind == HANDLED:
            found.setdefault(str(event.data.get("firing")), event)
    return found


def _with_handling(fired: Fired, handled: Mapping[str, EventData]) -> Fired:
    act = handled.get(str(fired.id))
    return fired if act is None else replace(fired, handled_at=act.occurred_at, handled_by=act.actor_id)


# --- when to look ----------------------------------------------------------------------------------------------


def _moments(looked: Looked, journey: JourneyData, history: TriggerHistory) -> list[datetime]:
    """The moments at which something changed that any version reads, the latest ones, in order."""
    record, now = looked.record, looked.now
    begin = history.versions[0].since
    fields: set[str] = set()
    events: set[str] = set()
    reads_activities = reads_more = False
    for version in history.versions:
        definition = version.body.definition
        criterion = definition.whole
        if criterion is None:
            continue
        reads = criterion.reads()
        fields |= reads.fields
        events |= reads.events
        reads_activities = reads_activities or reads.activities
        reads_more = reads_more or bool(reads.related or reads.stages)
    found = {v.since for v in history.versions} | {v.until for v in history.versions if v.until is not None}
    for event in journey.events if reads_more else record.events:
        is_read = event.kind in (CHANGE, FIELD_LOST) and event.field in fields
        if reads_more or is_read or event.kind == BASELINE or event.kind in events:
            found.add(event.occurred_at)
    if events:
        for item in looked.known.events or ():
            if str(item.values.get("event")) in events:
                found |= _instants(item.values, "occurred_at")
    if reads_activities:
        for item in looked.known.activities or ():
            found |= _instants(item.values, "occurred_at")
        found |= {e.occurred_at for r in journey.activities for e in r.events}
    if reads_more:
        for item in looked.known.stages or ():
            found |= _instants(item.values, "entered_at", "left_at")
    return sorted(at for at in found if begin <= at <= now)[-MOST_MOMENTS:]


def _instants(values: Mapping[str, Any], *names: str) -> set[datetime]:
    found = set()
    for name in names:
        at = values.get(name)
        if isinstance(at, str):
            try:
                at = datetime.fromisoformat(at)
            except ValueError:
                continue
        if isinstance(at, datetime) and at.tzinfo is not None:
            found.add(utc(at))
    return found
