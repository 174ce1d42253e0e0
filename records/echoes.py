"""What comes back of a change that somebody asked for: it is ours, and it is that person's act."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from records.kinds import CHANGE
from records.models import AskedChange
from records.storing.events import NewEvent

CLOCK_SKEW: Final = timedelta(minutes=10)
"""A CRM's clock may be behind ours by so much."""
LATEST: Final = timedelta(days=1)
"""A history that comes later than that is not looked for."""
POLLED, HISTORY = "polled", "history"


def sent_asks(record_ids: Iterable[uuid.UUID], now: datetime) -> dict[uuid.UUID, list[AskedChange]]:
    """What was sent and may still come back, oldest first. One query."""
    found: dict[uuid.UUID, list[AskedChange]] = {}
    rows = AskedChange.objects.filter(
        Q(finished_at=None) | Q(finished_at__gt=now - LATEST),
        record_id__in=list(record_ids),
        sent_at__isnull=False,
    )
    for row in rows.order_by("sent_at", "pk"):
        found.setdefault(row.record_id, []).append(row)
    return found


def mark_echoes(events: Sequence[NewEvent], asks: Sequence[AskedChange]) -> list[AskedChange]:
    """Say of new events of one record which of them are echoes: by whom, by which run. Returns the asks it noted on.

    Fields that were saved together happened together, whatever the CRM's history and our polling make of it."""
    noted = []
    for ask in asks:
        echoes = [e for name, value in ask.values.items() if (e := _echo(events, ask, name, value))]
        if not echoes:
            continue
        at = min(e.occurred_at for e in echoes)
        for event in echoes:
            how = HISTORY if "history" in event.data else POLLED
            event.caused_by, event.actor_id = ask.sent_by, ask.by_id
            event.data = {**event.data, "asked": str(ask.pk)}
            if how == POLLED:
                event.occurred_at = event.not_before = at
            ask.echoes[event.field] = how
        noted.append(ask)
    return noted


def _echo(events: Sequence[NewEvent], ask: AskedChange, name: str, value: object) -> NewEvent | None:
    """The first new event by which the CRM tells this field's change; None when it was told already."""
    told = ask.echoes.get(name)
    earliest = ask.sent_at - CLOCK_SKEW if ask.sent_at else None
    found = [
        e
        for e in events
        if e.kind == CHANGE
        and e.field == name
        and e.new == value
        and not e.caused_by
        and e.data.get("history") != "created"
        and (earliest is None or e.occurred_at >= earliest)
        and (told is None or (told == POLLED and "history" in e.data))
    ]
    return min(found, key=lambda e: e.occurred_at, default=None)
