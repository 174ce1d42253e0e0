"""The numbers of /readyz and /metrics that come from the rooms' tables. Each is one query."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Max, Min
from django.utils import timezone

from effects.models import Effect, TickBeat
from gtmops.health import register_gauge
from integrations.models import PullCursor, WebhookEvent
from records.models import Connection, RefreshRequest, Touched
from slas.due import oldest_due_at

TICK_LIMIT_SECONDS = 60.0


def age_seconds(at: datetime | None) -> float | None:
    return None if at is None else round(max(0.0, (timezone.now() - at).total_seconds()), 1)


def last_tick_age() -> float | None:
    """Of the source that ran last: the ticker as a whole. One that is stuck shows in tick_age_seconds."""
    return age_seconds(TickBeat.objects.aggregate(at=Max("ran_at"))["at"])


def tick_ages() -> dict[str, float]:
    return {source: age_seconds(at) or 0.0 for source, at in TickBeat.objects.values_list("source", "ran_at")}


def outbox_oldest() -> float | None:
    """Since the oldest effect that could have been carried out by now; one that waits for its next try counts, one
    held for quiet hours or a digest doesn't."""
    waiting = Effect.objects.filter(state__in=[Effect.State.PENDING, Effect.State.LEASED], held="")
    return age_seconds(waiting.aggregate(at=Min("created_at"))["at"])


def outbox_rows() -> dict[str, float]:
    counted = Effect.objects.exclude(state=Effect.State.DONE).values("state").annotate(rows=Count("id"))
    found = {row["state"]: float(row["rows"]) for row in counted.order_by()}
    return {state: found.get(state, 0.0) for state in Effect.State.values if state != Effect.State.DONE}


def connection_lags() -> dict[str, float]:
    """Per connection, since the object read longest ago was read; a paused connection is left out."""
    cursors = PullCursor.objects.filter(
        connection__state__in=[Connection.State.ACTIVE, Connection.State.BROKEN]
    )
    oldest = cursors.values("connection__name").annotate(at=Min("last_pulled_at")).order_by()
    return {row["connection__name"]: age for row in oldest if (age := age_seconds(row["at"])) is not None}


def clock_oldest() -> float | None:
    """Since the due time of the clock that has waited longest to be concluded."""
    return age_seconds(oldest_due_at())


def touched_oldest() -> float | None:
    return age_seconds(Touched.objects.aggregate(at=Min("touched_at"))["at"])


def queue_rows() -> dict[str, float]:
    return {
        "touched": float(Touched.objects.count()),
        "webhooks": float(WebhookEvent.objects.filter(state=WebhookEvent.State.PENDING).count()),
        "refresh": float(RefreshRequest.objects.filter(served_at=None).count()),
    }


def register_gauges() -> None:
    """Called once, when all rooms are loaded."""
    register_gauge(
        "last_tick_age_seconds",
        last_tick_age,
        help="Seconds since the tick last ran.",
        limit=TICK_LIMIT_SECONDS,
        is_needed=True,
    )
    register_gauge("tick_age_seconds", tick_ages, help="The same, per source.", label="source")
    register_gauge("outbox_oldest_seconds", outbox_oldest, help="Age of the oldest effect not carried out.")
    register_gauge("outbox_rows", outbox_rows, help="Effects not done, by state.", label="state")
    register_gauge(
        "connection_lag_seconds",
        connection_lags,
        help="Seconds since a connection was read, its most neglected object counting.",
        label="connection",
    )
    register_gauge(
        "touched_oldest_seconds", touched_oldest, help="Age of the oldest record without conclusions."
    )
    register_gauge(
        "clock_oldest_due_seconds", clock_oldest, help="Age of the oldest due clock without a conclusion."
    )
    register_gauge("queue_rows", queue_rows, help="Work waiting in PostgreSQL.", label="queue")
