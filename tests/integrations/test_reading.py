"""How a CRM is read: pause and resume at any page, how often, the history as a step of its own, and what pages say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.loads import register_load_listener
from integrations.models import PullCursor, Run
from integrations.progress import Pace, pace_of
from integrations.pull import (
    next_due,
    pause_reading,
    pull_due,
    pull_to_the_end,
    read_history_now,
    resume_reading,
    set_schedule,
)
from integrations.pulling import passes
from integrations.pulling.claims import make_cursors
from integrations.standins.app import Running, running_standins
from records.models import Connection, Event, FieldMapping, Record
from teams.models import Person
from tests.integrations.conftest import LEADS, connect, first_id, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(
        Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    return client


@pytest.fixture(params=["salesforce", "hubspot"])
def many(request: pytest.FixtureRequest, db: None) -> Iterator[Connection]:
    """Enough people for several pages."""
    with running_standins(small_world(260)) as running:
        running.store.page_rows = 200
        yield connect(request.param, running.base_url)


def people(connection: Connection) -> int:
    return Record.objects.filter(connection=connection, object="person").count()


def cursor(connection: Connection) -> PullCursor:
    return PullCursor.objects.get(connection=connection, remote_object=first_id(connection)[0])


# --- pausing -----------------------------------------------------------------------------------------------------


def test_a_pause_keeps_what_is_stored_and_goes_on_from_there(
    many: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, stored = passes.store, []

    def pause_after_one(work: Any, *args: Any, **more: Any) -> None:
        real(work, *args, **more)
        stored.append(work.cursor.remote_object)
        if len(stored) == 1:
            pause_reading(many, "", datetime.now(UTC))

    monkeypatch.setattr(passes, "store", pause_after_one)
    pull_due(datetime.now(UTC))
    before = people(many)
    assert 0 < before < 260
    assert pull_due(datetime.now(UTC)) == 0
    assert next_due(datetime.now(UTC)) is None
    run = Run.objects.get(kind="pull")
    assert (run.state, run.done) == ("running", before)
    monkeypatch.undo()
    assert resume_reading(many, "", datetime.now(UTC)) == 2
    assert pull_to_the_end(many) == []
    assert people(many) == 260
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 261)


def test_one_object_is_paused_and_the_others_go_on(connection: Connection) -> None:
    remote_object, _ = first_id(connection)
    make_cursors(datetime.now(UTC))
    pause_reading(connection, remote_object, datetime.now(UTC))
    assert pull_to_the_end(connection) == []
    assert people(connection) == 0
    assert Record.objects.filter(connection=connection, object="activity").count() == 1


# --- how often ---------------------------------------------------------------------------------------------------


def test_an_object_is_read_as_often_as_somebody_chose(connection: Connection) -> None:
    pull_to_the_end(connection)
    remote_object, _ = first_id(connection)
    set_schedule(connection, remote_object, 3600)
    row = cursor(connection)
    assert row.last_pulled_at is not None
    assert row.next_pull_at == row.last_pulled_at + timedelta(hours=1)
    later = row.next_pull_at + timedelta(seconds=1)
    while pull_due(later):
        pass
    row.refresh_from_db()
    assert row.next_pull_at - row.last_pulled_at == timedelta(hours=1)
    other = PullCursor.objects.filter(connection=connection).exclude(pk=row.pk).get()
    assert other.last_pulled_at is not None
    assert other.next_pull_at - other.last_pulled_at == timedelta(seconds=60)


# --- history -----------------------------------------------------------------------------------------------------


def test_a_field_whose_history_becomes_wanted_gets_it_in_a_run_of_its_own(connection: Connection) -> None:
    remote_object, first = first_id(connection)
    stage = FieldMapping.objects.filter(connection=connection, field__name="stage")
    stage.update(has_history=False)
    pull_to_the_end(connection)
    assert cursor(connection).history_fields == []
    assert not Event.objects.filter(kind="change").exists()
    stage.update(has_history=True)
    pull_to_the_end(connection)
    asked_at = cursor(connection).history_asked_at
    assert asked_at is not None
    assert pull_due(asked_at, only=connection.name) > 0
    row = cursor(connection)
    assert row.history_asked_at is None
    assert row.history_fields == [stage.get().remote_name]
    assert Event.objects.filter(record__remote_id=first, kind="change", field="stage").exists()
    run = Run.objects.get(kind="history")
    assert (run.state, run.done, run.counts["by_object"]) == ("done", LEADS, {remote_object: LEADS})


def test_history_goes_on_after_a_death_and_what_changed_comes_first(
    many: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    assert pull_to_the_end(many) == []
    remote_object, _ = first_id(many)
    now = datetime.now(UTC)
    read_history_now(many, remote_object, now)
    PullCursor.objects.filter(connection=many).update(next_pull_at=now + timedelta(hours=1))
    real = passes.store

    def die_after_one(work: Any, *args: Any, **more: Any) -> None:
        real(work, *args, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(passes, "store", die_after_one)
        with pytest.raises(Killed):
            pull_due(now)
    left = cursor(many).history_state
    assert left["at"]
    run = Run.objects.get(kind="history")
    assert 0 < run.done < 260
    later = now + timedelta(seconds=200)
    while pull_due(later):
        pass
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 260)
    assert cursor(many).history_state == {}


# --- a first load is told ----------------------------------------------------------------------------------------


def test_the_end_of_a_first_load_is_told_once(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from integrations import loads

    monkeypatch.setattr(loads, "_listeners", {})
    told: list[tuple[str, str]] = []
    register_load_listener("test", lambda c, what, began, ended: told.append((c.name, what)))
    pull_to_the_end(connection)
    pull_to_the_end(connection)
    pull_to_the_end(connection, full=True)
    assert told == [(connection.name, "first_load")]


# --- pages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "total", "busy", "pace"),
    [
        (0, None, 0.0, Pace(None, None)),
        (100, 1000, 2.0, Pace(None, None)),
        (100, None, 10.0, Pace(10.0, None)),
        (100, 1000, 10.0, Pace(10.0, 90)),
        (1200, 1000, 10.0, Pace(120.0, 0)),
    ],
)
def test_the_pace_is_said_once_it_is_known(done: int, total: int | None, busy: float, pace: Pace) -> None:
    assert pace_of(done, total, busy) == pace


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "not known yet"), (20, "less than a minute"), (61, "about 2 min"), (3700, "about 1 h 2 min")],
)
def test_the_time_left_in_words(seconds: int | None, words: str) -> None:
    assert Pace(10.0, seconds).left_words == words


def test_the_runs_page_shows_rate_time_left_and_each_object(admin: Client, connection: Connection) -> None:
    pull_to_the_end(connection)
    run = Run.objects.get(kind="pull")
    remote_object, _ = first_id(connection)
    page = admin.get(reverse("integrations:run", args=[run.pk])).content.decode()
    assert remote_object in page
    Run.objects.update(state="running", total=100, done=50, busy_seconds=10.0)
    page = admin.get(reverse("integrations:run", args=[run.pk])).content.decode()
    assert "5 records a second" in page
    assert "less than a minute" in page
    PullCursor.objects.update(page_state={"at": {}}, paused_at=datetime.now(UTC))
    page = admin.get(reverse("integrations:run", args=[run.pk])).content.decode()
    assert "Paused" in page
    assert "Paused" in admin.get(reverse("integrations:runs")).content.decode()


def test_the_page_of_reading_pauses_schedules_and_reads(admin: Client, connection: Connection) -> None:
    pull_to_the_end(connection)
    remote_object, _ = first_id(connection)
    address = reverse("integrations:reading", args=[connection.name])
    assert f'data-object="{remote_object}"' in admin.get(address).content.decode()

    def post(route: str, **data: str) -> None:
        answer = admin.post(reverse(f"integrations:{route}", args=[connection.name]), data)
        assert answer.status_code == 302

    post("pause_reading", object=remote_object, pause="1")
    assert cursor(connection).paused_at is not None
    assert "Resume" in admin.get(address).content.decode()
    post("pause_reading", object=remote_object)
    assert cursor(connection).paused_at is None
    post("schedule", object=remote_object, every="900")
    assert cursor(connection).every_seconds == 900
    post("schedule", object=remote_object, every="0")
    assert cursor(connection).every_seconds is None
    post("schedule", object=remote_object, every="7")
    assert cursor(connection).every_seconds is None
    post("read_now", object=remote_object, what="history")
    assert cursor(connection).history_asked_at is not None
    post("read_now", object=remote_object, what="everything")
    assert cursor(connection).mark_at is None
    assert "Objects" in admin.get(address, headers={"HX-Request": "true"}).content.decode()


def test_a_paused_first_load_says_that_it_is_paused(
    admin: Client, many: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {
        "reading": reverse("integrations:reading", args=[many.name]),
        "connection": reverse("integrations:connection", args=[many.name]),
    }
    real = passes.store

    def pause_after_one(*args: Any, **more: Any) -> None:
        real(*args, **more)
        pause_reading(many, "", datetime.now(UTC))

    monkeypatch.setattr(passes, "store", pause_after_one)
    pull_due(datetime.now(UTC))
    monkeypatch.undo()
    html = admin.get(pages["reading"]).content.decode()
    assert "Its reading is paused" in html
    assert "It is being read now" not in html
    assert "1 thing to look after" in admin.get(reverse("integrations:connections")).content.decode()
    assert "Reading is paused: nothing new is read" in admin.get(pages["connection"]).content.decode()
    answer = admin.post(reverse("integrations:read_now", args=[many.name]), follow=True).content.decode()
    assert "is paused: it is read once somebody resumes it." in answer
    resume_reading(many, "", datetime.now(UTC))
    assert "Its reading is paused" not in admin.get(pages["reading"]).content.decode()


def test_a_standin_that_nobody_maps_has_an_empty_page(admin: Client, standins: Running) -> None:
    connection = connect("hubspot", standins.base_url, mappings=[])
    page = admin.get(reverse("integrations:reading", args=[connection.name])).content.decode()
    assert "Nothing is mapped yet" in page
