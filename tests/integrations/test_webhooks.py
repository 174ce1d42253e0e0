"""HubSpot's webhooks: signed and of now or 401; stored once; then the record is read."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from integrations import webhooks
from integrations.models import WebhookEvent
from integrations.pull import pull_to_the_end
from integrations.signatures import sign_v3
from integrations.standins.app import Running
from integrations.webhooks import serve_webhooks
from records.models import Connection, Record
from tests.integrations.conftest import connect

pytestmark = pytest.mark.django_db
PATH = "/webhooks/hubspot/hubspot/"
SECRET = "webhook-only-a-test"
EVENT = {
    "eventId": 1, "subscriptionId": 2, "portalId": 3, "appId": 4, "occurredAt": 1772442000000, "attemptNumber": 0,
    "subscriptionType": "contact.propertyChange", "objectId": 101, "propertyName": "lifecyclestage",
    "propertyValue": "x",
}  # fmt: skip


@pytest.fixture
def hubspot(standins: Running) -> Connection:
    return connect("hubspot", standins.base_url)


def post(client: Client, body: bytes, *, path: str = PATH, **headers: str) -> int:
    return client.post(path, body, content_type="application/json", headers=headers).status_code


def signed(body: bytes, *, path: str = PATH, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    stamp = str(at if at is not None else round(time.time() * 1000))
    signature = sign_v3(secret, "POST", f"http://testserver{path}", body, stamp)
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}


def test_a_signed_delivery_is_stored_and_answered(hubspot: Connection, client: Client) -> None:
    body = json.dumps([EVENT, {**EVENT, "objectId": 102}]).encode()
    assert post(client, body, **signed(body)) == 204
    assert WebhookEvent.objects.count() == 2


def test_copies_and_retries_are_stored_once(hubspot: Connection, client: Client) -> None:
    body = json.dumps([EVENT, EVENT, {**EVENT, "eventId": 9, "attemptNumber": 3}]).encode()
    assert post(client, body, **signed(body)) == 204
    assert post(client, body, **signed(body)) == 204
    assert WebhookEvent.objects.count() == 1


def test_the_address_is_signed_with_hubspots_own_decoding(hubspot: Connection, client: Client) -> None:
    body = json.dumps([EVENT]).encode()
    assert (
        post(client, body, path=f"{PATH}?a=%3A%2F%40b%20c", **signed(body, path=f"{PATH}?a=:/@b%20c")) == 204
    )


NOW_MS = 1000


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("no headers", lambda b: {}),
        ("no signature", lambda b: {"X-HubSpot-Request-Timestamp": signed(b)["X-HubSpot-Request-Timestamp"]}),
        ("no timestamp", lambda b: {"X-HubSpot-Signature-v3": signed(b)["X-HubSpot-Signature-v3"]}),
        ("another secret", lambda b: signed(b, secret="another")),
        ("another body", lambda b: signed(b + b" ")),
        ("another address", lambda b: signed(b, path="/webhooks/hubspot/other/")),
        ("too old", lambda b: signed(b, at=round(time.time() * NOW_MS) - 301 * NOW_MS)),
        ("from the future", lambda b: signed(b, at=round(time.time() * NOW_MS) + 301 * NOW_MS)),
        ("a negative time", lambda b: signed(b, at=-5)),
        ("not ASCII", lambda b: {**signed(b), "X-HubSpot-Signature-v3": "süß"}),
        ("a time that is no number", lambda b: {**signed(b), "X-HubSpot-Request-Timestamp": "now"}),
        ("other digits", lambda b: {**signed(b), "X-HubSpot-Request-Timestamp": "١٢٣"}),
        ("an endless number", lambda b: {**signed(b), "X-HubSpot-Request-Timestamp": "9" * 400}),
        ("an old version", lambda b: {"X-HubSpot-Signature": "abc", "X-HubSpot-Signature-Version": "v1"}),
    ],
)
def test_a_bad_signature_is_401_and_stores_nothing(
    hubspot: Connection, client: Client, name: str, headers: Any
) -> None:
    body = json.dumps([EVENT]).encode()
    assert post(client, body, **headers(body)) == 401
    assert not WebhookEvent.objects.exists()


def test_an_unknown_connection_is_401_too(hubspot: Connection, client: Client) -> None:
    body = b"[]"
    path = "/webhooks/hubspot/nobody/"
    assert post(client, body, path=path, **signed(body, path=path)) == 401


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_signed_body_that_is_not_json_is_400(hubspot: Connection, client: Client, body: bytes) -> None:
    assert post(client, body, **signed(body)) == 400


@pytest.mark.parametrize(
    "event", [1, None, {}, {**EVENT, "objectId": "1 or 1"}, {**EVENT, "subscriptionType": "x"}]
)
def test_an_event_that_names_no_record_is_left_out(hubspot: Connection, client: Client, event: Any) -> None:
    body = json.dumps([event]).encode()
    assert post(client, body, **signed(body)) == 204
    assert not WebhookEvent.objects.exists()


def test_serving_reads_the_record_and_not_the_event(hubspot: Connection, client: Client) -> None:
    body = json.dumps([EVENT, {**EVENT, "objectId": 102}, {**EVENT, "objectId": 103}]).encode()
    post(client, body, **signed(body))
    assert serve_webhooks(datetime.now(UTC)) == 3
    assert Record.objects.get(remote_id="101").values["stage"] == "marketingqualifiedlead"
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"done"}


def in_any_order(hubspot: Connection, client: Client) -> None:
    """Ten copies, the newest first and what was true long ago last: the record is what HubSpot shows."""
    pull_to_the_end(hubspot)
    events = [
        {**EVENT, "eventId": n, "occurredAt": EVENT["occurredAt"] - n * 3_600_000, "propertyValue": value}
        for n, value in enumerate(["marketingqualifiedlead", "lead", "subscriber"])
    ]
    for copy in range(10):
        body = json.dumps([{**event, "attemptNumber": copy} for event in events]).encode()
        assert post(client, body, **signed(body)) == 204
    assert WebhookEvent.objects.count() == len(events)
    serve_webhooks(datetime.now(UTC))
    assert Record.objects.get(remote_id="101").values["stage"] == "marketingqualifiedlead"


def test_flt17_copies_in_any_order_end_as_hubspot_shows_it(hubspot: Connection, client: Client) -> None:
    in_any_order(hubspot, client)


def test_control_who_believes_the_event_is_seen(
    hubspot: Connection, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believe(connection: Connection, events: Sequence[WebhookEvent], now: datetime) -> None:
        for event in events:
            record = Record.objects.get(connection=connection, remote_id=event.remote_id)
            record.values["stage"] = event.body["propertyValue"]
            record.save()

    monkeypatch.setattr(webhooks, "_read", believe)
    with pytest.raises(AssertionError):
        in_any_order(hubspot, client)


def test_an_activity_comes_with_whom_it_is_about(hubspot: Connection, client: Client) -> None:
    event = {**EVENT, "subscriptionType": "object.creation", "objectTypeId": "0-48", "objectId": 900}
    body = json.dumps([event]).encode()
    post(client, body, **signed(body))
    serve_webhooks(datetime.now(UTC))
    keys = Record.objects.get(remote_id="900").link_keys.values_list("key", flat=True)
    assert list(keys) == ["id:hubspot:contacts:101"]


def test_an_announced_deletion_and_merge_are_believed_when_the_record_is_gone(
    hubspot: Connection, client: Client, standins: Running
) -> None:
    pull_to_the_end(hubspot)
    standins.store.execute("DELETE FROM rows WHERE system = 'hubspot' AND remote_id IN ('101', '102')")
    events = [
        {**EVENT, "subscriptionType": "contact.privacyDeletion"},
        {
            **EVENT,
            "subscriptionType": "contact.merge",
            "objectId": 103,
            "primaryObjectId": 103,
            "mergedObjectIds": [102],
        },
    ]
    for event in events:
        event["occurredAt"] = round(time.time() * NOW_MS)
    body = json.dumps(events).encode()
    post(client, body, **signed(body))
    serve_webhooks(datetime.now(UTC))
    gone, merged = Record.objects.get(remote_id="101"), Record.objects.get(remote_id="102")
    assert gone.deleted_at is not None
    assert gone.values["email"] == "p1@acme.example"
    assert merged.merged_into == Record.objects.get(remote_id="103")


def test_a_crm_that_is_away_leaves_the_event_waiting(hubspot: Connection, client: Client) -> None:
    Connection.objects.filter(pk=hubspot.pk).update(base_url="http://127.0.0.1:9")
    body = json.dumps([EVENT]).encode()
    post(client, body, **signed(body))
    serve_webhooks(datetime.now(UTC))
    event = WebhookEvent.objects.get()
    assert event.state == "pending"
    assert event.next_try_at > datetime.now(UTC)
