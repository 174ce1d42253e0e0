from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from integrations.standins.app import Running
from integrations.standins.webhooks import signature_v3
from tests.integrations.standins.conftest import Start, hubspot_at

SECRET = "the app's own"


class Receiver:
    """Keeps what arrives; answers ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.deliveries: list[tuple[Message, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.deliveries.append((self.headers, body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/hubspot/7?x=%2F"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self.thread.start()

    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.deliveries for event in json.loads(body)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def subscribe(running: Running, receiver: Receiver) -> None:
    body = {"url": receiver.url, "secret": SECRET}
    assert requests.post(f"{running.base_url}/standin/webhooks", json=body, timeout=10).status_code == 201


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


def test_a_change_is_told_and_signed(running: Running, receiver: Receiver) -> None:
    subscribe(running, receiver)
    requests.post(f"{running.base_url}/hubspot/contacts/1001/edit", data={"jobtitle": "COO"}, timeout=10)
    until(lambda: bool(receiver.deliveries))
    headers, body = receiver.deliveries[0]
    stamp = headers["X-HubSpot-Request-Timestamp"]
    assert headers["X-HubSpot-Signature-v3"] == signature_v3(SECRET, "POST", receiver.url, body, int(stamp))
    event = receiver.events()[0]
    assert (event["subscriptionType"], event["objectId"]) == ("contact.propertyChange", 1001)
    assert (event["propertyName"], event["propertyValue"], event["changeSource"]) == (
        "jobtitle",
        "COO",
        "CRM_UI",
    )


def test_the_signature_decodes_only_what_hubspot_decodes() -> None:
    signed = signature_v3("s", "POST", "https://gtmops.example/hook%2Fa?b=%20", b"[]", 1)
    assert signed == signature_v3("s", "POST", "https://gtmops.example/hook/a?b=%20", b"[]", 1)
    assert signed != signature_v3("s", "POST", "https://gtmops.example/hook/a?b= ", b"[]", 1)


def test_a_write_by_api_is_told_too_and_calculated_values_are_not(
    running: Running, receiver: Receiver
) -> None:
    subscribe(running, receiver)
    hubspot_at(running).crm.contacts.basic_api.update("1001", {"properties": {"lifecyclestage": "customer"}})
    until(lambda: bool(receiver.deliveries))
    assert [(e["propertyName"], e["changeSource"]) for e in receiver.events()] == [
        ("lifecyclestage", "INTEGRATION")
    ]


def test_a_receiver_that_fails_is_told_again(running: Running, receiver: Receiver) -> None:
    receiver.status = 500
    subscribe(running, receiver)
    hubspot_at(running).crm.contacts.basic_api.update("1001", {"properties": {"jobtitle": "CFO"}})
    until(lambda: bool(receiver.deliveries))
    receiver.status = 204
    until(lambda: running.store.fetch("SELECT count(*) AS n FROM webhook_events WHERE done = 0")[0]["n"] == 0)
    assert [e["attemptNumber"] for e in receiver.events()][:2] == [0, 1]


def test_events_are_doubled_when_told_so(start: Start, receiver: Receiver) -> None:
    running = start(faults="duplicates:5")
    subscribe(running, receiver)
    api = hubspot_at(running).crm.contacts.basic_api
    for n in range(20):
        api.update("1001", {"properties": {"jobtitle": f"Title {n}"}})
    until(lambda: len({e["propertyValue"] for e in receiver.events()}) == 20)
    until(lambda: len(receiver.events()) > 20)


@pytest.mark.parametrize("body", [{"url": "file:///etc/passwd", "secret": "x"}, {"url": "http://a.example/"}])
def test_a_target_needs_an_address_and_a_secret(running: Running, body: dict[str, str]) -> None:
    assert requests.post(f"{running.base_url}/standin/webhooks", json=body, timeout=10).status_code == 400
