"""HubSpot, with hubspot-api-client as transport: the contract, and which part keeps it."""

from __future__ import annotations

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
from integrations.hubspot import activities, names
from integrations.hubspot.owners import read_owners
from integrations.hubspot.reading import READ_BATCH, Reading
from integrations.hubspot.schema import Schema
from integrations.hubspot.session import HubspotSession
from integrations.hubspot.writing import PUSH_BATCH, Writing
from integrations.legible import legible
from records.incoming import IncomingRecord
from records.models import Connection
from records.own_fields import OwnField


class HubspotConnector:
    kind: ClassVar[str] = "hubspot"
    capabilities: ClassVar[Capabilities] = Capabilities(
        has_webhooks=True, read_batch=READ_BATCH, push_batch=PUSH_BATCH
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = HubspotSession(connection)
        self.schema = Schema(self.session)
        self.reading = Reading(self.session, self.schema)
        self.writing = Writing(self.session, self.schema)

    def check(self) -> Account:
        answer = self.session.get("/account-info/v3/details")
        return Account(
            remote_id=str(answer.get("portalId", "")),
            name=str(answer.get("uiDomain", "")),
            now=self.server_now(),
            is_sandbox="SANDBOX" in str(answer.get("accountType", "")),
        )

    def server_now(self) -> datetime:
        return self.session.guard.server_now()

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        with legible("HubSpot", remote_object):
            return self.schema.describe(remote_object)

    def list_objects(self) -> Sequence[RemoteObject]:
        return self.schema.list_objects()

    def list_ids(self, remote_object: str, after: str) -> Iterator[IdPage]:
        with legible("HubSpot", remote_object):
            yield from self.reading.list_ids(remote_object, after)

    def sample(self, remote_object: str, names: Sequence[str], size: int) -> Sequence[Mapping[str, Any]]:
        with legible("HubSpot", remote_object):
            return self.reading.sample(remote_object, names, size)

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        with legible("HubSpot", remote_object):
            yield from self.reading.pull(remote_object, wanted, window, state)

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        with legible("HubSpot", remote_object):
            return self.reading.read(remote_object, remote_ids, wanted)

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        with legible("HubSpot", f"activities of {remote_object} {remote_id}"):
            return self.reading.read_about(remote_object, remote_id, wanted)

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        with legible("HubSpot", remote_object):
            return self.writing.push(remote_object, writes)

    @staticmethod
    def own_field_name(field: OwnField) -> str:
        return names.own_field_name(field)

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        self.schema.create_fields(remote_object, fields)

    def remove_fields(self, remote_object: str, fields: Sequence[OwnField]) -> Sequence[str]:
        return self.schema.remove_fields(remote_object, fields)

    def links_of(self, remote_object: str) -> tuple[str, ...]:
        return names.LINKS.get(remote_object, ())

    def find_activity(self, activity: NewActivity) -> tuple[str, str] | None:
        return activities.find(self.reading, activity)

    def create_activity(self, activity: NewActivity) -> tuple[str, str]:
        return activities.create(self.session, activity)

    def owners(self) -> Sequence[RemoteOwner]:
        with legible("HubSpot", "owners"):
            return read_owners(self.session)
