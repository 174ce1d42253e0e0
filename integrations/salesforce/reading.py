"""Reading records: what changed in a window, by id, those of a record, all ids, and a few to look at."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.base import IdPage, Page, ReadResult, Wanted, Window
from integrations.legible import flag, legible
from integrations.salesforce import bulk, names
from integrations.salesforce.errors import LocatorGone, TooSlow
from integrations.salesforce.fields import Fields
from integrations.salesforce.history import Histories
from integrations.salesforce.session import Session
from integrations.salesforce.writing import chunks
from records.incoming import HistoryEntry, IncomingRecord

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Position = dict[str, Any]

SYSTEM_FIELDS = ("Id", "SystemModstamp", "LastModifiedDate", "CreatedDate", "IsDeleted", "MasterRecordId")
STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
IDS_PER_QUERY = 200  # an address of 16 KB holds some 400 with the fields
LONG_TEXT = 4_000
UNFIT_FOR_BULK = {"address", "location", "base64"}
BY_REST = {"rest": True}
"""A position: the window is read by REST, however large."""


@dataclass(frozen=True)
class _Shape:
    """How one object is asked for: the fields our user can see, and the stamp that orders its rows."""

    name: str
    select: str
    known: tuple[str, ...]
    stamp: str
    types: Mapping[str, str]
    has_deleted: bool
    is_wide: bool
    suits_bulk: bool


class Reader:
    def __init__(self, session: Session, fields: Fields) -> None:
        self._session = session
        self._fields = fields
        self._histories = Histories(session)
        self._bulk = bulk.BulkQueries(session)

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        shape = self._shape(remote_object, wanted.fields)
        position = dict(state)
        while True:
            if "job" in position:
                try:
                    yield from self._pull_job(shape, wanted, position)
                except bulk.JobGone:
                    position = {}
                except bulk.JobFailed as error:
                    log.warning("%s is read by REST: %s", remote_object, error)
                    position = dict(BY_REST)
                else:
                    return
                yield Page([], position)
            try:
                yield from self._pull_rest(shape, wanted, window, position)
            except LocatorGone:
                continue  # the query was open too long or its session ended: go on from the last row
            except (_Large, TooSlow) as error:
                if position or not shape.suits_bulk:
                    raise
                soql = f"SELECT {shape.select} FROM {shape.name} WHERE {_bounds(shape.stamp, window)}"  # noqa: S608 (ours)
                try:
                    position = self._bulk.start(soql, is_wide=shape.is_wide)
                except bulk.JobFailed as fault:
                    log.warning("%s is read by REST: %s", remote_object, fault)
                    position = dict(BY_REST)
                # The job's id is stored before anything is asked of it.
                yield Page([], dict(position), error.total if isinstance(error, _Large) else None)
            else:
                return

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        shape = self._shape(remote_object, wanted.fields)
        records: list[IncomingRecord] = []
        for some in chunks(list(remote_ids), IDS_PER_QUERY):
            soql = f"SELECT {shape.select} FROM {shape.name} WHERE Id IN ({names.soql_ids(some)})"  # noqa: S608 (ours)
            for rows, _ in self._session.pages(soql, with_deleted=True):
                records += self._incoming(shape, rows, wanted)
        found = {record.remote_id for record in records}
        return ReadResult(records, [i for i in remote_ids if names.record_id(i) not in found])

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        column = "WhoId" if remote_object in names.ABOUT_WHO else "WhatId"
        records: list[IncomingRecord] = []
        for activity in names.ACTIVITIES:
            if activity not in wanted:
                continue
            shape = self._shape(activity, wanted[activity].fields)
            soql = f"SELECT {shape.select} FROM {activity} WHERE {column} = {names.soql_ids([remote_id])}"  # noqa: S608 (ours)
            for rows, _ in self._session.pages(soql, with_deleted=True):
                records += self._incoming(shape, rows, wanted[activity])
        return records

    def list_ids(self, remote_object: str, after: str) -> Iterator[IdPage]:
        """In the order of ids by REST, in none by Bulk; ``after`` says which it is."""
        shape = self._shape(remote_object, ())
        position: Position = json.loads(after) if after else {}
        # queryAll, because a plain query hides archived activities, which are as live as others.
        alive = "IsDeleted = false" if shape.has_deleted else ""
        start = f"SELECT Id, {shape.stamp} FROM {shape.name}"  # noqa: S608 (ours)
        while True:
            if "job" in position:
                try:
                    for piece in self._bulk.read(position):
                        position = piece.position
                        yield IdPage([_id_of(shape, row) for row in piece.rows], json.dumps(position))
                except bulk.JobGone:
                    position = {}
                except bulk.JobFailed as error:
                    log.warning("the ids of %s are read by REST: %s", remote_object, error)
                    position = dict(BY_REST)
                else:
                    return
            try:
                behind = f"Id > {names.soql_ids([position['id']])}" if "id" in position else ""
                where = " AND ".join(filter(None, (alive, behind)))
                soql = f"{start}{' WHERE ' if where else ''}{where} ORDER BY Id"
                for rows, total in self._session.pages(soql, with_deleted=True):
                    if not position and total > bulk.BULK_ROWS:
                        raise _Large(total)
                    if rows:
                        position = {"id": rows[-1]["Id"]}
                        yield IdPage([_id_of(shape, row) for row in rows], json.dumps(position))
            except LocatorGone:
                continue
            except (_Large, TooSlow):
                if position:
                    raise
                try:
                    position = self._bulk.start(f"{start}{' WHERE ' if alive else ''}{alive}")
                except bulk.JobFailed:
                    position = dict(BY_REST)
                yield IdPage([], json.dumps(position))
            else:
                return

    def sample(self, remote_object: str, wanted: Sequence[str], size: int) -> list[Mapping[str, Any]]:
        shape = self._shape(remote_object, wanted)
        if not shape.known:
            return []
        soql = f"SELECT {shape.select} FROM {shape.name} ORDER BY {shape.stamp} DESC LIMIT {int(size)}"  # noqa: S608 (ours)
        return [{name: row.get(name) for name in shape.known} for row in self._session.rows(soql)]

    # -- a window ------------------------------------------------------------------------------------------------

    def _pull_rest(self, shape: _Shape, wanted: Wanted, window: Window, position: Position) -> Iterator[Page]:
        """Moves ``position`` with each page. Raises LocatorGone, and _Large for what Bulk reads better."""
        for soql in _window_queries(shape, window, position):
            for rows, total in self._session.pages(soql, with_deleted=True):
                if not position and shape.suits_bulk and total > bulk.BULK_ROWS:
                    raise _Large(total)
                if not rows:
                    continue
                records = self._incoming(shape, rows, wanted)
                last = rows[-1]
                position.clear()
                position |= {"stamp": names.instant(last[shape.stamp]).isoformat(), "id": last["Id"]}
                yield Page(records, dict(position), total)

    def _pull_job(self, shape: _Shape, wanted: Wanted, position: Position) -> Generator[Page]:
        for piece in self._bulk.read(position):
            rows = [bulk.typed(shape.types, row) for row in piece.rows]
            yield Page(self._incoming(shape, rows, wanted), piece.position, piece.total)

    # -- rows to records -----------------------------------------------------------------------------------------

    def _shape(self, remote_object: str, wanted: Sequence[str]) -> _Shape:
        described = self._fields.describe(remote_object)
        known = tuple(name for name in wanted if name in described)
        stamp = next((name for name in STAMPS if name in described), "CreatedDate")
        system = [
            name for name in SYSTEM_FIELDS if name in described and (name not in STAMPS or name == stamp)
        ]
        if "CreatedDate" in described:
            system.append("CreatedDate")
        select = tuple(dict.fromkeys([*system, *known]))
        return _Shape(
            name=names.api_name(remote_object),
            select=", ".join(select),
            known=known,
            stamp=stamp,
            types={name: described[name].type for name in select},
            has_deleted="IsDeleted" in described,
            is_wide=any(described[n].type == "textarea" and described[n].length > LONG_TEXT for n in known),
            suits_bulk=not any(described[name].type in UNFIT_FOR_BULK for name in select),
        )

    def _incoming(self, shape: _Shape, rows: Sequence[Row], wanted: Wanted) -> list[IncomingRecord]:
        ids = [names.record_id(row.get("Id")) for row in rows]
        history = self._histories.of(shape.name, ids, [n for n in wanted.with_history if n in shape.known])
        return [
            _record(shape, remote_id, row, history.get(remote_id, ()))
            for remote_id, row in zip(ids, rows, strict=True)
        ]


def _record(shape: _Shape, remote_id: str, row: Row, history: Sequence[HistoryEntry]) -> IncomingRecord:
    with legible("Salesforce", f"{shape.name} {remote_id}"):
        master = row.get("MasterRecordId")
        return IncomingRecord(
            remote_object=shape.name,
            remote_id=remote_id,
            # What was asked for and is not in the answer is unknown, and not empty.
            values={name: row[name] for name in shape.known if name in row},
            modified_at=names.instant(row[shape.stamp]),
            created_at=names.instant(row["CreatedDate"]) if row.get("CreatedDate") else None,
            is_deleted=flag(row, "IsDeleted"),
            merged_into=None if master is None else names.record_id(master),
            history=history,
            raw={name: value for name, value in row.items() if name != "attributes"},
        )


class _Large(Exception):
    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.total = total


def _window_queries(shape: _Shape, window: Window, position: Position) -> Iterator[str]:
    start, stamp = f"SELECT {shape.select} FROM {shape.name} WHERE ", shape.stamp  # noqa: S608 (ours)
    if "stamp" not in position:
        yield f"{start}{_bounds(stamp, window)} ORDER BY {stamp}, Id"
        return
    last_id = names.soql_ids([position["id"]])
    at = names.soql_instant(names.instant(position["stamp"]))
    # Two queries rather than one OR: the index on the stamp stays usable.
    yield f"{start}{stamp} = {at} AND Id > {last_id} ORDER BY Id"
    yield f"{start}{stamp} > {at} AND {stamp} < {names.soql_instant(window.until)} ORDER BY {stamp}, Id"


def _bounds(stamp: str, window: Window) -> str:
    since = f"{stamp} >= {names.soql_instant(window.since)} AND " if window.since else ""
    return f"{since}{stamp} < {names.soql_instant(window.until)}"


def _id_of(shape: _Shape, row: Row) -> tuple[str, Any]:
    return names.record_id(row.get("Id")), names.instant(row[shape.stamp])
