"""The tick: time finds what is due. Sources are rows in PostgreSQL; running one twice, or two at once, is safe."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from celery import current_app
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from effects.models import TickBeat

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TickSource:
    """``run(now)`` does what is due, in bounded batches, and returns how many units it did (0 = nothing left).

    ``next_due(now)`` is the next instant at which something will be due, or None when only new work can make it so.
    """

    name: str
    run: Callable[[datetime], int]
    next_due: Callable[[datetime], datetime | None] = lambda now: None


QUIET_SECONDS = 10.0

_sources: dict[str, TickSource] = {}
_quiet_until: dict[str, float] = {}


def register_tick_source(source: TickSource) -> None:
    if source.name in _sources:
        raise ValueError(f"tick source {source.name} is registered twice")
    _sources[source.name] = source


def tick_sources() -> dict[str, TickSource]:
    return dict(_sources)


def now_utc() -> datetime:
    return datetime.now(UTC)


def run_source(name: str) -> int:
    """Run one source until nothing is due; an error is logged and remembered, and never stops another source.

    Raises KeyError for an unknown source."""
    source = _sources[name]
    done = 0
    try:
        while units := source.run(now_utc()):
            done += units
    except Exception as error:
        log.exception("tick source %s failed", name)
        _remember(name, done, error=f"{type(error).__name__}: {error}"[:2000])
        return done
    _remember(name, done)
    return done


def tick_once() -> dict[str, int]:
    """Run every source once, in order of registration; source name -> units done."""
    return {name: run_source(name) for name in _sources}


def tick_forever(stop: threading.Event) -> None:
    """Run each source in a thread of its own until ``stop`` is set, so that a long pull never delays a breach."""
    threads = [
        threading.Thread(target=_loop, args=(source, stop), name=f"tick-{source.name}", daemon=True)
        for source in _sources.values()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ring(name: str) -> None:
    """After commit, ask a worker to run a source now. Losing the ring is harmless: the ticker comes within a second."""
    transaction.on_commit(lambda: _send_ring(name), robust=True)


def _send_ring(name: str) -> None:
    try:
        current_app.send_task("gtmops.tasks.run_source", args=[name], retry=False)
    except OperationalError as error:
        log.warning("could not ring %s, the ticker will find it: %s", name, error)


def _loop(source: TickSource, stop: threading.Event) -> None:
    while not stop.is_set():
        close_old_connections()
        try:
            run_source(source.name)
            wait = _seconds_to_sleep(source)
        except Exception:
            # The database itself is away; the row of the beat could not be written either.
            log.exception("tick source %s could not run", source.name)
            wait = 1.0
        close_old_connections()
        stop.wait(wait)
    connection.close()


def _seconds_to_sleep(source: TickSource) -> float:
    now = now_utc()
    due = source.next_due(now)
    seconds = (due - now).total_seconds() if due else 1.0
    return min(settings.GTMOPS.tick_idle_seconds, max(0.05, seconds))


def _remember(name: str, done: int, error: str = "") -> None:
    """An idle source says seldom that it is alive: two dozen of them do nothing every second."""
    if not done and not error and time.monotonic() < _quiet_until.get(name, 0.0):
        return
    _quiet_until[name] = 0.0 if error else time.monotonic() + QUIET_SECONDS
    now = now_utc()
    values: dict[str, object] = {"ran_at": now}
    if error:
        values |= {"last_error": error, "last_error_at": now}
    _, created = TickBeat.objects.get_or_create(source=name, defaults={**values, "done_count": done})
    if not created:
        # Two may run at once, and both count.
        TickBeat.objects.filter(source=name).update(**values, done_count=F("done_count") + done)
