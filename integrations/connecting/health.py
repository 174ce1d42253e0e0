"""How connections fare, in words, with the next step for each fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db.models import Count, QuerySet
from django.urls import reverse

from integrations.budget import ApiUse, api_use
from integrations.models import Comparison, Credential, Difference, PullCursor, WebhookEvent
from integrations.registry import CONNECTORS
from records.models import Connection, DesiredField, FieldMapping, Record

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


@dataclass(frozen=True)
class Fault:
    """``what_to_do`` with a link where one helps."""

    where: str
    text: str
    what_to_do: str
    href: str = ""
    action: str = ""


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
    faults: list[Fault] = field(default_factory=list)

    @property
    def headline(self) -> str:
        return HEADLINES[self.state]

    @property
    def severity(self) -> str:
        return SEVERITY[self.state]

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
    broken: dict[int, list[str]] = {}
    objects: dict[int, set[str]] = {}
    for one in connections:
        objects[one.pk] = set((one.setup or {}).get("objects", {}))
    for pk, place, name, is_broken in FieldMapping.objects.filter(connection__in=ids).values_list(
        "connection_id", "remote_object", "remote_name", "is_broken"
    ):
        objects[pk].add(place)
        if is_broken:
            broken.setdefault(pk, []).append(f"{place}.{name}")
    dead = _counts(WebhookEvent.objects.filter(connection__in=ids, state=WebhookEvent.State.DEAD))
    refused = dict(
        DesiredField.objects.filter(record__connection__in=ids, state=DesiredField.State.REFUSED)
        .order_by()
        .values_list("record__connection")
        .annotate(n=Count("pk"))
    )
    differs = _comparisons(ids)
    signed_in = set(Credential.objects.filter(connection__in=ids).values_list("connection_id", flat=True))
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
        health.faults = _faults(
            one,
            rows,
            sorted(broken.get(one.pk, [])),
            dead.get(one.pk, 0),
            refused.get(one.pk, 0),
            one.pk in signed_in,
        )
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


def _faults(
    connection: Connection,
    cursors: Sequence[PullCursor],
    broken: Sequence[str],
    dead: int,
    refused: int,
    is_signed_in: bool,
) -> list[Fault]:
    found: list[Fault] = []
    if connection.disconnected_at is not None or connection.setup is not None:
        return found
    sign_in = reverse("integrations:sign_in", args=[connection.name])
    if connection.state == Connection.State.BROKEN:
        found.append(
            Fault(
                "Credentials",
                connection.state_reason,
                "Enter them again, or approve the app there.",
                sign_in,
                "Sign in again",
            )
        )
    elif not is_signed_in:
        found.append(
            Fault(
                "Credentials",
                "There are none.",
                "Enter them; nothing can be read until then.",
                sign_in,
                "Sign in",
            )
        )
    if broken:
        shown = ", ".join(broken[:4]) + (f" and {len(broken) - 4} more" if len(broken) > 4 else "")
        found.append(
            Fault(
                "Fields",
                f"{shown}: gone, or hidden from our user.",
                "Checks that read them say “Can't tell” until another field is chosen or access is given.",
                reverse("integrations:changed_fields", args=[connection.name]),
                "Choose other fields",
            )
        )
    found += [
        Fault(
            f"Reading {row.remote_object}",
            row.last_error,
            f"It is tried again at {row.next_pull_at:%H:%M} UTC. If it stays, test the connection.",
            reverse("integrations:connection_test", args=[connection.name]),
            "Test",
        )
        for row in cursors
        if row.last_error and connection.state != Connection.State.BROKEN
    ]
    paused = [row.remote_object for row in cursors if row.paused_at is not None]
    if 0 < len(paused) < len(cursors):
        found.append(
            Fault(
                "Reading",
                f"Paused: {', '.join(sorted(paused))}.",
                "What changes there meanwhile is not seen. Nothing is lost: it is read on from where it stopped.",
                reverse("integrations:reading", args=[connection.name]),
                "Resume",
            )
        )
    if dead:
        found.append(
            Fault(
                "Webhooks",
                f"{dead} could not be served.",
                "Their records come with the next reading; look at the runs.",
            )
        )
    if refused:
        found.append(
            Fault(
                "Writing",
                f"{refused:,} field{'s were' if refused > 1 else ' was'} refused by the CRM.",
                "See its words, change the record or the rule, then send again.",
                reverse("integrations:dead", args=[connection.name]),
                "What was not written",
            )
        )
    return found


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
