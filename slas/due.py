"""Clocks whose time has come: found, noticed, and their evidence asked for. Nothing is decided here."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef

from definitions.models import Version
from effects.tick import ring
from records.models import Record
from records.services import gtmops_connection, touch
from records.stored import Where, rows_where
from slas.in_force import rule_of
from slas.kinds import CLOCK_DUE
from slas.models import Clock, NoticedDue
from slas.rules import Rule
from slas.sources import load_unread


class Fallen(NamedTuple):
    """A clock that has just fallen due; ids are text where that is enough."""

    clock: str
    record: uuid.UUID
    journey: str
    rule: int
    started_at: datetime
    due_at: datetime
    is_measured_only: bool


def due_clocks(now: datetime) -> int:
    """Notice clocks whose time has come, ask for their evidence, and touch their records. Returns clocks found.

    The log remembers that it was asked, and the fold concludes from the answers. Running it twice, or two at once,
    changes nothing more."""
    with transaction.atomic():
        fallen = claim(now)
        # History needs no evidence: nobody is told of it.
        _ask_for_evidence([one for one in fallen if not one.is_measured_only], now)
        touch([one.record for one in fallen], now)
    return len(fallen)


def claim(now: datetime) -> list[Fallen]:
    """Remember what has fallen due as noticed; one statement, inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [now, settings.GTMOPS.tick_batch])
        return [Fallen(*row) for row in cursor.fetchall()]


CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, record_id, journey_id, rule_id, started_at, due_at, is_measured_only FROM slas_clock
    WHERE state = 'running' AND due_at <= %s
        AND NOT EXISTS (SELECT FROM slas_noticeddue WHERE clock_id = id)
    ORDER BY due_at, id LIMIT %s
), noticed AS (
    INSERT INTO slas_noticeddue (clock_id) SELECT id FROM due
    ON CONFLICT DO NOTHING RETURNING clock_id
)
SELECT id::text, record_id, journey_id::text, rule_id, started_at, due_at, is_measured_only
FROM due JOIN noticed ON clock_id = id
"""


def forget_noticed(clocks: Collection[uuid.UUID]) -> None:
    """What is concluded now says itself whether it still runs."""
    noticed = rows_where(NoticedDue, Where("clock_id = ANY (%s)", (list(clocks),))) if clocks else []
    if noticed:
        NoticedDue.objects.filter(pk__in=[row.pk for row in noticed]).delete()


def next_due(now: datetime) -> datetime | None:
    """When the next running clock falls due that was not noticed yet."""
    running = Clock.objects.filter(state=Clock.State.RUNNING, due_at__isnull=False).exclude(_NOTICED)
    return running.order_by("due_at").values_list("due_at", flat=True).first()


def oldest_due_at() -> datetime | None:
    """The due time of the clock that has waited longest for a conclusion; for health."""
    waiting = [
        Clock.objects.filter(state=Clock.State.DUE),
        Clock.objects.filter(_NOTICED, state=Clock.State.RUNNING),
    ]
    return min((at for rows in waiting if (at := rows.aggregate(at=Min("due_at"))["at"])), default=None)


_NOTICED = Exists(NoticedDue.objects.filter(clock_id=OuterRef("pk")))


# --- evidence --------------------------------------------------------------------------------------------------


def _ask_for_evidence(fallen: Sequence[Fallen], now: datetime) -> None:
    """One request for the subject and each other live person record of its journey; once per clock and due time."""
    if not fallen:
        return
    rules = {v.pk: rule_of(v) for v in Version.objects.filter(pk__in={one.rule for one in fallen})}
    people = _people_of({one.journey for one in fallen})
    blind = _blind(fallen, rules)
    events, requests = [], []
    for one in fallen:
        stem = f"clock:{one.clock}:{one.due_at:%Y%m%dT%H%M%S.%f}"
        keys = {pk: f"{stem}:{pk}" for pk in dict.fromkeys([one.record, *people[one.journey]])}
        data = {
            "clock": one.clock,
            "requests": {str(pk): key for pk, key in keys.items()},
            **({"no_data": blind[one.clock]} if one.clock in blind else {}),
        }
        events.append((f"{stem}:due", one.record, one.due_at, json.dumps(data)))
        wanted = json.dumps(list(rules[one.rule].evidence))
        requests += [(key, pk, wanted) for pk, key in keys.items()]
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, [gtmops_connection().pk, CLOCK_DUE, now, *_columns(events)])
        cursor.execute(_REQUESTS, [now, now, *_columns(requests)])
    ring("refresh")


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_ASKED = """
INSERT INTO records_event (connection_id, kind, observed_at, external_key, record_id, occurred_at, data, field,
    caused_by)
SELECT %s, %s, %s, key, record, at, data::jsonb, '', ''
FROM unnest(%s::text[], %s::uuid[], %s::timestamptz[], %s::text[]) told(key, record, at, data)
ON CONFLICT DO NOTHING
"""
_REQUESTS = """
INSERT INTO records_refreshrequest (requested_at, next_try_at, key, record_id, objects_wanted, attempts, outcome,
    last_error)
SELECT %s, %s, key, record, wanted::jsonb, 0, '', ''
FROM unnest(%s::text[], %s::uuid[], %s::text[]) told(key, record, wanted)
ON CONFLICT DO NOTHING
"""


def _people_of(journeys: Collection[str]) -> dict[str, list[uuid.UUID]]:
    """Journey -> its person records that a live CRM still shows."""
    found: dict[str, list[uuid.UUID]] = defaultdict(list)
    rows = Record.objects.present().filter(
        journey_id__in=journeys, object="person", connection__go_live_at__isnull=False
    )
    for pk, journey in rows.order_by("pk").values_list("pk", "journey_id"):
        found[str(journey)].append(pk)
    return found


def _blind(fallen: Sequence[Fallen], rules: Mapping[int, Rule]) -> dict[str, list[str]]:
    """Clock -> labels of its buyer's sources, for those of which none can tell what was done; two or three queries."""
    asked = [one for one in fallen if rules[one.rule].needs_activities]
    unread = load_unread() if asked else {}
    if not unread:
        return {}
    sources: dict[str, set[str]] = defaultdict(set)
    rows = Record.objects.filter(journey_id__in={one.journey for one in asked}).exclude(object="activity")
    for journey, name in rows.order_by().values_list("journey_id", "connection__name").distinct():
        sources[str(journey)].add(name)
    found = {}
    for one in asked:
        blind = [
            u.label
            for name in sorted(sources[one.journey])
            if (u := unread.get(name)) and u.is_blind(one.started_at)
        ]
        if blind and len(blind) == len(sources[one.journey]):
            found[one.clock] = blind
    return found
