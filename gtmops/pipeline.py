"""From touched records to conclusions: the only place that knows the order of the rooms."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

import definitions.services
import definitions.triggers.services
import handoffs.services
import scorecards.services
import slas.services
from records import desired
from records.journey_data import Batch
from records.journeys import relink
from records.loading import load_batch
from records.matching import linking, matching
from records.models import Journey, Record, Touched

log = logging.getLogger(__name__)

ROOMS: tuple[Callable[[Batch], object], ...] = (
    matching.refresh,
    definitions.services.refresh,
    definitions.triggers.services.refresh,
    slas.services.refresh,
    handoffs.services.refresh,
    scorecards.services.refresh,
    desired.refresh,
)


def process(now: datetime) -> int:
    """Conclude anew what is touched: claim by lease, relink, then batch by batch. Returns rows done.

    Correct with several at once; but they would wait for each other's journeys, so one runs and the others leave.
    """
    with _alone() as is_alone:
        if not is_alone:
            return 0
        token = uuid.uuid4()
        claimed = _claim(now, token)
        if claimed:
            _conclude_claimed(claimed, token, now)
        return len(claimed)


def conclude(journey_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Lock these journeys in id order, load them once, and let every room draw its conclusions, in one transaction."""
    with transaction.atomic():
        list(
            Journey.objects.select_for_update(no_key=True)
            .filter(pk__in=list(journey_ids))
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        batch = load_batch(journey_ids, now)
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
def _alone() -> Iterator[bool]:
    """Whether this process may run the pipeline now; the lock ends with the session, so a kill frees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('pipeline'))")
        is_alone = bool(cursor.fetchone()[0])
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('pipeline'))")


def _claim(now: datetime, token: uuid.UUID) -> list[Touched]:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    with transaction.atomic():
        rows = list(
            Touched.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(free)
            .order_by("pk")[: settings.GTMOPS.tick_batch]
        )
        Touched.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + timedelta(seconds=settings.GTMOPS.lease_seconds), lease_token=token
        )
    return rows


def _conclude_claimed(claimed: Sequence[Touched], token: uuid.UUID, now: datetime) -> None:
    try:
        with transaction.atomic():
            journeys = sorted(relink([t.record_id for t in claimed]))
            for chunk in _chunks(iter(journeys), settings.GTMOPS.pipeline_batch):
                conclude(chunk, now)
            Touched.objects.filter(pk__in=[t.pk for t in claimed], lease_token=token).delete()
    except Exception as error:
        if len({t.record_id for t in claimed}) > 1:
            log.exception("a batch of %s touched records failed; going record by record", len(claimed))
            by_record: dict[uuid.UUID, list[Touched]] = {}
            for row in claimed:
                by_record.setdefault(row.record_id, []).append(row)
            for rows in by_record.values():
                _conclude_claimed(rows, token, now)
            return
        log.exception("record %s is postponed", claimed[0].record_id)
        _postpone(claimed, error, now)


def _postpone(claimed: Sequence[Touched], error: Exception, now: datetime) -> None:
    wait = settings.GTMOPS.postpone_seconds * 2 ** min(claimed[0].attempts, 8)
    Touched.objects.filter(pk__in=[t.pk for t in claimed]).update(
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
