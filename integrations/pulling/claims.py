"""Who reads which objects now: rows claimed by lease, one worker per connection."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet

from integrations.leases import LeaseLost, Piece
from integrations.models import PullCursor
from integrations.registry import CONNECTORS
from records.models import Connection, FieldMapping

ORDER = ("account", "person", "deal", "activity")


class Paused(Exception):
    """Not a fault: somebody has paused the reading of this object; what is stored stays."""


@dataclass
class Claim(Piece):
    connection: Connection
    cursors: list[PullCursor]


def make_cursors(now: datetime) -> None:
    """One per mapped object of a CRM."""
    wanted = set(
        FieldMapping.objects.filter(connection__kind__in=CONNECTORS)
        .values_list("connection_id", "remote_object")
        .distinct()
    )
    held = set(PullCursor.objects.values_list("connection_id", "remote_object"))
    PullCursor.objects.bulk_create(
        [PullCursor(connection_id=c, remote_object=o, next_pull_at=now) for c, o in sorted(wanted - held)],
        ignore_conflicts=True,
    )


def claim_due(now: datetime, only: str | None) -> Claim | None:
    """Due cursors of one connection; one worker per connection, so that its API is asked by one at a time."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    with transaction.atomic():
        wanted = _pullable().filter(cursors__in=PullCursor.objects.filter(_due(now) & free))
        if only is not None:
            wanted = wanted.filter(name=only)
        connections = (
            Connection.objects.filter(pk__in=wanted.values("pk"))
            .order_by("pk")
            .select_for_update(no_key=True, skip_locked=True)
        )
        for connection in connections:
            # Read without locks: the connection's row keeps other claimers out, and whoever holds the lease writes
            # one cursor and then all of them, which locks in another order than ours would.
            rows = list(PullCursor.objects.filter(connection=connection))
            if any(row.lease_until is not None and row.lease_until >= now for row in rows):
                continue
            chosen = [row for row in rows if is_due(row, now) or is_history_due(row, now)]
            if not chosen:
                continue
            claim = Claim(
                connection=connection, cursors=_in_order(connection, chosen), token=uuid.uuid4(), started=now
            )
            PullCursor.objects.filter(free, pk__in=[c.pk for c in chosen]).update(
                lease_until=now + settings.GTMOPS.lease, lease_token=claim.token
            )
            return claim
    return None


def next_claim(now: datetime) -> datetime | None:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    open_ = PullCursor.objects.filter(free, connection__in=_pullable(), paused_at=None)
    found = open_.aggregate(
        pull=Min("next_pull_at"), history=Min("history_asked_at", filter=Q(is_loaded=True))
    )
    return min((at for at in found.values() if at is not None), default=None)


def is_due(row: PullCursor, now: datetime) -> bool:
    return row.paused_at is None and row.next_pull_at <= now


def is_history_due(row: PullCursor, now: datetime) -> bool:
    is_asked = row.history_asked_at is not None and row.history_asked_at <= now
    return row.paused_at is None and row.is_loaded and is_asked


def hold(claim: Claim, cursor: PullCursor) -> None:
    """Raises LeaseLost when the lease ran out and someone else goes on with this cursor, Paused when nobody may."""
    mine = PullCursor.objects.select_for_update(of=("self",), no_key=True).filter(
        pk=cursor.pk, lease_token=claim.token
    )
    row = mine.values_list("paused_at").first()
    if row is None:
        raise LeaseLost
    if row[0] is not None:
        raise Paused


def release(claim: Claim) -> None:
    PullCursor.objects.filter(lease_token=claim.token).update(lease_until=None, lease_token=None)


def _due(now: datetime) -> Q:
    return Q(paused_at=None) & (Q(next_pull_at__lte=now) | Q(is_loaded=True, history_asked_at__lte=now))


def _pullable() -> QuerySet[Connection]:
    return Connection.objects.filter(kind__in=CONNECTORS).exclude(state=Connection.State.PAUSED)


def _in_order(connection: Connection, cursors: Sequence[PullCursor]) -> list[PullCursor]:
    """What others refer to comes first."""
    objects = dict(connection.mappings.values_list("remote_object", "field__object"))
    rank = {name: n for n, name in enumerate(ORDER)}
    known = [c for c in cursors if c.remote_object in objects]
    return sorted(known, key=lambda c: (rank.get(objects[c.remote_object], 9), c.pk))
