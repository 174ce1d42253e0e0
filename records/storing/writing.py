"""The statements that write a page: a constant number, whatever its size."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database

from records.kinds import MERGED
from records.models import Connection, Event, LinkKey, Record, RecordPayload
from records.storing.copying import (
    Cells,
    Made,
    array_cell,
    insert_new,
    instant_cell,
    json_cell,
    replace,
    stage,
)
from records.storing.events import Mirrored, NewEvent
from records.storing.reading import Reading

_MIRROR = (
    "title", "values", "owner", "business_unit", "modified_at_remote", "fingerprint", "deleted_at", "merged_into",
)  # fmt: skip
_NEW = ("id", "connection", "object", "remote_object", "remote_id", "created_at_remote", "seen_at", *_MIRROR)
_SEEN = ("modified_at_remote", "fingerprint")
_PAYLOAD = ("record", "body")
_EVENT = (
    "connection", "external_key", "kind", "record", "field", "old", "new", "data", "actor", "occurred_at",
    "observed_at", "not_before", "caused_by",
)  # fmt: skip
Payload = tuple[uuid.UUID, Mapping[str, Any]]
"""A record and the CRM's own answer."""


def insert_records(
    connection: Connection,
    reading: Reading,
    records: Sequence[tuple[Mirrored, datetime | None]],
    now: datetime,
) -> set[uuid.UUID]:
    """New records with the time the CRM made them. Returns those that somebody else has made meanwhile."""
    if not records:
        return set()
    same = (str(connection.pk), reading.object, reading.remote_object)
    seen = now.isoformat()

    def cells(new: tuple[Mirrored, datetime | None]) -> Cells:
        record, made = new
        return str(record.id), *same, record.remote_id, instant_cell(made), seen, *_mirror_cells(record)

    written = insert_new(Record, _NEW, Made(records, cells), returning="id")
    return set() if written is None else {r.id for r, _ in records} - set(written)


def update_records(records: Sequence[Mirrored]) -> None:
    if records:
        rows = Made(records, lambda r: (str(r.id), *_mirror_cells(r)))
        with stage(Record, ("id", *_MIRROR), rows) as staged:
            staged.update(("id",), _MIRROR, are_different=True)


def update_marks(records: Sequence[Mirrored]) -> None:
    """Of records of which the CRM says the same in other words."""
    if records:
        rows = [(str(r.id), instant_cell(r.modified_at_remote), r.fingerprint) for r in records]
        with stage(Record, ("id", *_SEEN), rows) as staged:
            staged.update(("id",), _SEEN, are_different=True)


def insert_events(connection: Connection, events: Sequence[NewEvent], now: datetime) -> None:
    """What the log has already is passed over."""
    if not events:
        return
    source, observed = str(connection.pk), now.isoformat()

    def cells(e: NewEvent) -> Cells:
        return (
            source,
            e.external_key,
            e.kind,
            str(e.record_id),
            e.field,
            None if e.old is None else json_cell(e.old),
            None if e.new is None else json_cell(e.new),
            json_cell(e.data),
            None if e.actor_id is None else str(e.actor_id),
            e.occurred_at.isoformat(),
            observed,
            instant_cell(e.not_before),
            e.caused_by,
        )

    insert_new(Event, _EVENT, Made(events, cells), returning="id")


def insert_payloads(payloads: Collection[Payload]) -> None:
    if payloads:
        insert_new(RecordPayload, _PAYLOAD, Made(payloads, _payload_cells), returning="record")


def update_payloads(payloads: Collection[Payload]) -> None:
    if payloads:
        rows = Made(payloads, _payload_cells)
        replace(RecordPayload, _PAYLOAD, rows, key="record", of=[str(pk) for pk, _ in payloads])


def _payload_cells(payload: Payload) -> Cells:
    pk, body = payload
    return str(pk), json_cell(body)


def write_links(new: Iterable[tuple[uuid.UUID, str]], gone: Iterable[tuple[uuid.UUID, str]]) -> None:
    stale = sorted([(str(pk), key) for pk, key in gone])
    if stale:
        with stage(LinkKey, ("record", "key"), stale) as staged:
            staged.delete(("record", "key"))
    fresh = sorted([(str(pk), key) for pk, key in new])
    if fresh:
        insert_new(LinkKey, ("record", "key"), fresh, returning="id")


# OFFSET 0: each winner asks the index of links once. Without statistics, as in the first minute of a first load,
# PostgreSQL would pair every winner with every record that was not merged.
_JOIN_MERGED = """
WITH winner AS MATERIALIZED (
    SELECT id, connection_id, remote_object, remote_id FROM records_record WHERE id = ANY(%(winners)s::uuid[])
), pair AS MATERIALIZED (
    SELECT winner.*, link.record_id AS loser_id FROM winner CROSS JOIN LATERAL (
        SELECT record_id FROM records_linkkey
        WHERE key = 'id:' || %(connection)s || ':' || winner.remote_object || ':' || winner.remote_id OFFSET 0
    ) link WHERE link.record_id <> winner.id
)
UPDATE records_record loser SET merged_into_id = pair.id FROM pair
WHERE loser.id = pair.loser_id AND loser.connection_id = pair.connection_id
    AND loser.remote_object = pair.remote_object AND loser.merged_into_id IS NULL AND EXISTS (
        SELECT FROM records_event e
        WHERE e.record_id = loser.id AND e.kind = %(merged)s AND e.data ->> 'into' = pair.remote_id
    )
"""


def join_merged(connection: Connection, winners: Collection[uuid.UUID]) -> None:
    """Point those that came before the record they were merged into at it."""
    if winners:
        with database.cursor() as cursor:
            cursor.execute(
                _JOIN_MERGED,
                {"connection": connection.name, "winners": array_cell(map(str, winners)), "merged": MERGED},
            )


def _mirror_cells(record: Mirrored) -> tuple[str | None, ...]:
    return (
        record.title,
        json_cell(record.values),
        None if record.owner_id is None else str(record.owner_id),
        None if record.business_unit_id is None else str(record.business_unit_id),
        instant_cell(record.modified_at_remote),
        record.fingerprint,
        instant_cell(record.deleted_at),
        None if record.merged_into_id is None else str(record.merged_into_id),
    )
