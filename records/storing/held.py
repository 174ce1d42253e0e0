"""What we hold of the rows of a page, and how they are read: a constant number of statements."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection as database

from records.echoes import sent_asks
from records.ids import record_id
from records.incoming import IncomingRecord
from records.models import AskedChange, Connection, DesiredField, Event, Record
from records.storing.copying import array_cell
from records.storing.events import Mirrored
from records.storing.reading import MappedField, Reading
from teams.models import BusinessUnit

# Each page asks for it, and Django takes longer to say it than PostgreSQL to answer.
_MAPPED = """
SELECT field.object, field.name, field.type, mapping.remote_name, mapping.is_broken, mapping.has_history,
    mapping.links_to, mapping.value_map::text
FROM records_fieldmapping mapping JOIN records_cataloguefield field ON field.id = mapping.field_id
WHERE mapping.connection_id = %s AND mapping.remote_object = %s ORDER BY mapping.field_id
"""


def load_reading(connection: Connection, remote_object: str) -> Reading:
    """Raises ValueError for an object that has no mapping."""
    with database.cursor() as cursor:
        cursor.execute(_MAPPED, [connection.pk, remote_object])
        mapped = cursor.fetchall()
    if not mapped:
        raise ValueError(f"{connection.name} has no mapping for {remote_object}")
    fields = tuple(
        MappedField(
            name=name,
            type=kind,
            remote_name=remote_name,
            constant=remote_name[1:] if remote_name.startswith("=") else None,
            is_broken=is_broken,
            has_history=has_history,
            links_to=tuple(target.strip() for target in links_to.split(",")) if links_to else (),
            value_map=orjson.loads(value_map),
        )
        for _, name, kind, remote_name, is_broken, has_history, links_to, value_map in mapped
    )
    return Reading(connection.name, remote_object, mapped[0][0], fields, connection.is_sandbox)


def known_marks(connection: Connection, remote_object: str, remote_ids: Collection[str]) -> dict[str, str]:
    """Remote id to the mark of the row we hold, read without a lock: to lock a row is to write it."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT remote_id, fingerprint FROM records_record "
            "WHERE connection_id = %s AND remote_object = %s AND remote_id = ANY(%s::text[])",
            [connection.pk, remote_object, array_cell(remote_ids)],
        )
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class Known:
    """``records`` are locked until the transaction ends; ``history``: keys of events that a CRM's history told;
    ``winners``: records that others of the page were merged into, and that we hold."""

    records: Mapping[uuid.UUID, Mirrored]
    owners: Mapping[str, int | None]
    units: Mapping[str, int]
    desired: Mapping[tuple[uuid.UUID, str], DesiredField]
    asks: Mapping[uuid.UUID, list[AskedChange]]
    history: frozenset[str]
    winners: frozenset[uuid.UUID]


_HELD = """
SELECT id, remote_id, title, values, owner_id, business_unit_id, modified_at_remote, fingerprint, deleted_at,
    merged_into_id
FROM records_record WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
# Apart from the lock, because what a record has changes with it and this must be what is so then.
_HAVE = """
SELECT w.id, ARRAY(SELECT k.key FROM records_linkkey k WHERE k.record_id = w.id),
    EXISTS (SELECT FROM records_desiredfield d WHERE d.record_id = w.id),
    EXISTS (SELECT FROM records_askedchange a WHERE a.record_id = w.id)
FROM unnest(%s::uuid[]) w(id)
"""


def load_known(
    connection: Connection,
    rows: Mapping[uuid.UUID, IncomingRecord],
    values: Collection[Mapping[str, Any]],
    now: datetime,
) -> Known:
    owner_ids = {str(told["owner"]) for told in values if told.get("owner")}
    has_units = any(told.get("business_unit") for told in values)
    with_desired, with_asks = [], []
    with database.cursor() as cursor:
        cursor.execute(_HELD, [array_cell(map(str, rows))])
        found = cursor.fetchall()
        records = {
            pk: Mirrored(pk, remote, title, orjson.loads(values), *rest)
            for pk, remote, title, values, *rest in found
        }
        if records:
            cursor.execute(_HAVE, [array_cell(map(str, records))])
            for pk, links, has_desired, has_asks in cursor.fetchall():
                records[pk].links = set(links)
                if has_desired:
                    with_desired.append(pk)
                if has_asks:
                    with_asks.append(pk)
    desired = DesiredField.objects.filter(record_id__in=with_desired).order_by("pk") if with_desired else ()
    return Known(
        records=records,
        owners=_owners(connection, owner_ids),
        units=dict(BusinessUnit.objects.values_list("key", "pk")) if has_units else {},
        desired={(row.record_id, row.field): row for row in desired},
        asks=sent_asks(with_asks, now) if with_asks else {},
        history=_told_history([pk for pk in records if rows[pk].history]),
        winners=_winners(connection, rows),
    )


def _owners(connection: Connection, owner_ids: Collection[str]) -> dict[str, int | None]:
    if not owner_ids:
        return {}
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT remote_id, person_id FROM records_ownermatch "
            "WHERE connection_id = %s AND remote_id = ANY(%s::text[])",
            [connection.pk, array_cell(owner_ids)],
        )
        return dict(cursor.fetchall())


def _told_history(record_ids: Collection[uuid.UUID]) -> frozenset[str]:
    if not record_ids:
        return frozenset()
    told = Event.objects.filter(record_id__in=record_ids, data__has_key="history")
    return frozenset(told.values_list("external_key", flat=True))


def _winners(connection: Connection, rows: Mapping[uuid.UUID, IncomingRecord]) -> frozenset[uuid.UUID]:
    wanted = {
        record_id(connection.name, row.remote_object, row.merged_into)
        for row in rows.values()
        if row.merged_into
    }
    # One that comes with the same page is written with it.
    new = {pk for pk in wanted & rows.keys() if rows[pk].values}
    elsewhere = wanted - new
    if elsewhere:
        new |= set(Record.objects.filter(pk__in=elsewhere).values_list("pk", flat=True))
    return frozenset(new)
