"""Acts of people, and what else the rooms above do with records; storing itself is in ``records.storing``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection as database

from effects.tick import ring
from records.acts import GTMOPS, Act, append_acts, gtmops_connection, record_act
from records.models import Connection, FieldMapping, Record, RefreshRequest
from records.storing.page import register_after_store, store_page
from records.touching import touch

__all__ = [
    "GTMOPS",
    "Act",
    "append_acts",
    "apply_owner_matches",
    "gtmops_connection",
    "mapped_remote_fields",
    "record_act",
    "register_after_store",
    "remote_objects",
    "request_refresh",
    "store_page",
    "touch",
]


def remote_objects(connection: Connection) -> list[str]:
    """Remote objects that have at least one mapped field, in a stable order."""
    return sorted(set(connection.mappings.values_list("remote_object", flat=True)))


def mapped_remote_fields(connection: Connection, remote_object: str) -> dict[str, FieldMapping]:
    """Logical field name -> mapping of what is read, broken ones included (their values are unknown)."""
    return {name: row for name, row in _mappings(connection, remote_object).items() if row.constant is None}


def _mappings(connection: Connection, remote_object: str) -> dict[str, FieldMapping]:
    rows = FieldMapping.objects.filter(connection=connection, remote_object=remote_object)
    return {row.field.name: row for row in rows.select_related("field")}


def request_refresh(record: Record, *, key: str, objects: Sequence[str], now: datetime) -> None:
    """Ask integrations to read a record and its ``objects`` again; once per key."""
    RefreshRequest.objects.bulk_create(
        [
            RefreshRequest(
                key=key, record=record, objects_wanted=list(objects), requested_at=now, next_try_at=now
            )
        ],
        ignore_conflicts=True,
    )
    ring("refresh")


def apply_owner_matches(connection: Connection) -> int:
    """After owners were read: point records at the people they now match. Returns records changed."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE records_record r SET owner_id = m.person_id
            FROM records_ownermatch m
            WHERE r.connection_id = %s AND m.connection_id = r.connection_id
              AND m.remote_id = r.values ->> 'owner' AND r.owner_id IS DISTINCT FROM m.person_id
            """,
            [connection.pk],
        )
        return int(cursor.rowcount)
