"""Reading the CRMs: claimed by lease, in bounded pieces, each page stored together with its cursor."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F

from effects.tick import ring
from integrations import runs
from integrations.base import Connector
from integrations.errors import ConnectorError, Misconfigured, Rejected, RetryLater
from integrations.leases import LeaseLost
from integrations.models import PullCursor, Run
from integrations.owners import store_owners
from integrations.pulling.claims import (
    Claim,
    Paused,
    claim_due,
    is_due,
    is_history_due,
    make_cursors,
    next_claim,
    release,
)
from integrations.pulling.passes import Pass, fail, read_object
from integrations.registry import connector_for
from integrations.secrets import forget_verification, is_verification_due, mark_verified
from records.models import Connection

log = logging.getLogger(__name__)

OWNERS_SECONDS = 600  # between two readings of who works there; "read now" reads them at once


def pull_due(now: datetime, only: str | None = None) -> int:
    """Pull what is due of one connection, for at most a piece's time. Returns pages stored, at least 1 if it tried."""
    make_cursors(now)
    claim = claim_due(now, only)
    if claim is None:
        return 0
    pages, faults, unfinished = 0, [], False
    opened: dict[Run.Kind, Run] = {}
    try:
        connector = connector_for(claim.connection)
        _verify(claim, connector)
        for cursor, kind in _todo(claim):
            if opened and claim.is_over():
                unfinished = True
                break
            run = opened.get(kind) or opened.setdefault(kind, _open(claim, kind))
            try:
                stored, finished = read_object(Pass(claim, cursor, run), connector)
                pages += stored
                unfinished = unfinished or not finished
            except Paused:
                unfinished = True
            except (Misconfigured, Rejected, RetryLater) as error:
                if isinstance(error, RetryLater) and error.is_for_all:
                    raise
                fail(claim, [cursor], error, is_history=kind == Run.Kind.HISTORY)
                faults.append(f"{cursor.remote_object}: {error}")
    except LeaseLost:
        log.info("another worker has taken over the pull of %s", claim.connection.name)
        return max(pages, 1)
    except ConnectorError as error:
        _fail_all(claim, error)
        faults.append(str(error))
    except Exception as error:
        log.exception("pull of %s failed", claim.connection.name)
        _fail_all(claim, error)
        faults.append(f"{type(error).__name__}: {error}")
    else:
        Connection.objects.filter(pk=claim.connection.pk, state=Connection.State.BROKEN).update(
            state=Connection.State.ACTIVE, state_reason=""
        )
    release(claim)
    if faults and not opened:
        opened[Run.Kind.PULL] = _open(claim, Run.Kind.PULL)
    for shown, run in opened.items():
        if faults or not (unfinished or _has_unfinished(claim.connection, shown)):
            runs.close_run(run, claim.now(), error="; ".join(faults))
    return max(pages, 1)


def next_due(now: datetime) -> datetime | None:
    return next_claim(now)


def pull_now(connection: Connection, *, full: bool = False, remote_object: str = "") -> None:
    """Make every object of the connection due, or one; ``full`` reads everything again instead of what changed."""
    now = datetime.now(UTC)
    make_cursors(now)
    values: dict[str, Any] = {"next_pull_at": now, "failures": 0}
    if full:
        values |= {"mark_at": None, "page_state": {}}
    rows = PullCursor.objects.filter(connection=connection)
    if remote_object:
        rows = rows.filter(remote_object=remote_object)
    rows.update(**values)
    forget_verification(connection)
    ring("pull")


def read_history_now(connection: Connection, remote_object: str, now: datetime) -> None:
    """Read the whole history of an object's fields again, in a run of its own; what changes meanwhile is still read."""
    rows = PullCursor.objects.filter(connection=connection, remote_object=remote_object)
    rows.update(history_asked_at=now, history_state={})
    ring("pull")


def is_reading_paused(connection: Connection, remote_object: str = "") -> bool:
    """Whether somebody paused an object, or all of them (empty)."""
    rows = PullCursor.objects.filter(connection=connection)
    paused = list(
        (rows.filter(remote_object=remote_object) if remote_object else rows).values_list(
            "paused_at", flat=True
        )
    )
    return bool(paused) and None not in paused


def pause_reading(connection: Connection, remote_object: str, now: datetime) -> int:
    """Stop reading an object, or all of them (empty), after the page that is being stored. Returns objects."""
    rows = PullCursor.objects.filter(connection=connection, paused_at=None)
    return (rows.filter(remote_object=remote_object) if remote_object else rows).update(paused_at=now)


def resume_reading(connection: Connection, remote_object: str, now: datetime) -> int:
    """Go on where the reading was paused. Returns objects."""
    rows = PullCursor.objects.filter(connection=connection, paused_at__isnull=False)
    rows = rows.filter(remote_object=remote_object) if remote_object else rows
    count = rows.update(paused_at=None, next_pull_at=now, failures=0)
    ring("pull")
    return count


def set_schedule(connection: Connection, remote_object: str, every_seconds: int | None) -> None:
    """Read an object that often from its last reading on; None: as often as the installation says."""
    rows = PullCursor.objects.filter(connection=connection, remote_object=remote_object)
    rows.update(every_seconds=every_seconds)
    if every_seconds is not None:
        rows.filter(failures=0, last_pulled_at__isnull=False, page_state={}).update(
            next_pull_at=F("last_pulled_at") + timedelta(seconds=every_seconds)
        )
    ring("pull")


def pull_to_the_end(connection: Connection, *, full: bool = False) -> list[str]:
    """Pull every object once, here and now. Returns the faults, one sentence each."""
    started = datetime.now(UTC)
    pull_now(connection, full=full)
    due = PullCursor.objects.filter(connection=connection, paused_at=None)
    while due.filter(next_pull_at__lte=datetime.now(UTC)).exclude(last_pulled_at__gte=started).exists():
        if not pull_due(datetime.now(UTC), only=connection.name):
            time.sleep(0.2)  # another worker has it
    rows = PullCursor.objects.filter(connection=connection).exclude(last_error="")
    return [f"{row.remote_object}: {row.last_error}" for row in rows]


# --- one piece ---------------------------------------------------------------------------------------------------


def _verify(claim: Claim, connector: Connector) -> None:
    if is_verification_due(claim.connection, claim.started - timedelta(seconds=OWNERS_SECONDS)):
        connector.check()
        store_owners(claim.connection, connector.owners())
        mark_verified(claim.connection, claim.now())


def _todo(claim: Claim) -> Iterator[tuple[PullCursor, Run.Kind]]:
    """What changed comes before histories, so that a long one makes nobody wait."""
    yield from ((cursor, Run.Kind.PULL) for cursor in claim.cursors if is_due(cursor, claim.started))
    yield from ((c, Run.Kind.HISTORY) for c in claim.cursors if is_history_due(c, claim.started))


def _open(claim: Claim, kind: Run.Kind) -> Run:
    objects = [cursor.remote_object for cursor, asked in _todo(claim) if asked == kind]
    return runs.open_run(kind, claim.connection, ", ".join(objects), claim.now())


def _fail_all(claim: Claim, error: Exception) -> None:
    fail(claim, [c for c in claim.cursors if is_due(c, claim.started)], error)
    fail(claim, [c for c in claim.cursors if not is_due(c, claim.started)], error, is_history=True)


def _has_unfinished(connection: Connection, kind: Run.Kind) -> bool:
    """Whether a paused reading waits for this run to go on."""
    rows = PullCursor.objects.filter(connection=connection, paused_at__isnull=False)
    if kind == Run.Kind.HISTORY:
        return rows.filter(history_asked_at__isnull=False).exists()
    return rows.exclude(page_state={}).exists()
