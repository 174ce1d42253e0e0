"""The one HTTP policy, for both libraries: hosts, redirects, sizes, times, tokens."""

from __future__ import annotations

import gzip
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from integrations import http
from integrations.budget import Budget
from integrations.errors import Misconfigured, Reconnect, Rejected, RetryLater
from integrations.http import Guard, GuardedPool, Limits, guarded_session, is_allowed
from integrations.hubspot.errors import classify as hubspot_says
from integrations.salesforce.errors import LocatorGone, SessionExpired
from integrations.salesforce.errors import classify as salesforce_says
from tests.integrations.clocks import PolicyClock

LIMITS = Limits(connect_seconds=20, read_seconds=20, total_seconds=30, max_bytes=10_000)


clock = PolicyClock()
"""The server moves it on."""
EMPTY_GZIP = gzip.compress(b"")[:10]
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff" * 100
BOMB = gzip.compress(b"\0" * 3_000_000)


@pytest.fixture(autouse=True)
def _time_is_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.ahead_seconds = 0.0
    monkeypatch.setattr(http, "time", clock)


class Odd(BaseHTTPRequestHandler):
    """Answers as its path says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.answer(302, b"", {"Location": "https://evil.example/"})
        elif self.path == "/large":
            self.answer(200, b"x" * 50_000)
        elif self.path == "/bomb":
            self.answer(200, BOMB, {"Content-Encoding": "gzip"})
        elif self.path == "/drip":
            self.start({"Content-Length": "1000000"})
            self.drip(b"x" for _ in itertools.count())
        elif self.path == "/drip-of-headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            self.drip(b"x" for _ in itertools.count())
        elif self.path == "/drip-of-chunks":
            self.start({"Transfer-Encoding": "chunked"})
            self.drip(b"0" for _ in itertools.count())
        elif self.path == "/drip-of-nothing":
            self.start({"Content-Encoding": "gzip", "Connection": "close"})
            self.wfile.write(EMPTY_GZIP)
            self.drip(EMPTY_BLOCK for _ in range(20_000))
        elif self.path == "/silence":
            self.start({"Content-Length": "10"})
            self.rfile.read(1)  # until the caller hangs up
            self.close_connection = True
        else:
            self.answer(200, b'{"ok": true}', {"Content-Type": "application/json"})

    def start(self, headers: Mapping[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def drip(self, pieces: Iterable[bytes]) -> None:
        """Piece by piece until the caller has had enough; a minute goes by behind the first."""
        self.close_connection = True
        try:
            for number, piece in enumerate(pieces):
                self.wfile.write(piece)
                if number == 1:
                    clock.ahead_seconds += 60.0
        except OSError:
            return

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def guard(base_url: str) -> Guard:
    budget = Budget("test-http", (), lambda headers: None)
    return Guard(kind="hubspot", base_url=base_url, classify=lambda *_: None, budget=budget, limits=LIMITS)


def by_requests(found: Guard, url: str, headers: dict[str, str]) -> bytes:
    return guarded_session(found).get(url, headers=headers).content


def by_urllib3(found: Guard, url: str, headers: dict[str, str]) -> bytes:
    return bytes(GuardedPool(found).request("GET", url, headers=headers).data)


Call = Callable[[Guard, str, dict[str, str]], bytes]


@pytest.fixture(params=[by_requests, by_urllib3])
def call(request: pytest.FixtureRequest) -> Call:
    found: Call = request.param
    return found


def test_a_call_to_the_provider_goes_to_the_base_address(server: str, call: Call) -> None:
    assert call(guard(server), "https://api.hubapi.com/crm", {}) == b'{"ok": true}'


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "https://api.hubapi.com.evil.example/", "https://169.254.169.254/"]
)
def test_a_foreign_host_is_never_called(server: str, call: Call, url: str) -> None:
    with pytest.raises(Misconfigured, match="nothing was sent"):
        call(guard(server), url, {})


def test_without_a_base_address_nothing_goes_unencrypted(call: Call) -> None:
    with pytest.raises(Misconfigured, match="without encryption"):
        call(guard(""), "http://api.hubapi.com/", {})


def test_a_token_is_shown_to_its_own_host_only(server: str, call: Call) -> None:
    found = guard(server)
    found.token_host = "api.hubapi.com"
    assert call(found, "https://api.hubapi.com/", {"Authorization": "Bearer x"})
    with pytest.raises(Misconfigured, match="is not shown to"):
        call(found, "https://api-eu1.hubapi.com/", {"Authorization": "Bearer x"})


def test_a_redirect_is_not_followed(server: str, call: Call) -> None:
    with pytest.raises(Misconfigured, match="redirect"):
        call(guard(server), f"{server}/redirect", {})


@pytest.mark.parametrize("what", ["large", "bomb"])
def test_an_endless_answer_is_cut(server: str, call: Call, what: str) -> None:
    with pytest.raises(RetryLater, match="larger"):
        call(guard(server), f"{server}/{what}", {})


@pytest.mark.parametrize("what", ["drip", "drip-of-headers", "drip-of-chunks", "drip-of-nothing"])
def test_an_answer_that_drips_is_cut_wherever_it_drips(server: str, call: Call, what: str) -> None:
    """A byte a second is never silent for long: only the total ends it."""
    with pytest.raises(RetryLater, match=r"longer than 30 s|not answer in time") as caught:
        call(guard(server), f"{server}/{what}", {})
    assert caught.value.is_for_all
    assert clock.ahead_seconds, "it was cut before the time was over"


def test_a_silent_answer_is_not_waited_for(server: str, call: Call) -> None:
    found = guard(server)
    found.limits = replace(LIMITS, read_seconds=0.05)
    with pytest.raises(RetryLater, match="not answer in time"):
        call(found, f"{server}/silence", {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://nobody.invalid/"])
def test_who_is_not_there_is_asked_again_later(settings: Any, call: Call, url: str) -> None:
    settings.CRM_HOSTS = ["127.0.0.1", "nobody.invalid"]
    with pytest.raises(RetryLater, match="can't be reached") as caught:
        call(guard(url), url, {})
    assert caught.value.is_for_all


def test_a_certificate_that_does_not_hold_is_asked_again_later(server: str, call: Call) -> None:
    """What answers there does not speak TLS at all."""
    address = server.replace("http:", "https:")
    with pytest.raises(RetryLater, match="can't be reached"):
        call(guard(address), f"{address}/", {})


def test_control_without_the_total_a_drip_goes_on(
    server: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: only silence is measured. It ends by what the client library bears, if at all."""
    monkeypatch.setattr(http, "time", time)
    with pytest.raises(AssertionError, match="in time"):
        test_an_answer_that_drips_is_cut_wherever_it_drips(server, call, "drip-of-headers")


def test_an_address_nobody_named_is_refused(settings: Any) -> None:
    settings.CRM_HOSTS = []
    with pytest.raises(Misconfigured, match="GTMOPS_CRM_HOSTS"):
        guard("http://10.0.0.1/")


@pytest.mark.parametrize(
    ("host", "kind", "allowed"),
    [
        ("acme.my.salesforce.com", "salesforce", True),
        ("ACME.my.SALESFORCE.com", "salesforce", True),
        ("salesforce.com.evil.example", "salesforce", False),
        ("evilsalesforce.com", "salesforce", False),
        ("api.hubapi.com", "salesforce", False),
        ("api.hubapi.com", "hubspot", True),
        ("x.api.hubapi.com", "hubspot", False),
    ],
)
def test_hosts_are_allowed_by_whole_names(host: str, kind: str, allowed: bool) -> None:
    assert is_allowed(host, kind) is allowed


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (401, JSON, b'[{"errorCode":"INVALID_SESSION_ID","message":"Session expired"}]', SessionExpired),
        (
            401,
            JSON,
            b'[{"errorCode":"INVALID_SESSION_ID","message":"not valid for use with the REST API"}]',
            Reconnect,
        ),
        (401, {}, b"<html>", SessionExpired),
        (400, JSON, b'{"error":"invalid_grant","error_description":"expired"}', Reconnect),
        (403, JSON, b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests"}]', RetryLater),
        (400, JSON, b'[{"errorCode":"INVALID_QUERY_LOCATOR","message":"x"}]', LocatorGone),
        (400, JSON, b'[{"errorCode":"INVALID_FIELD","message":"No such column"}]', Misconfigured),
        (400, JSON, b'[{"errorCode":"STRING_TOO_LONG","message":"x"}]', Rejected),
        (503, {}, b"<html>maintenance</html>", RetryLater),
        (200, {"Content-Type": "text/html"}, b"<html>maintenance</html>", RetryLater),
        (500, {}, b"", RetryLater),
    ],
)
def test_salesforces_answers_become_our_errors(
    status: int, headers: dict[str, str], body: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        salesforce_says(status, headers, body)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"{}", Reconnect),
        (
            403,
            b'{"category":"MISSING_SCOPES","errors":[{"context":{"requiredGranularScopes":["crm.x"]}}]}',
            Misconfigured,
        ),
        (404, b"<html>", Misconfigured),
        (400, b'{"category":"VALIDATION_ERROR"}', Rejected),
        (429, b'{"policyName":"DAILY"}', RetryLater),
        (429, b'{"category":"RATE_LIMITS"}', RetryLater),
        (423, b"", RetryLater),
        (502, b"<html>", RetryLater),
    ],
)
def test_hubspots_answers_become_our_errors(status: int, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        hubspot_says(status, {}, body)


def test_the_days_share_is_kept(settings: Any) -> None:
    budget = Budget(f"share-{time.time()}", (), lambda headers: (int(headers["used"]), 10))
    budget.note({"used": "0"})
    for _ in range(5):
        budget.take("GET", "/")
    with pytest.raises(RetryLater, match="share"):
        budget.take("GET", "/")
