"""Writing what people asked of a CRM's own fields: read, compare, write once, read again; each result in words."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from effects.outbox import Intent, enqueue
from integrations import runs
from integrations.base import Connector, PushResult
from integrations.breaking import mark_broken
from integrations.errors import ConnectorError, Misconfigured, Reconnect, Rejected, RetryLater
from integrations.models import Run
from integrations.registry import connector_class, connector_for
from integrations.store import store_records, tombstones
from integrations.wanted import wanted_for
from integrations.writing.parts import push_parts
from records.asked import due_asks, refusal, refuse, remote_values
from records.canonical import Unreadable
from records.incoming import IncomingRecord
from records.models import AskedChange, Connection, Record
from records.services import mapped_remote_fields

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 300
STOOD_ALREADY = "It stood there already."
WAITING = AskedChange.State.WAITING
_STATE = [
    "state", "text", "faults", "before", "sent_at", "sent_by", "finished_at", "attempts", "next_try_at", "lease_until",
    "lease_token",
]  # fmt: skip


@dataclass(frozen=True)
class _Claim:
    connection: Connection
    remote_object: str
    rows: list[AskedChange]
    token: uuid.UUID


def send_asked(connection: Connection, now: datetime) -> tuple[int, bool]:
    """Write what is due of a connection that writes, batch by batch. (Records tried, whether to go on with it.)"""
    done = 0
    while claim := _claim(connection, now):
        goes_on = _send(claim, now)
        done += len(claim.rows)
        if not goes_on:
            return done, False
    return done, True


def next_asked(connections: QuerySet[Connection]) -> datetime | None:
    rows = AskedChange.objects.filter(state=WAITING, record__connection__in=connections)
    return rows.order_by("next_try_at").values_list("next_try_at", flat=True).first()


def waiting_asks(connection: Connection) -> QuerySet[AskedChange]:
    """What would be written now or as soon as writing goes on, oldest first."""
    rows = AskedChange.objects.filter(state=WAITING, record__connection=connection)
    return rows.select_related("record", "by").order_by("asked_at", "pk")


# --- claiming --------------------------------------------------------------------------------------------------


def _claim(connection: Connection, now: datetime) -> _Claim | None:
    """The oldest change of each of as many records of one remote object as the API takes at once."""
    earlier = AskedChange.objects.filter(
        state=WAITING, record=OuterRef("record"), asked_at__lt=OuterRef("asked_at")
    )
    due = AskedChange.objects.filter(~Exists(earlier), due_asks(connection, now))
    first = due.order_by("asked_at", "pk").values_list("record__remote_object", flat=True).first()
    if first is None:
        return None
    size = connector_class(connection.kind).capabilities.push_batch
    token = uuid.uuid4()
    with transaction.atomic():
        # The records' rows keep other claimers out: two changes of one record are never under way together.
        places = due.filter(record__remote_object=first).order_by("record").values_list("record", flat=True)
        records = list(
            Record.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(pk__in=list(places.distinct()[:size]))
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        oldest = due.filter(record__in=records).order_by("record_id", "pk").distinct("record_id")
        chosen = list(oldest.values_list("pk", flat=True))
        rows = list(
            due.filter(pk__in=chosen)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("record__connection", "by")
            .order_by("pk")
        )
        AskedChange.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + settings.GTMOPS.lease, lease_token=token
        )
    return _Claim(connection, first, rows, token) if rows else None


# --- sending ---------------------------------------------------------------------------------------------------


def _send(claim: _Claim, now: datetime) -> bool:
    """Whether to go on with this connection."""
    run = runs.open_run(Run.Kind.PUSH, claim.connection, claim.remote_object, now)
    try:
        connector = connector_for(claim.connection)
        fresh = _read(claim, connector, now)
        ready = _prepare(claim, fresh, run, now)
        if not ready:
            return True
        writes = [(row.record.remote_id, values) for row, values in ready]
        results = push_parts(connector, claim.remote_object, writes)
    except (Misconfigured, Rejected) as error:
        # Somebody waits for an answer, and this can't work until a person changes something.
        answered = {result.remote_id: result for result in error.answered}
        refused = PushResult("", "refused", str(error))
        _finish(
            claim,
            {row.pk: answered.get(row.record.remote_id, refused) for row in claim.rows},
            [],
            run,
            now,
        )
        return True
    except Exception as error:
        if not isinstance(error, ConnectorError):
            log.exception("writing what was asked of %s failed", claim.connection.name)
        _give_back(claim, error, now)
        run.error = (str(error) or type(error).__name__)[:2000]
        run.save(update_fields=["error"])
        return False
    by_remote = {result.remote_id: result for result in results}
    said = {row.pk: by_remote[row.record.remote_id] for row, _ in ready if row.record.remote_id in by_remote}
    _finish(claim, said, _read_back(claim, connector, said), run, now)
    return True


def _read(claim: _Claim, connector: Connector, now: datetime) -> Mapping[str, IncomingRecord]:
    """What the CRM shows now of each record, stored at once; gone ones are not in it."""
    wanted = wanted_for(claim.connection, connector, claim.remote_object)
    read = connector.read(claim.remote_object, [r.record.remote_id for r in claim.rows], wanted)
    gone = tombstones(claim.remote_object, read.missing, now)
    with transaction.atomic():
        store_records(claim.connection, [*read.records, *gone], now=now)
    return {r.remote_id: r for r in read.records if not r.is_deleted}


def _prepare(
    claim: _Claim, fresh: Mapping[str, IncomingRecord], run: Run, now: datetime
) -> list[tuple[AskedChange, dict[str, Any]]]:
    """The changes that are to be written, marked as being sent; those that stand already or must not be written end
    here."""
    mappings = mapped_remote_fields(claim.connection, claim.remote_object)
    ready = []
    with transaction.atomic():
        ids = [row.record_id for row in claim.rows]
        records = Record.objects.select_related("connection").in_bulk(ids)
        for row in _mine(claim):
            row.record = records[row.record_id]
            shown = row.record.values
            stands = all(name in shown and shown[name] == value for name, value in row.values.items())
            if stands and row.sent_at:
                _done(row, now)
            elif reason := refusal(row, shown, mappings, now):
                _refuse(row, reason, now)
            elif stands:
                _done(row, now, STOOD_ALREADY)
            else:
                there = fresh.get(row.record.remote_id)
                try:
                    values = remote_values(row, mappings, there.values if there else {})
                except Unreadable as error:
                    _refuse(row, f"It can't be written: {error}.", now)
                else:
                    row.before = {name: shown[name] for name in row.values if name in shown}
                    row.sent_at, row.sent_by = row.sent_at or now, str(run.pk)
                    ready.append((row, values))
            row.save(update_fields=_STATE)
    return ready


def _read_back(
    claim: _Claim, connector: Connector, said: Mapping[uuid.UUID, PushResult]
) -> Sequence[IncomingRecord]:
    """What the CRM made of it; nothing when it can't be read now: the next pull brings it."""
    written = [
        row.record.remote_id for row in claim.rows if row.pk in said and said[row.pk].outcome == "written"
    ]
    if not written:
        return []
    try:
        wanted = wanted_for(claim.connection, connector, claim.remote_object)
        return connector.read(claim.remote_object, written, wanted).records
    except ConnectorError as error:
        log.info("reading back from %s failed: %s", claim.connection.name, error)
        return []


# --- results ---------------------------------------------------------------------------------------------------


def _mine(claim: _Claim) -> list[AskedChange]:
    """The claimed rows whose lease nobody took over, locked."""
    return list(
        AskedChange.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=[row.pk for row in claim.rows], lease_token=claim.token, state=WAITING)
        .select_related("record__connection", "by")
        .order_by("pk")
    )


def _finish(
    claim: _Claim,
    said: Mapping[uuid.UUID, PushResult],
    back: Sequence[IncomingRecord],
    run: Run,
    now: datetime,
) -> None:
    mappings = mapped_remote_fields(claim.connection, claim.remote_object)
    names = {mapping.remote_name: name for name, mapping in mappings.items()}
    with transaction.atomic():
        store_records(claim.connection, back, now=now)
        for row in _mine(claim):
            result = said.get(row.pk)
            if result is None or result.outcome == "retry":
                row.attempts += 1
                row.text = result.text[:2000] if result else ""
                row.next_try_at = now + _pause(row.attempts)
                row.lease_until = row.lease_token = None
            elif result.outcome == "written":
                _done(row, now)
            else:
                row.faults = [names[name] for name in result.fields if name in names]
                _refuse(row, result.text or result.code or "It was refused.", now)
            row.save(update_fields=_STATE)
        for result in said.values():
            run.counts[result.outcome] = run.counts.get(result.outcome, 0) + 1
        run.counts["calls"] = run.counts.get("calls", 0) + 1
        run.done += len(said)
        runs.save_progress(run, now)


def _done(row: AskedChange, now: datetime, text: str = "") -> None:
    row.state, row.text, row.finished_at = AskedChange.State.DONE, text, now
    row.lease_until = row.lease_token = None


def _refuse(row: AskedChange, text: str, now: datetime) -> None:
    """In words, to the one who asked: they may have left the page."""
    refuse(row, text, now)
    if row.by_id is None:
        return
    payload = {
        "person": row.by_id,
        "title": f"{row.record.connection.label} did not take your change: {row.record}",
        "body": row.text,
        "href": reverse("records:record", args=[row.record_id]),
        "severity": "warning",
        "record": str(row.record_id),
    }
    enqueue([Intent("inbox", f"asked:{row.pk}:refused", payload)], now=now)


def _give_back(claim: _Claim, error: Exception, now: datetime) -> None:
    """Try again later: nothing is known of what became of it, and the next try reads before it writes."""
    if isinstance(error, Reconnect):
        mark_broken(claim.connection, str(error), now)
    at = error.at if isinstance(error, RetryLater) else None
    with transaction.atomic():
        for row in _mine(claim):
            row.attempts += 1
            row.text = (str(error) or type(error).__name__)[:2000]
            row.next_try_at = at or now + _pause(row.attempts)
            row.lease_until = row.lease_token = None
            row.save(update_fields=_STATE)


def _pause(attempts: int) -> timedelta:
    return timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 2 ** min(attempts, 10)))
