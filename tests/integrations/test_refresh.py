"""Read again before concluding: served by id, or unreadable after the grace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.pull import pull_to_the_end
from integrations.refresh import serve_refresh_requests
from integrations.standins.app import Running
from integrations.standins.store import Actor
from records.models import Connection, Event, Record, RefreshRequest
from records.services import request_refresh
from tests.integrations.conftest import first_id

pytestmark = pytest.mark.django_db


def ask(connection: Connection, at: datetime) -> Record:
    record = Record.objects.get(connection=connection, remote_id=first_id(connection)[1])
    request_refresh(record, key="clock-1", objects=["activity"], now=at)
    return record


def test_the_record_and_its_activities_are_read_now(connection: Connection, standins: Running) -> None:
    pull_to_the_end(connection)
    Record.objects.filter(object="activity").delete()
    now = datetime.now(UTC)
    record = ask(connection, now)
    remote_object, first = first_id(connection)
    row = standins.store.get(connection.kind, remote_object, first)
    assert row is not None
    field = "Email" if connection.kind == "salesforce" else "email"
    standins.store.update(row, {field: "new@acme.example"}, Actor("", "CRM_UI"))
    assert serve_refresh_requests(now) == 1
    record.refresh_from_db()
    assert record.values["email"] == "new@acme.example"
    assert Record.objects.filter(connection=connection, object="activity").count() == 1
    verified = Event.objects.get(external_key="verified:clock-1")
    assert (verified.record, verified.data["outcome"]) == (record, "read")
    assert serve_refresh_requests(now) == 0


def test_a_crm_that_cannot_be_read_is_unreadable_only_after_the_grace(connection: Connection) -> None:
    pull_to_the_end(connection)
    now = datetime.now(UTC)
    ask(connection, now)
    Connection.objects.filter(pk=connection.pk).update(base_url="http://127.0.0.1:9")
    assert serve_refresh_requests(now) == 1
    request = RefreshRequest.objects.get()
    assert request.served_at is None
    assert request.last_error
    assert serve_refresh_requests(now) == 0
    serve_refresh_requests(now + timedelta(seconds=601))
    assert Event.objects.get(external_key="verified:clock-1").data["outcome"] == "unreadable"
