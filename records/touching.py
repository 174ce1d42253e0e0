"""Saying that conclusions about records are out of date."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from effects.tick import ring


def touch(record_ids: Iterable[uuid.UUID], now: datetime) -> None:
    """Say that conclusions about these records are out of date."""
    # In the order of ids; comparing UUIDs themselves takes long.
    ids = sorted({str(pk) for pk in record_ids})
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_TOUCH, [now, "{" + ",".join(ids) + "}"])
        ring("pipeline")


_TOUCH = """
INSERT INTO records_touched (record_id, touched_at, attempts, last_error)
SELECT id, %s, 0, '' FROM unnest(%s::uuid[]) id
"""
