"""Salesforce, with simple-salesforce as transport. Facts behind the choices: the REST API guide's error codes,
queryAll, sObject collections and the assignment-rule header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, TypeVar

from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceError

from integrations.base import (
    Account,
    Capabilities,
    NewActivity,
    Page,
    PushResult,
    ReadResult,
    RemoteField,
    RemoteOwner,
    Wanted,
    Window,
    Write,
)
from integrations.budget import Budget, Rate
from integrations.errors import Misconfigured, Reconnect, Rejected, RetryLater
from integrations.http import Guard
from integrations.salesforce import activities, names
from integrations.salesforce.errors import LocatorGone, SessionExpired, classify, push_result
from integrations.salesforce.rules import Rules
from integrations.salesforce.session import sign_in
from records.incoming import HistoryEntry, IncomingRecord
from records.models import Connection
from records.own_fields import OwnField

T = TypeVar("T")
Row = Mapping[str, Any]

RATES = (Rate("calls", "20/second"),)
SYSTEM_FIELDS = ("Id", "SystemModstamp", "CreatedDate", "IsDeleted", "MasterRecordId")
IDS_PER_QUERY = 200  # an address of 16 KB holds some 400 with the fields
PERMISSION_SET = "Gtmops_Integration"
_LOCATOR = re.compile(r"/services/data/v\d+\.\d/query/([A-Za-z0-9]{15,18}-\d+)")
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")


def allowance(headers: Mapping[str, str]) -> tuple[int, int] | None:
    found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
    return (int(found[1]), int(found[2])) if found else None


class SalesforceConnector:
    kind: ClassVar[str] = "salesforce"
    capabilities: ClassVar[Capabilities] = Capabilities(read_batch=IDS_PER_QUERY, push_batch=200)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.guard = Guard(
            kind=self.kind,
            base_url=connection.base_url,
            classify=classify,
            budget=Budget(connection.name, RATES, allowance),
        )
        self._client: Salesforce | None = None
        self._described: dict[str, dict[str, RemoteField]] = {}

    # -- the contract ------------------------------------------------------------------------------------------

    def check(self) -> Account:
        row = self._one("SELECT Id, Name, IsSandbox FROM Organization LIMIT 1")
        return Account(str(row["Id"]), str(row["Name"]), self.guard.server_now(), bool(row.get("IsSandbox")))

    def server_now(self) -> datetime:
        return self.guard.server_now()

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        if remote_object not in self._described:
            name = _api_name(remote_object)
            answer = self._call(lambda client: getattr(client, name).describe())
            self._described[remote_object] = {f["name"]: _remote_field(f) for f in answer["fields"]}
        return self._described[remote_object]

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        select, known = self._select(remote_object, wanted)
        position = dict(state)
        while True:
            try:
                for soql in _window_queries(select, remote_object, window, position):
                    for rows, total in self._pages(soql, with_deleted=True):
                        if not rows:
                            continue
                        records = self._incoming(remote_object, rows, wanted, known)
                        position = {"stamp": _stamp_text(rows[-1]), "id": rows[-1]["Id"]}
                        yield Page(records, position, total)
            except LocatorGone:
                continue  # the query was open too long or its session ended: go on from the last row
            return

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        select, known = self._select(remote_object, wanted)
        records: list[IncomingRecord] = []
        for some in _chunks(list(remote_ids), IDS_PER_QUERY):
            soql = f"SELECT {select} FROM {_api_name(remote_object)} WHERE Id IN ({names.soql_ids(some)})"  # noqa: S608
            for rows, _ in self._pages(soql, with_deleted=True):
                records += self._incoming(remote_object, rows, wanted, known)
        found = {record.remote_id for record in records}
        return ReadResult(records, [remote_id for remote_id in remote_ids if remote_id not in found])

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        column = "WhoId" if remote_object in names.ABOUT_WHO else "WhatId"
        records: list[IncomingRecord] = []
        for activity in names.ACTIVITIES:
            if activity not in wanted:
                continue
            select, known = self._select(activity, wanted[activity])
            soql = f"SELECT {select} FROM {activity} WHERE {column} = {names.soql_ids([remote_id])}"  # noqa: S608
            for rows, _ in self._pages(soql, with_deleted=True):
                records += self._incoming(activity, rows, wanted[activity], known)
        return records

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        results: list[PushResult] = []
        for some in _chunks(list(writes), self.capabilities.push_batch):
            body = {
                "allOrNone": False,
                "records": [
                    {"attributes": {"type": remote_object}, "id": remote_id, **values}
                    for remote_id, values in some
                ],
            }
            answer = self._call(partial(_restful, "composite/sobjects", method="PATCH", json=body))
            if not isinstance(answer, list) or len(answer) != len(some):
                raise RetryLater("Salesforce answered for another number of records than were sent.")
            results += [push_result(w[0], item) for w, item in zip(some, answer, strict=True)]
        return results

    @staticmethod
    def own_field_name(field: OwnField) -> str:
        return names.own_field_name(field)

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        known = self.describe(remote_object)
        for field in fields:
            name = self.own_field_name(field)
            there = known.get(name)
            if there is not None and there.type not in names.OWN_FIELD_TYPES[field.type]:
                raise Misconfigured(
                    f"{remote_object} has a field {name} of type {there.type}, which is not ours. Rename or remove it."
                )
            if there is None:
                self._create_field(remote_object, name, field)
        self._grant(remote_object, [self.own_field_name(f) for f in fields])
        self._described.pop(remote_object, None)
        seen = self.describe(remote_object)
        hidden = [n for n in map(self.own_field_name, fields) if n not in seen or not seen[n].is_writable]
        if hidden:
            raise Misconfigured(
                f"{', '.join(hidden)} on {remote_object} exist but our user can't write them."
            )

    def links_of(self, remote_object: str) -> tuple[str, ...]:
        return ()  # every link is a field

    def find_activity(self, activity: NewActivity) -> tuple[str, str] | None:
        return activities.find(self._rows, activity)

    def create_activity(self, activity: NewActivity) -> tuple[str, str]:
        name, values = activities.body_of(activity)
        answer = self._call(
            lambda client: client.restful(f"sobjects/{name}/", method="POST", json=dict(values))
        )
        return name, str(answer["id"])

    def owners(self) -> Sequence[RemoteOwner]:
        people = [
            RemoteOwner(r["Id"], r["Name"] or r["Id"], r["Email"] or "", bool(r["IsActive"]))
            for r in self._rows("SELECT Id, Name, Email, IsActive FROM User")
        ]
        queues = [
            RemoteOwner(r["Id"], r["Name"] or r["Id"], kind="queue")
            for r in self._rows("SELECT Id, Name FROM Group WHERE Type = 'Queue'")
        ]
        return people + queues

    def rules(self) -> Rules:
        """The validation rules of this organisation, and who may pass them."""
        return Rules(self._call, self._rows)

    # -- calls -------------------------------------------------------------------------------------------------

    def _call(self, make: Callable[[Salesforce], T]) -> T:
        """One call, with one new sign-in when the session has expired."""
        if self._client is None:
            self._client = sign_in(self.connection, self.guard)
        try:
            try:
                return make(self._client)
            except SessionExpired:
                self._client = sign_in(self.connection, self.guard, expired=self._client.session_id)
                return make(self._client)
        except SessionExpired as error:
            raise Reconnect(str(error)) from error
        except (SalesforceError, ValueError, KeyError) as error:
            raise RetryLater(f"Salesforce's answer can't be read ({type(error).__name__}).") from error

    def _pages(self, soql: str, *, with_deleted: bool = False) -> Iterator[tuple[list[Row], int]]:
        path = "queryAll" if with_deleted else "query"
        answer = self._call(lambda client: client.restful(path, params={"q": soql}))
        while True:
            rows = _checked_rows(answer)
            yield rows, int(answer.get("totalSize") or 0)
            if answer.get("done") is not False:
                return
            # Only the locator is taken from the link: a foreign address in it would get our token.
            found = _LOCATOR.fullmatch(str(answer.get("nextRecordsUrl")))
            if found is None:
                raise RetryLater("Salesforce's link to the next page can't be read.")
            answer = self._call(partial(_restful, f"query/{found[1]}"))

    def _rows(self, soql: str) -> Iterator[Row]:
        for rows, _ in self._pages(soql):
            yield from rows

    def _one(self, soql: str) -> Row:
        for row in self._rows(soql):
            return row
        raise Misconfigured("Salesforce shows no organisation to our user.")

    # -- rows to records ---------------------------------------------------------------------------------------

    def _select(self, remote_object: str, wanted: Wanted) -> tuple[str, list[str]]:
        """The field list of a query, and which of the wanted fields our user can see."""
        described = self.describe(remote_object)
        known = [name for name in wanted.fields if name in described]
        system = [name for name in SYSTEM_FIELDS if name in described]
        return ", ".join(dict.fromkeys([*system, *known])), known

    def _incoming(
        self, remote_object: str, rows: Sequence[Row], wanted: Wanted, known: Sequence[str]
    ) -> list[IncomingRecord]:
        history = self._history(
            remote_object, [row["Id"] for row in rows], [n for n in wanted.with_history if n in known]
        )
        return [
            IncomingRecord(
                remote_object=remote_object,
                remote_id=row["Id"],
                values={name: row.get(name) for name in known},
                modified_at=_instant(row["SystemModstamp"]),
                created_at=_instant(row["CreatedDate"]) if row.get("CreatedDate") else None,
                is_deleted=bool(row.get("IsDeleted")),
                merged_into=row.get("MasterRecordId") or None,
                history=history.get(row["Id"], ()),
                raw={name: value for name, value in row.items() if name != "attributes"},
            )
            for row in rows
        ]

    def _history(
        self, remote_object: str, ids: list[str], fields: Sequence[str]
    ) -> dict[str, list[HistoryEntry]]:
        found: dict[str, list[HistoryEntry]] = {}
        snapshots = [f for f in fields if remote_object == "Opportunity" and f in names.SNAPSHOT_FIELDS]
        tracked = [f for f in fields if f not in snapshots]
        try:
            for some in _chunks(ids, IDS_PER_QUERY):
                if snapshots:
                    for remote_id, entry in self._snapshot_changes(some, snapshots):
                        found.setdefault(remote_id, []).append(entry)
                if tracked and remote_object in names.HISTORY:
                    for remote_id, entry in self._tracked_changes(remote_object, some, set(tracked)):
                        found.setdefault(remote_id, []).append(entry)
        except Misconfigured:
            return {}  # no history in this edition or for our user: the polled change stands
        return found

    def _tracked_changes(
        self, remote_object: str, ids: list[str], fields: set[str]
    ) -> Iterator[tuple[str, HistoryEntry]]:
        table, parent = names.HISTORY[remote_object]
        soql = (
            f"SELECT Id, {parent}, Field, OldValue, NewValue, CreatedDate FROM {table} "  # noqa: S608
            f"WHERE {parent} IN ({names.soql_ids(ids)}) ORDER BY CreatedDate, Id"
        )
        for row in self._rows(soql):
            field = names.HISTORY_FIELD.get(row["Field"], row["Field"])
            if field not in fields:
                continue
            old, new = row.get("OldValue"), row.get("NewValue")
            # A lookup's change is two rows, one with names and one with ids; we keep ids.
            if field.endswith("Id") and not all(
                v is None or names.RECORD_ID.fullmatch(str(v)) for v in (old, new)
            ):
                continue
            yield row[parent], HistoryEntry(field, new, _instant(row["CreatedDate"]), row["Id"], old)

    def _snapshot_changes(self, ids: list[str], fields: Sequence[str]) -> Iterator[tuple[str, HistoryEntry]]:
        soql = (
            f"SELECT Id, OpportunityId, CreatedDate, {', '.join(fields)} FROM OpportunityHistory "  # noqa: S608
            f"WHERE OpportunityId IN ({names.soql_ids(ids)}) ORDER BY CreatedDate, Id"
        )
        last: dict[str, Row] = {}
        for row in self._rows(soql):
            before = last.get(row["OpportunityId"], {})
            for field in fields:
                if row.get(field) != before.get(field):
                    key = f"{row['Id']}:{field}"
                    yield (
                        row["OpportunityId"],
                        HistoryEntry(
                            field, row.get(field), _instant(row["CreatedDate"]), key, before.get(field)
                        ),
                    )
            last[row["OpportunityId"]] = row

    # -- fields of our own ---------------------------------------------------------------------------------------

    def _create_field(self, remote_object: str, name: str, field: OwnField) -> None:
        body = {"FullName": f"{_api_name(remote_object)}.{name}", "Metadata": names.own_field_metadata(field)}
        try:
            self._call(
                lambda client: client.toolingexecute("sobjects/CustomField/", method="POST", data=body)
            )
        except Rejected as error:
            # It is there, only hidden from us: granting follows.
            if error.code not in {"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"}:
                raise Misconfigured(str(error)) from error

    def _grant(self, remote_object: str, fields: Sequence[str]) -> None:
        """A field made by API is visible to nobody, its maker included, until a permission set says so."""
        found = list(self._rows(f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'"))  # noqa: S608
        if found:
            permission_set = str(found[0]["Id"])
        else:
            permission_set = self._create_row(
                "PermissionSet", {"Name": PERMISSION_SET, "Label": "gtmops integration"}
            )
        for name in fields:
            self._create_row(
                "FieldPermissions",
                {
                    "ParentId": permission_set,
                    "SobjectType": remote_object,
                    "Field": f"{remote_object}.{name}",
                    "PermissionsRead": True,
                    "PermissionsEdit": True,
                },
            )
        user = self._call(lambda client: client.oauth2("userinfo"))
        self._create_row(
            "PermissionSetAssignment", {"PermissionSetId": permission_set, "AssigneeId": user["user_id"]}
        )

    def _create_row(self, remote_object: str, values: Mapping[str, Any]) -> str:
        """The new row's id; empty when it was there already."""
        try:
            answer = self._call(
                lambda client: client.restful(f"sobjects/{remote_object}/", method="POST", json=dict(values))
            )
        except Rejected as error:
            if error.code.startswith("DUPLICATE"):
                return ""
            raise Misconfigured(str(error)) from error
        return str(answer["id"])


def _restful(path: str, client: Salesforce, **options: Any) -> Any:
    return client.restful(path, **options)


def _window_queries(
    select: str, remote_object: str, window: Window, position: Mapping[str, Any]
) -> Iterator[str]:
    start = f"SELECT {select} FROM {_api_name(remote_object)} WHERE "  # noqa: S608
    until = f"SystemModstamp < {names.soql_instant(window.until)}"
    if position:
        stamp, last_id = _instant(position["stamp"]), names.soql_ids([position["id"]])
        at = names.soql_instant(stamp)
        # Two queries rather than one OR: the index on the stamp stays usable.
        yield f"{start}SystemModstamp = {at} AND Id > {last_id} ORDER BY Id"
        yield f"{start}SystemModstamp > {at} AND {until} ORDER BY SystemModstamp, Id"
    else:
        since = f"SystemModstamp >= {names.soql_instant(window.since)} AND " if window.since else ""
        yield f"{start}{since}{until} ORDER BY SystemModstamp, Id"


def _remote_field(field: Mapping[str, Any]) -> RemoteField:
    return RemoteField(
        name=field["name"],
        label=field.get("label") or field["name"],
        type=str(field.get("type", "")),
        is_writable=bool(field.get("updateable")) and not field.get("calculated"),
        length=int(field.get("length") or 0),
        options=tuple(
            (str(o["value"]), str(o.get("label") or o["value"])) for o in field.get("picklistValues") or []
        ),
        refers_to=tuple(field.get("referenceTo") or ()),
    )


def _checked_rows(answer: Any) -> list[Row]:
    rows = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise RetryLater("Salesforce's answer to a query has no records in it.")
    return rows


def _stamp_text(row: Row) -> str:
    return _instant(row["SystemModstamp"]).isoformat()


def _instant(text: Any) -> datetime:
    """Raises RetryLater, so that a page with a stamp that can't be read is refused whole."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RetryLater(f"Salesforce sent a time that can't be read: {str(text)[:40]!r}.") from error


def _api_name(name: str) -> str:
    if not names.API_NAME.fullmatch(name):
        raise Misconfigured(f"{name!r} is not the name of a Salesforce object.")
    return name


def _chunks(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
