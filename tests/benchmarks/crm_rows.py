"""Rows as a CRM answers them, 1.9 KB of JSON each, the same in every run. Pure: the peers read it too."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
WORDS = (
    "depot",
    "harbour",
    "route",
    "driver",
    "van",
    "night",
    "parcel",
    "cold",
    "yard",
    "fuel",
    "crew",
    "load",
)
# Logical field, its type, and what the CRM calls it. The other fields of a row are not mapped.
FIELDS = (
    ("email", "text", "email"),
    ("first_name", "text", "firstname"),
    ("last_name", "text", "lastname"),
    ("company", "text", "company"),
    ("job_title", "text", "jobtitle"),
    ("industry", "picklist", "industry"),
    ("region", "picklist", "region"),
    ("fleet_size", "number", "fleet_size"),
    ("budget", "money", "budget"),
    ("lifecycle_stage", "picklist", "lifecyclestage"),
    ("owner", "reference", "hubspot_owner_id"),
    ("demo_requested_at", "datetime", "demo_requested_at"),
    ("next_step_on", "date", "next_step_on"),
    ("does_not_call", "boolean", "does_not_call"),
    ("pain", "text", "pain"),
)
UNMAPPED = tuple(f"custom_{n:02}" for n in range(25))


def rows(number: int, *, changed: Sequence[int] = (), turn: int = 0) -> Iterator[dict[str, Any]]:
    """``number`` rows; those whose position is in ``changed`` tell something new in each ``turn``."""
    news = frozenset(changed)
    for n in range(number):
        yield row(n, turn if n in news else 0)


def row(n: int, turn: int = 0) -> dict[str, Any]:
    """``{"id", "updatedAt", "createdAt", "properties"}``, all texts, as HubSpot answers."""
    chance = random.Random(n)
    modified = FIRST + timedelta(seconds=n % 7200, hours=turn)
    texts = [" ".join(chance.choices(WORDS, k=6)) for _ in UNMAPPED]
    properties: dict[str, Any] = {
        "email": f"kip{n}@tarnbrook.example",
        "firstname": "Kip",
        "lastname": f"Aldermoor {n}",
        "company": f"Company {n % 5000}",
        "jobtitle": "Fleet manager",
        "industry": chance.choice(("courier", "paving", "cold chain", "harbour")),
        "region": chance.choice(("NA", "EMEA", "APAC")),
        "fleet_size": str(chance.randrange(200) + turn),
        "budget": f"{chance.randrange(90_000)}.50",
        "lifecyclestage": ("lead", "marketingqualifiedlead")[turn % 2],
        "hubspot_owner_id": str(chance.randrange(40)),
        "demo_requested_at": (FIRST - timedelta(days=n % 90)).isoformat().replace("+00:00", "Z"),
        "next_step_on": (FIRST + timedelta(days=n % 30)).date().isoformat(),
        "does_not_call": ("true", "false")[n % 2],
        "pain": " ".join(chance.choices(WORDS, k=20)),
    } | dict(zip(UNMAPPED, texts, strict=True))
    return {
        "id": str(n + 1),
        "createdAt": (FIRST - timedelta(days=100)).isoformat(),
        "updatedAt": modified.isoformat(),
        "properties": properties,
    }
