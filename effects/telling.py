"""Deciding, before delivery, when messages that disturb people leave, and which leave as one.

A message is an ``Effect`` of a disturbing channel with a receiver. ``plan_due`` gives each a ``planned_at`` (it may
leave now), a later ``next_try_at`` (held), or puts it under another message that carries it. All of it is rows,
written in one transaction: a killed worker loses and doubles nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet

from effects.models import Effect
from effects.policy import DISTURBING, Bundle, Plan, Receiver, Sent, Waiting, ready_at, settle
from effects.receivers import load_hours, load_receivers
from effects.wording import compose

MOST_RECEIVERS = 200
_LOCK = 7_304_117
_PERSONAL = DISTURBING | {"inbox", "crm_task"}
_UNFINISHED = (Effect.State.PENDING, Effect.State.LEASED)


def receiver_of(channel: str, payload: Mapping[str, Any]) -> str:
    """Who gets it, as effects are put together by; empty for what reaches nobody (a write to a CRM)."""
    if channel == "slack_channel":
        return f"channel:{payload.get('channel', '')}"[:120]
    return f"person:{payload['person']}" if channel in _PERSONAL and payload.get("person") else ""


def first_try_at(channel: str, receiver: str, payload: Mapping[str, Any], now: datetime) -> datetime:
    if channel not in DISTURBING or not receiver:
        return now
    return ready_at(now, str(payload.get("group", "")), _seconds(settings.GTMOPS.message_gather_seconds))


def unplanned() -> QuerySet[Effect]:
    """What waits for a decision."""
    return Effect.objects.filter(
        state=Effect.State.PENDING, channel__in=DISTURBING, planned_at=None, carried_by=None
    ).exclude(receiver="")


def next_plan(now: datetime) -> datetime | None:
    found: datetime | None = unplanned().aggregate(at=Min("next_try_at"))["at"]
    return found


def plan_due(now: datetime) -> int:
    """Decide on everything due; returns how many messages were decided on. One worker at a time does it."""
    with transaction.atomic():
        due = list(
            unplanned()
            .filter(next_try_at__lte=now)
            .order_by("receiver")
            .values_list("receiver", flat=True)
            .distinct()[:MOST_RECEIVERS]
        )
        if not due or not _is_alone():
            return 0
        rows: dict[str, list[Effect]] = defaultdict(list)
        for row in unplanned().filter(receiver__in=due).select_for_update(no_key=True).order_by("pk"):
            rows[row.receiver].append(row)
        receivers = _receivers(rows, now)
        sent = _sent(receivers, now)
        window = _seconds(settings.GTMOPS.message_window_seconds)
        return sum(
            _carry_out(
                name,
                some,
                settle([_waiting(row) for row in some], receivers[name], sent[name], now, window),
                receivers[name].day_of(now),
                now,
            )
            for name, some in rows.items()
        )


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def _waiting(row: Effect) -> Waiting:
    payload = row.payload
    return Waiting(
        key=row.pk,
        channel=row.channel,
        at=row.next_try_at,
        severity=str(payload.get("severity", "")),
        group=row.group,
        at_any_hour=payload.get("at_any_hour") is True,
        held=row.held,  # type: ignore[arg-type]  # one of the words by the field's choices
    )


# --- who, and what they got already ----------------------------------------------------------------------------


def _receivers(rows: Mapping[str, Sequence[Effect]], now: datetime) -> dict[str, Receiver]:
    people = {int(name.partition(":")[2]) for name in rows if name.startswith("person:")}
    known = load_receivers(people, now)
    team_of = {
        name: str(some[0].payload.get("team", ""))
        for name, some in rows.items()
        if name.startswith("channel:")
    }
    teams = load_hours((), set(team_of.values()) - {""}, now).teams if team_of else {}
    found: dict[str, Receiver] = {}
    for name in rows:
        if name in team_of:
            found[name] = Receiver(hours=teams.get(team_of[name]), is_person=False)
        else:
            # Somebody who is gone is refused by the channel, with words.
            found[name] = known.get(int(name.partition(":")[2]), Receiver())
    return found


def _sent(receivers: Mapping[str, Receiver], now: datetime) -> dict[str, Sent]:
    """Two queries: what left within the last window of each group, and since the local midnight of each."""
    window = now - _seconds(settings.GTMOPS.message_window_seconds)
    left = Effect.objects.filter(receiver__in=receivers, channel__in=DISTURBING, carried_by=None)
    last: dict[str, dict[tuple[str, str], datetime]] = defaultdict(dict)
    grouped = left.filter(planned_at__gt=window).exclude(group="").order_by()
    for name, channel, group, at in grouped.values_list("receiver", "channel", "group").annotate(
        at=Max("planned_at")
    ):
        last[name][channel, group] = at
    today: dict[str, int] = defaultdict(int)
    digests: dict[str, set[tuple[str, date]]] = defaultdict(set)
    rows = left.filter(planned_at__gt=now - timedelta(days=2)).values_list(
        "receiver", "channel", "planned_at", "key"
    )
    for name, channel, at, key in rows:
        day = receivers[name].day_of(at) if at else None
        if key.startswith("digest:"):
            digests[name].add((channel, day or date.min))
        elif day == receivers[name].day_of(now):
            today[name] += 1
    return {name: Sent(today[name], last[name], frozenset(digests[name])) for name in receivers}


# --- writing it down -------------------------------------------------------------------------------------------


def _carry_out(name: str, rows: Sequence[Effect], plan: Plan, day: date, now: datetime) -> int:
    by_key = {row.pk: row for row in rows}
    changed: list[Effect] = []
    for bundle in plan.bundles:
        members = [by_key[item.key] for item in bundle.items if isinstance(item.key, int)]
        if len(members) > 1 or bundle.is_digest:
            carrier = _carrier(name, bundle, members, day, now)
            for row in members:
                row.carried_by, row.held = carrier, ""
        else:
            members[0].planned_at, members[0].next_try_at, members[0].held = now, now, ""
        changed += members
    for message, decision in plan.held:
        row = by_key[_pk(message)]
        row.next_try_at, row.held = decision.until, decision.held
        changed.append(row)
    unwanted = [by_key[_pk(message)] for message in plan.inbox]
    for row, twin in zip(unwanted, to_inbox(unwanted, now), strict=True):
        row.carried_by, row.held, row.state = twin, "", twin.state
        row.last_error = "Not by this way, as they chose: it is in their inbox."
        row.done_at = twin.done_at
        changed.append(row)
    Effect.objects.bulk_update(
        changed, ["planned_at", "next_try_at", "held", "carried_by", "state", "last_error", "done_at"]
    )
    return len(changed)


def _pk(message: Waiting) -> int:
    return int(str(message.key))


def _carrier(name: str, bundle: Bundle, members: Sequence[Effect], day: date, now: datetime) -> Effect:
    """The one message that leaves for all of them. A second digest of a day is impossible by its key."""
    key = f"digest:{name}:{bundle.channel}:{day}" if bundle.is_digest else f"group:{members[0].pk}"
    return Effect.objects.create(
        key=key,
        channel=bundle.channel,
        receiver=name,
        group="" if bundle.is_digest else members[0].group,
        payload=compose([row.payload for row in members], is_digest=bundle.is_digest),
        created_at=now,
        next_try_at=now,
        planned_at=now,
    )


# --- when a channel can't deliver ------------------------------------------------------------------------------


def fall_back(effect: Effect, now: datetime) -> None:
    """Tell the person another way, in the transaction that gave the message up: Slack by e-mail, else the inbox."""
    if effect.channel not in {"slack", "email", "crm_task"} or not effect.receiver.startswith("person:"):
        return
    told = list(effect.carried.order_by("pk")) or [effect]
    if effect.channel == "slack" and not _twins(told, "email"):
        person = int(effect.receiver.partition(":")[2])
        receiver = load_receivers([person], now).get(person)
        severity = str(effect.payload.get("severity", ""))
        if receiver is not None and receiver.preferences.takes(severity, "email"):
            Effect.objects.bulk_create([_instead(effect, "email", now)], ignore_conflicts=True)
            return
    to_inbox(told, now)


def to_inbox(rows: Sequence[Effect], now: datetime) -> list[Effect]:
    """For each the same message in the inbox, made where there is none yet."""
    if not rows:
        return []
    twins = _twins(rows, "inbox")
    new = [_instead(row, "inbox", now) for row in rows if _same(row) not in twins]
    Effect.objects.bulk_create(new, ignore_conflicts=True)
    made = Effect.objects.in_bulk([row.key for row in new], field_name="key")
    return [twins.get(_same(row)) or made[_instead(row, "inbox", now).key] for row in rows]


def _twins(rows: Sequence[Effect], channel: str) -> dict[tuple[str, str, str], Effect]:
    """The same messages by another channel."""
    found = Effect.objects.filter(
        receiver__in={row.receiver for row in rows},
        channel=channel,
        payload__title__in=list({row.payload.get("title", "") for row in rows}),
    ).exclude(state=Effect.State.DEAD)
    return {_same(effect): effect for effect in found.order_by("-pk")}


def _same(row: Effect) -> tuple[str, str, str]:
    return row.receiver, str(row.payload.get("title", "")), str(row.payload.get("href", ""))


def _instead(row: Effect, channel: str, now: datetime) -> Effect:
    # The stem stays: who was told about a clock is found by it.
    return Effect(
        key=f"{row.key}>{channel}"[:300],
        channel=channel,
        receiver=row.receiver,
        group=row.group,
        payload=row.payload,
        created_at=now,
        next_try_at=now,
        planned_at=now,
    )


def finish_carried(effects: Iterable[int], **values: object) -> None:
    """What a message carried ends as it ended."""
    Effect.objects.filter(carried_by__in=list(effects), state__in=_UNFINISHED).update(**values)
