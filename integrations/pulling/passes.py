"""One pass over an object: its window, each page stored together with where it goes on, its end, and its faults."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from integrations import runs
from integrations.base import Connector, Page, Wanted, Window
from integrations.breaking import mark_broken, tell_unreadable
from integrations.errors import Misconfigured, Reconnect, RetryLater
from integrations.loads import FIRST_LOAD, tell_loaded
from integrations.models import PullCursor, Run
from integrations.pulling.claims import Claim, hold
from integrations.wanted import wanted_for
from records.models import Connection
from records.services import store_page

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 900


@dataclass
class Pass:
    """``run`` shows it. A pass for the history reads everything once more, beside the passes for what changed, and
    keeps its place in ``history_state``."""

    claim: Claim
    cursor: PullCursor
    run: Run

    @property
    def is_history(self) -> bool:
        return self.run.kind == Run.Kind.HISTORY

    @property
    def state_field(self) -> str:
        return "history_state" if self.is_history else "page_state"


def read_object(work: Pass, connector: Connector) -> tuple[int, bool]:
    """(pages stored, whether the window was read to its end)."""
    claim, cursor, run = work.claim, work.cursor, work.run
    wanted = wanted_for(claim.connection, connector, cursor.remote_object)
    window, position = window_of(work, claim.started, connector.server_now())
    before = run.counts.get("by_object", {}).get(cursor.remote_object, 0)
    pages, clock = 0, time.monotonic()
    for page in connector.pull(cursor.remote_object, wanted, window, position):
        if pages == 0 and page.total is not None:
            run.counts.setdefault("totals", {})[cursor.remote_object] = before + page.total
        store(work, window, page, seconds=time.monotonic() - clock)
        clock = time.monotonic()
        pages += 1
        if claim.is_over():
            return pages, False
    finish(work, window, wanted)
    return pages, True


def window_of(work: Pass, now: datetime, server_now: datetime) -> tuple[Window, dict[str, Any]]:
    """The window an earlier process left unfinished, and where it was; else a new one up to the CRM's now."""
    cursor, state = work.cursor, getattr(work.cursor, work.state_field)
    left = state.get("window")
    if left:
        since = left.get("since")
        window = Window(
            until=datetime.fromisoformat(left["until"]),
            since=datetime.fromisoformat(since) if since else None,
            with_deleted=bool(left.get("with_deleted", True)),
        )
        return window, dict(state.get("at") or {})
    # The running second belongs to the window: what it still brings is read again by the overlap.
    until = server_now + timedelta(seconds=1)
    if work.is_history:
        return Window(until=until, with_deleted=False), {}
    stale = timedelta(seconds=settings.GTMOPS.deletions_seconds)
    with_deleted = (
        cursor.mark_at is None or cursor.deletions_read_at is None or now - cursor.deletions_read_at > stale
    )
    return Window(until=until, since=cursor.mark_at, with_deleted=with_deleted), {}


def store(work: Pass, window: Window, page: Page, *, seconds: float = 0) -> None:
    """The page, its place and the progress in one transaction. ``seconds``: what reading it took."""
    claim, cursor, run = work.claim, work.cursor, work.run
    began, now = time.monotonic(), claim.now()
    state = {
        "window": {
            "until": window.until.isoformat(),
            "since": window.since.isoformat() if window.since else None,
            "with_deleted": window.with_deleted,
        },
        "at": dict(page.state),
    }
    with transaction.atomic():
        hold(claim, cursor)
        stored = store_page(claim.connection, page.records, now=now)
        PullCursor.objects.filter(pk=cursor.pk).update(**{work.state_field: state})
        PullCursor.objects.filter(lease_token=claim.token).update(lease_until=claim.lease_until())
        runs.add_counts(run, stored)
        run.counts["history"] = run.counts.get("history", 0) + sum(len(r.history) for r in page.records)
        by_object = run.counts.setdefault("by_object", {})
        by_object[cursor.remote_object] = by_object.get(cursor.remote_object, 0) + len(page.records)
        run.done += len(page.records)
        run.total = max(run.done, sum(run.counts.get("totals", {}).values())) or None
        run.busy_seconds += seconds + time.monotonic() - began
        runs.save_progress(run, now)


def finish(work: Pass, window: Window, wanted: Wanted) -> None:
    """The window is stored: move the mark, never past the CRM's clock minus the overlap, because rows turn up late."""
    claim, cursor = work.claim, work.cursor
    now = claim.now()
    tuning = settings.GTMOPS
    history = sorted(wanted.with_history)
    values: dict[str, Any] = {"failures": 0, "last_error": ""}
    if work.is_history:
        values |= {"history_asked_at": None, "history_state": {}, "history_fields": history}
    else:
        overlap = (
            tuning.hubspot_overlap_seconds
            if claim.connection.kind == Connection.Kind.HUBSPOT
            else tuning.salesforce_overlap_seconds
        )
        values |= {
            "mark_at": window.until - timedelta(seconds=overlap),
            "page_state": {},
            "is_loaded": True,
            "last_pulled_at": now,
            "next_pull_at": now + timedelta(seconds=cursor.every_seconds or tuning.pull_seconds),
        }
        if window.with_deleted:
            values["deletions_read_at"] = now
        if window.since is None:
            values["history_fields"] = history
        elif not set(history) <= set(cursor.history_fields):
            # A field whose history nobody has read yet: what changed is only told from now on without it.
            values["history_asked_at"] = cursor.history_asked_at or now
    cursor.history_asked_at = values.get("history_asked_at", cursor.history_asked_at)
    if cursor.history_asked_at is None:
        values |= {"lease_until": None, "lease_token": None}
    with transaction.atomic():
        hold(claim, cursor)
        PullCursor.objects.filter(pk=cursor.pk).update(**values)
        _tell_first_load(work, now)


def _tell_first_load(work: Pass, now: datetime) -> None:
    connection = work.claim.connection
    if (
        work.cursor.is_loaded
        or PullCursor.objects.filter(connection=connection, is_loaded=False)
        .exclude(pk=work.cursor.pk)
        .exists()
    ):
        return
    # A load that failed in between went on in another run.
    runs_of = Run.objects.filter(connection=connection, kind=Run.Kind.PULL).order_by("started_at")
    done = runs_of.filter(state=Run.State.DONE).last()
    first = (runs_of.filter(started_at__gt=done.started_at) if done else runs_of).first() or work.run
    tell_loaded(connection, FIRST_LOAD, first.started_at, now)


def fail(claim: Claim, cursors: Sequence[PullCursor], error: Exception, *, is_history: bool = False) -> None:
    """Note what went wrong and when it is tried again; a refused sign-in breaks the connection."""
    now = claim.now()
    text = (str(error) or type(error).__name__)[:2000]
    if isinstance(error, Reconnect):
        mark_broken(claim.connection, text, now)
    # Those finished before the fault, or taken by someone else, are left alone.
    rows = list(PullCursor.objects.filter(pk__in=[c.pk for c in cursors], lease_token=claim.token))
    fresh = [row.remote_object for row in rows if row.is_loaded and not row.failures]
    is_for_all = isinstance(error, RetryLater) and error.is_for_all
    together = _next_try(error, max((row.failures for row in rows), default=0) + 1, now)
    for row in rows:
        row.failures = min(row.failures + 1, 32_000)
        row.last_error = text
        again = together if is_for_all else _next_try(error, row.failures, now)
        if is_history:
            row.history_asked_at = again
        else:
            row.next_pull_at = again
        row.lease_until = row.lease_token = None
        row.save(
            update_fields=[
                "failures", "last_error", "next_pull_at", "history_asked_at", "lease_until", "lease_token",
            ]
        )  # fmt: skip
    if rows:
        names = ", ".join(row.remote_object for row in rows)
        log.warning("%s: %s could not be read: %s", claim.connection.name, names, text)
    if is_for_all:
        _postpone(claim.connection, together)
    if fresh and isinstance(error, Misconfigured):
        tell_unreadable(claim.connection, fresh, text, now)


def _postpone(connection: Connection, until: datetime) -> None:
    """Nothing of a CRM that is away, or wants us to wait, is asked for before: one look tells for all objects."""
    rows = PullCursor.objects.filter(connection=connection)
    rows.filter(next_pull_at__lt=until).update(next_pull_at=until)
    rows.filter(history_asked_at__lt=until).update(history_asked_at=until)


def _next_try(error: Exception, failures: int, now: datetime) -> datetime:
    if isinstance(error, RetryLater) and error.at is not None:
        return max(error.at, now)
    pause = settings.GTMOPS.pull_seconds * 2 ** min(failures, 10)
    if isinstance(error, (Misconfigured, Reconnect)):
        pause = max(pause, 60.0)
    # Not all objects and connections at the same moment.
    return now + timedelta(seconds=min(LONGEST_PAUSE_SECONDS, pause) * random.uniform(0.8, 1))  # noqa: S311 (only spreads the load)
