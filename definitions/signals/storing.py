"""Signals: what users and accounts do in the product. Kept once, for a time, and matched with records as they come."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Max, Q

from definitions.models import Signal
from definitions.signals.events import SignalEvent
from records.services import touch

PAGE = 5_000
LATE_MATCH = timedelta(minutes=2)


@dataclass(frozen=True)
class Stored:
    """What became of each event of a delivery, in its order: True where it was new."""

    is_new: tuple[bool, ...]
    matched: int


def store_signals(source: str, events: Sequence[SignalEvent], now: datetime) -> Stored:
    """Keep what is new of ``source`` and mark the records it is about. A constant number of statements."""
    with transaction.atomic():
        known = set(
            Signal.objects.filter(source=source, message_id__in={e.message_id for e in events}).values_list(
                "message_id", flat=True
            )
        )
        fresh: dict[str, SignalEvent] = {}
        is_new = []
        for event in events:
            first = event.message_id not in known and event.message_id not in fresh
            is_new.append(first)
            if first:
                fresh[event.message_id] = event
        found = _find(fresh.values())
        rows = [_row(source, event, found, now) for event in fresh.values()]
        Signal.objects.bulk_create(rows, ignore_conflicts=True)
        matched = {row.record_id for row in rows if row.record_id}
        touch(matched, now)
    return Stored(tuple(is_new), sum(1 for row in rows if row.record_id))


def _row(source: str, event: SignalEvent, found: _Found, now: datetime) -> Signal:
    return Signal(
        source=source,
        message_id=event.message_id,
        name=event.name,
        user_ref=event.user_ref,
        user_email=event.user_email,
        account_ref=event.account_ref,
        properties=dict(event.properties),
        occurred_at=event.occurred_at,
        received_at=now,
        record_id=found.of(event),
    )


# --- whom a signal is about ------------------------------------------------------------------------------------

# Of several records of one buyer the one of the first source in order; all of them read it through their journey.
_FIND = """
SELECT DISTINCT ON (kind, ref) kind, ref, id FROM (
    SELECT 'email' AS kind, substr(k.key, 7) AS ref, r.id, c.source_order
    FROM records_linkkey k JOIN records_record r ON r.id = k.record_id
    JOIN records_connection c ON c.id = r.connection_id
    WHERE k.key = ANY(%(emails)s) AND r.object = 'person' AND r.deleted_at IS NULL AND r.merged_into_id IS NULL
    UNION ALL
    SELECT 'user', r.values ->> 'product_user_id', r.id, c.source_order
    FROM records_record r JOIN records_connection c ON c.id = r.connection_id
    WHERE r.object = 'person' AND r.values ? 'product_user_id' AND r.values ->> 'product_user_id' = ANY(%(users)s)
      AND r.deleted_at IS NULL AND r.merged_into_id IS NULL
    UNION ALL
    SELECT 'account', r.values ->> 'product_account_id', r.id, c.source_order
    FROM records_record r JOIN records_connection c ON c.id = r.connection_id
    WHERE r.object = 'account' AND r.values ? 'product_account_id'
      AND r.values ->> 'product_account_id' = ANY(%(accounts)s)
      AND r.deleted_at IS NULL AND r.merged_into_id IS NULL
) found ORDER BY kind, ref, source_order, id
"""


class _Found:
    """Record ids by what a signal names."""

    def __init__(self, rows: Iterable[tuple[str, str, uuid.UUID]]) -> None:
        self._ids = {(kind, ref): pk for kind, ref, pk in rows}

    def of(self, event: SignalEvent | Signal) -> uuid.UUID | None:
        """The person by the product's id, else by e-mail; else the account."""
        names = (("user", event.user_ref), ("email", event.user_email), ("account", event.account_ref))
        return next((self._ids[name] for name in names if name[1] and name in self._ids), None)


def _find(signals: Iterable[SignalEvent | Signal]) -> _Found:
    """One statement."""
    told = list(signals)
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND,
            {
                "emails": sorted({f"email:{s.user_email}" for s in told if s.user_email}),
                "users": sorted({s.user_ref for s in told if s.user_ref}),
                "accounts": sorted({s.account_ref for s in told if s.account_ref}),
            },
        )
        return _Found(cursor.fetchall())


# A signal goes to the person it names as soon as that one turns up, from nobody or from the account.
_MATCH = """
UPDATE definitions_signal s SET record_id = m.record_id
FROM (
    SELECT DISTINCT ON (s.id) s.id, w.record_id FROM (
        SELECT r.id AS record_id, 1 AS rank, 'user' AS kind, r.values ->> 'product_user_id' AS ref
        FROM records_record r WHERE r.id = ANY(%(ids)s) AND r.object = 'person' AND r.values ? 'product_user_id'
        UNION ALL
        SELECT k.record_id, 2, 'email', substr(k.key, 7)
        FROM records_linkkey k JOIN records_record r ON r.id = k.record_id
        WHERE k.record_id = ANY(%(ids)s) AND k.key LIKE 'email:%%' AND r.object = 'person'
        UNION ALL
        SELECT r.id, 3, 'account', r.values ->> 'product_account_id'
        FROM records_record r WHERE r.id = ANY(%(ids)s) AND r.object = 'account' AND r.values ? 'product_account_id'
    ) w
    JOIN records_record found
    ON found.id = w.record_id AND found.deleted_at IS NULL AND found.merged_into_id IS NULL
    JOIN LATERAL (
        SELECT s.id, s.record_id FROM definitions_signal s
        WHERE w.kind = 'user' AND s.user_ref <> '' AND s.user_ref = w.ref
        UNION ALL
        SELECT s.id, s.record_id FROM definitions_signal s
        WHERE w.kind = 'email' AND s.user_email <> '' AND s.user_email = w.ref
        UNION ALL
        SELECT s.id, s.record_id FROM definitions_signal s
        WHERE w.kind = 'account' AND s.record_id IS NULL AND s.account_ref = w.ref AND w.ref <> ''
    ) s ON true
    LEFT JOIN records_record held ON held.id = s.record_id
    WHERE s.record_id IS NULL OR (w.rank < 3 AND held.object = 'account')
    ORDER BY s.id, w.rank, w.record_id
) m WHERE s.id = m.id
RETURNING s.record_id
"""


def match_waiting(record_ids: Iterable[uuid.UUID], now: datetime) -> int:
    """Give records that were just stored the signals that waited for them. Returns signals matched; two statements."""
    ids = list(record_ids)
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM definitions_signal LIMIT 1")
        if not cursor.rowcount:
            return 0
        cursor.execute(_MATCH, {"ids": ids})
        matched = [pk for (pk,) in cursor.fetchall()]
    touch(matched, now)
    return len(matched)


def match_just_received(now: datetime) -> int:
    """Find records for signals that came in the same moment as their record: neither saw the other."""
    waiting = list(
        Signal.objects.filter(record=None, received_at__gte=now - LATE_MATCH).order_by("pk")[:PAGE]
    )
    if not waiting:
        return 0
    found = _find(waiting)
    matched = []
    for row in waiting:
        row.record_id = found.of(row)
        if row.record_id:
            matched.append(row)
    if matched:
        with transaction.atomic():
            Signal.objects.bulk_update(matched, ["record"], batch_size=500)
            touch((row.record_id for row in matched if row.record_id), now)
    return len(matched)


# --- keeping for a time ----------------------------------------------------------------------------------------


def oldest_kept(now: datetime) -> datetime:
    """Before this instant signals are neither taken nor kept."""
    return now - timedelta(days=settings.GTMOPS.signal_days)


def remove_old(now: datetime) -> int:
    """Remove one page of the signals whose time is over. Returns signals removed."""
    with transaction.atomic():
        page = list(
            Signal.objects.filter(received_at__lt=oldest_kept(now))
            .order_by("received_at")
            .values_list("pk", flat=True)[:PAGE]
        )
        if page:
            Signal.objects.filter(pk__in=page).delete()
    return len(page)


def tend(now: datetime) -> int:
    """What time brings for signals: late matches, and the end of their keeping. Returns signals changed or removed."""
    return match_just_received(now) + remove_old(now)


def next_due(now: datetime) -> datetime | None:
    oldest = Signal.objects.order_by("received_at").values_list("received_at", flat=True).first()
    return None if oldest is None else max(now, oldest + timedelta(days=settings.GTMOPS.signal_days))


# --- what is there ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignalName:
    """One kind of signal as the page for admins lists it. ``waiting``: of nobody we know yet."""

    name: str
    count: int
    waiting: int
    waiting_users: int
    last_at: datetime
    sources: tuple[str, ...]


def names_seen() -> list[SignalName]:
    """Every name, the most recent first. Two queries."""
    rows = (
        Signal.objects.order_by()
        .values("name")
        .annotate(
            count=Count("pk"),
            waiting=Count("pk", filter=Q(record=None)),
            waiting_users=Count("user_email", filter=Q(record=None) & ~Q(user_email=""), distinct=True)
            + Count("user_ref", filter=Q(record=None, user_email="") & ~Q(user_ref=""), distinct=True),
            last_at=Max("occurred_at"),
        )
    )
    sources: dict[str, set[str]] = {}
    for name, source in Signal.objects.order_by().values_list("name", "source").distinct():
        sources.setdefault(name, set()).add(source)
    found = [SignalName(**row, sources=tuple(sorted(sources.get(row["name"], ())))) for row in rows]
    return sorted(found, key=lambda n: n.last_at, reverse=True)


@dataclass(frozen=True)
class WaitingUser:
    """A user or account that no record is known for."""

    who: str
    account: str
    count: int
    last_at: datetime


def waiting_users(most: int = 50) -> list[WaitingUser]:
    """Those with the most recent signals first. One query."""
    rows = (
        Signal.objects.filter(record=None)
        .order_by()
        .values("user_email", "user_ref", "account_ref")
        .annotate(count=Count("pk"), last_at=Max("occurred_at"))
        .order_by(F("last_at").desc())[:most]
    )
    return [
        WaitingUser(r["user_email"] or r["user_ref"], r["account_ref"], r["count"], r["last_at"])
        for r in rows
    ]
