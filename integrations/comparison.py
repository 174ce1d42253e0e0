"""Every night: the ids and stamps that a CRM lists against those we hold, what differs by name, and its repair.

The list is kept page by page with its place, so a killed process goes on with the next page. Nothing is concluded from
it alone: what looks different is read again by id, and only what then changed here counts as a difference.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Collate
from django.urls import reverse

from effects.outbox import Intent, enqueue
from effects.tick import ring
from integrations import runs
from integrations.base import Connector, IdPage
from integrations.comparing import MISSING_THERE, Here, There, differences, is_too_much_gone
from integrations.errors import ConnectorError, RetryLater
from integrations.leases import LeaseLost, Piece
from integrations.models import Comparison, Difference, ListedId, PullCursor, Run
from integrations.registry import CONNECTORS, connector_for
from integrations.store import store_records, tombstones
from integrations.wanted import wanted_for
from records.models import Connection, Record
from teams.models import Person, Role

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 3600
KEPT_DAYS = 30
CHUNK = 2000
OPEN = (Comparison.State.LISTING, Comparison.State.REPAIRING)


@dataclass
class _Claim(Piece):
    row: Comparison


# --- when ----------------------------------------------------------------------------------------------------------


def compare_due(now: datetime) -> int:
    """Begin what is due tonight, and go on with one object for at most a piece's time. Returns 1 if it did anything."""
    begun = _begin_due(now)
    claim = _claim(now)
    if claim is None:
        return begun
    run = runs.open_run(Run.Kind.COMPARE, claim.row.connection, claim.row.remote_object, now)
    error = ""
    try:
        connector = connector_for(claim.row.connection)
        while not claim.is_over() and claim.row.state in OPEN:
            _work(claim, connector, run)
    except LeaseLost:
        log.info("another worker has taken over the comparison of %s", claim.row)
        return 1
    except Exception as fault:
        if not isinstance(fault, ConnectorError):
            log.exception("comparing %s failed", claim.row)
        error = str(fault) or type(fault).__name__
        _postpone(claim, fault, error)
    Comparison.objects.filter(pk=claim.row.pk, lease_token=claim.token).update(
        lease_until=None, lease_token=None
    )
    if error or not Comparison.objects.filter(connection=claim.row.connection, state__in=OPEN).exists():
        runs.close_run(run, claim.now(), error=error)
    return 1


def next_due(now: datetime) -> datetime | None:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    found: datetime | None = Comparison.objects.filter(free, state__in=OPEN).aggregate(at=Min("next_try_at"))[
        "at"
    ]
    if _unbegun(now):
        return now
    return min(found, _night(now) + timedelta(days=1)) if found else _night(now) + timedelta(days=1)


def compare_now(connection: Connection, now: datetime) -> int:
    """Begin a comparison of every object that is loaded. Returns how many are under way now."""
    for cursor in _comparable().filter(connection=connection):
        _begin(cursor, now)
    ring("compare")
    return Comparison.objects.filter(connection=connection, state__in=OPEN).count()


def repair_held(comparison: Comparison, now: datetime) -> None:
    """A person says that so many records are really gone: read them again and mark them deleted."""
    Comparison.objects.filter(pk=comparison.pk, state=Comparison.State.HELD).update(
        state=Comparison.State.REPAIRING, next_try_at=now, finished_at=None, failures=0
    )
    ring("compare")


def _night(now: datetime) -> datetime:
    """When the last night's comparison was due."""
    at = now.astimezone(UTC).replace(
        hour=settings.GTMOPS.comparison_hour % 24, minute=0, second=0, microsecond=0
    )
    return at if at <= now else at - timedelta(days=1)


def _comparable() -> QuerySet[PullCursor]:
    return (
        PullCursor.objects.filter(
            is_loaded=True, paused_at=None, mark_at__isnull=False, connection__kind__in=CONNECTORS
        )
        .exclude(connection__state=Connection.State.PAUSED)
        .select_related("connection")
    )


def _unbegun(now: datetime) -> list[PullCursor]:
    """Objects that nothing was compared of since last night, the first time once they are loaded. Two queries."""
    last = {
        (connection, name)
        for connection, name in Comparison.objects.filter(
            Q(started_at__gte=_night(now)) | Q(state__in=OPEN)
        ).values_list("connection_id", "remote_object")
    }
    return [c for c in _comparable() if (c.connection_id, c.remote_object) not in last]


def _begin_due(now: datetime) -> int:
    waiting = _unbegun(now)
    for cursor in waiting:
        _begin(cursor, now)
    return 1 if waiting else 0


def _begin(cursor: PullCursor, now: datetime) -> None:
    try:
        with transaction.atomic():
            Comparison.objects.create(
                connection=cursor.connection, remote_object=cursor.remote_object, started_at=now, next_try_at=now,
                # What the overlap reads again may have turned up there late; it is not late here.
                settled_at=cursor.mark_at or now,
            )  # fmt: skip
    except IntegrityError:
        return  # it is under way


def _claim(now: datetime) -> _Claim | None:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    token = uuid.uuid4()
    with transaction.atomic():
        row = (
            Comparison.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(free, state__in=OPEN, next_try_at__lte=now)
            .select_related("connection")
            .order_by("next_try_at", "pk")
            .first()
        )
        if row is None:
            return None
        row.lease_token, row.lease_until = token, now + settings.GTMOPS.lease
        row.save(update_fields=["lease_token", "lease_until"])
    return _Claim(row=row, token=token, started=now)


def _hold(claim: _Claim) -> Comparison:
    """The row, locked. Raises LeaseLost when the lease ran out and someone else goes on."""
    mine = Comparison.objects.select_for_update(of=("self",), no_key=True).select_related("connection")
    row = mine.filter(pk=claim.row.pk, lease_token=claim.token).first()
    if row is None:
        raise LeaseLost
    row.lease_until = claim.lease_until()
    claim.row = row
    return row


def _postpone(claim: _Claim, fault: Exception, text: str) -> None:
    now = claim.now()
    failures = min(claim.row.failures + 1, 32_000)
    pause = timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 60 * 2 ** min(failures, 10)))
    at = fault.at if isinstance(fault, RetryLater) and fault.at is not None else now + pause
    Comparison.objects.filter(pk=claim.row.pk, lease_token=claim.token).update(
        failures=failures, last_error=text[:2000], next_try_at=at
    )


# --- listing, comparing, repairing -----------------------------------------------------------------------------


def _work(claim: _Claim, connector: Connector, run: Run) -> None:
    if claim.row.state == Comparison.State.REPAIRING:
        _repair(claim, connector, run)
        return
    for page in connector.list_ids(claim.row.remote_object, claim.row.after):
        _keep(claim, page, run)
        if claim.is_over():
            return
    _conclude(claim)


def _keep(claim: _Claim, page: IdPage, run: Run) -> None:
    with transaction.atomic():
        row = _hold(claim)
        ListedId.objects.bulk_create(
            [ListedId(comparison=row, remote_id=i, modified_at=at) for i, at in page.ids],
            ignore_conflicts=True,
        )
        row.after, row.failures, row.last_error = page.after, 0, ""
        row.save(update_fields=["after", "lease_until", "failures", "last_error"])
        run.done += len(page.ids)
        runs.save_progress(run, claim.now())


def _conclude(claim: _Claim) -> None:
    """Merge both sides into differences; to be repaired, unless so many are gone that it can't be true."""
    with transaction.atomic():
        row = _hold(claim)
        batch: list[Difference] = []
        gone = 0
        for found in differences(
            _there(row), _here(row), settled_at=row.settled_at, listed_at=row.started_at
        ):
            gone += found.kind == MISSING_THERE
            batch.append(
                Difference(
                    comparison=row,
                    remote_id=found.remote_id,
                    kind=found.kind,
                    modified_at=found.modified_at,
                )
            )
            if len(batch) >= CHUNK:
                Difference.objects.bulk_create(batch)
                batch = []
        Difference.objects.bulk_create(batch)
        row.there = row.listed.count()
        row.here = _held(row).count()
        row.state = Comparison.State.REPAIRING
        if is_too_much_gone(gone, row.here):
            row.state = Comparison.State.HELD
            row.finished_at = claim.now()
            _tell(row, claim.now())
        ListedId.objects.filter(comparison=row).delete()
        row.save()


def _held(row: Comparison) -> QuerySet[Record]:
    return Record.objects.filter(
        connection=row.connection, remote_object=row.remote_object, deleted_at=None, merged_into=None
    )


def _there(row: Comparison) -> Iterator[There]:
    listed = row.listed.annotate(ordered=Collate("remote_id", "C")).order_by("ordered")
    for remote_id, at in listed.values_list("remote_id", "modified_at").iterator(chunk_size=CHUNK):
        yield There(remote_id, at)


def _here(row: Comparison) -> Iterator[Here]:
    held = _held(row).annotate(ordered=Collate("remote_id", "C")).order_by("ordered")
    told = held.values_list("remote_id", "modified_at_remote", "seen_at")
    for remote_id, at, seen_at in told.iterator(chunk_size=CHUNK):
        yield Here(remote_id, at, seen_at)


def _repair(claim: _Claim, connector: Connector, run: Run) -> None:
    """Read a batch of what differs again, by id: what the CRM shows is stored, what it does not is marked deleted."""
    row = claim.row
    some = list(row.differences.filter(outcome=Difference.Outcome.OPEN)[: connector.capabilities.read_batch])
    if not some:
        _finish(claim, run)
        return
    wanted = wanted_for(row.connection, connector, row.remote_object)
    read = connector.read(row.remote_object, [d.remote_id for d in some], wanted)
    now = claim.now()
    with transaction.atomic():
        row = _hold(claim)
        before = _states(row, some)
        store_records(
            row.connection,
            [*read.records, *tombstones(row.remote_object, read.missing, now)],
            now=now,
        )
        after = _states(row, some)
        stamps = {r.remote_id: r.modified_at for r in read.records if not r.is_deleted}
        for one in some:
            was, became = before.get(one.remote_id), after.get(one.remote_id)
            if was == became:
                one.outcome = Difference.Outcome.NONE
            elif became is None or became[1] is not None:
                one.outcome = Difference.Outcome.GONE
            else:
                one.outcome = Difference.Outcome.REPAIRED
        Difference.objects.bulk_update(some, ["outcome"])
        _note_stamps(row, {d.remote_id: stamps[d.remote_id] for d in some if d.remote_id in stamps})
        row.repaired += sum(d.outcome != Difference.Outcome.NONE for d in some)
        row.save(update_fields=["repaired", "lease_until"])


def _states(row: Comparison, some: Sequence[Difference]) -> dict[str, tuple[str, datetime | None]]:
    held = Record.objects.filter(
        connection=row.connection,
        remote_object=row.remote_object,
        remote_id__in=[d.remote_id for d in some],
    )
    return {i: (mark, gone) for i, mark, gone in held.values_list("remote_id", "fingerprint", "deleted_at")}


def _note_stamps(row: Comparison, stamps: Mapping[str, datetime]) -> None:
    """What changed there in nothing that we read keeps its old stamp here, and would be read again every night."""
    older = list(
        Record.objects.filter(
            connection=row.connection, remote_object=row.remote_object, remote_id__in=stamps
        ).only("remote_id", "modified_at_remote")
    )
    moved = [r for r in older if r.modified_at_remote is None or r.modified_at_remote < stamps[r.remote_id]]
    for record in moved:
        record.modified_at_remote = stamps[record.remote_id]
    Record.objects.bulk_update(moved, ["modified_at_remote"])


def _finish(claim: _Claim, run: Run) -> None:
    now = claim.now()
    with transaction.atomic():
        row = _hold(claim)
        row.differences.filter(outcome=Difference.Outcome.NONE).delete()
        row.state, row.finished_at, row.last_error = Comparison.State.DONE, now, ""
        kinds = dict(row.differences.order_by().values_list("kind").annotate(Count("pk")))
        if kinds:
            _tell(row, now)
        row.save()
        for name, count in kinds.items():
            run.counts[name] = run.counts.get(name, 0) + count
        runs.save_progress(run, now)
        Comparison.objects.filter(
            connection=row.connection,
            remote_object=row.remote_object,
            started_at__lt=now - timedelta(days=KEPT_DAYS),
        ).delete()


def _tell(row: Comparison, now: datetime) -> None:
    """RevOps, once per comparison and state: a difference is a fault of ours or of the CRM's, never nothing."""
    row.told_at = now
    count = row.differences.count()
    noun = f"{count:,} record{'' if count == 1 else 's'} of {row.remote_object}"
    if row.state == Comparison.State.HELD:
        title = f"{row.connection.label}: {noun} seem to be gone, and nothing was deleted here"
        body = "So many at once look like rights that our user lost there. Look, and say whether they are really gone."
    else:
        title = f"{row.connection.label}: {noun} differed and were put right"
        body = "They were read again. Each is named on the page of how it is read."
    people = Person.objects.active().filter(role=Role.REVOPS_ADMIN).order_by("pk")
    enqueue(
        [
            Intent(
                channel="inbox",
                key=f"comparison:{row.pk}:{row.state}:{person}",
                payload={
                    "person": person,
                    "severity": "warning",
                    "title": title,
                    "body": body,
                    "href": reverse("integrations:reading", args=[row.connection.name]),
                },
            )
            for person in people.values_list("pk", flat=True)
        ],
        now=now,
    )
