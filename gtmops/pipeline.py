"""From touched records to conclusions: the only place that knows the order of the rooms."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

import definitions.services
import definitions.triggers.services
import handoffs.refreshing
import scorecards.services
import slas.services
from records import desired
from records.journey_data import Batch
from records.journeys import relink
from records.loading import load_batch
from records.matching import linking, matching
from records.models import Journey, Record, Touched
from records.stored import Where, rows_where

log = logging.getLogger(__name__)

ROOMS: tuple[Callable[[Batch], object], ...] = (
    matching.refresh,
    definitions.services.refresh,
    definitions.triggers.services.refresh,
    slas.services.refresh,
    handoffs.refreshing.refresh,
    scorecards.services.refresh,
    desired.refresh,
)


def process(now: datetime) -> int:
    """Conclude anew what is touched: claim by lease, relink, then batch by batch. Returns rows done.

    Correct with several at once; but they would wait for each other's journeys, so one runs and the others leave.
    """
    with _alone(now) as is_alone:
        if not is_alone:
            return 0
        token = uuid.uuid4()
        claimed = _claim(now, token)
        if claimed:
            _conclude_claimed(claimed, token, now)
        return len(claimed)


def conclude(journey_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Lock these journeys in id order, load them once, and let every room draw its conclusions, in one transaction."""
    with transaction.atomic(savepoint=False):
        where = Where("id = ANY (%s)", (list(journey_ids),))
        journeys = rows_where(Journey, where, "ORDER BY id FOR NO KEY UPDATE")
        batch = load_batch(journey_ids, now, journeys=journeys)
        for refresh in ROOMS:
            refresh(batch)


def next_due(now: datetime) -> datetime | None:
    """Now, when something is touched and free to be claimed."""
    free = Touched.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    return now if free.exists() else None


def rebuild(now: datetime) -> Iterator[int]:
    """Relink and conclude every journey from the log, streamed; yields journeys done so far."""
    done = 0
    with transaction.atomic():
        linking.rebuild_links()
    records = Record.objects.order_by("pk").values_list("pk", flat=True)
    for chunk in _chunks(records.iterator(chunk_size=2000), 2000):
        with transaction.atomic():
            matching.note_accounts(chunk, now)
            relink(chunk)
    journeys = Journey.objects.order_by("pk").values_list("pk", flat=True)
    for chunk in _chunks(journeys.iterator(chunk_size=2000), settings.GTMOPS.pipeline_batch):
        conclude(chunk, now)
        done += len(chunk)
        yield done


@contextmanager
def _alone(now: datetime) -> Iterator[bool]:
    """Whether something is touched and this process may run the pipeline now; the lock ends with the session, so a
    kill frees it."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [now])
        is_alone = bool(cursor.fetchone()[0])
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('pipeline'))")


_ENTER = """
SELECT CASE WHEN EXISTS (SELECT FROM records_touched WHERE lease_until IS NULL OR lease_until < %s)
THEN pg_try_advisory_lock(hashtext('pipeline')) END
"""


class _Mark(NamedTuple):
    """A row of ``Touched`` that this run has claimed."""

    id: int
    record_id: uuid.UUID
    attempts: int


def _claim(now: datetime, token: uuid.UUID) -> list[_Mark]:
    until = now + settings.GTMOPS.lease
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [until, token, now, settings.GTMOPS.tick_batch])
        return sorted(_Mark(*row) for row in cursor.fetchall())


_CLAIM = """
UPDATE records_touched t SET lease_until = %s, lease_token = %s FROM (
    SELECT id FROM records_touched WHERE lease_until IS NULL OR lease_until < %s
    ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
) free WHERE t.id = free.id RETURNING t.id, t.record_id, t.attempts
"""


def _conclude_claimed(claimed: Sequence[_Mark], token: uuid.UUID, now: datetime) -> None:
    try:
        with transaction.atomic():
            journeys = sorted(relink([t.record_id for t in claimed]))
            for chunk in _chunks(iter(journeys), settings.GTMOPS.pipeline_batch):
                conclude(chunk, now)
            _finish(claimed, token)
    except Exception as error:
        if len({t.record_id for t in claimed}) > 1:
            log.exception("a batch of %s touched records failed; going record by record", len(claimed))
            by_record: dict[uuid.UUID, list[_Mark]] = {}
            for row in claimed:
                by_record.setdefault(row.record_id, []).append(row)
            for rows in by_record.values():
                _conclude_claimed(rows, token, now)
            return
        log.exception("record %s is postponed", claimed[0].record_id)
        _postpone(claimed, error, now)


def _finish(claimed: Sequence[_Mark], token: uuid.UUID) -> None:
    """Take away the marks whose conclusions are written; nothing refers to them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM records_touched WHERE id = ANY (%s) AND lease_token = %s",
            [[t.id for t in claimed], token],
        )


def _postpone(claimed: Sequence[_Mark], error: Exception, now: datetime) -> None:
    wait = settings.GTMOPS.postpone_seconds * 2 ** min(claimed[0].attempts, 8)
    Touched.objects.filter(pk__in=[t.id for t in claimed]).update(
        lease_until=now + timedelta(seconds=wait),
        lease_token=None,
        attempts=F("attempts") + 1,
        last_error=f"{type(error).__name__}: {error}"[:2000],
    )


def _chunks(ids: Iterator[uuid.UUID], size: int) -> Iterator[list[uuid.UUID]]:
    chunk: list[uuid.UUID] = []
    for pk in ids:
        chunk.append(pk)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
