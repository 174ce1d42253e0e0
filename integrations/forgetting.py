"""Values that nobody can know any longer become unknown: a run of its own, by batches, which may be killed anywhere.

Each batch is one transaction that also moves the run on. Whoever reads what is mapped anew waits for the end
(``forget_first``), so that a batch never takes away what was told after it was asked for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from effects.tick import ring
from integrations.models import Run
from integrations.runs import close_run, save_progress
from records.forgetting import count_known, forget_values
from records.models import CatalogueField, Connection

BATCH: Final = 2000


def ask_to_forget(
    connection: Connection, remote_object: str, fields: Collection[str], now: datetime
) -> Run | None:
    """Have logical ``fields`` of a remote object unknown from ``now`` on. Call it in the transaction that says why."""
    names = sorted(set(fields))
    if not names:
        return None
    objects = connection.mappings.filter(remote_object=remote_object).values("field__object")
    known = CatalogueField.objects.filter(object__in=objects, name__in=names)
    labels = dict(known.values_list("name", "label"))
    told = ", ".join(f"“{labels.get(name, name)}”" for name in names)
    run = Run.objects.create(
        id=uuid.uuid4(),
        kind=Run.Kind.RECALCULATE,
        connection=connection,
        label=f"Not known any longer in {remote_object}: {told}"[:200],
        started_at=now,
        heard_at=now,
        counts={"forget": {"object": remote_object, "fields": names, "after": "", "found": False}},
    )
    ring("forgetting")
    return run


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
        run = rows.select_for_update(of=("self",), skip_locked=not waits).first()
        if run is None or run.connection is None:
            return False
        asked: dict[str, Any] = run.counts["forget"]
        place, fields = asked["object"], asked["fields"]
        if run.total is None:
            run.total = count_known(run.connection, place, fields)
        after = uuid.UUID(asked["after"]) if asked["after"] else None
        ids = forget_values(run.connection, place, fields, run.started_at, after=after, most=BATCH)
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
            run.counts["forgotten"] = run.done
            close_run(run, now)
    return True
