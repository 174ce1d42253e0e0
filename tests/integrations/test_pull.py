"""Nothing lost, nothing twice: pages and cursor in one transaction, resumable at any instant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations import runs
from integrations.models import PullCursor, Run
from integrations.pull import pull_due, pull_now, pull_to_the_end
from integrations.pulling import passes
from integrations.standins.app import Running, running_standins
from records.models import Connection, Event, FieldMapping, OwnerMatch, Record
from teams.models import Person
from tests.integrations.conftest import LEADS, connect, first_id, small_world

pytestmark = pytest.mark.django_db


def test_a_first_pull_mirrors_the_crm(connection: Connection) -> None:
    assert pull_to_the_end(connection) == []
    assert Record.objects.filter(connection=connection, object="person").count() == LEADS
    assert Record.objects.filter(connection=connection, object="activity").count() == 1
    run = Run.objects.get(kind="pull")
    assert (run.state, run.done, run.counts["created"]) == ("done", LEADS + 1, LEADS + 1)


def test_a_second_pull_writes_nothing(connection: Connection) -> None:
    pull_to_the_end(connection)
    before = Event.objects.count()
    pull_to_the_end(connection)
    pull_to_the_end(connection, full=True)
    assert Event.objects.count() == before
    assert Run.objects.filter(counts__created=0, counts__changed=0).count() == 1


def test_owners_become_people_by_email(connection: Connection) -> None:
    anna = Person.objects.create(email="Anna@fernhill.example", name="Anna")
    pull_to_the_end(connection)
    assert OwnerMatch.objects.get(connection=connection, email="anna@fernhill.example").person == anna
    assert Record.objects.filter(owner=anna).exists()


def test_a_death_between_page_and_commit_loses_nothing(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = runs.save_progress, []

    def die_once(*args: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the process was killed here")
        real(*args)

    monkeypatch.setattr(runs, "save_progress", die_once)
    pull_due(datetime.now(UTC))
    assert not Record.objects.filter(connection=connection).exists()
    assert PullCursor.objects.filter(failures=1).exists()
    assert pull_to_the_end(connection) == []
    assert Record.objects.filter(connection=connection).count() == LEADS + 1


def test_a_dead_workers_lease_runs_out_and_its_window_goes_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*args: Any) -> None:
        raise Killed

    monkeypatch.setattr(passes, "finish", die)
    now = datetime.now(UTC)
    with pytest.raises(Killed):
        pull_due(now)
    monkeypatch.undo()
    left = PullCursor.objects.exclude(page_state={}).get()
    assert left.page_state["at"]
    assert pull_due(now + timedelta(seconds=30)) == 0
    pull_due(now + timedelta(seconds=120))
    left.refresh_from_db()
    assert left.page_state == {}
    assert Record.objects.filter(connection=connection, object="person").count() == LEADS


def test_a_worker_that_lost_its_lease_stores_nothing(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = passes.wanted_for

    def lose(*args: Any) -> Any:
        PullCursor.objects.update(lease_token=None)
        return real(*args)

    monkeypatch.setattr(passes, "wanted_for", lose)
    pull_due(datetime.now(UTC))
    assert not Record.objects.filter(connection=connection).exists()


def test_a_deleted_record_is_seen(connection: Connection, standins: Running) -> None:
    pull_to_the_end(connection)
    remote_object, first = first_id(connection)
    row = standins.store.get(connection.kind, remote_object, first)
    assert row is not None
    standins.store.set_deleted(row, True, _actor())
    PullCursor.objects.update(deletions_read_at=None)
    pull_to_the_end(connection)
    assert Record.objects.get(connection=connection, remote_id=first).deleted_at is not None


def test_a_field_that_is_gone_becomes_unknown_and_never_empty(
    connection: Connection, standins: Running
) -> None:
    remote_object, first = first_id(connection)
    FieldMapping.objects.filter(connection=connection, field__name="first_name").update(
        remote_name="Vanished__c"
    )
    pull_to_the_end(connection)
    assert FieldMapping.objects.get(
        connection=connection, field__name="first_name", remote_object=remote_object
    ).is_broken
    assert "first_name" not in Record.objects.get(connection=connection, remote_id=first).values


def test_more_records_of_one_stamp_than_a_page_holds(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from integrations.hubspot import reading

    monkeypatch.setattr(reading, "SEARCH_PAGE", 5)
    world = small_world(23)
    for row in world["hubspot"]["contacts"]:
        row["modified"] = row["created"]
    with running_standins(world) as standins:
        connection = connect("hubspot", standins.base_url)
        pull_to_the_end(connection)
        Record.objects.filter(connection=connection).update(fingerprint="")
        Event.objects.all().delete()
        Record.objects.all().delete()
        PullCursor.objects.filter(connection=connection).update(
            mark_at=world["hubspot"]["contacts"][0]["created"] - timedelta(hours=1)
        )
        assert pull_to_the_end(connection) == []
        assert Record.objects.filter(connection=connection, object="person").count() == 23


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_a_connection_that_is_refused_is_broken_and_heals_by_itself(kind: str, standins: Running) -> None:
    connection = connect(kind, "http://127.0.0.1:9")
    pull_due(datetime.now(UTC))
    cursor = PullCursor.objects.filter(connection=connection).first()
    assert cursor is not None
    assert "can't be reached" in cursor.last_error
    assert cursor.next_pull_at > datetime.now(UTC)
    Connection.objects.filter(pk=connection.pk).update(base_url=standins.base_url, state="broken")
    connection.refresh_from_db()
    pull_now(connection)
    assert pull_to_the_end(connection) == []
    connection.refresh_from_db()
    assert connection.state == "active"


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A real kill -9 of a process in the middle of a first load."""
    with running_standins(small_world(900)) as standins:
        connection = connect("salesforce", standins.base_url)
        env = os.environ | {
            "GTMOPS_CRM_HOSTS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "gtmops.settings",
            "DATABASE_URL": _test_database_url(),
            "KILL_AFTER": "1",
        }
        child = subprocess.run(
            [sys.executable, "-c", _CHILD], env=env, capture_output=True, timeout=120, check=False
        )
        assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
        partly = Record.objects.filter(connection=connection, object="person").count()
        assert 0 < partly < 900
        PullCursor.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
        assert pull_to_the_end(connection) == []
        assert Record.objects.filter(connection=connection, object="person").count() == 900
        keys = Event.objects.filter(connection=connection, kind="baseline").values_list(
            "external_key", flat=True
        )
        assert len(keys) == len(set(keys)) == 901


_CHILD = """
import os, signal
import django
django.setup()
from datetime import UTC, datetime
from integrations.pull import pull_due
from integrations.pulling import passes
from integrations.salesforce import session
real_pages = session.Session.pages
def small_pages(self, soql, *, with_deleted=False):
    for rows, total in real_pages(self, soql, with_deleted=with_deleted):
        for start in range(0, len(rows), 200):
            yield rows[start:start + 200], total
session.Session.pages = small_pages
stored = []
real = passes.store
def store(*args, **more):
    real(*args, **more)
    stored.append(1)
    if len(stored) > int(os.environ["KILL_AFTER"]):
        os.kill(os.getpid(), signal.SIGKILL)
passes.store = store
pull_due(datetime.now(UTC))
"""


def _test_database_url() -> str:
    from django.db import connection

    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"]
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{query}"


def _actor() -> Any:
    from integrations.standins.store import Actor

    return Actor("", "CRM_UI")


def test_quiet_pulls_leave_one_run_however_many_there_are(connection: Connection) -> None:
    pull_to_the_end(connection)
    PullCursor.objects.update(mark_at=datetime.now(UTC) - timedelta(seconds=5))
    for _ in range(3):
        pull_to_the_end(connection)
    assert Run.objects.filter(kind="pull").count() == 2
