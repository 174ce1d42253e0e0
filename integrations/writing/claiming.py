"""Taking the next batch of our fields by lease, within the pilot and the day's cap; one claimer at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from integrations.registry import connector_class
from integrations.writing import deciding
from integrations.writing.models import PushState
from integrations.writing.pilot import limits_of
from integrations.writing.rows import due_rows
from records.canonical import instant
from records.models import Connection, DesiredField, Record


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
    return PushState.objects.select_for_update().get(connection=connection)


def standing_of(connection: Connection, state: PushState | None, now: datetime) -> deciding.Standing:
    """How much of the day's cap is used. Two queries."""
    limits = limits_of(connection)
    cap = settings.GTMOPS.push_records_a_day if limits.records_a_day is None else limits.records_a_day
    if state is None:
        return deciding.Standing(cap, 0, 0)
    in_flight = DesiredField.objects.filter(record__connection=connection, lease_until__gt=now)
    written = state.written if state.counted_on == now.astimezone(UTC).date() else 0
    return deciding.Standing(cap, written, in_flight.values("record").distinct().count(), state.failures)


def is_open(state: PushState | None, now: datetime) -> bool:
    """Whether anything may be sent now: the CRM did not ask us to wait, and we do not wait for it to come back."""
    return state is None or state.next_try_at is None or state.next_try_at <= now


def claim(connection: Connection, now: datetime) -> Claim | None:
    """One batch: the fields of as many records of one remote object as may be sent at once; None when none may."""
    with transaction.atomic():
        state = locked_state(connection)
        if not is_open(state, now):
            return None
        standing = standing_of(connection, state, now)
        without = waiting_objects(state, now)
        # What somebody undoes is not kept back by the cap: it may be why they undo it.
        due = due_rows(connection, now, only_undo=standing.left == 0, without=without)
        first = (
            due.order_by("attempts", "record__remote_object")
            .values_list("attempts", "record__remote_object")
            .first()
        )
        if first is None:
            return None
        attempts, remote_object = first
        capabilities = connector_class(connection.kind).capabilities
        size = deciding.batch_size(
            capabilities.push_batch,
            attempts=attempts,
            failures=standing.failures,
            left=standing.left or None,
        )
        # Fields that failed before are not sent along with fresh ones: one of them may be poisoned.
        due = due.filter(record__remote_object=remote_object, attempts=attempts)
        records = list(due.order_by("record").values_list("record", flat=True).distinct()[:size])
        if capabilities.locks_accounts and len(records) == size:
            records = _by_account(due, records)
        rows = list(
            due.filter(record__in=records)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("record")
            .order_by("record", "field")
        )
        # A token that outlived its lease is of a try whose end nobody knows.
        unknown = frozenset(row.record.remote_id for row in rows if row.lease_token is not None)
        token = uuid.uuid4()
        DesiredField.objects.filter(pk__in=[r.pk for r in rows]).update(
            lease_until=now + timedelta(seconds=settings.GTMOPS.lease_seconds), lease_token=token
        )
    return Claim(connection, remote_object, rows, token, unknown) if rows else None


def _by_account(due: QuerySet[DesiredField], records: list[uuid.UUID]) -> list[uuid.UUID]:
    """As many records, but whole accounts: two calls that write to one account wait for each other, or fail."""
    account = KeyTextTransform("account", "record__values")
    of_them = Record.objects.filter(pk__in=records, values__account__isnull=False)
    accounts = set(of_them.values_list(KeyTextTransform("account", "values"), flat=True)) - {None}
    if not accounts:
        return records
    whole = due.annotate(account=account).filter(Q(record__in=records) | Q(account__in=accounts))
    found = whole.order_by("account", "record").values_list("record", "account").distinct()
    return [record for record, _ in found[: len(records)]]


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
