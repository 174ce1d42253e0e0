"""FLT11: a CRM that tells one of us to wait is asked by none of us before the time, and the page says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from integrations import comparison
from integrations.budget import Budget
from integrations.connecting import health
from integrations.errors import ConnectorError, RetryLater
from integrations.models import PullCursor
from integrations.pull import pull_due, pull_now, pull_to_the_end
from integrations.pulling import passes
from integrations.push import push_due
from integrations.refresh import serve_refresh_requests
from integrations.registry import connector_for
from integrations.standins.app import Application
from integrations.standins.http import Request, Response, json_response
from records.models import Connection, Record, RefreshRequest
from teams.models import Person
from tests.integrations.conftest import connect
from tests.integrations.test_reading_faults import Line, cursor, heals, line, read

__all__ = ["line"]

pytestmark = pytest.mark.django_db

HOUR = 3600
SEARCHED = {"status": "error", "message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}
ROLLING = {"status": "error", "message": "Ten secondly limit.", "policyName": "TEN_SECONDLY_ROLLING"}
DAILY = {"status": "error", "message": "You have reached your daily limit.", "policyName": "DAILY"}
TOTAL = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
CONCURRENT = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}]


def by_seconds(seconds: int) -> Callable[[datetime], dict[str, str]]:
    return lambda now: {"Retry-After": str(seconds)}


def by_date(seconds: int) -> Callable[[datetime], dict[str, str]]:
    return lambda now: {"Retry-After": format_datetime(now + timedelta(seconds=seconds + 1), usegmt=True)}


def not_at_all(now: datetime) -> dict[str, str]:
    return {}


Said = tuple[int, object, Callable[[datetime], dict[str, str]], int]
"""(status, body, headers, seconds for which nothing may be asked)"""
SAYS: dict[str, dict[str, Said]] = {
    "salesforce": {
        "30 s": (429, [], by_seconds(30), 30),
        "an hour": (503, [], by_seconds(HOUR), HOUR),
        "a date": (429, [], by_date(HOUR), HOUR),
        "no time": (429, [], not_at_all, 45),
        "too many at once": (403, CONCURRENT, not_at_all, 20),
        "the day is spent": (403, TOTAL, not_at_all, 1800),
        "the day is spent, back in an hour": (403, TOTAL, by_seconds(HOUR), HOUR),
    },
    "hubspot": {
        "30 s": (429, ROLLING, by_seconds(30), 30),
        "an hour": (429, ROLLING, by_seconds(HOUR), HOUR),
        "a date": (429, ROLLING, by_date(HOUR), HOUR),
        "no time": (429, ROLLING, not_at_all, 10),
        "no time, searching": (429, SEARCHED, not_at_all, 1),
        "the day is spent": (429, DAILY, not_at_all, HOUR),
        "the day is spent, back in two hours": (429, DAILY, by_seconds(2 * HOUR), 2 * HOUR),
    },
}


def said(kind: str, what: str) -> tuple[Response, int]:
    status, body, headers, seconds = SAYS[kind][what]
    return json_response(body, status, headers(datetime.now(UTC))), seconds


@pytest.mark.parametrize("what", sorted({*SAYS["salesforce"], *SAYS["hubspot"]}))
def test_flt11_the_reading_asks_for_nothing_before_the_time(
    connection: Connection, line: Line, what: str
) -> None:
    if what in SAYS[connection.kind]:
        not_before(connection, line, what)


def not_before(connection: Connection, line: Line, what: str) -> None:
    answer, seconds = said(connection.kind, what)
    line.always = lambda request, real: answer
    now = datetime.now(UTC)
    pull_due(now)
    asked = len(line.asked)
    assert asked == 1, "it asked on although it was told to wait"
    # Of all its objects nothing, also of those that were not asked for yet.
    assert set(PullCursor.objects.filter(next_pull_at__lt=now + timedelta(seconds=seconds - 1))) == set()
    read(connection, now + timedelta(seconds=seconds - 2))
    assert len(line.asked) == asked, "it asked before the time"
    line.always = None
    heals(connection, now + timedelta(seconds=max(seconds, 900) + 60))


# --- one for all of us ---------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that reaches a CRM."""
    found: list[str] = []
    real = Application.__call__

    def heard(app: Application, request: Request) -> Response:
        found.append(request.path)
        return real(app, request)

    monkeypatch.setattr(Application, "__call__", heard)
    return found


def everybody_tries(connection: Connection) -> None:
    """Whoever calls a CRM: reading, writing, evidence, the comparison, a person who tries the connection."""
    now = datetime.now(UTC)
    pull_now(connection)
    pull_due(now, only=connection.name)
    push_due(now, only=connection.name)
    record = Record.objects.filter(connection=connection, object="person").first()
    assert record is not None
    RefreshRequest.objects.create(record=record, key=f"ask:{now}", requested_at=now, next_try_at=now)
    serve_refresh_requests(now)
    comparison.compare_now(connection, now)
    comparison.compare_due(now)
    with pytest.raises(ConnectorError):
        connector_for(connection).check()


def nobody_asks(connection: Connection, line: Line, asked: list[str], what: str) -> None:
    other = "hubspot" if connection.kind == "salesforce" else "salesforce"
    assert pull_to_the_end(connection) == []
    answer, seconds = said(connection.kind, what)
    line.always = lambda request, real: answer
    pull_now(connection)
    pull_due(datetime.now(UTC), only=connection.name)
    line.always = None
    asked.clear()
    everybody_tries(connection)
    assert asked == [], f"told to wait {seconds} s, and {asked} was asked"
    second = connect(other, connection.base_url)
    assert pull_to_the_end(second) == [], "the other CRM has to wait, too"


def test_flt11_what_one_was_told_all_keep_and_other_work_goes_on(
    connection: Connection, line: Line, asked: list[str], waits_are_kept: None
) -> None:
    nobody_asks(connection, line, asked, "the day is spent")


def test_flt11_when_the_time_is_over_it_is_asked_again(
    waits_are_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget("hubspot", (), lambda headers: None)
    budget.wait_until(datetime.now(UTC) + timedelta(minutes=5), "You have reached your daily limit.")
    budget.wait_until(datetime.now(UTC) + timedelta(minutes=1), "Ten secondly limit.")
    with pytest.raises(RetryLater, match="daily limit") as told:
        budget.take("GET", "/")
    assert (told.value.is_for_all, told.value.is_untouched) == (True, True)
    assert told.value.at is not None
    assert told.value.at > datetime.now(UTC) + timedelta(minutes=4)
    Budget("another", (), lambda headers: None).take("GET", "/")
    monkeypatch.setattr("integrations.budget.LONGEST_WAIT_SECONDS", HOUR)
    slept: list[float] = []
    monkeypatch.setattr("integrations.budget.time.sleep", slept.append)
    budget.take("GET", "/")
    assert len(slept) == 1
    assert 240 < slept[0] <= 300


# --- the banner ----------------------------------------------------------------------------------------------------


def page(client: Client) -> str:
    return unescape(client.get(reverse("integrations:connections")).content.decode())


@pytest.mark.parametrize("what", ["an hour", "the day is spent"])
def test_flt11_the_page_says_so_until_it_is_over(
    connection: Connection, line: Line, client: Client, what: str
) -> None:
    banner_stands(connection, line, client, what)


def banner_stands(connection: Connection, line: Line, client: Client, what: str) -> None:
    person = Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")
    client.force_login(person)
    now = datetime.now(UTC)
    heals(connection, now)
    assert "Connected and up to date." in page(client)
    answer, _ = said(connection.kind, what)
    line.always = lambda request, real: answer
    later = now + timedelta(minutes=5)
    pull_due(later, only=connection.name)
    html = page(client)
    assert '<div class="gt-banner gt-soon" role="status">' in html
    assert "Behind: not everything could be read lately." in html
    row = cursor(connection)
    assert row.last_error in html
    assert "limit" in row.last_error.lower() or "Salesforce" in row.last_error
    assert f"It is tried again at {row.next_pull_at:%H:%M} UTC." in html
    line.always = None
    heals(connection, later + timedelta(hours=3))
    assert "gt-banner gt-soon" not in page(client)


# --- and the tests can fail ----------------------------------------------------------------------------------------


def test_control_a_wait_that_only_one_keeps_is_seen(
    connection: Connection, line: Line, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BaseException, match=r"was asked|DID NOT RAISE"):
        nobody_asks(connection, line, asked, "the day is spent")


def test_control_an_object_that_does_not_wait_with_the_others_is_seen(
    connection: Connection, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "_postpone", lambda connection, until: None)
    real = passes.fail
    monkeypatch.setattr(
        "integrations.pull.fail",
        lambda claim, cursors, error, **more: real(claim, cursors[:1], error, **more),
    )
    with pytest.raises(AssertionError):
        not_before(connection, line, "an hour")


def test_control_a_page_without_the_banner_is_seen(
    connection: Connection, line: Line, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_state", lambda *told: "well")
    with pytest.raises(AssertionError):
        banner_stands(connection, line, client, "an hour")
