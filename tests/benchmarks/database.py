"""A throw-away PostgreSQL with our tables, for benchmarks that judge sets. One for the whole run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any


@cache
def start_database() -> None:
    """Start it, set Django up on it and make the tables. Takes about ten seconds the first time, then nothing."""
    from gtmops.embedded import Postgres, Valkey, prepare_data_dir, socket_dir, start_all, stop_all

    folder = Path(tempfile.mkdtemp(prefix="gtmops-bench-"))
    prepare_data_dir(folder)
    servers = [Postgres(folder, throw_away=True), Valkey(folder, throw_away=True)]

    def clean() -> None:
        stop_all(servers)
        shutil.rmtree(socket_dir(folder), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(clean)
    start_all(servers)
    os.environ |= {
        "DATABASE_URL": servers[0].url,
        "REDIS_URL": servers[1].url,
        "SECRET_KEY": "benchmarks-need-one-and-it-protects-nothing-0123456789",
        "GTMOPS_ENCRYPTION_KEYS": "b25seS1mb3ItdG9vbHMtd2l0aG91dC1hLXNlcnZlciE=",
        "GTMOPS_DATA": str(folder),
        "GTMOPS_LOG_LEVEL": "WARNING",
        "GTMOPS_CRM_HOSTS": "127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "gtmops.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


JOURNEYS = """
INSERT INTO records_journey (id, key, title)
SELECT md5('person' || n)::uuid, 'crm:contacts:' || n, 'Person ' || n FROM generate_series(1, %s) n
"""
PEOPLE = """
INSERT INTO records_record (id, journey_id, connection_id, object, remote_object, remote_id, title, values, fingerprint,
    seen_at)
SELECT md5('person' || n)::uuid, md5('person' || n)::uuid, %s, 'person', 'contacts', n::text, 'Person ' || n,
  jsonb_build_object(
    'email', 'kip' || n || '@tarnbrook.example', 'company', 'Company ' || n %% 5000, 'job_title', 'Fleet manager',
    'industry', (ARRAY['Courier', 'Paving', 'Cold chain', 'Harbour'])[1 + n %% 4],
    'region', (ARRAY['NA', 'EMEA', 'APAC'])[1 + n %% 3],
    'fleet_size', CASE WHEN hashint4(n) %% 10 = 0 THEN NULL ELSE abs(hashint4(n)) %% 200 END,
    'pricing_page_views', abs(hashint4(n + 7)) %% 6,
    'role_level', (ARRAY['decision_maker', 'influencer', 'user'])[1 + abs(hashint4(n + 3)) %% 3],
    'demo_requested_at', CASE WHEN n %% 37 = 0 THEN '2026-10-01T10:00:00Z' END,
    'pain', repeat('Vans stand still. ', 12), 'buyer_words', repeat('We lose a day. ', 10)
), '', now() FROM generate_series(1, %s) n
"""


@cache
def fill_people(number: int) -> None:
    """``number`` people, each a journey, of one connection ``crm`` with some eleven values each, and their fields in
    the catalogue."""
    from django.db import connection

    from records.models import CatalogueField, Connection

    crm = Connection.objects.create(name="crm", label="CRM", kind="hubspot")
    types = {
        "email": "text", "company": "text", "job_title": "text", "industry": "text", "region": "picklist",
        "fleet_size": "number", "pricing_page_views": "number", "role_level": "picklist",
        "demo_requested_at": "datetime", "pain": "text", "buyer_words": "text",
    }  # fmt: skip
    CatalogueField.objects.bulk_create(
        CatalogueField(object="person", name=name, type=kind, label=name.replace("_", " ").capitalize())
        for name, kind in types.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(JOURNEYS, [number])
        cursor.execute(PEOPLE, [crm.pk, number])
        cursor.execute("VACUUM ANALYZE records_record")


def transaction_now() -> int:
    """A mark on the time line of transactions, for ``written_since``."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])


def written_since(mark: int, table: str, key: str = "id") -> set[Any]:
    """The keys of the rows that are younger."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key} FROM {table} WHERE xmin::text::bigint > %s", [mark])
        return {row[0] for row in cursor.fetchall()}
