"""Storing what a CRM says, and what people do here: events, mirror and ``Touched`` in one transaction."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from effects.tick import ring
from records import kinds
from records.canonical import Unreadable, canonical, instant_text
from records.dependents import dependents_of
from records.echoes import mark_echoes, sent_asks
from records.ids import record_id
from records.incoming import HistoryEntry, IncomingRecord, StoredPage
from records.models import (
    AskedChange,
    Connection,
    DesiredField,
    Event,
    FieldMapping,
    LinkKey,
    OwnerMatch,
    Record,
    RecordPayload,
    RefreshRequest,
)
from records.own_fields import OWN_FIELD_BY_NAME
from teams.models import BusinessUnit, Person

GTMOPS = "gtmops"


def gtmops_connection() -> Connection:
    """The built-in connection of acts and conclusions; made on first use."""
    found, _ = Connection.objects.get_or_create(
        name=GTMOPS,
        defaults={"label": "gtmops", "kind": Connection.Kind.GTMOPS, "source_order": 90},
    )
    return found


def remote_objects(connection: Connection) -> list[str]:
    """Remote objects that have at least one mapped field, in a stable order."""
    return sorted(set(connection.mappings.values_list("remote_object", flat=True)))


def mapped_remote_fields(connection: Connection, remote_object: str) -> dict[str, FieldMapping]:
    """Logical field name -> mapping of what is read, broken ones included (their values are unknown)."""
    return {name: row for name, row in _mappings(connection, remote_object).items() if row.constant is None}


def _mappings(connection: Connection, remote_object: str) -> dict[str, FieldMapping]:
    rows = FieldMapping.objects.filter(connection=connection, remote_object=remote_object)
    return {row.field.name: row for row in rows.select_related("field")}


def record_act(
    kind: str,
    *,
    record: Record,
    key: str,
    occurred_at: datetime,
    now: datetime,
    actor: Person | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event | None:
    """Append an act or conclusion of gtmops; None when ``key`` is in the log already. Touches the record."""
    kinds.event_kind(kind)
    with transaction.atomic():
        event, created = Event.objects.get_or_create(
            connection=gtmops_connection(),
            external_key=key,
            defaults={
                "kind": kind,
                "record": record,
                "occurred_at": occurred_at,
                "observed_at": now,
                "actor": actor,
                "data": dict(data or {}),
            },
        )
        if not created:
            return None
        touch([record.pk], now)
        return event


def touch(record_ids: Iterable[uuid.UUID], now: datetime) -> None:
    """Say that conclusions about these records are out of date."""
    ids = sorted(set(record_ids))
    if ids:
        with database.cursor() as cursor:
            cursor.execute(_TOUCH, [now, ids])
        ring("pipeline")


_TOUCH = """
INSERT INTO records_touched (record_id, touched_at, attempts, last_error)
SELECT id, %s, 0, '' FROM unnest(%s::uuid[]) id
"""


def request_refresh(record: Record, *, key: str, objects: Sequence[str], now: datetime) -> None:
    """Ask integrations to read a record and its ``objects`` again; once per key."""
    RefreshRequest.objects.bulk_create(
        [
            RefreshRequest(
                key=key, record=record, objects_wanted=list(objects), requested_at=now, next_try_at=now
            )
        ],
        ignore_conflicts=True,
    )
    ring("refresh")


AfterStore = Callable[[Collection[uuid.UUID], datetime], object]
_after_store: dict[str, AfterStore] = {}


def register_after_store(name: str, listen: AfterStore) -> None:
    """``listen(record ids, now)`` is called in the transaction that made or changed these records."""
    _after_store[name] = listen


# --- storing a page --------------------------------------------------------------------------------------------


@dataclass
class _Page:
    """What one page will write; filled record by record, written by a constant number of statements."""

    connection: Connection
    now: datetime
    new: list[Record] = field(default_factory=list)
    changed: list[Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    payloads: list[RecordPayload] = field(default_factory=list)
    link_keys: dict[uuid.UUID, set[str]] = field(default_factory=dict)
    touched: set[uuid.UUID] = field(default_factory=set)
    with_history: set[uuid.UUID] = field(default_factory=set)
    known_history: set[str] = field(default_factory=set)
    desired: dict[tuple[uuid.UUID, str], DesiredField] = field(default_factory=dict)
    desired_changed: list[DesiredField] = field(default_factory=list)
    asks: dict[uuid.UUID, list[AskedChange]] = field(default_factory=dict)
    asks_changed: list[AskedChange] = field(default_factory=list)
    winners: set[uuid.UUID] = field(default_factory=set)


@dataclass(frozen=True)
class _Lookups:
    mappings: Mapping[str, FieldMapping]
    owners: Mapping[str, int | None]
    units: Mapping[str, int]

    @property
    def object(self) -> str:
        return next(iter(self.mappings.values())).field.object


def store_page(
    connection: Connection, page: Sequence[IncomingRecord], *, now: datetime, caused_by: str = ""
) -> StoredPage:
    """Store rows of ONE remote object in the caller's transaction; writes only what changed.

    A row older than the one we hold is passed over (its history is still read). Raises ValueError for an object that
    has no mapping.
    """
    if not page:
        return StoredPage()
    latest = {row.remote_id: row for row in sorted(page, key=lambda r: r.modified_at)}
    remote_object = page[0].remote_object
    lookups = _look_up(connection, remote_object)
    ids = {record_id(connection.name, remote_object, remote): remote for remote in latest}
    held = {r.pk: r for r in Record.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    work = _Page(connection, now)
    work.desired = {
        (d.record_id, d.field): d for d in DesiredField.objects.filter(record_id__in=held).order_by("pk")
    }
    work.asks = sent_asks(held, now)
    told_before = [pk for pk in held if latest[ids[pk]].history]
    if told_before:
        work.known_history = set(
            Event.objects.filter(record_id__in=told_before, data__has_key="history").values_list(
                "external_key", flat=True
            )
        )
    work.winners = _present_winners(connection, remote_object, latest.values())
    done = StoredPage()
    for pk, remote in sorted(ids.items()):
        done += _store_one(work, lookups, pk, held.get(pk), latest[remote], caused_by)
    _write(work)
    return done


def _present_winners(
    connection: Connection, remote_object: str, rows: Iterable[IncomingRecord]
) -> set[uuid.UUID]:
    """The records we hold that rows of this page were merged into."""
    wanted = [record_id(connection.name, remote_object, r.merged_into) for r in rows if r.merged_into]
    return set(Record.objects.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()


def _look_up(connection: Connection, remote_object: str) -> _Lookups:
    mappings = _mappings(connection, remote_object)
    if not mappings:
        raise ValueError(f"{connection.name} has no mapping for {remote_object}")
    return _Lookups(
        mappings,
        dict(OwnerMatch.objects.filter(connection=connection).values_list("remote_id", "person_id")),
        dict(BusinessUnit.objects.values_list("key", "pk")),
    )


def _store_one(
    work: _Page,
    lookups: _Lookups,
    pk: uuid.UUID,
    held: Record | None,
    row: IncomingRecord,
    caused_by: str,
) -> StoredPage:
    # A row that is only known to be gone says nothing of its fields; nor is it news of a record we never saw.
    is_tombstone = row.is_deleted and not row.values
    if is_tombstone and held is None:
        return StoredPage(read=1, unchanged=1)
    values = dict(held.values) if held is not None and is_tombstone else _logical_values(lookups, row)
    links = _links_of(work.connection, lookups, row, values)
    mark = _fingerprint(values, links, row)
    if held is not None and held.fingerprint == mark:
        return StoredPage(read=1, unchanged=1)
    if held is not None and held.modified_at_remote and row.modified_at < held.modified_at_remote:
        return StoredPage(read=1, unchanged=1)
    history = _history_events(work, lookups, pk, row, values)
    first = len(work.events)
    if held is None:
        record = Record(
            pk=pk,
            connection=work.connection,
            object=lookups.object,
            remote_object=row.remote_object,
            remote_id=row.remote_id,
            seen_at=work.now,
            created_at_remote=row.created_at,
        )
        told = {e.field for e in history if e.new == values.get(e.field)}
        work.events.append(
            _event(
                work, pk, kinds.BASELINE, f"{row.remote_object}:{row.remote_id}:baseline", row.modified_at,
                data={"values": {k: v for k, v in values.items() if k not in told}},
                not_before=row.created_at, caused_by=caused_by,
            )
        )  # fmt: skip
        is_news = True
        work.new.append(record)
    else:
        record = held
        is_news = _record_changes(work, record, row, values, history, caused_by)
        work.changed.append(record)
    is_news |= _record_life(work, record, row, is_new=held is None)
    fresh = [e for e in history if e.external_key not in work.known_history]
    is_news |= bool(fresh)
    work.events.extend(fresh)
    if fresh:
        work.with_history.add(pk)
    work.asks_changed += mark_echoes(work.events[first:], work.asks.get(pk, ()))
    record.values = values
    record.title = _title(lookups.object, values) or record.title
    record.owner_id = lookups.owners.get(str(values.get("owner")))
    record.business_unit_id = lookups.units.get(str(values.get("business_unit")), record.business_unit_id)
    record.modified_at_remote = row.modified_at
    record.fingerprint = mark
    work.payloads.append(RecordPayload(record_id=pk, body=_plain(row.raw)))
    work.link_keys[pk] = links
    if is_news:
        work.touched.add(pk)
    deleted = 1 if row.is_deleted else 0
    if held is None:
        return StoredPage(read=1, created=1, deleted=deleted)
    return StoredPage(read=1, changed=1, deleted=deleted)


def _logical_values(lookups: _Lookups, row: IncomingRecord) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, mapping in lookups.mappings.items():
        if mapping.constant is not None:
            values[name] = mapping.constant
            continue
        if mapping.is_broken or mapping.remote_name not in row.values:
            continue
        try:
            values[name] = canonical(mapping.field.type, row.values[mapping.remote_name], mapping.value_map)
        except Unreadable:
            continue
    return values


def _links_of(
    connection: Connection, lookups: _Lookups, row: IncomingRecord, values: Mapping[str, Any]
) -> set[str]:
    """Strong links: own id, e-mail of a person, fields that hold an id elsewhere, associations."""
    keys = {f"id:{connection.name}:{row.remote_object}:{row.remote_id}"}
    if lookups.object == "activity":
        keys = set()
    if lookups.object == "person" and values.get("email"):
        keys.add(f"email:{str(values['email']).strip().lower()}")
    for name, mapping in lookups.mappings.items():
        if mapping.links_to and values.get(name):
            keys |= {f"id:{target.strip()}:{values[name]}" for target in mapping.links_to.split(",")}
    keys |= {f"id:{connection.name}:{target}:{remote}" for target, remote in row.links}
    if row.merged_into:
        keys.add(f"id:{connection.name}:{row.remote_object}:{row.merged_into}")
    return {key[:300] for key in keys}


def _fingerprint(values: Mapping[str, Any], links: set[str], row: IncomingRecord) -> str:
    seen = [values, sorted(links), row.is_deleted, row.merged_into, sorted(h.key for h in row.history)]
    text = json.dumps(seen, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _history_events(
    work: _Page, lookups: _Lookups, pk: uuid.UUID, row: IncomingRecord, values: Mapping[str, Any]
) -> list[Event]:
    """One change event per CRM history entry, and the value before the first entry as of the record's creation."""
    by_remote = {m.remote_name: (name, m) for name, m in lookups.mappings.items() if m.has_history}
    events: list[Event] = []
    first: dict[str, HistoryEntry] = {}
    for entry in sorted(row.history, key=lambda e: (e.occurred_at, e.key)):
        if entry.remote_name not in by_remote:
            continue
        name, mapping = by_remote[entry.remote_name]
        try:
            new = canonical(mapping.field.type, entry.new, mapping.value_map)
            old = canonical(mapping.field.type, entry.old, mapping.value_map)
        except Unreadable:
            continue
        if name not in first:
            first[name] = entry
            if entry.old is not None and row.created_at and row.created_at < entry.occurred_at:
                events.append(
                    _event(
                        work, pk, kinds.CHANGE, f"{row.remote_object}:{row.remote_id}:{name}:created",
                        row.created_at, field=name, new=old, data={"history": "created"},
                    )
                )  # fmt: skip
        events.append(
            _event(
                work, pk, kinds.CHANGE, f"{row.remote_object}:{row.remote_id}:{name}:{entry.key}",
                entry.occurred_at, field=name, old=old, new=new, data={"history": entry.key},
            )
        )  # fmt: skip
    return events


def _record_changes(
    work: _Page,
    record: Record,
    row: IncomingRecord,
    values: Mapping[str, Any],
    history: Sequence[Event],
    caused_by: str,
) -> bool:
    """Change, lost and re-appearing fields of a record we hold; True when something other than our echo changed."""
    stem = f"{row.remote_object}:{row.remote_id}"
    stamp = instant_text(row.modified_at)
    told = {(e.field, json.dumps(e.new, sort_keys=True)) for e in history}
    appeared: dict[str, Any] = {}
    is_news = False
    for name in sorted(set(record.values) | set(values)):
        if name in values and name in record.values:
            old, new = record.values[name], values[name]
            if old == new:
                continue
            echo = _note_own_field(work, record, name, new)
            is_news |= not echo
            if (name, json.dumps(new, sort_keys=True)) in told:
                continue
            work.events.append(
                _event(
                    work, record.pk, kinds.CHANGE, f"{stem}:{name}:{stamp}", row.modified_at,
                    field=name, old=old, new=new,
                    not_before=record.modified_at_remote, caused_by=echo or caused_by,
                )
            )  # fmt: skip
        elif name in values:
            appeared[name] = values[name]
            is_news |= not _note_own_field(work, record, name, values[name])
        else:
            is_news = True
            work.events.append(
                _event(work, record.pk, kinds.FIELD_LOST, f"{stem}:{name}:lost:{stamp}", work.now, field=name)
            )
    if appeared:
        work.events.append(
            _event(
                work, record.pk, kinds.BASELINE, f"{stem}:baseline:{stamp}:{'+'.join(sorted(appeared))}"[:300],
                row.modified_at, data={"values": appeared},
            )
        )  # fmt: skip
    return is_news


def _record_life(work: _Page, record: Record, row: IncomingRecord, *, is_new: bool) -> bool:
    """Deleted, restored, merged; True when it changed."""
    stem, stamp = f"{row.remote_object}:{row.remote_id}", instant_text(row.modified_at)
    if row.merged_into and record.merged_into_id is None:
        winner = record_id(work.connection.name, row.remote_object, row.merged_into)
        record.merged_into_id = winner if winner in work.winners else None
        work.events.append(
            _event(work, record.pk, kinds.MERGED, f"{stem}:merged", row.modified_at, data={"into": row.merged_into})
        )  # fmt: skip
    if row.is_deleted and record.deleted_at is None:
        record.deleted_at = row.modified_at
        work.events.append(_event(work, record.pk, kinds.DELETED, f"{stem}:deleted:{stamp}", row.modified_at))
        return True
    if not row.is_deleted and record.deleted_at is not None and not is_new:
        record.deleted_at = None
        work.events.append(
            _event(work, record.pk, kinds.RESTORED, f"{stem}:restored:{stamp}", row.modified_at)
        )
        return True
    return False


def _note_own_field(work: _Page, record: Record, name: str, new: Any) -> str:
    """Update what we know of one of our own fields; the run that wrote it when this is our echo, else ''."""
    own = OWN_FIELD_BY_NAME.get(name)
    row = work.desired.get((record.pk, name))
    if own is None or own.direction != "out":
        return ""
    if row is None:
        return "unasked"
    row.known, row.is_known = new, True
    is_echo = new == row.desired and row.sent_at is not None
    if is_echo:
        row.state = DesiredField.State.IN_SYNC
        row.changed_by_others = 0
    else:
        window = timedelta(seconds=settings.GTMOPS.hold_window_seconds)
        fresh = row.changed_by_others_at and work.now - row.changed_by_others_at < window
        row.changed_by_others = row.changed_by_others + 1 if fresh else 1
        row.changed_by_others_at = work.now
        row.state = DesiredField.State.IN_SYNC if new == row.desired else DesiredField.State.DIFFERENT
        if row.changed_by_others >= settings.GTMOPS.hold_after_changes:
            row.hold = True
            row.hold_reason = "Changed by others twice within a day"
    work.desired_changed.append(row)
    return row.sent_by or "ours"


def _event(
    work: _Page,
    pk: uuid.UUID,
    kind: str,
    key: str,
    occurred_at: datetime,
    **more: Any,
) -> Event:
    return Event(
        connection=work.connection,
        external_key=key[:300],
        kind=kind,
        record_id=pk,
        occurred_at=occurred_at,
        observed_at=work.now,
        **more,
    )


def _title(object_name: str, values: Mapping[str, Any]) -> str:
    if object_name == "person":
        name = " ".join(str(values[k]) for k in ("first_name", "last_name") if values.get(k))
        parts = [str(values.get("company") or ""), name or str(values.get("email") or "")]
        return " · ".join(p for p in parts if p)[:300]
    return str(values.get("name") or values.get("subject") or "")[:300]


def _plain(raw: Mapping[str, Any]) -> Any:
    """JSON that PostgreSQL takes: no NUL, no lone surrogates."""
    text = json.dumps(raw, default=str, ensure_ascii=True)
    return json.loads(text.replace("\\u0000", "").encode("utf-8", "replace").decode(), strict=False)


_MIRROR = (
    "values", "title", "owner", "business_unit", "modified_at_remote", "fingerprint", "deleted_at", "merged_into",
)  # fmt: skip


def _write(work: _Page) -> None:
    Record.objects.bulk_create(work.new, ignore_conflicts=True)
    if work.changed:
        Record.objects.bulk_update(work.changed, _MIRROR, batch_size=500)
    Event.objects.bulk_create(work.events, ignore_conflicts=True)
    RecordPayload.objects.bulk_create(
        work.payloads, update_conflicts=True, unique_fields=["record"], update_fields=["body"]
    )
    if work.desired_changed:
        DesiredField.objects.bulk_update(
            work.desired_changed,
            [
                "known",
                "is_known",
                "state",
                "hold",
                "hold_reason",
                "changed_by_others",
                "changed_by_others_at",
            ],
        )
    if work.asks_changed:
        AskedChange.objects.bulk_update(work.asks_changed, ["echoes"])
    _write_links(work.link_keys)
    if work.with_history:
        supersede(work.with_history)
    for listen in _after_store.values():
        listen(work.link_keys, work.now)
    touch(work.touched | dependents_of(work.touched, work.now), work.now)


def _write_links(wanted: Mapping[uuid.UUID, set[str]]) -> None:
    held: dict[uuid.UUID, set[str]] = {}
    for record, key in LinkKey.objects.filter(record_id__in=wanted).values_list("record_id", "key"):
        held.setdefault(record, set()).add(key)
    gone = {(pk, key) for pk, keys in held.items() for key in keys - wanted[pk]}
    if gone:
        for_record = LinkKey.objects.filter(
            record_id__in={pk for pk, _ in gone}, key__in={key for _, key in gone}
        )
        stale = [row.pk for row in for_record if (row.record_id, row.key) in gone]
        LinkKey.objects.filter(pk__in=stale).delete()
    LinkKey.objects.bulk_create(
        [
            LinkKey(record_id=pk, key=key)
            for pk, keys in sorted(wanted.items())
            for key in sorted(keys - held.get(pk, set()))
        ],
        ignore_conflicts=True,
    )


def supersede(record_ids: Iterable[uuid.UUID]) -> None:
    """Let the CRM's own history replace what polling guessed: same record, field and value, within the guess; and
    what came back of one change that was asked for."""
    within = Q(occurred_at__lte=OuterRef("occurred_at"), occurred_at__gte=OuterRef("not_before"))
    better = (
        Event.objects.filter(
            within | Q(data__asked=OuterRef("data__asked")),
            record=OuterRef("record"),
            field=OuterRef("field"),
            kind=kinds.CHANGE,
            new=OuterRef("new"),
            data__has_key="history",
        )
        .order_by("-occurred_at")
        .values("pk")[:1]
    )
    polled = Event.objects.filter(
        record_id__in=list(record_ids), kind=kinds.CHANGE, superseded_by=None, not_before__isnull=False
    ).exclude(data__has_key="history")
    polled.annotate(better=Subquery(better)).filter(better__isnull=False).update(
        superseded_by=Subquery(better)
    )


def apply_owner_matches(connection: Connection) -> int:
    """After owners were read: point records at the people they now match. Returns records changed."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE records_record r SET owner_id = m.person_id
            FROM records_ownermatch m
            WHERE r.connection_id = %s AND m.connection_id = r.connection_id
              AND m.remote_id = r.values ->> 'owner' AND r.owner_id IS DISTINCT FROM m.person_id
            """,
            [connection.pk],
        )
        return int(cursor.rowcount)
