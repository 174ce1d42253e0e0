"""One clock's history once more, as its fold saw it: for the page that explains it, and for what proves an appeal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from definitions.in_force import load_typed_model
from definitions.versions import Model
from records.journey_data import EventData
from records.loading import load_journey
from records.models import Connection, Event
from slas.counted import Counted, counted_by_hours, counted_by_the_wall
from slas.evidence import Holding, holdings
from slas.fold import segments_until
from slas.hands import Hand, Pause, due_time, hands, with_acceptance
from slas.in_force import ConditionsInForce, load_staff, rule_of
from slas.models import Clock
from slas.rules import Rule
from slas.split import Segment
from slas.staff import Staff


@dataclass(frozen=True)
class Retold:
    """``model``: all versions there were; ``connections``: name -> those that the buyer's records and events are of.
    ``segments``: who had it up to the end, or to now. ``counted``: the time that counted up to the due time, as it
    was reckoned when it was set; ``at_work``: the same had nobody been away. ``pauses`` and ``owned`` as known now;
    ``events``: all of its record."""

    rule: Rule
    model: Model
    connections: Mapping[str, Connection]
    segments: Sequence[Segment]
    owned: Sequence[Holding]
    staff: Staff
    pauses: Sequence[Pause]
    counted: Sequence[Counted]
    at_work: Sequence[Counted]
    learned_at: datetime
    known_at: datetime
    end: datetime
    events: Sequence[EventData] = ()


def rule_for(clock: Clock, model: Model) -> Rule:
    """The rule with the target that this clock has of it."""
    rule, name = _rule_of(clock, model), clock.receipt.get("tier")
    tier = next((t for t in rule.targets if t.name == name), None) if name else None
    return rule.with_tier(tier) if tier else rule


def _rule_of(clock: Clock, model: Model) -> Rule:
    """As its own version says, with the time of a later one that moved it."""
    moved_by = clock.receipt.get("moved_by")
    later = next((v for v in model.history("sla_rules", clock.rule_key) if v.pk == moved_by), None)
    return rule_of(clock.rule).moved_to(rule_of(later)) if later else rule_of(clock.rule)


def retell(clock: Clock, now: datetime) -> Retold:
    """Of a clock with its events; seven queries. What stands frozen in the row is taken from there."""
    typed, told = load_typed_model(), load_journey(clock.journey_id, now)
    rule, end = rule_for(clock, typed.versions), clock.stopped_at or now
    frozen = [_segment(row) for row in clock.segments]
    learned_at = _learned_at(clock, told.log)
    stop = clock.stop_event
    known_at = max(stop.observed_at, learned_at) if stop is not None else clock.stopped_at or now
    batch = told.batch
    journey = batch.journeys.get(clock.journey_id)
    record = journey.record(clock.record_id) if journey else None
    staff = load_staff(typed.versions)
    if journey is None or record is None:
        known = (typed.versions, told.connections)
        return Retold(rule, *known, frozen, (), staff, (), (), (), learned_at, known_at, end)
    conditions = ConditionsInForce(typed)(rule, record, clock.started_at)
    pauses = [
        Pause(s.begin, s.learned_at, s.end, s.end_learned_at, s.because) for s in conditions.pauses(record)
    ]
    start = next((e for e in journey.events if e.id == clock.start_event_id), None)
    owned = with_acceptance(rule, start, holdings(journey, record, batch, staff), staff)
    times = _Times(
        clock, rule, owned, staff, pauses, str(record.value_at("region", clock.started_at)[1] or "")
    )
    segments = frozen
    if clock.stopped_at is None:
        segments = segments_until(record, rule, clock.started_at, end, owned, staff, conditions)
    return Retold(
        rule=rule,
        model=typed.versions,
        connections=told.connections,
        segments=segments,
        owned=owned,
        staff=staff,
        pauses=pauses,
        counted=times.counted(known_at, learned_at, end),
        at_work=times.at_work(known_at, end),
        learned_at=learned_at,
        known_at=known_at,
        end=end,
        events=record.events,
    )


@dataclass(frozen=True)
class _Times:
    clock: Clock
    rule: Rule
    owned: Sequence[Holding]
    staff: Staff
    pauses: Sequence[Pause]
    region: str

    def counted(self, known_at: datetime, learned_at: datetime, end: datetime) -> list[Counted]:
        """By what was known at the end where that gives the due time, else by what was known when it was set."""
        moves = self.clock.receipt.get("retargets") or ()
        set_at = datetime.fromisoformat(moves[-1]["at"]) if moves else learned_at
        due_at = self.clock.due_at
        for at in (known_at, set_at):
            if self._due_at(self.staff, at) == due_at:
                return self._until(due_at or end, self.staff, at)
        return self._until(due_at or end, self.staff, set_at)

    def at_work(self, known_at: datetime, end: datetime) -> list[Counted]:
        staff = replace(self.staff, away={})
        return self._until(self._due_at(staff, known_at) or self.clock.due_at or end, staff, known_at)

    def _due_at(self, staff: Staff, at: datetime) -> datetime | None:
        if self.rule.target.kind == "before":
            return self.clock.due_at
        return due_time(self.rule, self.clock.started_at, self._hands(staff, at), self._pauses(at))

    def _until(self, end: datetime, staff: Staff, at: datetime) -> list[Counted]:
        if not self.rule.target.needs_calendar:
            return counted_by_the_wall(self.clock.started_at, end, self._pauses(at))
        return counted_by_hours(self.clock.started_at, end, self._hands(staff, at), self._pauses(at))

    def _hands(self, staff: Staff, at: datetime) -> list[Hand]:
        if not self.rule.target.needs_calendar:
            return []
        return hands(self.rule, self.clock.started_at, self.owned, staff, at, self.region)

    def _pauses(self, at: datetime) -> list[Pause]:
        return [known for p in self.pauses if (known := p.known(at)) is not None]


def _learned_at(clock: Clock, log: Sequence[Event]) -> datetime:
    """When the first event told us of the start, which the CRM's history may have told better later. Nobody waited for
    history: of a clock from before go-live it is the start itself."""
    if clock.is_measured_only:
        return clock.started_at
    first = next((e for e in log if e.superseded_by_id == clock.start_event_id), None)
    return first.observed_at if first else clock.start_event.observed_at


def _segment(row: Mapping[str, Any]) -> Segment:
    return Segment(
        row["party"], row["who"], row["team"], row["person"],
        datetime.fromisoformat(row["from"]), datetime.fromisoformat(row["to"]),
    )  # fmt: skip
