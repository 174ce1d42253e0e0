"""Uploaded files as a source like any CRM: they are read, page by page, and never written to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

from integrations.base import (
    Account,
    Capabilities,
    IdPage,
    NewActivity,
    Page,
    PushResult,
    ReadResult,
    RemoteField,
    RemoteObject,
    RemoteOwner,
    Wanted,
    Window,
    Write,
)
from integrations.csv import names
from integrations.csv.incoming import join
from integrations.csv.mapping import RecordMapping
from integrations.csv.session import Session, open_session
from integrations.errors import Misconfigured, Rejected
from records.incoming import IncomingRecord
from records.models import Connection
from records.own_fields import OwnField

PAGE = 1000
NOT_WRITTEN = "Files are read, never written to."


class CsvConnector:
    """Makes no calls. Records come with what every kept file says of them."""

    kind: ClassVar[str] = Connection.Kind.CSV
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_push=False, can_create_fields=False, read_batch=PAGE, push_batch=PAGE
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._joined: dict[str, dict[str, IncomingRecord]] = {}

    @cached_property
    def _session(self) -> Session:
        return open_session(self._connection)

    # -- the contract ------------------------------------------------------------------------------------------

    def check(self) -> Account:
        files = len(self._session.imports)
        return Account(
            self._connection.name, f"{files} uploaded file{'' if files == 1 else 's'}", datetime.now(UTC)
        )

    def server_now(self) -> datetime:
        return datetime.now(UTC)

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        return {
            item["field"]: RemoteField(
                item["field"], str(item.get("label") or names.label_of(item["field"])), item["type"], is_writable=False
            )
            for mapping in self._mappings(remote_object)
            for item in mapping.catalogue()
        }  # fmt: skip

    def list_objects(self) -> Sequence[RemoteObject]:
        found = sorted({r.remote_object for file in self._session.files for r in file.records})
        return [RemoteObject(name, names.label_of(name), is_custom=True) for name in found]

    def sample(self, remote_object: str, names: Sequence[str], size: int) -> Sequence[Mapping[str, Any]]:
        latest = self._in_order(remote_object)[::-1][:size]
        return [{name: record.values[name] for name in names if name in record.values} for record in latest]

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        after = (str(state.get("at", "")), str(state.get("id", "")))
        rows = [
            record
            for record in self._in_order(remote_object)
            if _place(record) > after
            and record.modified_at < window.until
            and (window.since is None or record.modified_at >= window.since)
        ]
        total = len(rows)
        for start in range(0, total, PAGE):
            page = rows[start : start + PAGE]
            at, remote_id = _place(page[-1])
            yield Page([_narrowed(r, wanted) for r in page], {"at": at, "id": remote_id}, total)

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        found = self._records(remote_object)
        ids = list(dict.fromkeys(remote_ids))
        return ReadResult(
            [_narrowed(found[i], wanted) for i in ids if i in found], [i for i in ids if i not in found]
        )

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        return [
            _narrowed(record, what)
            for activity, what in wanted.items()
            if any(m.object == names.ACTIVITY for m in names.records_of(self._session.files, activity))
            for record in self._in_order(activity)
            if (remote_object, remote_id) in record.links
        ]

    def list_ids(self, remote_object: str, after: str) -> Iterator[IdPage]:
        rows = [
            (r.remote_id, r.modified_at) for r in self._records(remote_object).values() if r.remote_id > after
        ]
        rows.sort()
        for start in range(0, len(rows), PAGE):
            page = rows[start : start + PAGE]
            yield IdPage(page, page[-1][0])

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        return [PushResult(remote_id, "refused", NOT_WRITTEN) for remote_id, _ in writes]

    @staticmethod
    def own_field_name(field: OwnField) -> str:
        return names.own_field_name(field)

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        raise Misconfigured(NOT_WRITTEN)

    def remove_fields(self, remote_object: str, fields: Sequence[OwnField]) -> Sequence[str]:
        return []

    def links_of(self, remote_object: str) -> tuple[str, ...]:
        return tuple(sorted({link.to for m in self._mappings(remote_object) for link in m.links}))

    def find_activity(self, activity: NewActivity) -> tuple[str, str] | None:
        return None

    def create_activity(self, activity: NewActivity) -> tuple[str, str]:
        raise Rejected(NOT_WRITTEN)

    def owners(self) -> Sequence[RemoteOwner]:
        found: dict[str, RemoteOwner] = {}
        for reading in self._session.readings:
            found |= reading.owners
        return [found[remote_id] for remote_id in sorted(found)]

    # -- reading -----------------------------------------------------------------------------------------------

    def _mappings(self, remote_object: str) -> list[RecordMapping]:
        found = names.records_of(self._session.files, remote_object)
        if not found:
            raise Misconfigured(f"No uploaded file has records called {remote_object}.")
        return found

    def _records(self, remote_object: str) -> dict[str, IncomingRecord]:
        """By id, what the files say of it together."""
        self._mappings(remote_object)
        if remote_object not in self._joined:
            found: dict[str, IncomingRecord] = {}
            for row, record in self._session.records(remote_object):
                held = found.get(record.remote_id)
                found[record.remote_id] = join(record, held.raw if held else None, row.uploaded_at).record
            self._joined[remote_object] = found
        return self._joined[remote_object]

    def _in_order(self, remote_object: str) -> list[IncomingRecord]:
        return sorted(self._records(remote_object).values(), key=_place)


def _place(record: IncomingRecord) -> tuple[str, str]:
    return (record.modified_at.isoformat(timespec="microseconds"), record.remote_id)


def _narrowed(record: IncomingRecord, wanted: Wanted) -> IncomingRecord:
    """As it was asked for: these fields, and the history of those."""
    return IncomingRecord(
        remote_object=record.remote_object,
        remote_id=record.remote_id,
        values={name: record.values[name] for name in wanted.fields if name in record.values},
        modified_at=record.modified_at,
        created_at=record.created_at,
        history=tuple(h for h in record.history if h.remote_name in wanted.with_history),
        links=record.links,
        raw=record.raw,
    )
