"""Taking the next batch of our fields by lease, within the pilot and the day's cap; one claimer at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet
from django.db.models.fields.json import KeyTextTransform

from integrations.registry import connector_class
from integrations.writing import deciding
from integrations.writing.models import PushState
from integrations.writing.pilot import limits_of
from integrations.writing.rows import due_rows
from records.canonical import instant
from records.models import Connection, DesiredField

LOOKED_UP: Final = 5_000
NEAR: Final = 2_000
"""Records that several workers may have under way at once: only so near to the cap are they counted."""


@dataclass(frozen=True)
class Claim:
    """``unknown``: remote ids that may have been written already, by a try whose answer nobody heard."""

    connection: Connection
    remote_object: str
    rows: list[DesiredField]
    token: uuid.UUID
    unknown: frozenset[str] = field(default_factory=frozenset)

    @property
    def by_record(self) -> dict[str, list[DesiredField]]:
        """Remote id -> its rows."""
        found: dict[str, list[DesiredField]] = {}
        for row in self.rows:
            found.setdefault(row.record.remote_id, []).append(row)
        return found


def locked_state(connection: Connection) -> PushState:
    """For the length of the caller's transaction."""
    PushState.objects.get_or_create(connection=connection)
    return PushState.objects.select_for_update(no_key=True).get(connection=connection)


def standing_of(connection: Connection, state: PushState | None, now: datetime) -> deciding.Standing:
    """How much of the day's cap is used. Two queries."""
    limits = limits_of(connection)
    cap = settings.GTMOPS.push_records_a_day if limits.records_a_day is None else limits.records_a_day
    if state is None:
        return deciding.Standing(cap, 0, 0)
    written = state.written if state.counted_on == now.astimezone(UTC).date() else 0
    in_flight = 0
    if cap - written < NEAR:
        leased = DesiredField.objects.filter(record__connection=connection, lease_until__gt=now)
        in_flight = leased.values("record").distinct().count()
    return deciding.Standing(cap, written, in_flight, state.failures)


def is_open(state: PushState | None, now: datetime) -> bool:
    """Whether anything may be sent now: the CRM did not ask us to wait, and we do not wait for it to come back."""
    return state is None or state.next_try_at is None or state.next_try_at <= now


class Queue:
    """Records of a connection that were due when it was last looked, so that a batch costs no look at all of them.

    Fields that failed before stand apart from fresh ones, because one of them may be poisoned."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.is_only_undo = False
        self._rows: list[tuple[int, str, uuid.UUID]] = []

    def take(
        self, due: QuerySet[DesiredField], size: Callable[[int], int]
    ) -> tuple[int, str, list[uuid.UUID]]:
        """(attempts, remote object, records) of the next batch; no records when none is due. ``size(attempts)``."""
        if not self._rows:
            self._rows = self._look_up(due)
        if not self._rows:
            return 0, "", []
        attempts, remote_object, _ = self._rows[-1]
        records: list[uuid.UUID] = []
        most = size(attempts)
        while self._rows and len(records) < most and self._rows[-1][:2] == (attempts, remote_object):
            records.append(self._rows.pop()[2])
        return attempts, remote_object, records

    def _look_up(self, due: QuerySet[DesiredField]) -> list[tuple[int, str, uuid.UUID]]:
        """The next one last. Two calls that write to one account wait for each other, or fail, so that its records go
        together where the CRM locks it."""
        columns = ["attempts", "record__remote_object"]
        if connector_class(self.connection.kind).capabilities.locks_accounts:
            due = due.annotate(account=KeyTextTransform("account", "record__values"))
            columns.append("account")
        found = due.order_by(*columns, "record").values_list(*columns, "record").distinct()[:LOOKED_UP]
        return [(row[0], row[1], row[-1]) for row in list(found)[::-1]]

    def forget(self) -> None:
        """What may be claimed is not what it was."""
        self._rows = []


def claim(queue: Queue) -> Claim | None:
    """One batch: the fields of as many records of one remote object as may be sent at once; None when none may."""
    connection, now = queue.connection, queue.now
    full = connector_class(connection.kind).capabilities.push_batch
    with transaction.atomic():
        state = locked_state(connection)
        if not is_open(state, now):
            return None
        standing = standing_of(connection, state, now)
        # What somebody undoes is not kept back by the cap: it may be why they undo it.
        if queue.is_only_undo != (standing.left == 0):
            queue.is_only_undo = not queue.is_only_undo
            queue.forget()
        without = waiting_objects(state, now)
        due = due_rows(connection, now, only_undo=queue.is_only_undo, without=without)

        def size(attempts: int) -> int:
            return deciding.batch_size(
                full, attempts=attempts, failures=standing.failures, left=standing.left or None
            )

        rows: list[DesiredField] = []
        while not rows:
            attempts, remote_object, records = queue.take(due, size)
            if not records:
                return None
            rows = list(
                due.filter(record__in=records, attempts=attempts)
                .select_for_update(skip_locked=True, of=("self",), no_key=True)
                .select_related("record")
                .order_by("record", "field")
            )
        # A token that outlived its lease is of a try whose end nobody knows.
        unknown = frozenset(row.record.remote_id for row in rows if row.lease_token is not None)
        token = uuid.uuid4()
        DesiredField.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + settings.GTMOPS.lease, lease_token=token
        )
    return Claim(connection, remote_object, rows, token, unknown)


def waiting_objects(state: PushState | None, now: datetime) -> list[str]:
    """Remote objects that can't be written just now."""
    paused = state.paused_objects if state is not None else {}
    return sorted(name for name, told in paused.items() if instant(told["until"]) > now)


def next_claim(connection: Connection, now: datetime) -> datetime | None:
    """When the next batch may be due; None when nothing waits."""
    state = PushState.objects.filter(connection=connection).first()
    standing = standing_of(connection, state, now)
    rows = due_rows(connection, datetime.max.replace(tzinfo=UTC), only_undo=standing.is_spent)
    found: datetime | None = rows.aggregate(first=Min("next_try_at"))["first"]
    if found is None:
        waits = standing.is_spent and due_rows(connection, now).exists()
        return deciding.next_day(now) if waits else None
    later = [found, state.next_try_at if state is not None and state.next_try_at is not None else found]
    return max(later)
