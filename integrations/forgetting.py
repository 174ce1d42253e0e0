"""Values that nobody can know any longer become unknown: a run of its own, by batches, which may be killed anywhere.

Each batch is one transaction that also moves the run on. Whoever reads what is mapped anew waits for the end
(``forget_first``), so that a batch never takes away what was told after it was asked for. There is one run at a time
for each object: who asks while it is at work joins it, and it begins once more.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from effects.tick import ring
from integrations.models import Run
from integrations.runs import close_run, save_progress
from records.forgetting import count_known, forget_values
from records.models import CatalogueField, Connection

BATCH: Final = 2000
FORGETTING_LOCK: Final = "gtmops-forgetting"
"""Held, for one connection, by whoever asks, so that two who ask at once find each other's run."""


@dataclass(frozen=True)
class Asked:
    """``is_joined``: the run was at work already, for these fields or others of the object."""

    run: Run
    is_joined: bool


def ask_to_forget(
    connection: Connection, remote_object: str, fields: Collection[str], now: datetime
) -> Asked | None:
    """Have logical ``fields`` of a remote object unknown from ``now`` on. Call it in the transaction that says why.

    Cursors and mappings that the caller locks are locked before."""
    names = set(fields)
    if not names:
        return None
    with transaction.atomic():
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{FORGETTING_LOCK}:{connection.pk}"]
            )
        at_work = waiting(connection).filter(counts__forget__object=remote_object)
        run = at_work.select_for_update(of=("self",), no_key=True).first()
        is_joined = run is not None
        if run is None:
            run = Run(id=uuid.uuid4(), kind=Run.Kind.RECALCULATE, connection=connection, started_at=now)
        else:
            names |= set(run.counts["forget"]["fields"])
        run.label = _label(connection, remote_object, names)
        run.heard_at, run.total = now, None
        run.counts["forget"] = {
            "object": remote_object,
            "fields": sorted(names),
            "since": now.isoformat(),
            "after": "",
            "found": is_joined,
        }
        run.save()
    ring("forgetting")
    return Asked(run, is_joined)


def forget_due(now: datetime) -> int:
    """One batch of the oldest run that nobody works at. Returns 0 when there is none."""
    return int(_one_batch(waiting(), waits=False))


def next_due(now: datetime) -> datetime | None:
    return now + timedelta(seconds=1) if waiting().exists() else None


def forget_first(connection: Connection, remote_object: str, gone: Collection[str]) -> None:
    """Before an object is read: finish what is to be forgotten of its mapped fields, or wait for who does.

    ``gone``: mapped fields that can't be told now; nothing waits for them."""
    rows = waiting().filter(connection=connection, counts__forget__object=remote_object)
    asked = {run.pk: set(run.counts["forget"]["fields"]) for run in rows}
    if not asked:
        return
    mapped = connection.mappings.filter(remote_object=remote_object).values_list("field__name", flat=True)
    keys = [pk for pk, fields in asked.items() if fields & (set(mapped) - set(gone))]
    while keys and (left := rows.filter(pk__in=keys)).exists():
        _one_batch(left, waits=True)


def waiting(connection: Connection | None = None) -> QuerySet[Run]:
    """Runs that still forget, the oldest first."""
    rows = Run.objects.filter(
        kind=Run.Kind.RECALCULATE, state=Run.State.RUNNING, counts__has_key="forget"
    ).order_by("started_at", "pk")
    return rows if connection is None else rows.filter(connection=connection)


def _one_batch(rows: QuerySet[Run], *, waits: bool) -> bool:
    began = time.monotonic()
    with transaction.atomic():
        run = rows.select_for_update(of=("self",), skip_locked=not waits, no_key=True).first()
        if run is None or run.connection is None:
            return False
        asked: dict[str, Any] = run.counts["forget"]
        place, fields = asked["object"], asked["fields"]
        if run.total is None:
            run.total = run.done + count_known(run.connection, place, fields)
        after = uuid.UUID(asked["after"]) if asked["after"] else None
        since = datetime.fromisoformat(asked["since"]) if "since" in asked else run.started_at
        ids = forget_values(run.connection, place, fields, since, after=after, most=BATCH)
        run.done += len(ids)
        run.total = max(run.total, run.done)
        run.busy_seconds += time.monotonic() - began
        is_whole_pass = len(ids) < BATCH
        # A page that was under way when it was asked for may have told some behind us: once more, until none is found.
        is_over = is_whole_pass and not ids and not asked["found"]
        asked["after"] = "" if is_whole_pass else str(ids[-1])
        asked["found"] = not is_whole_pass
        now = datetime.now(UTC)
        save_progress(run, now)
        if is_over:
            run.counts["forgotten"] = run.total = run.done
            close_run(run, now)
    return True


def _label(connection: Connection, remote_object: str, names: Collection[str]) -> str:
    objects = connection.mappings.filter(remote_object=remote_object).values("field__object")
    known = CatalogueField.objects.filter(object__in=objects, name__in=names)
    labels = dict(known.values_list("name", "label"))
    told = ", ".join(f"“{labels.get(name, name)}”" for name in sorted(names))
    return f"Not known any longer in {remote_object}: {told}"[:200]
