"""A secret that a CRM repeats in an error never reaches a page, the database or a log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from integrations.budget import Budget
from integrations.errors import ConnectorError
from integrations.http import Guard, GuardedPool, Limits, guarded_session, redacted, secrets_in
from integrations.hubspot.errors import classify as hubspot_says
from integrations.salesforce.errors import classify as salesforce_says


class Parrot(BaseHTTPRequestHandler):
    """Refuses everything, and repeats what it was sent."""

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        said += " " + str(self.headers.get("Authorization"))
        body = json.dumps(
            {"category": "VALIDATION_ERROR", "message": said, "error": "invalid", "error_description": said}
        ).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def parrot() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _guard(kind: str, address: str) -> Guard:
    return Guard(
        kind=kind,
        base_url=address,
        classify=hubspot_says if kind == "hubspot" else salesforce_says,
        budget=Budget("redaction", (), lambda headers: None),
        limits=Limits(5, 5, 5, 100_000),
    )


FORM = {
    "grant_type": "refresh_token",
    "client_id": "shown-id",
    "client_secret": "canary one",
    "refresh_token": "canary2",
}


def _by_requests(guard: Guard, address: str) -> None:
    with guarded_session(guard) as session:
        session.post(f"{address}/token", data=FORM, auth=("shown-id", "canary-basic"))


def _with_bearer(guard: Guard, address: str) -> None:
    with guarded_session(guard) as session:
        session.post(f"{address}/records", json={"a": 1}, headers={"Authorization": "Bearer canary-bearer"})


def _by_urllib3(guard: Guard, address: str) -> None:
    body = requests.models.RequestEncodingMixin._encode_params(FORM)  # type: ignore[attr-defined]  # not in the stubs
    GuardedPool(guard).request(
        "POST", f"{address}/token", body=body, headers={"Authorization": "Bearer canary-bearer"}
    )


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
@pytest.mark.parametrize("send", [_by_requests, _with_bearer, _by_urllib3])
def test_what_a_crm_repeats_is_blotted_out(
    kind: str, send: Callable[[Guard, str], None], parrot: str, settings: Any
) -> None:
    settings.CRM_HOSTS = ["127.0.0.1"]
    with pytest.raises(ConnectorError) as refused:
        send(_guard(kind, parrot), parrot)
    assert "•••" in str(refused.value)
    assert "canary" not in str(refused.value)
    assert "canary" not in repr(refused.value)


def test_short_values_and_ordinary_bodies_are_no_secrets() -> None:
    assert secrets_in({"authorization": "Bearer abc"}, None) == set()
    assert secrets_in({}, b'{"properties": {"client_secret": "a field of somebody"}}') == set()
    assert redacted("longer long", {"long", "longer"}) == "••• •••"
