"""Values that are known no longer, because their field was unmapped, mapped elsewhere, or is gone in the CRM."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from records import kinds
from records.canonical import instant_text
from records.models import Connection, Record
from records.touching import touch

_FORGET = """
WITH held AS (
    SELECT id, remote_id, values FROM records_record
    WHERE connection_id = %(connection)s AND remote_object = %(remote_object)s AND values ?| %(fields)s
      AND id > %(after)s
    ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE
), forgotten AS (
    UPDATE records_record r SET values = r.values - %(fields)s, fingerprint = ''
    FROM held WHERE r.id = held.id
), told AS (
    INSERT INTO records_event
        (connection_id, external_key, kind, record_id, field, data, occurred_at, observed_at, caused_by)
    SELECT %(connection)s, left(%(remote_object)s || ':' || held.remote_id || ':' || f || ':lost:' || %(stamp)s, 300),
           %(kind)s, held.id, f, '{}', %(now)s, %(now)s, ''
    FROM held, unnest(%(fields)s) f WHERE held.values ? f
    ON CONFLICT DO NOTHING
)
SELECT id FROM held
"""


_FIRST = uuid.UUID(int=0)


def forget_values(
    connection: Connection,
    remote_object: str,
    fields: Collection[str],
    now: datetime,
    *,
    after: uuid.UUID | None = None,
    most: int | None = None,
) -> list[uuid.UUID]:
    """Make logical ``fields`` unknown from ``now`` on, in at most ``most`` records after ``after``; ids, in order.

    The next reading of a record tells anew what is mapped: as a baseline, which starts nothing."""
    names = sorted(set(fields))
    if not names:
        return []
    told: dict[str, Any] = {
        "connection": connection.pk,
        "remote_object": remote_object,
        "fields": names,
        "stamp": instant_text(now),
        "kind": kinds.FIELD_LOST,
        "now": now,
        "after": after or _FIRST,
        "most": most,
    }
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(_FORGET, told)
        ids = sorted(row[0] for row in cursor.fetchall())
        touch(ids, now)
    return ids


def count_known(connection: Connection, remote_object: str, fields: Collection[str]) -> int:
    """In how many records of a remote object one of these logical fields is known."""
    rows = Record.objects.filter(connection=connection, remote_object=remote_object)
    return rows.filter(values__has_any_keys=sorted(set(fields))).count()
