"""PostgreSQL is made to look at a table that has outgrown what it knows of it."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from records.models import Connection, Record
from records.statistics import ensure_statistics

pytestmark = pytest.mark.django_db(transaction=True)


def analyzed() -> list[str]:
    with CaptureQueriesContext(database) as queries:
        ensure_statistics()
    return [q["sql"] for q in queries if q["sql"].startswith("ANALYZE")]


def test_a_table_that_has_grown_is_looked_at_once() -> None:
    connection = Connection.objects.create(name="hubspot", label="HubSpot", kind="hubspot")
    with database.cursor() as cursor:
        cursor.execute("ANALYZE records_record")
        cursor.execute(
            "INSERT INTO records_record (id, connection_id, object, remote_object, remote_id, title, values, "
            "fingerprint, seen_at) SELECT gen_random_uuid(), %s, 'person', 'contacts', n::text, '', '{}', '', now() "
            "FROM generate_series(1, 1500) n",
            [connection.pk],
        )
        cursor.execute("SELECT pg_stat_force_next_flush()")
    assert Record.objects.count() == 1500
    assert analyzed() == ["ANALYZE records_record"]
    assert analyzed() == []
