"""Slack: who is found, what is posted, and what each refusal becomes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from effects.models import Effect
from effects.outbox import Intent, deliver_due, enqueue
from effects.registry import NotNow, Refused
from integrations.errors import Misconfigured, RetryLater
from integrations.slack.channels import deliver_to_channel, deliver_to_person, text_of
from integrations.slack.client import Slack
from integrations.standins.app import Running, running_standins
from integrations.standins.slack_api import slack_messages
from integrations.standins.world import empty_world
from teams.models import Person

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWNER = {
    "id": "7",
    "email": "Dana@fernhill.example",
    "first_name": "Dana",
    "last_name": "Okwell",
    "archived": False,
}


@pytest.fixture
def workspace(settings: Any) -> Iterator[Running]:
    with running_standins(empty_world()) as running:
        running.store.set_meta("owners", [OWNER])
        settings.SLACK_TOKEN = "xoxb-test"
        settings.SLACK_URL = f"{running.base_url}/api"
        settings.STANDINS_URL = running.base_url
        yield running


@pytest.fixture
def dana() -> Person:
    return Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")


def test_a_person_is_found_by_their_address_and_told_directly(workspace: Running, dana: Person) -> None:
    payload = {
        "person": dana.pk,
        "title": "Late: Kestrel <Haulage> & Co",
        "body": "Nobody has it.",
        "href": "/clocks/1/",
    }
    deliver_to_person("a", payload)
    (message,) = slack_messages(workspace.store)
    assert message["to"] == "Dana Okwell"
    assert message["text"].startswith("*Late: Kestrel &lt;Haulage&gt; &amp; Co*\nNobody has it.\n<http")
    assert next(p.text for p in message["parts"]) == "Late: Kestrel <Haulage> & Co"


def test_the_address_is_asked_once_and_forgotten_when_slack_refuses_it(
    workspace: Running, dana: Person
) -> None:
    deliver_to_person("a", {"person": dana.pk, "title": "a"})
    workspace.store.set_meta("owners", [])
    with pytest.raises(Refused, match="Slack knows no member with the address dana@fernhill"):
        deliver_to_person("b", {"person": dana.pk, "title": "b"})
    workspace.store.set_meta("owners", [OWNER])
    deliver_to_person("c", {"person": dana.pk, "title": "c"})
    assert len(slack_messages(workspace.store)) == 2


def test_a_channel_is_told_and_an_unknown_one_refused_with_words(workspace: Running) -> None:
    deliver_to_channel("a", {"channel": "#sdr-late", "title": "12 late: First human touch"})
    assert slack_messages(workspace.store)[0]["to"] == "#sdr-late"
    with pytest.raises(Refused, match="Slack knows no channel #no-such"):
        deliver_to_channel("b", {"channel": "#no-such", "title": "b"})


def test_many_items_are_links_and_cut_where_slack_would_cut() -> None:
    items = [{"title": f"Late: lead {i} | x", "href": f"/clocks/{i}/"} for i in range(200)]
    text = text_of(
        {"title": "200 late", "sections": [{"name": "", "items": items, "more": 0}], "href": "/inbox/"}
    )
    assert "|Late: lead 3 ¦ x>" in text
    assert (len(text) <= 3600, text.endswith("…")) == (True, True)


def test_without_a_token_it_is_refused_and_the_mail_says_it(settings: Any, dana: Person) -> None:
    settings.SLACK_TOKEN = ""
    payload = {"person": dana.pk, "severity": "late", "title": "Late", "href": "/", "at_any_hour": True}
    enqueue([Intent("slack", "a", payload)], now=NOON)
    deliver_due(NOON)
    row = Effect.objects.get(key="a")
    assert (row.state, row.attempts) == ("dead", 1)
    assert "GTMOPS_SLACK_TOKEN" in row.last_error
    assert Effect.objects.get(key="a>email").channel == "email"


class Odd(BaseHTTPRequestHandler):
    """Answers with what ``answers`` holds next: (status, headers, body)."""

    answers: ClassVar[list[tuple[int, dict[str, str], Any]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def odd(settings: Any) -> Iterator[type[Odd]]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    settings.SLACK_TOKEN = "xoxb-test"
    settings.SLACK_URL = f"http://127.0.0.1:{served.server_port}/api"
    settings.STANDINS_URL = f"http://127.0.0.1:{served.server_port}"
    yield Odd
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "says"),
    [
        (429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}, NotNow, "a pause of 30 s"),
        (429, {"Retry-After": "soon"}, b"", NotNow, "a pause of 30 s"),
        (500, {}, b"oops", RetryLater, "answers with 500"),
        (503, {}, b"", RetryLater, "answers with 503"),
        (200, {}, b"<html>", RetryLater, "can't be read"),
        (200, {}, {"ok": False, "error": "internal_error"}, RetryLater, "internal_error"),
        (302, {"Location": "https://evil.example/"}, b"", Refused, "redirect"),
        (404, {}, b"", Refused, "answers with 404"),
        (200, {}, {"ok": False, "error": "invalid_auth"}, Refused, "does not take gtmops' token"),
        (200, {}, {"ok": False, "error": "missing_scope", "needed": "chat:write"}, Refused, "the scope chat:write"),
        (200, {}, {"ok": False, "error": "not_in_channel"}, Refused, "invite gtmops there"),
        (200, {}, {"ok": False, "error": "msg_too_long"}, Refused, "Slack says msg_too_long"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_tried_again_or_refused_with_words(
    odd: type[Odd], status: int, headers: dict[str, str], body: Any, error: type[Exception], says: str
) -> None:
    odd.answers = [(status, headers, body)]
    with pytest.raises(error, match=says):
        deliver_to_channel("a", {"channel": "#sdr-late", "title": "Late"})


def test_a_pause_is_kept_and_then_it_is_sent(odd: type[Odd]) -> None:
    odd.answers = [(429, {"Retry-After": "30"}, b""), (200, {}, {"ok": True, "ts": "1.0"})]
    enqueue(
        [Intent("slack_channel", "a", {"channel": "#sdr-late", "title": "Late", "at_any_hour": True})],
        now=NOON,
    )
    deliver_due(NOON)
    row = Effect.objects.get()
    assert (row.state, timedelta(seconds=28) < row.next_try_at - NOON <= timedelta(seconds=30)) == (
        "pending",
        True,
    )
    deliver_due(row.next_try_at)
    assert Effect.objects.get().state == "done"


def test_nothing_is_sent_to_a_host_that_is_not_slack_s() -> None:
    with pytest.raises(Misconfigured, match="not an address"):
        Slack("xoxb-test", "https://evil.example/api")
