"""HubSpot's webhooks: stored raw, answered, then served by reading the record again. What they say is never data."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from effects.tick import ring
from integrations.errors import ConnectorError, RetryLater
from integrations.models import WebhookEvent
from integrations.registry import connector_for
from integrations.secrets import load_credential
from integrations.store import store_records, tombstones
from integrations.wanted import wanted_for
from records.incoming import IncomingRecord
from records.models import Connection
from records.services import remote_objects

log = logging.getLogger(__name__)

EVENTS_PER_DELIVERY = 100
BATCH = 300
ATTEMPTS = 12
LONGEST_PAUSE_SECONDS = 600
TYPES = {
    "contact": "contacts", "company": "companies", "deal": "deals", "lead": "leads", "call": "calls",
    "meeting": "meetings", "meeting_event": "meetings", "email": "emails", "note": "notes", "task": "tasks",
}  # fmt: skip
TYPE_IDS = {
    "0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-27": "tasks", "0-46": "notes", "0-47": "meetings",
    "0-48": "calls", "0-49": "emails", "0-136": "leads",
}  # fmt: skip


def webhook_secret(name: str) -> tuple[Connection, str] | None:
    """The connection and the secret its webhooks are signed with; None when there is none."""
    connection = Connection.objects.filter(name=name, kind=Connection.Kind.HUBSPOT).first()
    if connection is None:
        return None
    try:
        _, secret = load_credential(connection)
    except ConnectorError:
        return None
    key = str(secret.get("client_secret") or "")
    return (connection, key) if key else None


def store_events(connection: Connection, events: Iterable[Any], now: datetime) -> int:
    """Write down what is new, each event once however often it comes. Returns how many records they name."""
    rows = [row for event in list(events)[:EVENTS_PER_DELIVERY] for row in _rows(connection, event, now)]
    WebhookEvent.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        ring("webhooks")
    return len(rows)


def serve_webhooks(now: datetime) -> int:
    """Read the records that events point at, in batches by id. Returns events tried."""
    claimed = _claim(now)
    by_source: dict[tuple[int, str], list[WebhookEvent]] = {}
    for event in claimed:
        by_source.setdefault((event.connection_id, event.remote_object), []).append(event)
    for events in by_source.values():
        connection = events[0].connection
        try:
            _read(connection, events, now)
        except Exception as error:
            if not isinstance(error, ConnectorError):
                log.exception("serving webhooks of %s failed", connection.name)
            _postpone(events, error, now)
        else:
            WebhookEvent.objects.filter(pk__in=[e.pk for e in events]).update(
                state=WebhookEvent.State.DONE, lease_until=None, last_error=""
            )
    return len(claimed)


def next_due(now: datetime) -> datetime | None:
    rows = WebhookEvent.objects.filter(state=WebhookEvent.State.PENDING).order_by("next_try_at")
    return rows.values_list("next_try_at", flat=True).first()


def _rows(connection: Connection, event: Any, now: datetime) -> list[WebhookEvent]:
    """One for each record to read: of a changed association both, because neither's last change moves with it."""
    if not isinstance(event, dict):
        return []
    subscription = str(event.get("subscriptionType", ""))
    prefix, _, kind = subscription.partition(".")
    remote_object = TYPE_IDS.get(str(event.get("objectTypeId", ""))) or TYPES.get(prefix)
    remote_id = event.get("newObjectId") or event.get("objectId") or event.get("fromObjectId")
    places = [(remote_object, str(remote_id or ""))]
    if kind == "associationChange":
        _, _, to_type = str(event.get("associationType") or "").partition("_TO_")
        places.append((TYPES.get(to_type.lower().removesuffix("s")), str(event.get("toObjectId") or "")))
    # Digests, because what they stand for may be personal or long.
    values = [event.get("propertyValue"), *(event.get("mergedObjectIds") or [])]
    digest = hashlib.blake2b(
        "|".join(map(str, values)).encode("utf-8", "replace"), digest_size=12
    ).hexdigest()
    parts = [
        event.get(k, "") for k in ("portalId", "subscriptionType", "objectId", "propertyName", "occurredAt")
    ]
    extra = [event.get(k, "") for k in ("objectTypeId", "fromObjectId", "toObjectId", "newObjectId")]
    return [
        WebhookEvent(
            connection=connection,
            dedupe_key="|".join(map(str, [*parts, digest, *extra, *([place] if n else [])]))[:300],
            remote_object=place,
            remote_id=at[:80],
            body=event,
            received_at=now,
            next_try_at=now,
        )
        for n, (place, at) in enumerate(places)
        if place is not None and kind and at.isascii() and at.isdigit()
    ]


def _claim(now: datetime) -> list[WebhookEvent]:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    with transaction.atomic():
        rows = list(
            WebhookEvent.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(free, state=WebhookEvent.State.PENDING, next_try_at__lte=now)
            .exclude(connection__state=Connection.State.PAUSED)
            .select_related("connection")
            .order_by("pk")[:BATCH]
        )
        WebhookEvent.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + settings.GTMOPS.lease, attempts=F("attempts") + 1
        )
    for row in rows:
        row.attempts += 1
    return rows


def _read(connection: Connection, events: Sequence[WebhookEvent], now: datetime) -> None:
    remote_object = events[0].remote_object
    if remote_object not in remote_objects(connection):
        return  # nothing of it is mapped
    connector = connector_for(connection)
    read = connector.read(
        remote_object, sorted({e.remote_id for e in events}), wanted_for(connection, connector, remote_object)
    )
    gone = _gone(remote_object, events, set(read.missing), {r.remote_id for r in read.records})
    with transaction.atomic():
        store_records(connection, [*read.records, *gone], now=now)


def _gone(
    remote_object: str, events: Sequence[WebhookEvent], missing: set[str], found: set[str]
) -> list[IncomingRecord]:
    """Deletions and merges that HubSpot announced and its answer confirms."""
    gone: dict[str, IncomingRecord] = {}
    for event in events:
        kind = event.body.get("subscriptionType", "").partition(".")[2]
        at = _occurred_at(event.body) or event.received_at
        if kind == "merge":
            winner = str(
                event.body.get("newObjectId") or event.body.get("primaryObjectId") or event.remote_id
            )
            losers = [str(i) for i in event.body.get("mergedObjectIds") or []]
            for record in tombstones(remote_object, losers, at, winner):
                gone[record.remote_id] = record
        elif kind in {"deletion", "privacyDeletion"} and event.remote_id in missing - found:
            for record in tombstones(remote_object, [event.remote_id], at):
                gone.setdefault(record.remote_id, record)
    return list(gone.values())


def _occurred_at(body: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(body["occurredAt"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _postpone(events: Sequence[WebhookEvent], error: Exception, now: datetime) -> None:
    text = (str(error) or type(error).__name__)[:2000]
    at = error.at if isinstance(error, RetryLater) else None
    for event in events:
        wait = timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 2 ** min(event.attempts, 10)))
        # A CRM that is away uses up no attempts: what it will say of this record is still open.
        is_dead = event.attempts >= ATTEMPTS and not isinstance(error, RetryLater)
        WebhookEvent.objects.filter(pk=event.pk).update(
            state=WebhookEvent.State.DEAD if is_dead else WebhookEvent.State.PENDING,
            next_try_at=max(at or now, now + wait),
            lease_until=None,
            last_error=text,
        )
