"""Runs: the rows by which people watch long work."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from integrations.models import PullCursor, Run
from records.incoming import StoredPage
from records.models import Connection

QUIET = ("created", "changed", "deleted")


def open_run(kind: Run.Kind, connection: Connection | None, label: str, now: datetime) -> Run:
    """The run of this kind and connection that a dead process or an ended piece left running; else a new one."""
    run = Run.objects.filter(kind=kind, connection=connection, state=Run.State.RUNNING).first()
    if run is None:
        run = Run(id=uuid.uuid4(), kind=kind, connection=connection, started_at=now)
    run.label, run.heard_at = label[:200], now
    run.save()
    return run


def add_counts(run: Run, stored: StoredPage) -> None:
    for name in ("read", "created", "changed", "unchanged", "deleted"):
        run.counts[name] = run.counts.get(name, 0) + getattr(stored, name)


def save_progress(run: Run, now: datetime) -> None:
    run.heard_at = now
    run.save(update_fields=["done", "total", "counts", "busy_seconds", "heard_at"])


def close_run(run: Run, now: datetime, *, error: str = "") -> None:
    if run.kind == Run.Kind.PULL:
        run.counts = dict.fromkeys(QUIET, 0) | run.counts
    run.state = Run.State.FAILED if error else Run.State.DONE
    run.error = error[:2000]
    run.heard_at = run.finished_at = now
    run.save()
    if run.kind == Run.Kind.PULL and not error and is_quiet(run):
        # A pull every minute that finds nothing new would bury the others: only the latest such is kept.
        quiet = {f"counts__{name}": 0 for name in QUIET}
        Run.objects.filter(kind=run.kind, connection=run.connection, state=Run.State.DONE, **quiet).exclude(
            pk=run.pk
        ).delete()


def paused_runs(rows: Sequence[Run]) -> set[uuid.UUID]:
    """Those that wait for somebody to resume what they read. One query."""
    running = [
        r for r in rows if r.state == Run.State.RUNNING and r.kind in (Run.Kind.PULL, Run.Kind.HISTORY)
    ]
    if not running:
        return set()
    left: dict[int, list[bool]] = {}
    for connection, paused_at in (
        PullCursor.objects.filter(connection__in=[r.connection_id for r in running])
        .exclude(page_state={}, history_state={}, is_loaded=True)
        .values_list("connection_id", "paused_at")
    ):
        left.setdefault(connection, []).append(paused_at is not None)
    return {r.pk for r in running if r.connection_id in left and all(left[r.connection_id])}


def is_quiet(run: Run) -> bool:
    return not any(run.counts.get(name) for name in QUIET)


@contextmanager
def watched_run(
    kind: Run.Kind, label: str, *, total: int | None = None, connection: Connection | None = None
) -> Iterator[Callable[[int], None]]:
    """A run around a piece of long work: call what it yields with the units done so far."""
    run = open_run(kind, connection, label, datetime.now(UTC))
    run.total = total

    def tell(done: int) -> None:
        run.done = done
        save_progress(run, datetime.now(UTC))

    try:
        yield tell
    except BaseException as error:
        close_run(run, datetime.now(UTC), error=f"{type(error).__name__}: {error}")
        raise
    close_run(run, datetime.now(UTC))
