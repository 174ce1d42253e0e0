"""The outbox: effects written in the deciding transaction, carried out once each, never lost."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from effects.models import Effect
from effects.registry import Refused, channel
from effects.tick import ring

log = logging.getLogger(__name__)

UNFINISHED = (Effect.State.PENDING, Effect.State.LEASED)


@dataclass(frozen=True)
class Intent:
    """An effect to be: ``key`` makes it happen once, ``order_key`` keeps effects of one key in order, one at a time."""

    channel: str
    key: str
    payload: Mapping[str, Any]
    order_key: str = ""


def enqueue(intents: list[Intent], *, now: datetime) -> int:
    """Write effects in the caller's transaction; a key seen before is left as it is. Returns how many were new."""
    rows = [
        Effect(
            key=i.key,
            channel=i.channel,
            payload=dict(i.payload),
            order_key=i.order_key,
            created_at=now,
            next_try_at=now,
        )
        for i in intents
    ]
    if not rows:
        return 0
    before = set(Effect.objects.filter(key__in=[r.key for r in rows]).values_list("key", flat=True))
    Effect.objects.bulk_create(rows, ignore_conflicts=True)
    ring("outbox")
    return len({r.key for r in rows} - before)


def deliver_due(now: datetime, limit: int = 50) -> int:
    """Claim what is due by lease, carry it out outside any transaction, store the result. Returns units done."""
    token = uuid.uuid4()
    claimed = _claim(now, limit, token)
    began = time.monotonic()
    for done, effect in enumerate(claimed):
        if time.monotonic() - began > settings.GTMOPS.lease_seconds / 2:
            # Slow receivers: what is left would outlive its lease in our hands and be sent twice.
            _give_back(claimed[done:], token)
            return done
        _deliver(effect, token, now)
    return len(claimed)


def next_due(now: datetime) -> datetime | None:
    """When the next effect may be carried out, or be taken from a worker that died."""
    waiting = _first_in_line().aggregate(
        pending=Min("next_try_at", filter=Q(state=Effect.State.PENDING)),
        leased=Min("lease_until", filter=Q(state=Effect.State.LEASED)),
    )
    return min((at for at in waiting.values() if at is not None), default=None)


def _first_in_line() -> QuerySet[Effect]:
    """Unfinished effects without an older one of their order key before them."""
    unfinished = Effect.objects.filter(state__in=UNFINISHED)
    older = unfinished.filter(order_key=OuterRef("order_key"), pk__lt=OuterRef("pk")).exclude(order_key="")
    return unfinished.filter(~Exists(older))


def _claim(now: datetime, limit: int, token: uuid.UUID) -> list[Effect]:
    due = Q(state=Effect.State.PENDING, next_try_at__lte=now) | Q(
        state=Effect.State.LEASED, lease_until__lt=now
    )
    with transaction.atomic():
        rows = list(
            _first_in_line()
            .select_for_update(skip_locked=True, of=("self",))
            .filter(due)
            .order_by("id")[:limit]
        )
        spent = [
            row.pk
            for row in rows
            if row.state == Effect.State.LEASED and row.attempts >= settings.GTMOPS.effect_attempts
        ]
        Effect.objects.filter(pk__in=spent).update(
            state=Effect.State.DEAD,
            lease_until=None,
            may_be_repeated=True,
            last_error="A worker died at it every time.",
        )
        chosen = [row for row in rows if row.pk not in spent]
        ids = [row.pk for row in chosen]
        # A lease that ran out means a worker died after it may have handed the effect over.
        Effect.objects.filter(pk__in=ids, state=Effect.State.LEASED).update(may_be_repeated=True)
        Effect.objects.filter(pk__in=ids).update(
            state=Effect.State.LEASED,
            lease_until=now + timedelta(seconds=settings.GTMOPS.lease_seconds),
            lease_token=token,
            attempts=F("attempts") + 1,
        )
    for row in chosen:
        row.attempts += 1
    return chosen


def _give_back(effects: list[Effect], token: uuid.UUID) -> None:
    Effect.objects.filter(
        pk__in=[e.pk for e in effects], lease_token=token, state=Effect.State.LEASED
    ).update(state=Effect.State.PENDING, lease_until=None, lease_token=None, attempts=F("attempts") - 1)


def _deliver(effect: Effect, token: uuid.UUID, now: datetime) -> None:
    mine = Effect.objects.filter(pk=effect.pk, lease_token=token, state=Effect.State.LEASED)
    try:
        channel(effect.channel)(effect.key, effect.payload)
    except Refused as refusal:
        mine.update(state=Effect.State.DEAD, last_error=str(refusal), lease_until=None)
    except Exception as error:
        log.exception("effect %s failed", effect.key)
        text = f"{type(error).__name__}: {error}"[:2000]
        if effect.attempts >= settings.GTMOPS.effect_attempts:
            mine.update(state=Effect.State.DEAD, last_error=text, lease_until=None)
        else:
            wait = timedelta(
                seconds=min(
                    settings.GTMOPS.effect_backoff_cap_seconds,
                    settings.GTMOPS.effect_backoff_seconds * 2 ** (effect.attempts - 1),
                )
            )
            mine.update(state=Effect.State.PENDING, last_error=text, lease_until=None, next_try_at=now + wait)
    else:
        mine.update(state=Effect.State.DONE, done_at=now, lease_until=None, last_error="")
