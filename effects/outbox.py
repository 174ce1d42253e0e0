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
from effects.policy import DISTURBING
from effects.registry import NotNow, NotWanted, Refused, channel
from effects.telling import fall_back, finish_carried, first_try_at, next_plan, plan_due, receiver_of
from effects.tick import ring

log = logging.getLogger(__name__)

UNFINISHED = (Effect.State.PENDING, Effect.State.LEASED)


@dataclass(frozen=True)
class Intent:
    """An effect to be: ``key`` makes it happen once, ``order_key`` keeps effects of one key to one
    receiver in order, one at a time.

    ``payload`` of messages: person (id) or channel, title, body, href; ``severity`` (info, warning, late), ``group``
    with ``group_name`` (those of one group may come as one message), ``record`` (uuid), ``at_any_hour``; of a Slack
    channel also ``team``, by whose hours it is quiet.
    """

    channel: str
    key: str
    payload: Mapping[str, Any]
    order_key: str = ""


def enqueue(intents: list[Intent], *, now: datetime) -> int:
    """Write effects in the caller's transaction; a key seen before is left as it is. Returns how many were new."""
    rows = [_row(intent, now) for intent in intents]
    if not rows:
        return 0
    before = set(Effect.objects.filter(key__in=[r.key for r in rows]).values_list("key", flat=True))
    Effect.objects.bulk_create(rows, ignore_conflicts=True)
    ring("outbox")
    return len({r.key for r in rows} - before)


def _row(intent: Intent, now: datetime) -> Effect:
    receiver = receiver_of(intent.channel, intent.payload)
    return Effect(
        key=intent.key,
        channel=intent.channel,
        receiver=receiver,
        group=str(intent.payload.get("group", ""))[:120],
        payload=dict(intent.payload),
        order_key=intent.order_key,
        created_at=now,
        next_try_at=first_try_at(intent.channel, receiver, intent.payload, now),
    )


def deliver_due(now: datetime, limit: int = 50) -> int:
    """Decide what may disturb whom, claim what is due by lease, carry it out outside any transaction, store the
    result. Returns units done."""
    decided = plan_due(now)
    token = uuid.uuid4()
    claimed = _claim(now, limit, token)
    began = time.monotonic()
    for done, effect in enumerate(claimed):
        if time.monotonic() - began > settings.GTMOPS.lease_seconds / 2:
            # Slow receivers: what is left would outlive its lease in our hands and be sent twice.
            _give_back(claimed[done:], token)
            return decided + done
        _deliver(effect, token, now)
    return decided + len(claimed)


def retry_dead(effects: QuerySet[Effect], now: datetime) -> int:
    """Try again what was given up, after someone mended the cause. Returns effects."""
    count = effects.filter(state=Effect.State.DEAD, carried_by=None).update(
        state=Effect.State.PENDING, attempts=0, next_try_at=now, last_error=""
    )
    ring("outbox")
    return count


def next_due(now: datetime) -> datetime | None:
    """When the next effect may be carried out, decided on, or be taken from a worker that died."""
    waiting = _first_in_line().aggregate(
        pending=Min("next_try_at", filter=Q(state=Effect.State.PENDING)),
        leased=Min("lease_until", filter=Q(state=Effect.State.LEASED)),
    )
    return min((at for at in (*waiting.values(), next_plan(now)) if at is not None), default=None)


def _first_in_line() -> QuerySet[Effect]:
    """Unfinished effects that may leave, without an older one of their order key before them.

    What is held for quiet hours or a digest holds up nobody, and what is carried by another leaves with that one."""
    unfinished = Effect.objects.filter(state__in=UNFINISHED, carried_by=None)
    older = (
        unfinished.filter(order_key=OuterRef("order_key"), pk__lt=OuterRef("pk"), held="")
        .filter(Q(receiver="") | Q(receiver=OuterRef("receiver")))
        .exclude(order_key="")
    )
    may_leave = ~Q(channel__in=DISTURBING) | Q(receiver="") | Q(planned_at__isnull=False)
    return unfinished.filter(may_leave).filter(~Exists(older))


def _claim(now: datetime, limit: int, token: uuid.UUID) -> list[Effect]:
    due = Q(state=Effect.State.PENDING, next_try_at__lte=now) | Q(
        state=Effect.State.LEASED, lease_until__lt=now
    )
    with transaction.atomic():
        rows = list(
            _first_in_line()
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(due)
            .order_by("id")[:limit]
        )
        spent = [
            row.pk
            for row in rows
            if row.state == Effect.State.LEASED and row.attempts >= settings.GTMOPS.effect_attempts
        ]
        Effect.objects.filter(pk__in=spent).update(lease_until=None, may_be_repeated=True)
        for row in rows:
            if row.pk in spent:
                _give_up(row, "A worker died at it every time.", now)
        chosen = [row for row in rows if row.pk not in spent]
        ids = [row.pk for row in chosen]
        # A lease that ran out means a worker died after it may have handed the effect over.
        Effect.objects.filter(pk__in=ids, state=Effect.State.LEASED).update(may_be_repeated=True)
        Effect.objects.filter(pk__in=ids).update(
            state=Effect.State.LEASED,
            lease_until=now + settings.GTMOPS.lease,
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
        _end(mine, effect, str(refusal), now)
    except NotWanted as reason:
        with transaction.atomic():
            if mine.update(state=Effect.State.DONE, done_at=now, lease_until=None, last_error=str(reason)):
                fall_back(effect, now)
    except NotNow as pause:
        # The whole channel is throttled: asking again for each message would only prolong it.
        at = now + timedelta(seconds=pause.seconds)
        if not pause.is_try:
            mine.update(attempts=F("attempts") - 1)
            effect.attempts -= 1
        _try_later(mine, effect, str(pause), at, now)
        Effect.objects.filter(
            channel=effect.channel, state=Effect.State.PENDING, next_try_at__lt=at, planned_at__isnull=False
        ).update(next_try_at=at)
    except Exception as error:
        log.exception("effect %s failed", effect.key)
        wait = timedelta(
            seconds=min(
                settings.GTMOPS.effect_backoff_cap_seconds,
                settings.GTMOPS.effect_backoff_seconds * 2 ** (effect.attempts - 1),
            )
        )
        _try_later(mine, effect, f"{type(error).__name__}: {error}"[:2000], now + wait, now)
    else:
        with transaction.atomic():
            if mine.update(state=Effect.State.DONE, done_at=now, lease_until=None, last_error=""):
                finish_carried([effect.pk], state=Effect.State.DONE, done_at=now)


def _try_later(mine: QuerySet[Effect], effect: Effect, text: str, at: datetime, now: datetime) -> None:
    if effect.attempts >= settings.GTMOPS.effect_attempts:
        _end(mine, effect, text, now)
    else:
        mine.update(state=Effect.State.PENDING, last_error=text, lease_until=None, next_try_at=at)


def _end(mine: QuerySet[Effect], effect: Effect, text: str, now: datetime) -> None:
    with transaction.atomic():
        if mine.update(lease_until=None):
            _give_up(effect, text, now)


def _give_up(effect: Effect, text: str, now: datetime) -> None:
    """Dead with its reason; whom it was for is told another way, in the same transaction."""
    Effect.objects.filter(pk=effect.pk).update(state=Effect.State.DEAD, last_error=text)
    fall_back(effect, now)
    finish_carried([effect.pk], state=Effect.State.DEAD, last_error=text)
