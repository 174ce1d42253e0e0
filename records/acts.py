"""What people do in gtmops and what it concludes, appended to the log beside what the CRMs tell."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from records import kinds
from records.models import Connection, Event, Record
from records.touching import touch
from teams.models import Person

GTMOPS = "gtmops"


def gtmops_connection() -> Connection:
    """The built-in connection of acts and conclusions; made on first use."""
    found, _ = Connection.objects.get_or_create(
        name=GTMOPS,
        defaults={"label": "gtmops", "kind": Connection.Kind.GTMOPS, "source_order": 90},
    )
    return found


@dataclass(frozen=True, slots=True)
class Act:
    """``key`` makes it happen once."""

    kind: str
    record: uuid.UUID
    key: str
    occurred_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: Person | None = None


def record_act(
    kind: str,
    *,
    record: Record,
    key: str,
    occurred_at: datetime,
    now: datetime,
    actor: Person | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event | None:
    """Append an act or conclusion of gtmops; None when ``key`` is in the log already. Touches the record."""
    kinds.event_kind(kind)
    with transaction.atomic():
        event, created = Event.objects.get_or_create(
            connection=gtmops_connection(),
            external_key=key,
            defaults={
                "kind": kind,
                "record": record,
                "occurred_at": occurred_at,
                "observed_at": now,
                "actor": actor,
                "data": dict(data or {}),
            },
        )
        if not created:
            return None
        touch([record.pk], now)
        return event


def append_acts(acts: Sequence[Act], now: datetime) -> int:
    """Append all whose key isn't in the log yet, and touch their records. Returns how many. Five statements."""
    if not acts:
        return 0
    connection = gtmops_connection()
    by_key = {act.key: act for act in acts}
    for kind in {act.kind for act in acts}:
        kinds.event_kind(kind)
    with transaction.atomic():
        told = Event.objects.filter(connection=connection, external_key__in=by_key)
        for key in told.values_list("external_key", flat=True):
            del by_key[key]
        Event.objects.bulk_create(
            [
                Event(
                    connection=connection, external_key=act.key, kind=act.kind, record_id=act.record,
                    occurred_at=act.occurred_at, observed_at=now, actor=act.actor, data=dict(act.data),
                )
                for act in by_key.values()
            ],
            ignore_conflicts=True,
            batch_size=2000,
        )  # fmt: skip
        touch([act.record for act in by_key.values()], now)
    return len(by_key)
