"""Storing what files said: all of it or nothing, and nothing new when they say the same again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from integrations import runs
from integrations.csv.mapping import ImportMapping
from integrations.csv.reader import Fault, FileRecord, read_files
from integrations.models import Run
from integrations.owners import store_owners
from integrations.setup import ensure_mappings
from records.canonical import instant, instant_text
from records.ids import record_id
from records.incoming import HistoryEntry, IncomingRecord, StoredPage
from records.models import Connection, RecordPayload
from records.services import store_page

PAGE = 1000


class ImportRefused(Exception):
    """Nothing was imported; ``faults`` say why, with file and line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults; nothing was imported")
        self.faults = faults


def import_files(
    connection: Connection,
    mapping: ImportMapping,
    paths: Iterable[Path],
    now: datetime,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Import into a CSV connection; ``tell(records done, records in all)``. Raises ImportRefused, MappingError."""
    paths = list(paths)
    reading = read_files(mapping, paths)
    if reading.faults:
        raise ImportRefused(reading.faults)
    run = runs.open_run(Run.Kind.IMPORT, connection, ", ".join(p.name for p in paths), now)
    run.total = len(reading.records)
    try:
        with transaction.atomic():
            for file in mapping.files:
                for record in file.records:
                    ensure_mappings(connection, record.catalogue())
            store_owners(connection, reading.owners.values())
            stored = _store(connection, list(reading.records.values()), now, tell)
            run.done = run.total
            run.counts = {
                name: getattr(stored, name) for name in ("read", "created", "changed", "unchanged", "deleted")
            }
            run.counts["rows"] = reading.rows
            runs.close_run(run, now)
    except BaseException as error:
        run.done = 0
        runs.close_run(run, now, error=f"{type(error).__name__}: {error}; nothing was imported")
        raise
    return run


def _store(
    connection: Connection, records: list[FileRecord], now: datetime, tell: Callable[[int, int], None]
) -> StoredPage:
    stored = StoredPage()
    done = 0
    for remote_object in sorted({r.remote_object for r in records}):
        some = [r for r in records if r.remote_object == remote_object]
        for start in range(0, len(some), PAGE):
            page = some[start : start + PAGE]
            stored += store_page(connection, _with_known(connection, page), now=now)
            done += len(page)
            tell(done, len(records))
    return stored


def _with_known(connection: Connection, page: Sequence[FileRecord]) -> list[IncomingRecord]:
    """Add what earlier files said of the same records, so that importing one file forgets nothing of another."""
    ids = {record_id(connection.name, r.remote_object, r.remote_id): r for r in page}
    known = dict(RecordPayload.objects.filter(record_id__in=ids).values_list("record_id", "body"))
    return [_incoming(record, known.get(pk, {})) for pk, record in ids.items()]


def _incoming(record: FileRecord, known: dict[str, Any]) -> IncomingRecord:
    history = {
        **{key: (field, value, instant(at)) for key, (field, value, at) in known.get("history", {}).items()},
        **record.history,
    }
    links = {(str(to), str(remote_id)) for to, remote_id in known.get("links", [])} | record.links
    entries: list[HistoryEntry] = []
    values = {**known.get("values", {}), **record.values}
    last: dict[str, str] = {}
    for key, (field, value, at) in sorted(history.items(), key=lambda item: (item[1][2], item[0])):
        entries.append(HistoryEntry(field, value, at, key, last.get(field)))
        last[field] = value
    values |= last
    times = [t for t in (record.modified_at, _known_time(known, "modified")) if t]
    created = [t for t in (record.created_at, _known_time(known, "created")) if t]
    raw = {
        "values": values,
        "history": {
            key: [field, value, instant_text(at)] for key, (field, value, at) in sorted(history.items())
        },
        "links": sorted(links),
        "modified": instant_text(max(times)),
        **({"created": instant_text(min(created))} if created else {}),
    }
    return IncomingRecord(
        remote_object=record.remote_object,
        remote_id=record.remote_id,
        values=values,
        modified_at=max(times),
        created_at=min(created) if created else None,
        history=tuple(entries),
        links=tuple(sorted(links)),
        raw=json.loads(json.dumps(raw)),
    )


def _known_time(known: dict[str, Any], name: str) -> datetime | None:
    return instant(known[name]) if known.get(name) else None
