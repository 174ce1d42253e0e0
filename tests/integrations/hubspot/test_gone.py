"""Records that end: merged into another, archived, forgotten on request, and back again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.base import Window
from integrations.models import WebhookEvent
from integrations.pull import pull_to_the_end
from integrations.standins.app import Running
from integrations.standins.hubspot_merging import forget, merge, restore
from integrations.standins.hubspot_rules import API_ACTOR, archive, relate
from integrations.standins.store import Stored
from integrations.webhooks import serve_webhooks, store_events
from records.models import Connection, Record
from tests.integrations.conftest import START
from tests.integrations.hubspot.conftest import EMAIL, UNTIL, Begin, connector_of, pulled


def contact(running: Running, remote_id: str) -> Stored:
    row = running.store.get("hubspot", "contacts", remote_id)
    assert row is not None
    return row


def merged(running: Running, *, new_id: bool) -> str:
    """102 goes into 101; the id of what lives on."""
    one, other = contact(running, "101"), contact(running, "102")
    return merge(running.store, one, other, API_ACTOR, new_id=new_id).remote_id


def held(connection: Connection, remote_id: str) -> Record:
    return Record.objects.get(connection=connection, remote_object="contacts", remote_id=remote_id)


def contacts_held() -> list[dict[str, Any]]:
    return list(Record.objects.filter(remote_object="contacts").order_by("pk").values())


@pytest.fixture(params=[True, False], ids=["a new id", "the first one's id"])
def new_id(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_pull_says_who_went_into_whom(begin: Begin, new_id: bool) -> None:
    running, connection = begin()
    winner = merged(running, new_id=new_id)
    for window in (Window(until=UNTIL), Window(until=UNTIL, since=START)):
        found = pulled(connection, "contacts", EMAIL, window)
        losers = {"101", "102"} if new_id else {"102"}
        assert {i for i, r in found.items() if r.merged_into == winner} == losers
        assert all(found[i].is_deleted for i in losers)
        assert not found[winner].is_deleted


def test_reading_a_merged_id_gives_the_record_of_today(begin: Begin, new_id: bool) -> None:
    running, connection = begin()
    winner = merged(running, new_id=new_id)
    read = connector_of(connection).read("contacts", ["102", "103", "999999"], EMAIL)
    by_id = {r.remote_id: r for r in read.records}
    assert by_id["102"].merged_into == winner
    assert {winner, "103"} <= set(by_id)
    assert list(read.missing) == ["999999"]


def test_the_mirror_follows_a_merge(begin: Begin, new_id: bool) -> None:
    running, connection = begin()
    assert pull_to_the_end(connection) == []
    winner = merged(running, new_id=new_id)
    assert pull_to_the_end(connection) == []
    assert held(connection, "102").merged_into == held(connection, winner)
    assert held(connection, "102").deleted_at is not None
    assert held(connection, winner).deleted_at is None
    before = contacts_held()
    assert pull_to_the_end(connection, full=True) == []
    assert contacts_held() == before


def told_by_webhooks(running: Running, connection: Connection) -> None:
    """Serve the events that the stand-in wrote down, as they would have come."""
    rows = running.store.fetch("SELECT event FROM webhook_events ORDER BY seq")
    store_events(connection, [json.loads(r["event"]) for r in rows], datetime.now(UTC))
    while serve_webhooks(datetime.now(UTC)):
        pass
    assert not WebhookEvent.objects.exclude(state=WebhookEvent.State.DONE).exists()


def listening(running: Running) -> None:
    target: dict[str, Any] = {"http://127.0.0.1:9/hook": {"secret": "only-a-test", "types": ["contacts"]}}
    running.store.set_meta("webhooks", target)


def test_the_webhook_of_a_merge_is_enough(begin: Begin, new_id: bool) -> None:
    running, connection = begin()
    pull_to_the_end(connection)
    listening(running)
    winner = merged(running, new_id=new_id)
    told_by_webhooks(running, connection)
    assert held(connection, "102").merged_into == held(connection, winner)


def test_a_privacy_deletion_is_heard_and_no_list_shows_it(begin: Begin) -> None:
    running, connection = begin()
    pull_to_the_end(connection)
    listening(running)
    forget(running.store, contact(running, "103"), API_ACTOR)
    assert "103" not in pulled(connection, "contacts", EMAIL, Window(until=UNTIL))
    ids = {i for page in connector_of(connection).list_ids("contacts", "") for i, _ in page.ids}
    assert "103" not in ids
    told_by_webhooks(running, connection)
    assert held(connection, "103").deleted_at is not None


def test_what_was_archived_comes_back_under_its_id(begin: Begin) -> None:
    running, connection = begin()
    pull_to_the_end(connection)
    archive(running.store, contact(running, "104"), API_ACTOR)
    pull_to_the_end(connection, full=True)
    assert held(connection, "104").deleted_at is not None
    restore(running.store, contact(running, "104"), API_ACTOR)
    pull_to_the_end(connection, full=True)
    assert held(connection, "104").deleted_at is None


def test_a_changed_association_is_heard_from_either_end(begin: Begin) -> None:
    """No last-modified moves with it: without the webhook only the next full reading would find it."""
    running, connection = begin()
    pull_to_the_end(connection)
    listening(running)
    relate(running.store, "contacts", "102", "calls", "900", 193)
    told_by_webhooks(running, connection)
    call = Record.objects.get(connection=connection, remote_object="calls", remote_id="900")
    keys = set(call.link_keys.values_list("key", flat=True))
    assert {"id:hubspot:contacts:101", "id:hubspot:contacts:102"} <= keys


def test_two_merges_into_one_at_the_same_moment_are_two(begin: Begin) -> None:
    _, connection = begin()
    event = {"subscriptionType": "contact.merge", "objectId": 101, "primaryObjectId": 101, "occurredAt": 1}
    events = [{**event, "mergedObjectIds": [102]}, {**event, "mergedObjectIds": [103]}]
    assert store_events(connection, [*events, *events], START) == 4
    assert WebhookEvent.objects.count() == 2


def test_events_twice_and_in_any_order_end_alike(begin: Begin) -> None:
    running, connection = begin()
    pull_to_the_end(connection)
    listening(running)
    merged(running, new_id=True)
    archive(running.store, contact(running, "104"), API_ACTOR)
    restore(running.store, contact(running, "104"), API_ACTOR)
    told_by_webhooks(running, connection)
    before = contacts_held()
    running.store.execute(
        "INSERT INTO webhook_events (target, event, due) SELECT target, event, due FROM webhook_events"
        " ORDER BY seq DESC"
    )
    told_by_webhooks(running, connection)
    assert contacts_held() == before
