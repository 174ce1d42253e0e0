"""What is known of the records of a batch, as criteria read it: now, and at an instant of their past."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from definitions.criteria import Criterion, Facts, Item, Reads
from definitions.criteria.targets.tree import plain_moment
from definitions.in_force import TypedModel
from definitions.judging.judge import OwnValues
from definitions.judging.passages import PipelineHistory, stays
from definitions.judging.pasts import activities_at, events_at, items_at, items_now, stays_at
from definitions.judging.stages import StageHistory, entries
from definitions.models import Signal
from records.journey_data import Batch, JourneyData, RecordData
from records.related import (
    Related,
    find_related,
    is_loaded_with_journey,
    load_journeys_naming,
    load_related,
)
from records.relations import Relation, relation
from records.standing import standing

SIGNAL = "signal."
RECORD = "record"
Items = tuple[Item, ...]


def load_facts(
    batch: Batch, model: TypedModel, also: Iterable[Criterion | Mapping[str, Any]] = ()
) -> FactsOf:
    """The facts of every record of a batch, in a constant number of queries; none for what no criterion reads.

    Loads what any version of the model reads, and what ``also`` reads: criteria, or bodies of versions that are not
    in force. Lists that nothing reads are unknown. ``batch`` must hold the journeys' events."""
    reads = batch.once(_reads_of_model, model)
    if also := list(also):
        reads = _joined(reads, reads_of(also))
    relations = _relations(reads, batch, model)
    beyond = {
        name: [r for r in found.values() if not is_loaded_with_journey(r)]
        for name, found in relations.items()
    }
    ids: dict[str, list[uuid.UUID]] = defaultdict(list)
    for record in _records(batch):
        ids[record.object].append(record.id)
    links: Related = find_related(beyond, ids) if any(beyond.values()) else {}
    others = {pk for names in links.values() for found in names.values() for pk in found}
    wants_history = reads.activities or reads.stages or reads.events
    naming = load_journeys_naming(ids["account"], batch.now) if ids["account"] and wants_history else {}
    whose = [
        *_records(batch),
        *(r for found in naming.values() for journey in found for r in journey.records),
    ]
    return FactsOf(
        batch,
        model,
        reads,
        relations,
        links,
        load_related(others) if others else {},
        _load_signals({record.id for record in whose}, reads),
        naming,
    )


@standing()
def _reads_of_model(model: TypedModel) -> Reads:
    return reads_of(version.body for version in model.versions.all())


def reads_of(told: Iterable[Criterion | Mapping[str, Any]]) -> Reads:
    """The lists that some condition of these criteria and bodies reads; fields are always there."""
    found = Reads()
    bodies: list[Any] = []
    for one in told:
        if isinstance(one, Criterion):
            found = _joined(found, one.reads())
        else:
            bodies.append(one)
    for node in _mappings(bodies):
        found = _joined(found, _reads_of_condition(node))
    return found


def _mappings(bodies: list[Any]) -> Iterator[Mapping[str, Any]]:
    waiting = bodies
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list | tuple):
            waiting.extend(node)


def _reads_of_condition(node: Mapping[str, Any]) -> Reads:
    def named(key: str) -> frozenset[str]:
        return frozenset([node[key]]) if isinstance(node.get(key), str) else frozenset()

    return Reads(
        activities="activity" in node,
        related=named("related"),
        stages=named("stage") if "op" in node else frozenset(),
        events=named("event"),
    )


def _joined(first: Reads, second: Reads) -> Reads:
    return Reads(
        frozenset(),
        first.activities or second.activities,
        first.related | second.related,
        first.stages | second.stages,
        first.events | second.events,
    )


def _records(batch: Batch) -> Iterator[RecordData]:
    return (record for journey in batch.journeys.values() for record in journey.records)


def _relations(reads: Reads, batch: Batch, model: TypedModel) -> dict[str, dict[str, Relation]]:
    """Object -> canonical name -> relation, of what is read."""
    objects = {record.object for record in _records(batch)}
    found: dict[str, dict[str, Relation]] = {name: {} for name in objects}
    for object_name in objects:
        for name in reads.related:
            one = relation(object_name, name, model.catalogue.objects)
            if one is not None:
                found[object_name][one.name] = one
    return found


def _load_signals(records: Collection[uuid.UUID], reads: Reads) -> dict[uuid.UUID, list[Item]]:
    """Record id -> signals by the names that are read, oldest first. One query, or none."""
    names = [name.removeprefix(SIGNAL) for name in reads.events if name.startswith(SIGNAL)]
    found: dict[uuid.UUID, list[Item]] = defaultdict(list)
    if names:
        rows = Signal.objects.filter(name__in=names, record__in=records)
        for record, name, at, properties in rows.order_by("occurred_at", "pk").values_list(
            "record_id", "name", "occurred_at", "properties"
        ):
            found[record].append(_event_item(SIGNAL + name, at, properties))
    return found


def _event_item(name: str, at: datetime, properties: Mapping[str, Any]) -> Item:
    return Item({**properties, "event": name, "occurred_at": plain_moment(at)})


@dataclass
class FactsOf:
    """Made by ``load_facts``; asking needs no query. Lists of one journey are read once and shared."""

    batch: Batch
    model: TypedModel
    reads: Reads
    relations: Mapping[str, Mapping[str, Relation]]
    links: Related
    others: Mapping[uuid.UUID, RecordData]
    signals: Mapping[uuid.UUID, Sequence[Item]]
    naming: Mapping[uuid.UUID, tuple[JourneyData, ...]]
    _journeys: dict[uuid.UUID, JourneyData] = field(init=False)
    _kept: dict[tuple[str, uuid.UUID], Items] = field(init=False, default_factory=dict)
    _stage_histories: list[StageHistory] = field(init=False)
    _pipeline_histories: list[PipelineHistory] = field(init=False)

    def __post_init__(self) -> None:
        pipelines = {name.partition("/")[0] for name in self.reads.stages if "/" in name}
        self._stage_histories = [h for h in self.model.stage_histories if h.key in self.reads.stages]
        self._pipeline_histories = [h for h in self.model.pipeline_histories if h.key in pipelines]
        self._journeys = {
            record.id: journey for journey in self.batch.journeys.values() for record in journey.records
        }

    def now(self, record: RecordData) -> Facts:
        """At the instant of the batch, as the CRMs stand now."""
        buyer = self._buyer(record)
        return Facts(
            record.values,
            activities=self._keep("activities", buyer, lambda: items_now(buyer.of("activity")))
            if self.reads.activities
            else None,
            related={name: items_now(rows) for name, rows in self._related(record)},
            stages=self._stages(record, buyer),
            events=self._events(buyer),
        )

    def at(self, record: RecordData, at: datetime) -> Facts:
        """As it was at an instant: only what had happened by then, and what was known to be planned."""
        buyer = self._buyer(record)
        stages, events = self._stages(record, buyer), self._events(buyer)
        return Facts(
            record.values_at(at),
            activities=activities_at(buyer.of("activity"), at) if self.reads.activities else None,
            related={name: items_at(rows, at) for name, rows in self._related(record)},
            stages=None if stages is None or not buyer.is_seen(at) else stays_at(stages, at),
            events=None if events is None else events_at(events, at),
        )

    def _buyer(self, record: RecordData) -> _Buyer:
        """Whose history counts for the record: its journey's, for an account that of those who name it."""
        if record.object == "account":
            journeys = self.naming.get(record.id, ())
            members = [other for journey in journeys for other in journey.records if other.id != record.id]
            return _Buyer(record.id, journeys, (record, *members))
        journey = self._journeys.get(record.id)
        if journey is None:
            return _Buyer(record.id, (), (record,))
        return _Buyer(journey.id, (journey,), journey.records)

    def _related(self, record: RecordData) -> Iterator[tuple[str, list[RecordData]]]:
        """Relation -> records, those that are gone included."""
        journey = self._journeys.get(record.id)
        for name, one in self.relations.get(record.object, {}).items():
            if is_loaded_with_journey(one):
                members = journey.records if journey else ()
                yield (
                    name,
                    [other for other in members if other.object == one.object and other.id != record.id],
                )
            else:
                ids = self.links.get(record.id, {}).get(name, ())
                yield name, [self.others[pk] for pk in ids if pk in self.others]

    def _stages(self, record: RecordData, buyer: _Buyer) -> Items | None:
        if not self.reads.stages:
            return None
        lifecycle = self._keep("stages", buyer, lambda: self._entries(buyer))
        passages = self._keep("passages", buyer, lambda: self._passages(buyer))
        if record.object != "deal":
            return lifecycle + passages
        return lifecycle + tuple(stay for stay in passages if stay.values[RECORD] == record.id)

    def _entries(self, buyer: _Buyer) -> Items:
        """Stays in lifecycle stages, of the whole buyer."""
        return tuple(
            _stay(entry.stage, entry.occurred_at, entry.left_at, entry.record_id)
            for journey in buyer.journeys
            for entry in entries(journey, self._stage_histories, {})
        )

    def _passages(self, buyer: _Buyer) -> Items:
        """Stays in the stages of pipelines, of all the buyer's deals."""
        return tuple(
            _stay(f"{stay.pipeline}/{stay.stage}", stay.entered_at, stay.left_at, stay.record_id)
            for journey in (buyer.journeys if self._pipeline_histories else ())
            for stay in stays(journey, self._pipeline_histories, OwnValues(), {})
        )

    def _events(self, buyer: _Buyer) -> Items | None:
        return self._keep("events", buyer, lambda: self._list_events(buyer)) if self.reads.events else None

    def _list_events(self, buyer: _Buyer) -> Items:
        told = [
            _event_item(event.kind, event.occurred_at, event.data)
            for record in buyer.records
            for event in record.events
            if event.kind in self.reads.events
        ]
        return (*told, *(item for record in buyer.records for item in self.signals.get(record.id, ())))

    def _keep(self, name: str, buyer: _Buyer, make: Callable[[], Items]) -> Items:
        key = (name, buyer.id)
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


@dataclass(frozen=True)
class _Buyer:
    """``records``: everybody whose history counts, those that are gone included."""

    id: uuid.UUID
    journeys: tuple[JourneyData, ...]
    records: tuple[RecordData, ...]

    def of(self, object_name: str) -> list[RecordData]:
        return [record for record in self.records if record.object == object_name]

    def is_seen(self, at: datetime) -> bool:
        """Whether anything was known at an instant; before, no stage can be told."""
        return any(r.events[0].occurred_at <= at for r in self.records if r.events and r.object != "activity")


def _stay(stage: str, entered_at: datetime, left_at: datetime | None, record: uuid.UUID) -> Item:
    left = None if left_at is None else plain_moment(left_at)
    return Item({"stage": stage, "entered_at": plain_moment(entered_at), "left_at": left, RECORD: record})
