"""Reading a record and its activities again, now, because someone is about to conclude something from them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from integrations.base import Connector
from integrations.errors import ConnectorError
from integrations.registry import connector_for, is_crm
from integrations.store import store_records, tombstones
from integrations.wanted import remote_objects_of, wanted_for
from records import kinds
from records.models import Connection, RefreshRequest
from records.services import record_act

log = logging.getLogger(__name__)

BATCH = 50
LONGEST_PAUSE_SECONDS = 30


def serve_refresh_requests(now: datetime) -> int:
    """Read what was asked for, by id. Past the grace a request ends as unreadable. Returns requests tried."""
    claimed = _claim(now)
    by_source: dict[tuple[int, str], list[RefreshRequest]] = {}
    for request in claimed:
        by_source.setdefault((request.record.connection_id, request.record.remote_object), []).append(request)
    for requests in by_source.values():
        connection = requests[0].record.connection
        try:
            if is_crm(connection.kind):
                _read(connection, connector_for(connection), requests, now)
        except Exception as error:
            if not isinstance(error, ConnectorError):
                log.exception("reading again from %s failed", connection.name)
            _postpone(requests, error, now)
        else:
            # A file or gtmops itself is its own truth: there is nothing newer to read.
            for request in requests:
                _serve(request, RefreshRequest.Outcome.READ, now)
    return len(claimed)


def next_due(now: datetime) -> datetime | None:
    rows = RefreshRequest.objects.filter(served_at=None).order_by("next_try_at")
    return rows.values_list("next_try_at", flat=True).first()


def _claim(now: datetime) -> list[RefreshRequest]:
    with transaction.atomic():
        rows = list(
            RefreshRequest.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(Q(lease_until=None) | Q(lease_until__lt=now), served_at=None, next_try_at__lte=now)
            .select_related("record__connection")
            .order_by("next_try_at", "pk")[:BATCH]
        )
        RefreshRequest.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + settings.GTMOPS.lease, attempts=F("attempts") + 1
        )
    for row in rows:
        row.attempts += 1
    return rows


def _read(
    connection: Connection, connector: Connector, requests: Sequence[RefreshRequest], now: datetime
) -> None:
    remote_object = requests[0].record.remote_object
    ids = sorted({r.record.remote_id for r in requests})
    read = connector.read(remote_object, ids, wanted_for(connection, connector, remote_object))
    records = [*read.records, *tombstones(remote_object, read.missing, now)]
    asked = sorted({name for r in requests for name in r.objects_wanted})
    beside = {o: wanted_for(connection, connector, o) for o in remote_objects_of(connection, asked)}
    if beside:
        missing = set(read.missing)
        for request in requests:
            if request.record.remote_id not in missing:
                records += connector.read_about(remote_object, request.record.remote_id, beside)
    with transaction.atomic():
        store_records(connection, records, now=now)


def _serve(request: RefreshRequest, outcome: RefreshRequest.Outcome, now: datetime) -> None:
    with transaction.atomic():
        served = RefreshRequest.objects.filter(pk=request.pk, served_at=None).update(
            served_at=now, outcome=outcome, lease_until=None
        )
        if served:
            record_act(
                kinds.VERIFIED,
                record=request.record,
                key=f"verified:{request.key}",
                occurred_at=now,
                data={"request": request.key, "outcome": outcome.value, "read_at": now.isoformat()},
                now=now,
            )


def _postpone(requests: Sequence[RefreshRequest], error: Exception, now: datetime) -> None:
    grace = timedelta(seconds=settings.GTMOPS.verify_grace_seconds)
    for request in requests:
        if now - request.requested_at >= grace:
            _serve(request, RefreshRequest.Outcome.UNREADABLE, now)
        wait = timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 2 ** min(request.attempts, 10)))
        RefreshRequest.objects.filter(pk=request.pk).update(
            next_try_at=now + wait, lease_until=None, last_error=str(error)[:2000]
        )
