"""Sending a batch and storing what became of each record; what is not known is read before it is written again."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from integrations import runs
from integrations.base import UNANSWERED, Connector, PushResult, Wanted, Write
from integrations.breaking import mark_broken
from integrations.errors import ConnectorError, Misconfigured, Reconnect, RetryLater
from integrations.models import Run
from integrations.registry import connector_for
from integrations.writing import deciding
from integrations.writing.claiming import Claim, locked_state
from integrations.writing.dead import REASON_LENGTH
from integrations.writing.models import PushState, WriteAttempt
from integrations.writing.parts import push_parts
from integrations.writing.rows import UNDOING, UNDONE, remote_names, value_of
from records.canonical import Unreadable, canonical
from records.models import Connection, DesiredField
from records.own_fields import OWN_FIELD_BY_NAME
from records.storing.copying import update

log = logging.getLogger(__name__)

STOOD = "It stood there already: the answer to an earlier try was lost."
_LEASE = ["lease_until", "lease_token", "attempts", "last_error", "next_try_at", "state"]
_RESULT = [*_LEASE, "hold_reason", "known", "is_known", "before_write", "sent_at", "sent_by"]


def send(claim: Claim, run: Run, now: datetime) -> bool:
    """Whether to go on with this connection."""
    names = remote_names(claim.connection, claim.remote_object)
    writes = [
        (remote_id, {names[row.field]: value_of(row) for row in rows})
        for remote_id, rows in claim.by_record.items()
    ]
    results: list[PushResult] = []
    unread = claim.unknown
    try:
        connector = connector_for(claim.connection)
        if unread:
            results += _standing(connector, claim, writes, run).values()
            unread = frozenset()
        stood = {result.remote_id for result in results}
        todo = [write for write in writes if write[0] not in stood]
        results += push_parts(connector, claim.remote_object, todo)
    except Exception as error:
        if isinstance(error, ConnectorError):
            results += error.answered
        else:
            log.exception("push to %s failed", claim.connection.name)
        if results:
            store_results(claim, results, run, now)
        run.error = (str(error) or type(error).__name__)[:2000]
        run.save(update_fields=["error"])
        return give_back(claim, error, now, unread)
    run.counts["calls"] = run.counts.get("calls", 0) + bool(todo)
    store_results(claim, results, run, now)
    return True


def _standing(connector: Connector, claim: Claim, writes: Sequence[Write], run: Run) -> dict[str, PushResult]:
    """Of the records of which nobody knows whether they were written: those that show it, by remote id."""
    asked = {remote_id: values for remote_id, values in writes if remote_id in claim.unknown}
    fields = sorted({name for values in asked.values() for name in values})
    read = connector.read(claim.remote_object, sorted(asked), Wanted(fields=tuple(fields)))
    run.counts["calls"] = run.counts.get("calls", 0) + 1
    types = {
        name: OWN_FIELD_BY_NAME[own].type
        for own, name in remote_names(claim.connection, claim.remote_object).items()
    }
    return {
        record.remote_id: PushResult(record.remote_id, "written", STOOD)
        for record in read.records
        if not record.is_deleted and _shows(asked[record.remote_id], record.values, types)
    }


def _shows(wanted: Mapping[str, Any], shown: Mapping[str, Any], types: Mapping[str, str]) -> bool:
    try:
        return all(
            name in shown and canonical(_kind(types[name]), shown[name]) == value
            for name, value in wanted.items()
        )
    except Unreadable:
        return False


def _kind(own_type: str) -> str:
    return "text" if own_type == "url" else own_type


# --- results ---------------------------------------------------------------------------------------------------


def store_results(claim: Claim, results: Sequence[PushResult], run: Run, now: datetime) -> None:
    """Each row's result, unless its lease was taken over; a value that changed meanwhile stays different."""
    with transaction.atomic():
        state = locked_state(claim.connection)
        mine = {row.pk: row for row in _mine(claim)}
        by_record = claim.by_record
        changed, attempts = [], []
        for result in results:
            run.counts[result.outcome] = run.counts.get(result.outcome, 0) + 1
            rows = [(mine[sent.pk], sent) for sent in by_record[result.remote_id] if sent.pk in mine]
            if not rows:
                continue
            attempts.append(_attempt(claim.connection, run, [sent for _, sent in rows], result, now))
            for row, sent in rows:
                _apply(row, sent, result, run, now)
                changed.append(row)
        update(changed, _RESULT)
        WriteAttempt.objects.bulk_create(attempts)
        state.paused_objects.pop(claim.remote_object, None)
        _count(state, sum(a.outcome == "written" for a in attempts), now)
        run.done += len(results)
        runs.save_progress(run, now)


def _apply(row: DesiredField, sent: DesiredField, result: PushResult, run: Run, now: datetime) -> None:
    row.lease_until = None
    if result.code != UNANSWERED:
        row.lease_token = None
    if result.outcome == "written":
        row.before_write = sent.known
        # What the CRM accepted is what it shows, until a pull tells otherwise.
        row.known, row.is_known = value_of(sent), True
        row.sent_at, row.sent_by = now, str(run.pk)
        row.attempts, row.last_error = 0, ""
        if row.hold_reason == UNDOING:
            row.hold_reason = UNDONE
            row.state = DesiredField.State.SENT
        elif row.desired == sent.desired:
            row.state = DesiredField.State.SENT
        return
    row.last_error = _one_line(f"{result.code}: {result.text}".strip(": "))
    if row.hold_reason != UNDOING and row.desired != sent.desired:
        # It was said of a value that nobody wants any longer.
        row.attempts, row.next_try_at = 0, now
        return
    row.attempts += 1
    if result.outcome == "retry" and not deciding.is_given_up(
        attempts=row.attempts, records=1, succeeded_at=now, now=now
    ):
        row.next_try_at = now + deciding.pause_after(row.attempts, random.random())  # noqa: S311  (only spreads the load)
        return
    if result.outcome == "retry":
        row.last_error = _one_line(f"Given up after {row.attempts} tries: {row.last_error}")
    row.state = DesiredField.State.REFUSED


def _attempt(
    connection: Connection, run: Run | None, sent: Sequence[DesiredField], result: PushResult, now: datetime
) -> WriteAttempt:
    outcome = "stood" if result.text == STOOD else result.outcome
    return WriteAttempt(
        connection=connection,
        run=run,
        record_id=sent[0].record_id,
        at=now,
        outcome=outcome,
        code=result.code[:100],
        text=result.text[:2000],
        values={row.field: [row.known, value_of(row)] for row in sent},
    )


def _count(state: PushState, written: int, now: datetime) -> None:
    """An answer came: whatever was wrong with the connection is over."""
    today = now.astimezone(UTC).date()
    state.written = written + (state.written if state.counted_on == today else 0)
    state.counted_on, state.succeeded_at = today, now
    state.failures, state.next_try_at, state.last_error = 0, None, ""
    state.save()


# --- no result -------------------------------------------------------------------------------------------------


def give_back(claim: Claim, error: Exception, now: datetime, unread: frozenset[str] = frozenset()) -> bool:
    """What is left of a batch without an answer. Whether to go on with this connection.

    ``unread``: of whom it is still not known whether an earlier try wrote them."""
    text = (str(error) or type(error).__name__)[:2000]
    with transaction.atomic():
        state = locked_state(claim.connection)
        rows = _mine(claim)
        if isinstance(error, Reconnect):
            mark_broken(claim.connection, text, now)
            _free(rows, text, now, unread)
            return False
        if isinstance(error, Misconfigured):
            until = now + deciding.BROKEN_PAUSE
            state.paused_objects[claim.remote_object] = {"until": until.isoformat(), "text": text}
            state.save(update_fields=["paused_objects"])
            _free(rows, text, until, unread)
            return True
        at = error.at if isinstance(error, RetryLater) else None
        is_for_all = isinstance(error, RetryLater) and (error.is_for_all or at is not None)
        if is_for_all:
            state.failures += 1
            pause = deciding.pause_while_away(state.failures, random.random())  # noqa: S311  (only spreads the load)
            state.next_try_at, state.last_error = at or now + pause, text
            state.save(update_fields=["failures", "next_try_at", "last_error"])
        if at is not None:
            is_open = not (isinstance(error, RetryLater) and error.is_untouched)
            _free(rows, text, at, frozenset(claim.by_record) if is_open else unread)
        else:
            _suspect(claim, rows, state, text, now)
        return not is_for_all


def _free(rows: Sequence[DesiredField], text: str, next_try_at: datetime, unknown: frozenset[str]) -> None:
    """They wait, and it is nobody's fault. ``unknown``: who may have been written, and is read before the next try."""
    for row in rows:
        row.lease_until, row.last_error, row.next_try_at = None, text, next_try_at
        if row.record.remote_id not in unknown:
            row.lease_token = None
    update(rows, _LEASE)


def _suspect(claim: Claim, rows: Sequence[DesiredField], state: PushState, text: str, now: datetime) -> None:
    """It may be one of these records: the next time they go in halves. Alone and again and again, it is given up."""
    records = len({row.record_id for row in rows})
    given_up = []
    for row in rows:
        row.attempts += 1
        row.lease_until, row.last_error = None, text
        row.next_try_at = state.next_try_at or now + deciding.pause_after(1)
        if records == 1:
            row.next_try_at = max(row.next_try_at, now + deciding.pause_after(row.attempts))
        if deciding.is_given_up(
            attempts=row.attempts, records=records, succeeded_at=state.succeeded_at, now=now
        ):
            row.state = DesiredField.State.REFUSED
            row.last_error = _one_line(f"Given up after {row.attempts} tries: {text}")
            given_up.append(row)
    update(rows, _LEASE)
    if given_up:
        result = PushResult(given_up[0].record.remote_id, "refused", given_up[0].last_error)
        _attempt(claim.connection, None, given_up, result, now).save()


def _one_line(text: str) -> str:
    """A reason that a page can be narrowed to: browsers change line breaks on the way."""
    return " ".join(text.split())[:REASON_LENGTH].rstrip()


def _mine(claim: Claim) -> list[DesiredField]:
    """The claimed rows whose lease nobody took over, locked, with their records."""
    records = {row.pk: row.record for row in claim.rows}
    rows = list(
        DesiredField.objects.select_for_update(no_key=True)
        .filter(pk__in=[row.pk for row in claim.rows], lease_token=claim.token)
        .order_by("pk")
    )
    for row in rows:
        row.record = records[row.pk]
    return rows
