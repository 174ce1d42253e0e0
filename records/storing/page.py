"""One page of a CRM's rows into mirror, events, links and ``Touched``: only what differs is locked and written."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from records.canonical import instant_text
from records.dependents import dependents_of
from records.echoes import mark_echoes
from records.ids import record_id
from records.incoming import IncomingRecord, StoredPage
from records.kinds import BASELINE, FIELD_LOST, MERGED
from records.models import AskedChange, Connection, DesiredField, Event
from records.storing import own, writing
from records.storing.events import (
    Mirrored,
    NewEvent,
    change_events,
    difference,
    first_sight,
    history_events,
    life_events,
)
from records.storing.held import Known, known_marks, load_known, load_reading
from records.storing.reading import Reading
from records.storing.superseding import supersede
from records.touching import touch

AfterStore = Callable[[Collection[uuid.UUID], datetime], object]
_after_store: dict[str, tuple[AfterStore, frozenset[str]]] = {}

Marked = tuple[IncomingRecord, str]
"""A row and its mark."""


def register_after_store(name: str, listen: AfterStore, *, objects: Collection[str] = ()) -> None:
    """``listen(record ids, now)`` is called in the transaction that made or changed these records; ``objects``: only
    those logical objects (none: every)."""
    _after_store[name] = (listen, frozenset(objects))


def store_page(
    connection: Connection, page: Sequence[IncomingRecord], *, now: datetime, caused_by: str = ""
) -> StoredPage:
    """Store rows of ONE remote object in the caller's transaction; what did not change is neither locked nor written.

    A row older than the one we hold is passed over. Raises ValueError for an object that has no mapping.
    """
    if not page:
        return StoredPage()
    reading = load_reading(connection, page[0].remote_object)
    latest = {row.remote_id: row for row in sorted(page, key=lambda row: row.modified_at)}
    known = known_marks(connection, reading.remote_object, latest)
    differing = [
        (row, mark) for name, row in latest.items() if known.get(name) != (mark := reading.mark(row))
    ]
    same = len(latest) - len(differing)
    done = StoredPage(read=same, unchanged=same)
    while differing:
        stored, differing = _store(connection, reading, differing, now, caused_by)
        done += stored
    return done


def _store(
    connection: Connection, reading: Reading, rows: Sequence[Marked], now: datetime, caused_by: str
) -> tuple[StoredPage, list[Marked]]:
    """What was done, and the rows to store again: somebody else made their records in the meantime."""
    by_id = {record_id(connection.name, row.remote_object, row.remote_id): (row, mark) for row, mark in rows}
    values = {pk: reading.values(row) for pk, (row, _) in by_id.items()}
    known = load_known(connection, {pk: row for pk, (row, _) in by_id.items()}, values.values(), now)
    work = _Page(connection, reading, known, now, caused_by)
    # In the order of ids: two workers writing the same records must lock them alike.
    for pk in sorted(by_id, key=lambda pk: pk.int):
        work.take(pk, *by_id[pk], values[pk])
    again = writing.insert_records(connection, reading, work.new, now)
    work.forget(again)
    work.write()
    return work.counts(), [by_id[pk] for pk in again]


@dataclass
class _Page:
    """What one page will write; filled record by record, written by a constant number of statements."""

    connection: Connection
    reading: Reading
    known: Known
    now: datetime
    caused_by: str
    new: list[tuple[Mirrored, datetime | None]] = field(default_factory=list)
    changed: list[Mirrored] = field(default_factory=list)
    said_again: list[Mirrored] = field(default_factory=list)
    events: dict[uuid.UUID, list[NewEvent]] = field(default_factory=dict)
    payloads: dict[uuid.UUID, Mapping[str, Any]] = field(default_factory=dict)
    links: dict[uuid.UUID, set[str]] = field(default_factory=dict)
    touched: set[uuid.UUID] = field(default_factory=set)
    deleted: set[uuid.UUID] = field(default_factory=set)
    with_history: set[uuid.UUID] = field(default_factory=set)
    desired: list[DesiredField] = field(default_factory=list)
    asks: list[AskedChange] = field(default_factory=list)
    unchanged: int = 0

    def take(self, pk: uuid.UUID, row: IncomingRecord, mark: str, values: dict[str, Any]) -> None:
        held = self.known.records.get(pk)
        # A row that is only known to be gone says nothing of its fields; nor is it news of a record we never saw.
        is_tombstone = row.is_deleted and not row.values
        if held is None:
            if is_tombstone:
                self.unchanged += 1
            else:
                self._take_new(pk, row, mark, values)
        elif held.fingerprint == mark or (
            held.modified_at_remote and row.modified_at < held.modified_at_remote
        ):
            self.unchanged += 1
        else:
            self._take_held(held, row, mark, held.values if is_tombstone else values, is_tombstone)

    def _take_new(self, pk: uuid.UUID, row: IncomingRecord, mark: str, values: dict[str, Any]) -> None:
        history = history_events(self.reading, pk, row)
        events = [
            first_sight(pk, row, values, history, self.caused_by),
            *life_events(pk, row, None),
            *history,
        ]
        record = Mirrored(
            id=pk,
            remote_id=row.remote_id,
            title=self.reading.title(values),
            values=values,
            owner_id=self.known.owners.get(str(values.get("owner"))),
            business_unit_id=self.known.units.get(str(values.get("business_unit"))),
            modified_at_remote=row.modified_at,
            fingerprint=mark,
            deleted_at=row.modified_at if row.is_deleted else None,
            merged_into_id=self._winner(row),
        )
        self.new.append((record, row.created_at))
        self._note(record, row, events, self.reading.links(row, values), bool(history))
        self.touched.add(pk)

    def _take_held(
        self, held: Mirrored, row: IncomingRecord, mark: str, values: dict[str, Any], is_tombstone: bool
    ) -> None:
        history = history_events(self.reading, held.id, row)
        fresh = [e for e in history if e.external_key not in self.known.history]
        differs = difference(held.values, values)
        links = self.reading.links(row, values)
        life = life_events(held.id, row, held)
        merged_into = held.merged_into_id or self._winner(row)
        is_lively = any(e.kind != MERGED for e in life)
        if not (differs or fresh or is_lively or links != held.links or merged_into != held.merged_into_id):
            self.unchanged += 1
            if not is_tombstone:
                held.modified_at_remote, held.fingerprint = row.modified_at, mark
                self.said_again.append(held)
                self.payloads[held.id] = row.raw
            return
        echoes = self._echoes(held, {name: new for name, _, new in differs.changed} | dict(differs.appeared))
        causes = {name: echo or self.caused_by for name, echo in echoes.items()}
        events = [*change_events(held, row, differs, history, causes, self.now), *life, *fresh]
        is_news = bool(fresh or differs.lost) or is_lively or links != held.links
        if is_news or not all(echoes.values()):
            self.touched.add(held.id)
        if not is_tombstone:
            held.owner_id = self.known.owners.get(str(values.get("owner")))
        held.values = values
        held.title = self.reading.title(values) or held.title
        held.business_unit_id = self.known.units.get(str(values.get("business_unit")), held.business_unit_id)
        held.modified_at_remote = row.modified_at
        held.fingerprint = mark
        held.deleted_at = (held.deleted_at or row.modified_at) if row.is_deleted else None
        held.merged_into_id = merged_into
        self.changed.append(held)
        self._note(held, row, events, links, bool(fresh))

    def _note(
        self,
        record: Mirrored,
        row: IncomingRecord,
        events: list[NewEvent],
        links: set[str],
        has_history: bool,
    ) -> None:
        self.asks += mark_echoes(events, self.known.asks.get(record.id, ()))
        self.events[record.id] = events
        self.payloads[record.id] = row.raw
        self.links[record.id] = links
        if has_history:
            self.with_history.add(record.id)
        if row.is_deleted:
            self.deleted.add(record.id)

    def _winner(self, row: IncomingRecord) -> uuid.UUID | None:
        if not row.merged_into:
            return None
        winner = record_id(self.connection.name, row.remote_object, row.merged_into)
        return winner if winner in self.known.winners else None

    def _echoes(self, held: Mirrored, told: Mapping[str, Any]) -> dict[str, str]:
        """For each field, the run whose write it echoes, or ''."""
        echoes = {}
        for name, new in told.items():
            desired = self.known.desired.get((held.id, name))
            echoes[name] = own.note(desired, name, new, self.now)
            if desired is not None and echoes[name]:
                self.desired.append(desired)
        return echoes

    def forget(self, record_ids: Collection[uuid.UUID]) -> None:
        """Records that were to be new and that somebody else has made."""
        if not record_ids:
            return
        self.new = [(record, made) for record, made in self.new if record.id not in record_ids]
        for pk in record_ids:
            for noted in (self.events, self.payloads, self.links):
                noted.pop(pk, None)
        for ids in (self.touched, self.deleted, self.with_history):
            ids -= set(record_ids)

    def write(self) -> None:
        """All but the new records themselves."""
        made = [record.id for record, _ in self.new]
        writing.update_records(self.changed)
        writing.update_marks(self.said_again)
        self._set_after_losses()
        writing.insert_events(
            self.connection, [e for events in self.events.values() for e in events], self.now
        )
        writing.insert_payloads([(pk, self.payloads[pk]) for pk in made])
        changed = [record.id for record in (*self.changed, *self.said_again)]
        writing.update_payloads([(pk, self.payloads[pk]) for pk in changed])
        self._write_links()
        writing.join_merged(self.connection, made)
        if self.desired:
            DesiredField.objects.bulk_update(self.desired, own.NOTED)
        if self.asks:
            AskedChange.objects.bulk_update(self.asks, ["echoes"])
        if self.with_history:
            supersede(self.with_history)
        for listen, objects in _after_store.values():
            if self.links and (not objects or self.reading.object in objects):
                listen(self.links, self.now)
        touch(self.touched | dependents_of(self.touched, self.now), self.now)

    def _set_after_losses(self) -> None:
        """What is told again after a loss is known from now on: as of the row's own time it would still be lost."""
        held = {record.id for record in self.changed}
        again = {
            e.record_id: e
            for pk in held
            for e in self.events.get(pk, ())
            if e.kind == BASELINE and e.data["values"]
        }
        if not again:
            return
        lost = Event.objects.filter(record__in=again, kind=FIELD_LOST).order_by()
        for pk, name, at in lost.values_list("record_id", "field").annotate(at=Max("occurred_at")):
            event = again[pk]
            if name in event.data["values"] and at >= event.occurred_at:
                event.occurred_at = max(self.now, at + timedelta(microseconds=1))
                event.external_key = f"{event.external_key[:250]}:{instant_text(event.occurred_at)}"

    def _write_links(self) -> None:
        held = {record.id: record.links for record in self.changed}
        writing.write_links(
            [(pk, key) for pk, keys in self.links.items() for key in keys - held.get(pk, set())],
            [(pk, key) for pk, keys in held.items() for key in keys - self.links[pk]],
        )

    def counts(self) -> StoredPage:
        return StoredPage(
            read=len(self.new) + len(self.changed) + self.unchanged,
            created=len(self.new),
            changed=len(self.changed),
            unchanged=self.unchanged,
            deleted=len(self.deleted),
        )
