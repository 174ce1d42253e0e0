"""Reading the files that were sent: checks and imports claimed by lease, each page stored with how far it is."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import UTC, datetime, timedelta

from celery import current_app
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Min, Q

from integrations import runs
from integrations.csv.importing import COUNTED, new_run, pages_of, prepare, store_records
from integrations.csv.mapping import FileMapping
from integrations.csv.models import FileImport
from integrations.csv.previewing import count_changes, refused_file
from integrations.csv.profile import Column
from integrations.csv.reader import FileRecord, Reading
from integrations.csv.session import read_import
from integrations.loads import IMPORT, tell_loaded
from integrations.models import Run
from records.models import Connection

log = logging.getLogger(__name__)

State = FileImport.State
AT_WORK = (State.CHECKING, State.RUNNING)
LEFT_LYING = (State.DRAFT, State.CHECKED)
PIECE_SECONDS = 45.0  # of a worker's task; then the rest waits for the next
ROWS_IN_A_TASK = 20_000  # a worker's task has its time limit; longer files are the ticker's
BEAT_SECONDS = 10.0  # between two signs of life while a file is read


class Stopped(Exception):
    """Not a fault: somebody cancelled it, or another worker has taken over."""


def serve_imports(now: datetime) -> int:
    """Check or import one file, for at most a piece's time; then clean up. Returns how many were served."""
    row = _claim(now)
    if row is None:
        return _clean(now)
    try:
        if row.state == State.CHECKING:
            _check(row)
        else:
            _run(row)
    except Stopped:
        log.info("the import of %s was stopped or taken over", row.pk)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the lease runs out, and it goes on from the last page
    except Exception as error:
        log.exception("import %s failed", row.pk)
        _fail(row, f"{type(error).__name__}: {error}")
    return 1


def next_due(now: datetime) -> datetime | None:
    work = FileImport.objects.filter(state__in=AT_WORK)
    if work.filter(Q(lease_until=None) | Q(lease_until__lt=now)).exists():
        return now
    found = work.aggregate(first=Min("lease_until"))["first"]
    oldest = FileImport.objects.filter(content__isnull=False).aggregate(first=Min("changed_at"))["first"]
    due = [t for t in (found, oldest and oldest + _kept()) if t]
    return min(due, default=None)


def _claim(now: datetime) -> FileImport | None:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    wanted = FileImport.objects.filter(free, state__in=AT_WORK)
    if _is_in_a_task():
        wanted = wanted.filter(rows__lte=ROWS_IN_A_TASK)
    with transaction.atomic():
        row = (
            wanted.order_by("uploaded_at")
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .first()
        )
        if row is None:
            return None
        row.lease_token, row.lease_until = uuid.uuid4(), now + settings.GTMOPS.lease
        row.save(update_fields=["lease_token", "lease_until"])
    return row


def _is_in_a_task() -> bool:
    return current_app.current_worker_task is not None


class _Beat:
    """Keeps the lease while a file is read. Raises Stopped when another has it, or somebody cancelled it."""

    def __init__(self, row: FileImport) -> None:
        self.row = row
        self.at = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self.at < BEAT_SECONDS:
            return
        self.at = time.monotonic()
        mine = FileImport.objects.filter(
            pk=self.row.pk, lease_token=self.row.lease_token, state=self.row.state
        )
        if not mine.update(lease_until=datetime.now(UTC) + settings.GTMOPS.lease):
            _tell_stopped(self.row)
            raise Stopped


def _kept() -> timedelta:
    return timedelta(days=settings.GTMOPS.import_days)


def _check(row: FileImport) -> None:
    beat = _Beat(row)
    mapping, reading = read_import(row, beat)
    counts, shown = count_changes(row.connection, mapping, reading, row.uploaded_at, beat)
    refused = refused_file(reading)
    with transaction.atomic():
        held = _hold(row, State.CHECKING)
        held.counts, held.preview, held.refused = counts, shown, refused
        held.error = "" if reading.records else _why_nothing(reading)
        held.state = State.CHECKED
        _release(held)


def _why_nothing(reading: Reading) -> str:
    first = f" The first reason: {reading.faults[0]}." if reading.faults else ""
    return f"Nothing in this file can be taken in.{first}"


def _run(row: FileImport) -> None:
    begun, connection = time.monotonic(), row.connection
    if connection is None:
        raise ValueError("an import that runs has a connection")
    mapping, reading = read_import(row, _Beat(row))
    pages = pages_of(reading.records.values())
    run = _open(row, connection, mapping, reading)
    for page in pages[row.pages_stored :]:
        _store(row, connection, run, page)
        if _is_in_a_task() and time.monotonic() - begun > PIECE_SECONDS and row.pages_stored < len(pages):
            with transaction.atomic():
                _release(_hold(row, State.RUNNING))
            return
    with transaction.atomic():
        held = _hold(row, State.RUNNING)
        held.state = State.DONE
        _release(held)
        now = datetime.now(UTC)
        runs.close_run(run, now)
        tell_loaded(connection, IMPORT, run.started_at, now)


def _open(row: FileImport, connection: Connection, mapping: FileMapping, reading: Reading) -> Run:
    """The run that people watch: of this file, whoever works at it."""
    with transaction.atomic():
        held = _hold(row, State.RUNNING)
        prepare(connection, [mapping], reading)
        now = datetime.now(UTC)
        run = held.run or new_run(connection, row.file_name, now)
        if held.run is None:
            held.run = run
            held.save(update_fields=["run"])
            run.counts = {"rows": reading.rows, "refused_lines": reading.refused_count}
        run.state, run.error, run.finished_at = Run.State.RUNNING, "", None
        run.total = len(reading.records)
        run.save()
    return run


def _store(row: FileImport, connection: Connection, run: Run, page: list[FileRecord]) -> None:
    with transaction.atomic():
        held = _hold(row, State.RUNNING)
        now = datetime.now(UTC)
        stored = store_records(connection, page, row.uploaded_at, now)
        held.pages_stored += 1
        held.lease_until = now + settings.GTMOPS.lease
        held.save(update_fields=["pages_stored", "lease_until"])
        for name in COUNTED:
            run.counts[name] = run.counts.get(name, 0) + getattr(stored, name)
        run.done += len(page)
        runs.save_progress(run, now)
    row.pages_stored = held.pages_stored


def _hold(row: FileImport, state: str) -> FileImport:
    """Raises Stopped when the lease ran out and another has it, or somebody cancelled it."""
    mine = FileImport.objects.select_for_update(of=("self",), no_key=True).defer("content")
    held = mine.filter(pk=row.pk, lease_token=row.lease_token, state=state).first()
    if held is None:
        _tell_stopped(row)
        raise Stopped
    return held


def _tell_stopped(row: FileImport) -> None:
    found = (
        FileImport.objects.filter(pk=row.pk, state=State.CANCELLED)
        .select_related("run")
        .defer("content")
        .first()
    )
    if found is not None and found.run is not None and found.run.state == Run.State.RUNNING:
        text = f"Stopped by hand; {found.run.done:,} records are in."
        runs.close_run(found.run, datetime.now(UTC), error=text)


def _release(held: FileImport) -> None:
    held.lease_until = held.lease_token = None
    held.changed_at = datetime.now(UTC)
    held.save(
        update_fields=[
            "state", "counts", "preview", "refused", "error", "lease_until", "lease_token", "changed_at",
        ]
    )  # fmt: skip


def _fail(row: FileImport, text: str) -> None:
    with transaction.atomic():
        try:
            held = _hold(row, row.state)
        except Stopped:
            return
        held.state, held.error = State.FAILED, text[:2000]
        _release(held)
        if held.run is not None:
            runs.close_run(held.run, datetime.now(UTC), error=text)


def _clean(now: datetime) -> int:
    """Drafts that nobody came back to go; of the others the file goes and the mapping stays."""
    old = FileImport.objects.filter(changed_at__lt=now - _kept()).defer("content", "refused")
    for row in FileImport.objects.filter(state=State.CANCELLED, run__state=Run.State.RUNNING).defer(
        "content"
    ):
        _tell_stopped(row)
    forgotten, _ = old.filter(state__in=LEFT_LYING).delete()
    done = list(old.filter(content__isnull=False).exclude(state__in=AT_WORK)[:100])
    for row in done:
        row.content = row.refused = None
        row.preview = []
        row.columns = [Column(name=item["name"]).as_json() for item in row.columns]
        row.save(update_fields=["content", "refused", "preview", "columns"])
    return forgotten + len(done)
