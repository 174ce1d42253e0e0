"""Writing to the CRMs: only differences, the largest batches the API takes, one result per record.

What people asked of a CRM's own fields goes first (``integrations.asks``). What may go is decided in
``integrations/writing/``: ``rows`` which fields, ``claiming`` which batch, ``deciding`` how large and when again,
``sending`` what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from integrations import runs
from integrations.asks import next_asked, send_asked
from integrations.models import Run
from integrations.writing import deciding
from integrations.writing.claiming import Queue, claim, is_open, next_claim, standing_of
from integrations.writing.kept import find_kept
from integrations.writing.models import PushState, WriteAttempt
from integrations.writing.rows import due_rows, writing_connections
from integrations.writing.sending import send
from records.models import Connection


def push_due(now: datetime, only: str | None = None) -> int:
    """Push what is due in each connection that writes, batch by batch. Returns records tried."""
    done = 0
    for connection in writing_connections(only):
        find_kept(connection, now)
        queue, goes_on = Queue(connection, now), True
        while goes_on:
            if not is_open(PushState.objects.filter(connection=connection).first(), now):
                break
            asked, goes_on = send_asked(connection, now)
            done += asked
            claimed = claim(queue) if goes_on else None
            if claimed is None:
                break
            run = runs.open_run(Run.Kind.PUSH, connection, claimed.remote_object, now)
            goes_on = send(claimed, run, now)
            done += len(claimed.by_record)
        _close(connection, now)
    return done


def next_due(now: datetime) -> datetime | None:
    connections = writing_connections()
    times = [next_claim(connection, now) for connection in connections]
    found = min((at for at in (*times, next_asked(connections)) if at is not None), default=None)
    return None if found is None else max(found, now + timedelta(seconds=1))


def _close(connection: Connection, now: datetime) -> None:
    """End the run of what was sent, if anything was; say when the day's cap ended it, and forget the oldest log."""
    run = Run.objects.filter(kind=Run.Kind.PUSH, connection=connection, state=Run.State.RUNNING).first()
    if run is None:
        return
    standing = standing_of(connection, PushState.objects.filter(connection=connection).first(), now)
    if standing.is_spent:
        waiting = due_rows(connection, now).values("record").distinct().count()
        if waiting:
            day = deciding.next_day(now)
            text = (
                f"The cap of {standing.cap:,} records a day is reached: {waiting:,} records wait and go on "
                f"on {day:%d %b} at {day:%H:%M} UTC."
            )
            run.steps.append({"at": now.isoformat(), "text": text})
    runs.close_run(run, now, error=run.error)
    oldest = now - timedelta(days=settings.GTMOPS.write_log_days)
    WriteAttempt.objects.filter(connection=connection, at__lt=oldest).delete()
