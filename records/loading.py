"""Load journeys as pure data, a whole batch in a constant number of queries."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from records.ids import record_key
from records.journey_data import Batch, EventData, JourneyData, OwnerData, RecordData
from records.models import Connection, Event, Journey, OwnerMatch, Record
from records.standing import Standing, standing
from records.stored import Where, rows_where


def load_batch(
    journey_ids: Iterable[uuid.UUID], now: datetime, *, journeys: Sequence[Journey] | None = None
) -> Batch:
    """The batch of these journeys; ids that no longer exist are left out. ``journeys``: where they are loaded."""
    kept = Standing()
    if journeys is None:
        journeys = rows_where(Journey, Where("id = ANY (%s)", (list(journey_ids),)), "ORDER BY id")
    connections = kept.get(load_connections)
    rows = rows_where(Record, Where("journey_id = ANY (%s)", ([j.pk for j in journeys],)), "ORDER BY id")
    events: dict[uuid.UUID, list[EventData]] = defaultdict(list)
    for event in rows_where(Event, Where(_EFFECTIVE, ([r.pk for r in rows],))):
        events[event.record_id].append(_event_data(event, connections[event.connection_id]))
    return Batch(
        _journey_data(journeys, rows, connections, events),
        kept.get(load_owners),
        now=now,
        kept=kept,
    )


_EFFECTIVE = "record_id = ANY (%s) AND superseded_by_id IS NULL"


@standing("records_connection")
def load_connections() -> Mapping[int, Connection]:
    """All of them, by id. One query."""
    return {c.pk: c for c in Connection.objects.all()}


@standing("records_connection", "records_ownermatch")
def load_owners() -> Mapping[tuple[str, str], OwnerData]:
    """(connection, its owner's id) -> who that is. Two queries."""
    return _owners(load_connections(), OwnerMatch.objects.order_by())


@dataclass(frozen=True)
class Told:
    """One journey in full, for a page. ``log``: all its events, superseded ones included, in the order we learned of
    them; ``connections``: name -> those that its records and events come from."""

    batch: Batch
    log: Sequence[Event]
    connections: Mapping[str, Connection]


def load_journey(journey_id: uuid.UUID, now: datetime) -> Told:
    """Three queries. Without records it is no journey, and the batch is empty."""
    rows = list(
        Record.objects.filter(journey=journey_id).select_related("journey", "connection").order_by("pk")
    )
    log = list(
        Event.objects.filter(record__in=[r.pk for r in rows])
        .select_related("connection")
        .order_by("observed_at", "pk")
    )
    events: dict[uuid.UUID, list[EventData]] = defaultdict(list)
    for event in log:
        if event.superseded_by_id is None:
            events[event.record_id].append(_event_data(event, event.connection))
    connections = {e.connection_id: e.connection for e in log} | {r.connection_id: r.connection for r in rows}
    journeys = {row.journey_id: row.journey for row in rows if row.journey is not None}
    owners = OwnerMatch.objects.filter(connection__in=connections).order_by()
    return Told(
        Batch(
            _journey_data(list(journeys.values()), rows, connections, events),
            _owners(connections, owners),
            now=now,
        ),
        log,
        {connection.name: connection for connection in connections.values()},
    )


def load_members(journey_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, JourneyData]:
    """The journeys as they stand, without history: for pages. Three queries."""
    journeys = list(Journey.objects.filter(pk__in=list(journey_ids)).order_by("pk"))
    connections = {c.pk: c for c in Connection.objects.all()}
    rows = list(Record.objects.filter(journey__in=journeys).order_by("pk"))
    return _journey_data(journeys, rows, connections, defaultdict(list))


def load_records(record_ids: Iterable[uuid.UUID]) -> list[RecordData]:
    """Single records with their history, in id order. Three queries."""
    connections = {c.pk: c for c in Connection.objects.all()}
    rows = list(Record.objects.filter(pk__in=list(record_ids)).order_by("pk"))
    events: dict[uuid.UUID, list[EventData]] = defaultdict(list)
    for event in Event.objects.filter(record__in=[r.pk for r in rows]).effective().order_by().iterator():
        events[event.record_id].append(_event_data(event, connections[event.connection_id]))
    return [_record_data(row, connections[row.connection_id], events[row.pk]) for row in rows]


def batch_of(rows: Iterable[Record], events: Iterable[Event], now: datetime) -> Batch:
    """The batch of records that are loaded already, with all their events; both with their connection. Without the
    owners. A record of no journey stands in one by itself. No query."""
    told: dict[uuid.UUID, list[EventData]] = defaultdict(list)
    for event in events:
        told[event.record_id].append(_event_data(event, event.connection))
    members: dict[uuid.UUID, list[RecordData]] = defaultdict(list)
    for row in rows:
        members[row.journey_id or row.pk].append(_record_data(row, row.connection, told[row.pk]))
    return Batch(
        {
            pk: JourneyData(pk, str(pk), None, tuple(sorted(found, key=lambda r: r.key)))
            for pk, found in members.items()
        },
        now=now,
    )


def _journey_data(
    journeys: Sequence[Journey],
    rows: Sequence[Record],
    connections: Mapping[int, Connection],
    events: Mapping[uuid.UUID, list[EventData]],
) -> dict[uuid.UUID, JourneyData]:
    records: dict[uuid.UUID, list[RecordData]] = defaultdict(list)
    for row in rows:
        if row.journey_id:
            records[row.journey_id].append(_record_data(row, connections[row.connection_id], events[row.pk]))
    return {
        j.pk: JourneyData(j.pk, j.key, j.business_unit_id, tuple(sorted(records[j.pk], key=lambda r: r.key)))
        for j in journeys
    }


def _record_data(row: Record, connection: Connection, events: list[EventData]) -> RecordData:
    return RecordData(
        id=row.pk,
        key=record_key(connection.name, row.remote_object, row.remote_id),
        connection=connection.name,
        object=row.object,
        remote_object=row.remote_object,
        remote_id=row.remote_id,
        title=row.title,
        values=row.values,
        created_at=row.created_at_remote,
        deleted_at=row.deleted_at,
        is_merged=row.merged_into_id is not None,
        go_live_at=connection.go_live_at,
        business_unit_id=row.business_unit_id,
        events=tuple(sorted(events, key=lambda e: e.order)),
    )


def _event_data(event: Event, connection: Connection) -> EventData:
    return EventData(
        id=event.pk,
        key=f"{connection.name}:{event.external_key}",
        kind=event.kind,
        record_id=event.record_id,
        connection=connection.name,
        field=event.field,
        old=event.old,
        new=event.new,
        data=event.data,
        actor_id=event.actor_id,
        occurred_at=event.occurred_at,
        observed_at=event.observed_at,
        not_before=event.not_before,
        source_order=connection.source_order,
        caused_by=event.caused_by,
    )


def _owners(
    connections: Mapping[int, Connection], matches: Iterable[OwnerMatch]
) -> dict[tuple[str, str], OwnerData]:
    return {
        (connections[m.connection_id].name, m.remote_id): OwnerData(
            m.name, m.kind, m.is_active, m.person_id, m.inactive_since
        )
        for m in matches
    }
