"""How connections fare, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db.models import Count, QuerySet

from integrations.budget import ApiUse, api_use
from integrations.models import Comparison, Difference, PullCursor
from integrations.registry import CONNECTORS
from integrations.troubles import Trouble, troubles_of
from records.models import Connection, FieldMapping, Record

State = Literal["setup", "disconnected", "paused", "broken", "unread", "loading", "behind", "well"]
BEHIND = timedelta(minutes=15)

HEADLINES = {
    "setup": "Being set up: nothing is read yet.",
    "disconnected": "Disconnected: nothing is read or written. What was read is kept.",
    "paused": "Paused: nothing is read or written until somebody resumes it.",
    "broken": "Not connected: the CRM no longer takes our credentials.",
    "unread": "Reading is paused: nothing new is read until somebody resumes it.",
    "loading": "Being read for the first time.",
    "behind": "Behind: not everything could be read lately.",
    "well": "Connected and up to date.",
}
SEVERITY = {
    "setup": "info", "disconnected": "neutral", "paused": "soon", "broken": "late", "unread": "soon", "loading": "info",
    "behind": "soon", "well": "ok",
}  # fmt: skip


@dataclass
class Health:
    connection: Connection
    state: State
    last_read_at: datetime | None = None
    records: int = 0
    objects: list[str] = field(default_factory=list)
    differs: str = ""
    compared_at: datetime | None = None
    use: ApiUse | None = None
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def headline(self) -> str:
        return HEADLINES[self.state]

    @property
    def severity(self) -> str:
        return SEVERITY[self.state]

    @property
    def is_in_need(self) -> bool:
        return self.severity in ("soon", "late")

    @property
    def promise(self) -> str:
        """Our calls against what we promise to leave to others."""
        if self.use is None or not self.use.limit:
            return "The CRM has not said yet how many calls a day it allows."
        share = settings.GTMOPS.api_budget_percent
        others = max(0, (self.use.used or 0) - self.use.ours)
        allowed = int(share / 100 * (self.use.limit - others))
        return (
            f"At most {share:g}% of the calls that others leave: {allowed:,} today. "
            f"The CRM allows {self.use.limit:,}, and {others:,} were made by others."
        )


def health_of(connections: Sequence[Connection], now: datetime) -> list[Health]:
    """Of all of them, in a constant number of queries."""
    ids = [one.pk for one in connections]
    cursors: dict[int, list[PullCursor]] = {}
    for cursor in PullCursor.objects.filter(connection__in=ids):
        cursors.setdefault(cursor.connection_id, []).append(cursor)
    records = _counts(Record.objects.filter(connection__in=ids, deleted_at=None))
    objects: dict[int, set[str]] = {}
    for one in connections:
        objects[one.pk] = set((one.setup or {}).get("objects", {}))
    mapped = FieldMapping.objects.filter(connection__in=ids)
    for pk, place in mapped.values_list("connection_id", "remote_object").distinct():
        objects[pk].add(place)
    differs = _comparisons(ids)
    troubles = troubles_of(connections, now)
    found = []
    for one in connections:
        rows = cursors.get(one.pk, [])
        health = Health(
            one,
            _state(one, rows, now),
            max((row.last_pulled_at for row in rows if row.last_pulled_at), default=None),
            records.get(one.pk, 0),
            sorted(objects[one.pk]),
            use=api_use(one.name) if one.kind in CONNECTORS else None,
        )
        health.differs, health.compared_at = differs.get(one.pk, ("", None))
        health.troubles = troubles[one.pk]
        found.append(health)
    return found


def _state(connection: Connection, cursors: Sequence[PullCursor], now: datetime) -> State:
    if connection.setup is not None:
        return "setup"
    if connection.disconnected_at is not None:
        return "disconnected"
    if connection.state == Connection.State.PAUSED:
        return "paused"
    if connection.state == Connection.State.BROKEN:
        return "broken"
    going = [row for row in cursors if row.paused_at is None]
    if cursors and not going:
        return "unread"
    if any(row.failures for row in going):
        return "behind"
    if not cursors or not all(row.is_loaded for row in going):
        return "loading"
    oldest = min((row.last_pulled_at for row in going if row.last_pulled_at), default=None)
    longest = max((row.every_seconds or settings.GTMOPS.pull_seconds for row in going), default=0)
    if oldest is not None and now - oldest > max(BEHIND, timedelta(seconds=3 * longest)):
        return "behind"
    return "well"


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("connection").annotate(n=Count("pk")))


def _comparisons(ids: Sequence[int]) -> dict[int, tuple[str, datetime]]:
    """What the last comparison of each object with the CRM came to, and when the oldest of them ended."""
    done = (
        Comparison.objects.filter(connection__in=ids, finished_at__isnull=False)
        .order_by("connection_id", "remote_object", "-started_at", "-pk")
        .distinct("connection_id", "remote_object")
    )
    rows = list(done)
    named = dict(
        Difference.objects.filter(comparison__in=[row.pk for row in rows])
        .exclude(outcome=Difference.Outcome.NONE)
        .order_by()
        .values_list("comparison")
        .annotate(n=Count("pk"))
    )
    found: dict[int, tuple[str, datetime]] = {}
    for pk in {row.connection_id for row in rows}:
        mine = [row for row in rows if row.connection_id == pk]
        there, here = sum(row.there for row in mine), sum(row.here for row in mine)
        differ = sum(named.get(row.pk, 0) for row in mine)
        words = f"{there:,} records there, {here:,} here"
        words += f"; {differ:,} differed" if differ else "; none differed"
        found[pk] = (words, min(row.finished_at for row in mine if row.finished_at))
    return found
