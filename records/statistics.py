"""What PostgreSQL knows of our tables, for statements over many of them: a first load outruns its own looking."""

from __future__ import annotations

from django.db import connection

TABLES = ("records_record", "records_event")
FEW = 1_000


def ensure_statistics(*more: str) -> None:
    """Have PostgreSQL look at each table, ours and ``more``, that has outgrown what it last saw. Usually one query.

    Without, it takes a table of a hundred thousand rows for an empty one, and plans accordingly."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid "
            "WHERE c.relname = ANY (%s) AND s.n_live_tup > %s AND s.n_live_tup > 3 * greatest(c.reltuples, 1)",
            [[*TABLES, *more], FEW],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {table}")
