"""Tasks and touches that we create in a CRM: only when switched on, once each, and found again by their mark."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from effects.models import Effect, InboxMessage
from effects.outbox import Intent, deliver_due, enqueue
from effects.registry import why_not
from integrations import activities
from integrations.activities import mark_of
from integrations.base import NewActivity
from integrations.models import ActivitySwitches
from integrations.owners import store_owners
from integrations.registry import connector_class, connector_for
from integrations.standins.app import Running
from integrations.standins.store import Stored
from records.ids import record_id
from records.models import Connection, Event, Journey, Record
from teams.models import Person
from tests.integrations.conftest import first_id

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 3, 2, 15, tzinfo=UTC)
CREATED = {"salesforce": ("Task", "Event"), "hubspot": ("tasks", "calls", "emails", "meetings", "notes")}


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(activities, "now_utc", lambda: DUE)
    return DUE


@pytest.fixture
def anna(connection: Connection) -> Person:
    person = Person.objects.create_user("anna@fernhill.example", name="Anna Ostra")
    store_owners(connection, connector_for(connection).owners())
    return person


@pytest.fixture
def lead(connection: Connection, anna: Person) -> Record:
    remote_object, remote_id = first_id(connection)
    pk = uuid.uuid4()
    return Record.objects.create(
        id=record_id(connection.name, remote_object, remote_id), connection=connection, object="person",
        remote_object=remote_object, remote_id=remote_id, title="Acme · Person Number1",
        journey=Journey.objects.create(id=pk, key=f"k:{pk}"),
    )  # fmt: skip


def writes(connection: Connection, **more: Any) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        **{"is_writing": True, "go_live_at": DUE - timedelta(days=9), "writing_paused_at": None} | more
    )


def switch_on(connection: Connection, **switches: bool) -> None:
    writes(connection)
    ActivitySwitches.objects.update_or_create(connection=connection, defaults=switches)


def ask_for(channel: str, record: Record, person: Person, key: str = "clock:1:task", **more: Any) -> None:
    payload = {
        "record": str(record.pk), "person": person.pk, "severity": "late", "title": "Late: Acme", "body": "Call them.",
        "href": "/clocks/1/", "due_at": DUE.isoformat(), "kind": "call", "at": DUE.isoformat(), "touch": "touch:1:k",
    }  # fmt: skip
    enqueue([Intent(channel, key, payload | more)], now=DUE)


def created(standins: Running, connection: Connection) -> list[Stored]:
    """What the API made there, beside what the world began with."""
    made = [r for name in CREATED[connection.kind] for r in standins.store.all_of(connection.kind, name)]
    texts = (
        "Description",
        "hs_task_body",
        "hs_call_body",
        "hs_email_text",
        "hs_meeting_body",
        "hs_note_body",
    )
    return [row for row in made if any("gtmops ref" in str(row.fields.get(name) or "") for name in texts)]


def test_nothing_is_created_until_it_is_switched_on_and_the_inbox_tells(
    standins: Running, connection: Connection, lead: Record, anna: Person
) -> None:
    writes(connection)
    assert "not switched on" in why_not("crm_task", {"record": str(lead.pk)})
    ask_for("crm_task", lead, anna)
    deliver_due(DUE)
    row = Effect.objects.get(key="clock:1:task")
    assert (row.state, created(standins, connection)) == ("done", [])
    assert "not switched on" in row.last_error
    deliver_due(DUE)
    assert InboxMessage.objects.get().title == "Late: Acme"


def test_a_task_is_created_for_its_owner_once(
    standins: Running, connection: Connection, lead: Record, anna: Person
) -> None:
    switch_on(connection, creates_tasks=True)
    ask_for("crm_task", lead, anna)
    deliver_due(DUE), deliver_due(DUE)
    (row,) = created(standins, connection)
    if connection.kind == "salesforce":
        assert (row.fields["Subject"], row.fields["WhoId"], row.fields["Status"]) == (
            "Late: Acme",
            lead.remote_id,
            "Not Started",
        )
        assert row.fields["ActivityDate"] == "2026-03-02"
    else:
        assert (row.fields["hs_task_subject"], row.fields["hs_task_status"]) == ("Late: Acme", "NOT_STARTED")
        (link,) = standins.store.associated("tasks", [row.remote_id], "contacts")
        assert (link["to_id"], link["type_id"]) == (lead.remote_id, 204)
    assert not InboxMessage.objects.exists()


@pytest.mark.parametrize("kind", ["call", "email", "meeting", "message"])
def test_a_touch_is_logged_and_remembered_as_ours(
    standins: Running, connection: Connection, lead: Record, anna: Person, kind: str
) -> None:
    switch_on(connection, logs_touches=True)
    assert why_not("crm_touch", {"record": str(lead.pk)}) == ""
    ask_for("crm_touch", lead, anna, kind=kind, title="Call (logged from gtmops by Anna Ostra)")
    deliver_due(DUE)
    (row,) = created(standins, connection)
    told = Event.objects.get(kind="touch.written")
    assert told.data == {
        "touch": "touch:1:k",
        "activity": str(record_id(connection.name, row.object, row.remote_id)),
    }


class Killed(BaseException):
    """As SIGKILL: nothing after it runs."""


def test_a_worker_killed_after_the_crm_took_it_makes_no_second_one(
    standins: Running,
    connection: Connection,
    lead: Record,
    anna: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switch_on(connection, creates_tasks=True)
    ask_for("crm_task", lead, anna)
    connector = connector_class(connection.kind)
    real: Callable[..., tuple[str, str]] = connector.create_activity

    def dies(self: Any, activity: NewActivity) -> tuple[str, str]:
        real(self, activity)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(connector, "create_activity", dies)
        with pytest.raises(Killed):
            deliver_due(DUE)
    deliver_due(DUE + timedelta(seconds=settings.GTMOPS.lease_seconds + 1))
    assert len(created(standins, connection)) == 1
    row = Effect.objects.get(key="clock:1:task")
    assert (row.state, row.may_be_repeated) == ("done", True)


def test_a_pause_of_all_writing_is_kept_and_costs_no_try(
    standins: Running, connection: Connection, lead: Record, anna: Person
) -> None:
    switch_on(connection, creates_tasks=True)
    writes(connection, writing_paused_at=DUE)
    ask_for("crm_task", lead, anna)
    at = DUE
    for _ in range(settings.GTMOPS.effect_attempts + 2):
        deliver_due(at)
        at += timedelta(seconds=61)
    row = Effect.objects.get(key="clock:1:task")
    assert (row.state, row.attempts, created(standins, connection)) == ("pending", 0, [])
    writes(connection)
    deliver_due(at)
    assert len(created(standins, connection)) == 1


def test_a_task_is_no_work_any_more_long_after_its_time(
    standins: Running, connection: Connection, lead: Record, anna: Person
) -> None:
    switch_on(connection, creates_tasks=True)
    ask_for("crm_task", lead, anna, due_at=(DUE - timedelta(days=3)).isoformat())
    deliver_due(DUE)
    assert created(standins, connection) == []
    assert "long after it was due" in Effect.objects.get(key="clock:1:task").last_error


def test_who_is_no_user_there_is_told_here(connection: Connection, lead: Record, standins: Running) -> None:
    switch_on(connection, creates_tasks=True)
    stranger = Person.objects.create_user("zoe@fernhill.example", name="Zoe Harrow")
    ask_for("crm_task", lead, stranger)
    deliver_due(DUE), deliver_due(DUE)
    row = Effect.objects.get(key="clock:1:task")
    assert (row.state, InboxMessage.objects.get().person) == ("dead", stranger)
    assert row.last_error.startswith("Zoe Harrow is no active user of")


def test_what_the_crm_refuses_is_dead_with_its_words(
    standins: Running, connection: Connection, lead: Record, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(connection, creates_tasks=True)
    gone = "00QFh0000000zzzAAA" if connection.kind == "salesforce" else "999999"
    Record.objects.filter(pk=lead.pk).update(remote_id=gone)
    ask_for("crm_task", lead, anna)
    deliver_due(DUE)
    row = Effect.objects.get(key="clock:1:task")
    assert (row.state, row.attempts) == ("dead", 1)
    assert "did not take it" in row.last_error


def test_another_record_of_the_buyer_serves_where_the_first_can_t(
    connection: Connection, lead: Record, anna: Person
) -> None:
    switch_on(connection, logs_touches=True)
    csv = Connection.objects.create(name="list", label="A list", kind="csv")
    pk = uuid.uuid4()
    named = Record.objects.create(
        id=pk, connection=csv, object="person", remote_object="rows", remote_id="1", journey=lead.journey
    )
    assert why_not("crm_touch", {"record": str(named.pk)}) == ""
    Record.objects.filter(pk=named.pk).update(journey=None)
    assert "no CRM" in why_not("crm_touch", {"record": str(named.pk)})


def test_the_mark_is_the_same_for_the_same_effect_only() -> None:
    assert mark_of("a") == mark_of("a") != mark_of("b")
