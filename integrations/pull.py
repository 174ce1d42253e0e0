"""Reading the CRMs: claimed by lease, in bounded pieces, each page stored together with its cursor."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from effects.tick import ring
from integrations import runs
from integrations.base import Connector, Page, Window
from integrations.errors import ConnectorError, Misconfigured, Reconnect, Rejected, RetryLater
from integrations.models import PullCursor, Run
from integrations.owners import store_owners
from integrations.registry import CONNECTORS, connector_for
from integrations.secrets import forget_verification, is_verification_due, mark_verified
from integrations.wanted import wanted_for
from records.models import Connection, FieldMapping
from records.services import store_page

log = logging.getLogger(__name__)

OWNERS_SECONDS = 600  # between two readings of who works there; "read now" reads them at once
PIECE_SECONDS = 20.0  # then the lease is given back, so that another connection gets its turn
LONGEST_PAUSE_SECONDS = 900
ORDER = ("account", "person", "deal", "activity")


class LeaseLost(Exception):
    """Not a fault: another worker has taken over."""


@dataclass
class _Claim:
    connection: Connection
    cursors: list[PullCursor]
    token: uuid.UUID
    started: datetime
    started_clock: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.started + timedelta(seconds=time.monotonic() - self.started_clock)

    def is_over(self) -> bool:
        return time.monotonic() - self.started_clock > PIECE_SECONDS


def pull_due(now: datetime, only: str | None = None) -> int:
    """Pull what is due of one connection, for at most a piece's time. Returns pages stored, at least 1 if it tried."""
    _make_cursors(now)
    claim = _claim(now, only)
    if claim is None:
        return 0
    run = runs.open_run(
        Run.Kind.PULL, claim.connection, ", ".join(c.remote_object for c in claim.cursors), now
    )
    pages, faults, unfinished = 0, [], False
    try:
        connector = connector_for(claim.connection)
        if is_verification_due(claim.connection, now - timedelta(seconds=OWNERS_SECONDS)):
            connector.check()
            store_owners(claim.connection, connector.owners())
            mark_verified(claim.connection, claim.now())
        for cursor in claim.cursors:
            try:
                stored, finished = _pull_object(claim, cursor, connector, run)
                pages += stored
                unfinished = unfinished or not finished
            except (Misconfigured, Rejected, RetryLater) as error:
                if isinstance(error, RetryLater) and error.is_for_all:
                    raise
                _fail(claim, [cursor], error)
                faults.append(f"{cursor.remote_object}: {error}")
            if claim.is_over():
                unfinished = unfinished or cursor is not claim.cursors[-1]
                break
    except LeaseLost:
        log.info("another worker has taken over the pull of %s", claim.connection.name)
        return max(pages, 1)
    except ConnectorError as error:
        _fail(claim, claim.cursors, error)
        faults.append(str(error))
    except Exception as error:
        log.exception("pull of %s failed", claim.connection.name)
        _fail(claim, claim.cursors, error)
        faults.append(f"{type(error).__name__}: {error}")
    else:
        Connection.objects.filter(pk=claim.connection.pk, state=Connection.State.BROKEN).update(
            state=Connection.State.ACTIVE, state_reason=""
        )
    _release(claim)
    if faults or not unfinished:
        runs.close_run(run, claim.now(), error="; ".join(faults))
    return max(pages, 1)


def next_due(now: datetime) -> datetime | None:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return (
        PullCursor.objects.filter(free, connection__in=_pullable())
        .order_by("next_pull_at")
        .values_list("next_pull_at", flat=True)
        .first()
    )


def pull_now(connection: Connection, *, full: bool = False) -> None:
    """Make every object of the connection due; ``full`` reads everything again instead of what changed."""
    now = datetime.now(UTC)
    _make_cursors(now)
    values: dict[str, Any] = {"next_pull_at": now, "failures": 0}
    if full:
        values |= {"mark_at": None, "page_state": {}}
    PullCursor.objects.filter(connection=connection).update(**values)
    forget_verification(connection)
    ring("pull")


def pull_to_the_end(connection: Connection, *, full: bool = False) -> list[str]:
    """Pull every object once, here and now. Returns the faults, one sentence each."""
    started = datetime.now(UTC)
    pull_now(connection, full=full)
    while (
        PullCursor.objects.filter(connection=connection, next_pull_at__lte=datetime.now(UTC))
        .exclude(last_pulled_at__gte=started)
        .exists()
    ):
        if not pull_due(datetime.now(UTC), only=connection.name):
            time.sleep(0.2)  # another worker has it
    rows = PullCursor.objects.filter(connection=connection).exclude(last_error="")
    return [f"{row.remote_object}: {row.last_error}" for row in rows]


# --- claiming -------------------------------------------------------------------------------------------------------


def _pullable() -> Any:
    return Connection.objects.filter(kind__in=CONNECTORS).exclude(state=Connection.State.PAUSED)


def _make_cursors(now: datetime) -> None:
    wanted = set(
        FieldMapping.objects.filter(connection__kind__in=CONNECTORS)
        .values_list("connection_id", "remote_object")
        .distinct()
    )
    held = set(PullCursor.objects.values_list("connection_id", "remote_object"))
    PullCursor.objects.bulk_create(
        [PullCursor(connection_id=c, remote_object=o, next_pull_at=now) for c, o in sorted(wanted - held)],
        ignore_conflicts=True,
    )


def _claim(now: datetime, only: str | None) -> _Claim | None:
    """Due cursors of one connection; one worker per connection, so that its API is asked by one at a time."""
    due = Q(next_pull_at__lte=now)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    with transaction.atomic():
        wanted = _pullable().filter(cursors__in=PullCursor.objects.filter(due & free))
        if only is not None:
            wanted = wanted.filter(name=only)
        connections = (
            Connection.objects.filter(pk__in=wanted.values("pk"))
            .order_by("pk")
            .select_for_update(no_key=True, skip_locked=True)
        )
        for connection in connections:
            # Read without locks: the connection's row keeps other claimers out, and whoever holds the lease writes
            # one cursor and then all of them, which locks in another order than ours would.
            rows = list(PullCursor.objects.filter(connection=connection))
            if any(row.lease_until is not None and row.lease_until >= now for row in rows):
                continue
            chosen = [row for row in rows if row.next_pull_at <= now]
            if not chosen:
                continue
            claim = _Claim(connection, _in_order(connection, chosen), uuid.uuid4(), now)
            PullCursor.objects.filter(free, pk__in=[c.pk for c in chosen]).update(
                lease_until=now + _lease(), lease_token=claim.token
            )
            return claim
    return None


def _in_order(connection: Connection, cursors: Sequence[PullCursor]) -> list[PullCursor]:
    """What others refer to comes first."""
    objects = dict(connection.mappings.values_list("remote_object", "field__object"))
    rank = {name: n for n, name in enumerate(ORDER)}
    known = [c for c in cursors if c.remote_object in objects]
    return sorted(known, key=lambda c: (rank.get(objects[c.remote_object], 9), c.pk))


def _lease() -> timedelta:
    return timedelta(seconds=settings.GTMOPS.lease_seconds)


def _release(claim: _Claim) -> None:
    PullCursor.objects.filter(lease_token=claim.token).update(lease_until=None, lease_token=None)


# --- one object -------------------------------------------------------------------------------------------------------


def _pull_object(claim: _Claim, cursor: PullCursor, connector: Connector, run: Run) -> tuple[int, bool]:
    """(pages stored, whether the window was read to its end)."""
    wanted = wanted_for(claim.connection, connector, cursor.remote_object)
    window, position = _window_of(cursor, claim.started, connector.server_now())
    before = run.counts.get("by_object", {}).get(cursor.remote_object, 0)
    pages = 0
    for page in connector.pull(cursor.remote_object, wanted, window, position):
        if pages == 0 and page.total is not None:
            run.counts.setdefault("totals", {})[cursor.remote_object] = before + page.total
        _store(claim, cursor, window, page, run)
        pages += 1
        if claim.is_over():
            return pages, False
    _finish(claim, cursor, window)
    return pages, True


def _window_of(cursor: PullCursor, now: datetime, server_now: datetime) -> tuple[Window, dict[str, Any]]:
    """The window an earlier process left unfinished, and where it was; else a new one up to the CRM's now."""
    left = cursor.page_state.get("window")
    if left:
        since = left.get("since")
        window = Window(
            until=datetime.fromisoformat(left["until"]),
            since=datetime.fromisoformat(since) if since else None,
            with_deleted=bool(left.get("with_deleted", True)),
        )
        return window, dict(cursor.page_state.get("at") or {})
    stale = timedelta(seconds=settings.GTMOPS.deletions_seconds)
    with_deleted = (
        cursor.mark_at is None or cursor.deletions_read_at is None or now - cursor.deletions_read_at > stale
    )
    # The running second belongs to the window: what it still brings is read again by the overlap.
    return Window(
        until=server_now + timedelta(seconds=1), since=cursor.mark_at, with_deleted=with_deleted
    ), {}


def _store(claim: _Claim, cursor: PullCursor, window: Window, page: Page, run: Run) -> None:
    now = claim.now()
    state = {
        "window": {
            "until": window.until.isoformat(),
            "since": window.since.isoformat() if window.since else None,
            "with_deleted": window.with_deleted,
        },
        "at": dict(page.state),
    }
    with transaction.atomic():
        _hold(claim, cursor)
        stored = store_page(claim.connection, page.records, now=now)
        PullCursor.objects.filter(pk=cursor.pk).update(page_state=state)
        PullCursor.objects.filter(lease_token=claim.token).update(lease_until=now + _lease())
        runs.add_counts(run, stored)
        by_object = run.counts.setdefault("by_object", {})
        by_object[cursor.remote_object] = by_object.get(cursor.remote_object, 0) + len(page.records)
        run.done += len(page.records)
        run.total = max(run.done, sum(run.counts.get("totals", {}).values())) or None
        runs.save_progress(run, now)


def _hold(claim: _Claim, cursor: PullCursor) -> None:
    """Raises LeaseLost when the lease ran out and someone else goes on with this cursor."""
    mine = PullCursor.objects.select_for_update().filter(pk=cursor.pk, lease_token=claim.token)
    if not mine.exists():
        raise LeaseLost


def _finish(claim: _Claim, cursor: PullCursor, window: Window) -> None:
    """The window is stored: move the mark, never past the CRM's clock minus the overlap, because rows turn up late."""
    now = claim.now()
    tuning = settings.GTMOPS
    overlap = (
        tuning.hubspot_overlap_seconds
        if claim.connection.kind == Connection.Kind.HUBSPOT
        else tuning.salesforce_overlap_seconds
    )
    values: dict[str, Any] = {
        "mark_at": window.until - timedelta(seconds=overlap),
        "page_state": {},
        "is_loaded": True,
        "last_pulled_at": now,
        "next_pull_at": now + timedelta(seconds=tuning.pull_seconds),
        "failures": 0,
        "last_error": "",
        "lease_until": None,
        "lease_token": None,
    }
    if window.with_deleted:
        values["deletions_read_at"] = now
    with transaction.atomic():
        _hold(claim, cursor)
        PullCursor.objects.filter(pk=cursor.pk).update(**values)


def _fail(claim: _Claim, cursors: Sequence[PullCursor], error: Exception) -> None:
    now = claim.now()
    text = (str(error) or type(error).__name__)[:2000]
    if isinstance(error, Reconnect):
        Connection.objects.filter(pk=claim.connection.pk).update(
            state=Connection.State.BROKEN, state_reason=text
        )
    for cursor in cursors:
        row = PullCursor.objects.filter(pk=cursor.pk, lease_token=claim.token).first()
        if row is None:
            continue  # it was finished before the fault, or someone else has it
        row.failures += 1
        row.last_error = text
        row.next_pull_at = _next_try(error, row.failures, now)
        row.lease_until = row.lease_token = None
        row.save(update_fields=["failures", "last_error", "next_pull_at", "lease_until", "lease_token"])


def _next_try(error: Exception, failures: int, now: datetime) -> datetime:
    if isinstance(error, RetryLater) and error.at is not None:
        return max(error.at, now)
    pause = settings.GTMOPS.pull_seconds * 2 ** min(failures, 10)
    if isinstance(error, (Misconfigured, Reconnect)):
        pause = max(pause, 60.0)
    return now + timedelta(seconds=min(LONGEST_PAUSE_SECONDS, pause))
