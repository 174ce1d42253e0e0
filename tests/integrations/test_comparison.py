"""Every night: what differs from the CRM is named, read again and told; nothing is deleted by an incomplete list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from effects.models import Effect
from integrations import comparing, comparison
from integrations.compared import latest_comparisons
from integrations.errors import RetryLater
from integrations.models import Comparison, Difference, ListedId, PullCursor
from integrations.pull import pull_to_the_end
from integrations.registry import connector_class
from integrations.standins.app import Running
from records.models import Connection, Record
from teams.models import Person
from tests.integrations.conftest import LEADS, first_id

pytestmark = pytest.mark.django_db
NOON = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12)
"""After everything is loaded, and far from the hour of the night."""


@pytest.fixture
def revops(db: None) -> Person:
    return Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")


@pytest.fixture
def loaded(connection: Connection, revops: Person) -> Connection:
    assert pull_to_the_end(connection) == []
    return connection


def compare(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """Remote object -> (kind, outcome) of what differed."""
    assert comparison.compare_now(connection, NOON) > 0
    while Comparison.objects.filter(state__in=comparison.OPEN).exists():
        assert comparison.compare_due(NOON)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in latest_comparisons(connection):
        assert one.comparison.last_error == ""
        found[one.comparison.remote_object] = [(d.kind, d.outcome) for d in one.named]
    return found


def person_row(connection: Connection, standins: Running) -> Any:
    return standins.store.get(connection.kind, *first_id(connection))


def drop_for_good(connection: Connection, standins: Running) -> None:
    remote_object, first = first_id(connection)
    standins.store.execute("DELETE FROM rows WHERE object = ? AND remote_id = ?", [remote_object, first])


def test_the_same_on_both_sides_tells_nobody(loaded: Connection) -> None:
    assert set(map(tuple, compare(loaded).values())) == {()}
    row = Comparison.objects.get(remote_object=first_id(loaded)[0])
    assert (row.state, row.there, row.here) == ("done", LEADS, LEADS)
    assert not Effect.objects.exists()
    assert not ListedId.objects.exists()


def test_what_is_missing_here_is_named_read_and_told(loaded: Connection, revops: Person) -> None:
    remote_object, first = first_id(loaded)
    Record.objects.filter(remote_id=first).delete()
    assert compare(loaded)[remote_object] == [("missing_here", "repaired")]
    assert Record.objects.filter(connection=loaded, remote_id=first).exists()
    told = Effect.objects.get()
    assert told.payload["person"] == revops.pk
    assert "1 record" in told.payload["title"]
    assert told.payload["href"] == reverse("integrations:reading", args=[loaded.name])


def test_what_is_older_here_is_read_again(loaded: Connection, standins: Running) -> None:
    remote_object, first = first_id(loaded)
    record = Record.objects.get(remote_id=first)
    Record.objects.filter(pk=record.pk).update(
        values=record.values | {"last_name": "Before"},
        fingerprint="before",
        modified_at_remote=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert compare(loaded)[remote_object] == [("stale", "repaired")]
    record.refresh_from_db()
    assert record.values["last_name"] == "Number1"


def test_what_changed_only_in_fields_we_do_not_read_is_noted_and_no_difference(loaded: Connection) -> None:
    remote_object, first = first_id(loaded)
    Record.objects.filter(remote_id=first).update(modified_at_remote=datetime(2026, 1, 1, tzinfo=UTC))
    assert compare(loaded)[remote_object] == []
    assert Record.objects.get(remote_id=first).modified_at_remote != datetime(2026, 1, 1, tzinfo=UTC)
    assert not Effect.objects.exists()


def test_what_left_without_a_trace_is_deleted_here_too(loaded: Connection, standins: Running) -> None:
    remote_object, first = first_id(loaded)
    drop_for_good(loaded, standins)
    assert compare(loaded)[remote_object] == [("missing_there", "gone")]
    assert Record.objects.get(remote_id=first).deleted_at is not None


def test_a_list_that_forgets_a_living_record_deletes_nothing(
    loaded: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote_object, first = first_id(loaded)
    kind = connector_class(loaded.kind)
    real = kind.list_ids

    def forgetful(self: Any, name: str, after: str) -> Iterator[Any]:
        for page in real(self, name, after):
            yield replace(page, ids=[one for one in page.ids if one[0] != first])

    monkeypatch.setattr(kind, "list_ids", forgetful)
    assert compare(loaded)[remote_object] == []
    assert Record.objects.get(remote_id=first).deleted_at is None


def test_so_many_gone_at_once_wait_for_a_person(
    loaded: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch, revops: Person, client: Client
) -> None:
    remote_object, first = first_id(loaded)
    monkeypatch.setattr(comparing, "FEW_GONE", 0)
    drop_for_good(loaded, standins)
    assert compare(loaded)[remote_object] == [("missing_there", "open")]
    assert Record.objects.get(remote_id=first).deleted_at is None
    assert "nothing was deleted here" in Effect.objects.get().payload["title"]
    client.force_login(revops)
    page = client.get(reverse("integrations:reading", args=[loaded.name])).content.decode()
    assert "They are really gone" in page
    client.post(reverse("integrations:repair", args=[loaded.name]), {"object": remote_object})
    while Comparison.objects.filter(state__in=comparison.OPEN).exists():
        assert comparison.compare_due(NOON)
    assert Record.objects.get(remote_id=first).deleted_at is not None


def test_a_crm_that_is_away_is_asked_again_from_where_it_stood(
    loaded: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = connector_class(loaded.kind)
    real = kind.list_ids

    def away(self: Any, name: str, after: str) -> Iterator[Any]:
        yield from list(real(self, name, after))[:1]
        raise RetryLater("away for maintenance")

    now = NOON
    comparison.compare_now(loaded, now)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "list_ids", away)
        assert comparison.compare_due(now) == 1
    tried = Comparison.objects.get(failures=1)
    assert tried.last_error == "away for maintenance"
    assert tried.next_try_at > now
    assert tried.listed.exists()
    while Comparison.objects.filter(state__in=comparison.OPEN).exists():
        comparison.compare_due(now + timedelta(hours=2))
    tried.refresh_from_db()
    assert (tried.state, tried.differences.count()) == ("done", 0)


def until_killed(now: datetime) -> None:
    while True:
        comparison.compare_due(now)


def test_a_killed_process_goes_on_and_names_each_difference_once(
    loaded: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*args: Any) -> None:
        raise Killed

    first = first_id(loaded)[1]
    Record.objects.filter(remote_id=first).delete()
    now = NOON
    comparison.compare_now(loaded, now)
    for name in ("_conclude", "_repair", "_finish"):
        with monkeypatch.context() as patch:
            patch.setattr(comparison, name, die)
            with pytest.raises(Killed):
                until_killed(now)
        now += timedelta(seconds=200)
    while Comparison.objects.filter(state__in=comparison.OPEN).exists():
        comparison.compare_due(now)
        now += timedelta(seconds=200)
    assert Difference.objects.filter(remote_id=first, outcome="repaired").count() == 1
    assert Effect.objects.count() == 1


def test_the_first_follows_the_first_load_and_then_every_night(loaded: Connection) -> None:
    assert comparison.next_due(NOON) == NOON
    assert comparison.compare_due(NOON) == 1
    while Comparison.objects.filter(state__in=comparison.OPEN).exists():
        assert comparison.compare_due(NOON) == 1
    assert comparison.compare_due(NOON) == 0
    night = (NOON + timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)
    assert comparison.next_due(NOON) == night
    assert comparison.next_due(night) == night
    assert comparison.compare_due(night) == 1


def test_what_is_not_loaded_is_not_compared(connection: Connection) -> None:
    assert comparison.compare_now(connection, NOON) == 0
    PullCursor.objects.update(is_loaded=False)
    assert not Comparison.objects.exists()


def test_the_page_says_what_was_compared(loaded: Connection, client: Client, revops: Person) -> None:
    client.force_login(revops)
    address = reverse("integrations:reading", args=[loaded.name])
    assert "Nothing has been compared yet" in client.get(address).content.decode()
    first = first_id(loaded)[1]
    Record.objects.filter(remote_id=first).delete()
    compare(loaded)
    page = client.get(address).content.decode()
    assert "1 differed" in page
    assert "Missing here" in page
    assert reverse("records:record", args=[Record.objects.get(remote_id=first).pk]) in page
    assert client.post(reverse("integrations:compare_now", args=[loaded.name])).status_code == 302
    assert Comparison.objects.filter(state="listing").exists()
