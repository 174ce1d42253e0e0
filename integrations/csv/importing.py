"""Storing what files said, for ``import_csv``: all of it or nothing, and nothing new when they say the same again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from django.db import transaction

from integrations import runs
from integrations.csv.errors import ImportRefused
from integrations.csv.incoming import join_known
from integrations.csv.mapping import FileMapping, ImportMapping
from integrations.csv.reader import FileRecord, Reading, read_files
from integrations.loads import IMPORT, tell_loaded
from integrations.models import Run
from integrations.owners import store_owners
from integrations.setup import ensure_mappings
from records.incoming import StoredPage
from records.models import Connection
from records.services import store_page

PAGE = 1000
COUNTED = ("read", "created", "changed", "unchanged", "deleted")


def import_files(
    connection: Connection,
    mapping: ImportMapping,
    paths: Iterable[Path],
    now: datetime,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Import into a CSV connection; ``tell(records done, records in all)``. Raises ImportRefused, MappingError."""
    paths = list(paths)
    reading = read_files(mapping, paths, read_at=now)
    if reading.faults:
        raise ImportRefused(reading.faults)
    run = new_run(connection, ", ".join(p.name for p in paths), now)
    run.total = len(reading.records)
    try:
        with transaction.atomic():
            prepare(connection, mapping.files, reading)
            stored = StoredPage()
            for page in pages_of(reading.records.values()):
                stored += store_records(connection, page, now, now)
                run.done += len(page)
                tell(run.done, run.total)
            run.counts = {name: getattr(stored, name) for name in COUNTED}
            run.counts["rows"] = reading.rows
            runs.close_run(run, now)
            tell_loaded(connection, IMPORT, now, now)
    except BaseException as error:
        run.done = 0
        runs.close_run(run, now, error=f"{type(error).__name__}: {error}; nothing was imported")
        raise
    return run


def new_run(connection: Connection, label: str, now: datetime) -> Run:
    """Always another one: two files may be read at once, and each is watched on its own."""
    return Run.objects.create(
        id=uuid.uuid4(),
        kind=Run.Kind.IMPORT,
        connection=connection,
        label=label[:200],
        started_at=now,
        heard_at=now,
    )


def prepare(connection: Connection, files: Sequence[FileMapping], reading: Reading) -> None:
    """Catalogue, mappings and the people whom the files name."""
    for file in files:
        for record in file.records:
            ensure_mappings(connection, record.catalogue())
    store_owners(connection, reading.owners.values())


def pages_of(records: Iterable[FileRecord], size: int = PAGE) -> list[list[FileRecord]]:
    """In one order however often it is asked, each page of one remote object."""
    by_object: dict[str, list[FileRecord]] = {}
    for record in records:
        by_object.setdefault(record.remote_object, []).append(record)
    return [
        rows[start : start + size]
        for _, rows in sorted(by_object.items())
        for start in range(0, len(rows), size)
    ]


def store_records(
    connection: Connection, page: Sequence[FileRecord], read_at: datetime, now: datetime
) -> StoredPage:
    """Store one page in the caller's transaction; another import of the same connection waits for it."""
    Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    return store_page(connection, [one.record for one in join_known(connection, page, read_at)], now=now)
