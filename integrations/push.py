"""Writing our own fields: only differences, the largest batches the API takes, one result per record. What people asked
of the CRM's own fields goes first (``integrations.asks``)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from effects.tick import ring
from integrations import runs
from integrations.asks import next_asked, send_asked
from integrations.base import PushResult
from integrations.errors import ConnectorError, Misconfigured, Reconnect, RetryLater
from integrations.models import Run, WriteSwitch
from integrations.registry import CONNECTORS, connector_class, connector_for
from records.asked import AskError, ask
from records.desired import due_differences
from records.models import AskedChange, Connection, DesiredField, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME
from teams.models import Person

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 900
UNDOING = "Undo: the earlier value is being written back"
UNDONE = "Undone: the earlier value was written back"


@dataclass(frozen=True)
class PlannedWrite:
    """One field of one record that the next push would change."""

    row: DesiredField
    remote_name: str
    before: Any
    after: Any
    is_undo: bool = False


@dataclass(frozen=True)
class _Claim:
    connection: Connection
    remote_object: str
    rows: list[DesiredField]
    token: uuid.UUID


def push_due(now: datetime, only: str | None = None) -> int:
    """Push what is due in each connection that writes, batch by batch. Returns records tried."""
    done = 0
    for connection in _writing(only):
        goes_on = True
        while goes_on:
            asked, goes_on = send_asked(connection, now)
            done += asked
            claim = _claim(connection, now) if goes_on else None
            if claim is None:
                break
            tried, goes_on = _push(claim, now)
            done += tried
        _close(connection, now)
    return done


def next_due(now: datetime) -> datetime | None:
    rows = DesiredField.objects.filter(_differing(), record__connection__in=_writing(None)).order_by(
        "next_try_at"
    )
    times = [rows.values_list("next_try_at", flat=True).first(), next_asked(_writing(None))]
    found = min((at for at in times if at is not None), default=None)
    return None if found is None else max(found, now + timedelta(seconds=1))


def preview(connection: Connection) -> list[PlannedWrite]:
    """What a push would change now, whether or not the connection may write; nothing is sent."""
    rows = (
        _due_rows(connection, None)
        .select_related("record")
        .order_by("record__remote_object", "record", "field")
    )
    found = list(rows)
    names = {o: _remote_names(connection, o) for o in {r.record.remote_object for r in found}}
    return [
        PlannedWrite(
            row,
            names[row.record.remote_object][row.field],
            row.known,
            _value(row),
            row.hold_reason == UNDOING,
        )
        for row in found
    ]


def undo_run(run: Run, by: Person | None = None) -> int:
    """Write back what stood before ``run``, and hold our own fields until a person lifts it. Returns fields.

    What was asked of the CRM's own fields is asked back, where the CRM still shows it."""
    now = datetime.now(UTC)
    rows = DesiredField.objects.filter(sent_by=str(run.pk), record__connection=run.connection).exclude(
        state=DesiredField.State.REFUSED
    )
    count = rows.update(
        state=DesiredField.State.DIFFERENT,
        hold=True,
        hold_reason=UNDOING,
        next_try_at=now,
        attempts=0,
        last_error="",
    )
    asked = AskedChange.objects.filter(
        sent_by=str(run.pk), state=AskedChange.State.DONE, record__connection=run.connection
    )
    for row in asked.select_related("record").order_by("pk"):
        if row.before and all(row.record.values.get(n) == v for n, v in row.values.items()):
            try:
                ask(row.record, row.before, by=by, why="Undo", key=f"undo:{row.pk}", now=now)
            except AskError as error:
                log.info("what %s changed can't be asked back: %s", row.key, error.text)
            else:
                count += len(row.before)
    ring("push")
    return count


def lift_hold(rows: QuerySet[DesiredField]) -> int:
    """Let the push write these fields again."""
    now = datetime.now(UTC)
    held = rows.filter(hold=True)
    count = held.update(
        hold=False, hold_reason="", changed_by_others=0, next_try_at=now, state=DesiredField.State.DIFFERENT
    )
    ring("push")
    return count


def retry_refused(connection: Connection) -> int:
    """Try again what the CRM refused, after someone changed a rule there."""
    now = datetime.now(UTC)
    count = DesiredField.objects.filter(
        record__connection=connection, state=DesiredField.State.REFUSED
    ).update(state=DesiredField.State.DIFFERENT, attempts=0, next_try_at=now)
    ring("push")
    return count


# --- claiming -------------------------------------------------------------------------------------------------------


def _writing(only: str | None) -> QuerySet[Connection]:
    rows = Connection.objects.filter(
        kind__in=CONNECTORS,
        state=Connection.State.ACTIVE,
        is_writing=True,
        writing_paused_at=None,
        go_live_at__isnull=False,
    )
    return rows if only is None else rows.filter(name=only)


def _differing() -> Q:
    return due_differences() | Q(state=DesiredField.State.DIFFERENT, hold=True, hold_reason=UNDOING)


def _due_rows(connection: Connection, now: datetime | None) -> QuerySet[DesiredField]:
    """Differences of switched-on fields on records that are still there."""
    switched = Q(pk__in=[])
    for switch in WriteSwitch.objects.filter(connection=connection, is_on=True, provisioned_at__isnull=False):
        if OWN_FIELD_BY_NAME[switch.field].direction == "out":
            switched |= Q(record__remote_object=switch.remote_object, field=switch.field)
    rows = DesiredField.objects.filter(
        _differing(),
        switched,
        record__connection=connection,
        record__deleted_at=None,
        record__merged_into=None,
    )
    if now is not None:
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        rows = rows.filter(free, next_try_at__lte=now)
    return rows


def _claim(connection: Connection, now: datetime) -> _Claim | None:
    """One batch: the fields of as many records of one remote object as the API takes at once."""
    first = (
        _due_rows(connection, now)
        .order_by("record__remote_object")
        .values_list("record__remote_object", flat=True)
        .first()
    )
    if first is None:
        return None
    size = connector_class(connection.kind).capabilities.push_batch
    due = _due_rows(connection, now).filter(record__remote_object=first)
    records = list(due.order_by("record").values_list("record", flat=True).distinct()[:size])
    token = uuid.uuid4()
    with transaction.atomic():
        rows = list(
            due.filter(record__in=records)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("record")
            .order_by("record", "field")
        )
        DesiredField.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + timedelta(seconds=settings.GTMOPS.lease_seconds), lease_token=token
        )
    return _Claim(connection, first, rows, token) if rows else None


def _value(row: DesiredField) -> Any:
    return row.before_write if row.hold_reason == UNDOING else row.desired


def _remote_names(connection: Connection, remote_object: str) -> dict[str, str]:
    """Own field -> its name there: as mapped, else as the connector would create it."""
    own = connector_class(connection.kind)
    found = {name: own.own_field_name(field) for name, field in OWN_FIELD_BY_NAME.items()}
    rows = FieldMapping.objects.filter(
        connection=connection, remote_object=remote_object, field__name__in=found
    )
    return found | dict(rows.values_list("field__name", "remote_name"))


# --- sending --------------------------------------------------------------------------------------------------------


def _push(claim: _Claim, now: datetime) -> tuple[int, bool]:
    """(records tried, whether to go on with this connection)."""
    by_record: dict[str, list[DesiredField]] = {}
    for row in claim.rows:
        by_record.setdefault(row.record.remote_id, []).append(row)
    run = runs.open_run(Run.Kind.PUSH, claim.connection, claim.remote_object, now)
    names = _remote_names(claim.connection, claim.remote_object)
    writes = [(i, {names[r.field]: _value(r) for r in rows}) for i, rows in by_record.items()]
    try:
        results = connector_for(claim.connection).push(claim.remote_object, writes)
    except ConnectorError as error:
        _give_back(claim, error, now)
        run.error = str(error)[:2000]
        run.save(update_fields=["error"])
        return len(by_record), False
    except Exception as error:
        log.exception("push to %s failed", claim.connection.name)
        _give_back(claim, error, now)
        run.error = f"{type(error).__name__}: {error}"[:2000]
        run.save(update_fields=["error"])
        return len(by_record), False
    _store_results(claim, by_record, results, run, now)
    return len(by_record), True


def _store_results(
    claim: _Claim,
    by_record: Mapping[str, list[DesiredField]],
    results: Sequence[PushResult],
    run: Run,
    now: datetime,
) -> None:
    """Each row's result, unless its lease was taken over; a value that changed meanwhile stays different."""
    with transaction.atomic():
        pks = [row.pk for row in claim.rows]
        mine = {
            row.pk: row
            for row in DesiredField.objects.select_for_update()
            .filter(pk__in=pks, lease_token=claim.token)
            .order_by("pk")
        }
        changed = []
        for result in results:
            run.counts[result.outcome] = run.counts.get(result.outcome, 0) + 1
            for sent in by_record[result.remote_id]:
                row = mine.get(sent.pk)
                if row is not None:
                    _apply(row, sent, result, run, now)
                    changed.append(row)
        DesiredField.objects.bulk_update(changed, _RESULT_FIELDS)
        run.done += len(results)
        run.counts["calls"] = run.counts.get("calls", 0) + 1
        runs.save_progress(run, now)


_RESULT_FIELDS = [
    "state", "hold_reason", "lease_until", "lease_token", "attempts", "next_try_at", "before_write", "sent_at",
    "sent_by", "last_error",
]  # fmt: skip


def _apply(row: DesiredField, sent: DesiredField, result: PushResult, run: Run, now: datetime) -> None:
    row.lease_until = row.lease_token = None
    if result.outcome == "written":
        row.before_write = sent.known
        row.sent_at, row.sent_by = now, str(run.pk)
        row.attempts, row.last_error = 0, ""
        if row.hold_reason == UNDOING:
            row.hold_reason = UNDONE
            row.state = DesiredField.State.SENT
        elif row.desired == sent.desired:
            row.state = DesiredField.State.SENT
        return
    row.attempts += 1
    row.last_error = f"{result.code}: {result.text}".strip(": ")[:2000]
    if result.outcome == "retry":
        row.next_try_at = now + _pause(row.attempts)
    else:
        row.state = DesiredField.State.REFUSED


def _give_back(claim: _Claim, error: Exception, now: datetime) -> None:
    if isinstance(error, Reconnect):
        Connection.objects.filter(pk=claim.connection.pk).update(
            state=Connection.State.BROKEN, state_reason=str(error)[:2000]
        )
    rows = list(DesiredField.objects.filter(lease_token=claim.token))
    for row in rows:
        row.lease_until = row.lease_token = None
        row.attempts += 1
        row.last_error = (str(error) or type(error).__name__)[:2000]
        at = error.at if isinstance(error, RetryLater) else None
        wait = timedelta(minutes=5) if isinstance(error, Misconfigured) else _pause(row.attempts)
        row.next_try_at = at or now + wait
    DesiredField.objects.bulk_update(
        rows, ["lease_until", "lease_token", "attempts", "last_error", "next_try_at"]
    )


def _close(connection: Connection, now: datetime) -> None:
    run = Run.objects.filter(kind=Run.Kind.PUSH, connection=connection, state=Run.State.RUNNING).first()
    if run is not None:
        runs.close_run(run, now, error=run.error)


def _pause(attempts: int) -> timedelta:
    return timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 5 * 2 ** min(attempts, 10)))
