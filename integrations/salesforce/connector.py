"""Salesforce, with simple-salesforce as transport. Facts behind the choices: the REST API guide's error codes,
queryAll, sObject collections and the assignment-rule header."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
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
from integrations.budget import Budget, Rate
from integrations.http import Guard
from integrations.legible import legible
from integrations.salesforce import activities, names, people, writing
from integrations.salesforce.errors import classify
from integrations.salesforce.fields import Fields
from integrations.salesforce.reading import IDS_PER_QUERY, Reader
from integrations.salesforce.reports import Reports
from integrations.salesforce.rules import Rules
from integrations.salesforce.session import Session
from records.incoming import IncomingRecord
from records.models import Connection
from records.own_fields import OwnField

RATES = (Rate("calls", "20/second"),)
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")


def allowance(headers: Mapping[str, str]) -> tuple[int, int] | None:
    found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
    return (int(found[1]), int(found[2])) if found else None


class SalesforceConnector:
    kind: ClassVar[str] = "salesforce"
    capabilities: ClassVar[Capabilities] = Capabilities(
        read_batch=IDS_PER_QUERY, push_batch=writing.PUSH_BATCH, locks_accounts=True
    )

    def __init__(self, connection: Connection) -> None:
        self.guard = Guard(
            kind=self.kind,
            base_url=connection.base_url,
            classify=classify,
            budget=Budget(connection.name, RATES, allowance),
        )
        self.session = Session(connection, self.guard)
        self._fields = Fields(self.session)
        self._reader = Reader(self.session, self._fields)

    def check(self) -> Account:
        row = self.session.one("SELECT Id, Name, IsSandbox FROM Organization LIMIT 1")
        return Account(str(row["Id"]), str(row["Name"]), self.guard.server_now(), bool(row.get("IsSandbox")))

    def server_now(self) -> datetime:
        return self.guard.server_now()

    def list_objects(self) -> Sequence[RemoteObject]:
        return self._fields.list_objects()

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        with legible("Salesforce", remote_object):
            return self._fields.describe(remote_object)

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        with legible("Salesforce", remote_object):
            yield from self._reader.pull(remote_object, wanted, window, state)

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        with legible("Salesforce", remote_object):
            return self._reader.read(remote_object, remote_ids, wanted)

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        with legible("Salesforce", f"activities of {remote_object} {remote_id}"):
            return self._reader.read_about(remote_object, remote_id, wanted)

    def list_ids(self, remote_object: str, after: str) -> Iterator[IdPage]:
        with legible("Salesforce", remote_object):
            yield from self._reader.list_ids(remote_object, after)

    def sample(self, remote_object: str, names: Sequence[str], size: int) -> Sequence[Mapping[str, Any]]:
        with legible("Salesforce", remote_object):
            return self._reader.sample(remote_object, names, size)

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        with legible("Salesforce", remote_object):
            return writing.push(self.session, remote_object, writes)

    @staticmethod
    def own_field_name(field: OwnField) -> str:
        return names.own_field_name(field)

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        self._fields.create(remote_object, fields)

    def remove_fields(self, remote_object: str, fields: Sequence[OwnField]) -> Sequence[str]:
        return self._fields.remove(remote_object, fields)

    def links_of(self, remote_object: str) -> tuple[str, ...]:
        return ()  # every link is a field

    def find_activity(self, activity: NewActivity) -> tuple[str, str] | None:
        return activities.find(self.session.rows, activity)

    def create_activity(self, activity: NewActivity) -> tuple[str, str]:
        name, values = activities.body_of(activity)
        answer = self.session.rest(f"sobjects/{name}/", method="POST", json=dict(values))
        return name, str(answer["id"])

    def owners(self) -> Sequence[RemoteOwner]:
        with legible("Salesforce", "owners"):
            return people.owners(self.session)

    def rules(self) -> Rules:
        """The validation rules of this organisation, and who may pass them."""
        return Rules(self.session.call, self.session.rows)

    def reports(self) -> Reports:
        """The folder of reports on our own fields."""
        return Reports(self.session)
