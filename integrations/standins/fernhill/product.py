"""What Fernhill's own product saw: a few weeks of use by customers and trials, as track events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

POWER_USERS, GROWING, ACTIVATED = 9, 6, 7
WEEKS = 8
STRANGERS = ("u_90121", "u_90122", "u_90125", "u_90133")


class ProductUser(NamedTuple):
    """``plan`` is trial, free or paid."""

    id: str
    plan: str


def product_events(users: Sequence[ProductUser], now: datetime, seed: int = 17) -> list[dict[str, Any]]:
    """The same events for the same users and instant; nothing lies in the future."""
    random = Random(f"{seed}:product")
    customers = sorted(u for u in users if u.plan == "paid")
    trials = sorted(u for u in users if u.plan != "paid")
    random.shuffle(customers)
    random.shuffle(trials)
    power, growing, others = (
        customers[:POWER_USERS],
        customers[POWER_USERS : POWER_USERS + GROWING],
        customers[POWER_USERS + GROWING :],
    )
    told: list[tuple[str, str, datetime, dict[str, Any]]] = []
    for i, user in enumerate(power):
        # The first few reach the threshold in the last hours, the others weeks ago.
        begin = now - timedelta(hours=3 + 7 * i) if i < 4 else now - timedelta(days=12 * (i - 2))
        told += [
            (user.id, "Report Exported", begin - timedelta(hours=19 * k), _report(random)) for k in range(6)
        ]
    for i, user in enumerate(growing):
        begin = now - timedelta(hours=5 + 9 * i) if i < 3 else now - timedelta(days=40 + i)
        told += [
            (
                user.id,
                "Vehicle Added",
                begin - timedelta(hours=41 * k),
                {"kind": random.choice(("van", "truck"))},
            )
            for k in range(5)
        ]
    for user in others:
        told += list(_everyday(user, now, random))
    for i, user in enumerate(trials):
        told += list(_trial(user, now, random, is_activated=i < ACTIVATED))
    for stranger in STRANGERS:
        told.append(
            (stranger, "Workspace Invited", now - timedelta(hours=random.randint(4, 200)), {"seats": 1})
        )
    told.sort(key=lambda one: (one[2], one[0], one[1]))
    return [
        {
            "type": "track", "event": name, "userId": user, "properties": properties,
            "timestamp": at.isoformat(), "messageId": f"fernhill-{i}",
        }
        for i, (user, name, at, properties) in enumerate(told)
        if at <= now
    ]  # fmt: skip


def _report(random: Random) -> dict[str, Any]:
    return {"report": random.choice(("cost per km", "due inspections", "downtime", "tyres"))}


def _everyday(
    user: ProductUser, now: datetime, random: Random
) -> Iterator[tuple[str, str, datetime, dict[str, Any]]]:
    for week in range(WEEKS):
        if random.random() < 0.35:
            at = now - timedelta(days=7 * week + random.random() * 6 + 0.5)
            yield user.id, "Report Exported", at, _report(random)
    if random.random() < 0.3:
        at = now - timedelta(days=random.randint(4, 50))
        yield user.id, "Vehicle Added", at, {"kind": random.choice(("van", "truck"))}
    if random.random() < 0.12:
        at = now - timedelta(days=random.randint(3, 40))
        yield (
            user.id,
            "Module Viewed",
            at,
            {"module": random.choice(("inspections", "yard slots", "parts stock"))},
        )


def _trial(
    user: ProductUser, now: datetime, random: Random, *, is_activated: bool
) -> Iterator[tuple[str, str, datetime, dict[str, Any]]]:
    begin = now - timedelta(days=random.randint(1, 10))
    for k in range(random.randint(3, 5) if is_activated else random.randint(0, 2)):
        yield user.id, "Workspace Invited", begin - timedelta(hours=7 * k), {"seats": random.randint(1, 4)}
    if is_activated or random.random() < 0.2:
        yield user.id, "Report Exported", begin + timedelta(hours=2), _report(random)
