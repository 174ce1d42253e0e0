"""Values that are known no longer, because their field was unmapped, mapped elsewhere, or is gone in the CRM."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from records import kinds
from records.canonical import instant_text
from records.models import Connection
from records.touching import touch

_FORGET = """
WITH held AS (
    SELECT id, remote_id, values FROM records_record
    WHERE connection_id = %(connection)s AND remote_object = %(remote_object)s AND values ?| %(fields)s
    ORDER BY id FOR UPDATE
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


def forget_values(connection: Connection, remote_object: str, fields: Collection[str], now: datetime) -> int:
    """Make logical ``fields`` of every record of a remote object unknown from now on. Returns records changed.

    The next reading of a record tells anew what is mapped: as a baseline, which starts nothing."""
    names = sorted(set(fields))
    if not names:
        return 0
    told: dict[str, Any] = {
        "connection": connection.pk,
        "remote_object": remote_object,
        "fields": names,
        "stamp": instant_text(now),
        "kind": kinds.FIELD_LOST,
        "now": now,
    }
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(_FORGET, told)
        ids = [row[0] for row in cursor.fetchall()]
        touch(ids, now)
    return len(ids)
