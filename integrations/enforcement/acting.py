"""What every act on a CRM's rules has around it: a run with steps, one at a time, patience with a CRM that is busy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ParamSpec, TypeVar

from django.db import connection as database

from integrations import runs
from integrations.errors import ConnectorError, Misconfigured, RetryLater
from integrations.models import EnforcementItem, Run
from integrations.registry import connector_for
from integrations.salesforce.rules import Rules
from records.models import Connection

P = ParamSpec("P")
T = TypeVar("T")

PAUSES_SECONDS = (0.3, 1.0, 2.0, 4.0)
_LOCK = 0x656E66


class Refused(Exception):
    """The act isn't possible now; the text says why and what to do first."""


def must_write(connection: Connection) -> None:
    if not connection.is_writing:
        raise Refused(f"{connection.label} is read only: nothing may be created there.")
    if connection.writing_paused_at is not None:
        raise Refused(f"Writing to {connection.label} is paused.")


class Log:
    """The steps of one run."""

    def __init__(self, run: Run, now: datetime) -> None:
        self.run = run
        self._now = now

    def total(self, count: int) -> None:
        self.run.total = count
        runs.save_progress(self.run, self._now)

    def step(self, text: str, *, done: int = 0) -> None:
        self.run.steps.append({"at": self._now.isoformat(), "text": text})
        self.run.done += done
        self.run.save(update_fields=["steps"])
        runs.save_progress(self.run, self._now)


@contextmanager
def acting(connection: Connection, label: str, now: datetime, by: str) -> Iterator[Log]:
    """A run around an act, one at a time per connection; the CRM's refusal ends it as failed and is kept in it."""
    with _alone(connection):
        run = runs.open_run(Run.Kind.ENFORCE, connection, f"{label}, asked by {by}" if by else label, now)
        run.done = 0
        log = Log(run, now)
        try:
            yield log
        except ConnectorError as error:
            log.step(str(error))
            runs.close_run(run, now, error=str(error))
        except BaseException as error:
            if isinstance(error, Exception):
                runs.close_run(run, now, error=f"{type(error).__name__}: {error}")
            raise
        else:
            runs.close_run(run, now)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Raises Refused while another process is at the same connection; a dead one holds nothing."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, connection.pk])
        if not cursor.fetchone()[0]:
            raise Refused("Somebody is changing the rules of this CRM just now. Look again in a minute.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, connection.pk])


def patiently(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Every call made so may be made twice; what only needs time gets a little of it."""
    for pause in PAUSES_SECONDS:
        try:
            return make(*args, **kwargs)
        except RetryLater:
            time.sleep(pause)
    return make(*args, **kwargs)


def rules_if_any(connection: Connection) -> Rules | None:
    connector = connector_for(connection)
    rules = getattr(connector, "rules", None)
    return rules() if rules else None


def rules_of(connection: Connection) -> Rules:
    found = rules_if_any(connection)
    if found is None:
        raise Misconfigured(f"{connection.label} takes no rules by its API.")
    return found


def settled(item: EnforcementItem, state: str, now: datetime) -> None:
    item.state, item.drift, item.found = state, "", {}
    item.changed_at = item.seen_at = now
    item.save()


def drifted(item: EnforcementItem, drift: str, found: dict[str, object], now: datetime) -> None:
    item.drift, item.found, item.seen_at = drift, found, now
    item.save(update_fields=["drift", "found", "seen_at"])


def items_of(connection: Connection, kind: str) -> list[EnforcementItem]:
    return list(EnforcementItem.objects.filter(connection=connection, kind=kind))
