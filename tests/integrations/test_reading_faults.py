"""A CRM that answers badly, seen by the reading: FLT11 to FLT14, FLT16, FLT17 and FLT21. After each fault the mirror is
the CRM's (I2), and no cursor passed what was not stored (I3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from effects.models import Effect
from integrations.budget import Budget
from integrations.models import PullCursor
from integrations.pull import pull_due
from integrations.pulling import passes
from integrations.standins.app import Application, Running
from integrations.standins.http import Request, Response, json_response
from integrations.standins.store import Actor
from records.models import Connection, FieldMapping, Record
from teams.models import Person
from tests.integrations.conftest import LEADS, connect, first_id

pytestmark = pytest.mark.django_db

Answer = Callable[[Request, Response], Response]
"""(request, the real answer) -> what is answered."""


@dataclass
class Line:
    """Between us and the CRM: which data was asked for, and what becomes of the next answers or of all."""

    asked: list[str] = field(default_factory=list)
    next: list[Answer] = field(default_factory=list)
    always: Answer | None = None


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    line = Line()
    real = Application.__call__

    def heard(self: Application, request: Request) -> Response:
        answer = real(self, request)
        if not is_data(request):
            return answer
        line.asked.append(request.path)
        act = line.next.pop(0) if line.next else line.always
        return act(request, answer) if act else answer

    monkeypatch.setattr(Application, "__call__", heard)
    monkeypatch.setattr(Budget, "_wait", lambda self, rate: None)
    return line


def is_data(request: Request) -> bool:
    """Of the first person's object; who works there is asked without faults."""
    if "/query" in request.path:
        asked = request.arg("q")
        return " FROM Lead " in asked or " FROM Task" in asked or not asked
    return request.path.startswith(("/crm/v3/objects/contacts", "/crm/v3/objects/calls"))


def says(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, answer: Response(status, body, kind, named)


def is_same(connection: Connection) -> bool:
    """Every person of the CRM is here with their name."""
    held = Record.objects.filter(connection=connection, object="person", deleted_at=None)
    names = {f"Number{n}" for n in range(1, LEADS + 1)}
    return {record.values.get("last_name") for record in held} == names


def cursor(connection: Connection) -> PullCursor:
    return PullCursor.objects.get(connection=connection, remote_object=first_id(connection)[0])


def read(connection: Connection, now: datetime, most: int = 12) -> None:
    """Until nothing is due at ``now``."""
    for _ in range(most):
        if not pull_due(now, only=connection.name):
            return


def heals(connection: Connection, now: datetime) -> None:
    read(connection, now)
    assert is_same(connection)
    row = cursor(connection)
    assert (row.is_loaded, row.failures, row.last_error) == (True, 0, "")


# --- FLT11: told to wait -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("wait", [30, 3600])
def test_flt11_nothing_is_asked_before_the_time(
    connection: Connection, line: Line, wait: int, form: str
) -> None:
    now = datetime.now(UTC)
    until = format_datetime(now + timedelta(seconds=wait + 1), usegmt=True)
    line.always = says(
        429 if connection.kind == "hubspot" else 503, Retry_After=until if form == "date" else str(wait)
    )
    pull_due(now)
    asked = len(line.asked)
    assert asked >= 1
    read(connection, now + timedelta(seconds=wait - 5))
    assert len(line.asked) == asked
    line.always = None
    heals(connection, now + timedelta(seconds=max(wait, 900) + 60))


def test_flt11_a_spent_day_is_waited_out_and_others_go_on(standins: Running, line: Line) -> None:
    hubspot, salesforce = connect("hubspot", standins.base_url), connect("salesforce", standins.base_url)
    spent = {"status": "error", "message": "You have reached your daily limit.", "policyName": "DAILY"}

    def daily(request: Request, answer: Response) -> Response:
        return json_response(spent, 429) if request.path.startswith("/crm/") else answer

    line.always = daily
    now = datetime.now(UTC)
    read(hubspot, now)
    assert cursor(hubspot).next_pull_at >= now + timedelta(minutes=55)
    assert "daily limit" in cursor(hubspot).last_error
    heals(salesforce, now)
    line.always = None
    heals(hubspot, now + timedelta(hours=2))


def test_flt11_salesforces_day_is_waited_out(standins: Running, line: Line) -> None:
    salesforce, now = connect("salesforce", standins.base_url), datetime.now(UTC)
    spent = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    line.always = lambda request, answer: json_response(spent, 403)
    pull_due(now)
    asked = len(line.asked)
    assert cursor(salesforce).next_pull_at >= now + timedelta(minutes=29)
    read(salesforce, now + timedelta(minutes=29))
    assert len(line.asked) == asked
    line.always = None
    heals(salesforce, now + timedelta(hours=1))


# --- FLT12: away -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_flt12_the_pause_grows_to_its_cap_and_it_heals(
    connection: Connection, line: Line, status: int
) -> None:
    line.always = says(status, b"<html><body><h1>Down for maintenance</h1></body></html>", "text/html")
    now, pauses = datetime.now(UTC), []
    for _ in range(7):
        asked = len(line.asked)
        read(connection, now)
        assert len(line.asked) - asked <= 2  # HubSpot's list is counted first
        due = cursor(connection).next_pull_at
        pauses.append((due - now).total_seconds())
        now = due + timedelta(seconds=30)
    assert 1.5 * pauses[0] < pauses[2] <= 1000
    assert all(60 <= pause <= 1000 for pause in pauses)
    line.always = None
    heals(connection, now + timedelta(hours=1))


# --- FLT13: the line breaks; drips, endless bodies and foreign hosts: test_http.py -------------------------------


def test_flt13_an_answer_that_breaks_off_is_asked_for_again(connection: Connection, line: Line) -> None:
    def cut(request: Request, answer: Response) -> Response:
        answer.is_cut = True
        return answer

    now = datetime.now(UTC)
    line.always = cut
    read(connection, now)
    row = cursor(connection)
    assert (row.is_loaded, row.mark_at, row.page_state) == (False, None, {})
    assert row.last_error
    line.always = None
    heals(connection, now + timedelta(hours=1))


# --- FLT14: what can't be read -----------------------------------------------------------------------------------


def told(change: Callable[[str], str | bytes]) -> Answer:
    """The real answer with its text changed."""

    def answering(request: Request, answer: Response) -> Response:
        body = change(answer.body.decode())
        return Response(
            200,
            body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"),
            answer.content_type,
        )

    return answering


ROWS = ("records", "results")
REFUSED: dict[str, Answer] = {
    "a page of HTML": says(200, b"<html><body>Maintenance</body></html>", "text/html"),
    "nothing": says(200),
    "half of it": told(lambda text: text[: len(text) // 2]),
    "a list where an object belongs": told(lambda text: f"[{text}]"),
    "rows that are no objects": told(lambda text: '{"done": true, "totalSize": 1, "records": [7], "results": [7]}'),
    "a number of four hundred digits for a list": told(lambda text: json.dumps(dict.fromkeys(ROWS, 10**400))),
    "a hundred lists within each other": told(lambda text: "[" * 100_000 + "]" * 100_000),
    "stamps of the year 0": told(lambda text: text.replace("2026-", "0000-")),
    "stamps of the year 99999": told(lambda text: text.replace("2026-", "99999-")),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_flt14_a_page_that_cannot_be_read_is_refused_whole(
    connection: Connection, line: Line, what: str
) -> None:
    now = datetime.now(UTC)
    line.always = REFUSED[what]
    read(connection, now)
    row = cursor(connection)
    assert (row.is_loaded, row.mark_at, row.page_state) == (False, None, {})
    assert row.last_error
    assert "Traceback" not in row.last_error
    assert not Record.objects.filter(connection=connection, object="person").exists()
    line.always = None
    heals(connection, now + timedelta(hours=2))


ODD: dict[str, Callable[[str], str | bytes]] = {
    "UTF-16 that says it is UTF-8": lambda text: text.encode("utf-16"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "NaN": lambda text: text.replace('"Number1"', "NaN"),
    "a lone surrogate": lambda text: text.replace('"Number1"', r'"\ud83d"'),
    "a NUL": lambda text: text.replace('"Number1"', r'"Number\u00001"'),
    "a key twice": lambda text: text.replace('"Number1"', '"Number1", "Extra": 1, "Extra": 2'),
}


@pytest.mark.parametrize("what", ODD)
def test_flt14_odd_values_stop_nothing_for_good(connection: Connection, line: Line, what: str) -> None:
    now = datetime.now(UTC)
    line.always = told(ODD[what])
    read(connection, now)
    line.always = None
    now += timedelta(hours=2)
    PullCursor.objects.filter(connection=connection).update(mark_at=None, page_state={}, next_pull_at=now)
    heals(connection, now + timedelta(seconds=1))


# --- FLT16: the session ends -------------------------------------------------------------------------------------


def test_flt16_a_session_that_ends_between_pages_goes_on_with_another(standins: Running, line: Line) -> None:
    salesforce = connect("salesforce", standins.base_url)
    expired = json.dumps(
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    ).encode()
    standins.store.page_rows = 3
    line.next = [lambda request, answer: answer, says(401, expired)]
    heals(salesforce, datetime.now(UTC))
    assert set(PullCursor.objects.values_list("failures", flat=True)) == {0}


def test_flt16_refused_credentials_break_the_connection_and_only_it(
    connection: Connection, standins: Running, line: Line
) -> None:
    other = connect("hubspot" if connection.kind == "salesforce" else "salesforce", standins.base_url)
    refused = {
        "salesforce": [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
        "hubspot": {
            "status": "error",
            "message": "The access token is expired.",
            "category": "EXPIRED_AUTHENTICATION",
        },
    }[connection.kind]
    prefix = "/services/" if connection.kind == "salesforce" else "/crm/"
    line.always = lambda request, answer: (
        json_response(refused, 401) if request.path.startswith(prefix) else answer
    )
    now = datetime.now(UTC)
    read(connection, now)
    connection.refresh_from_db()
    assert connection.state == "broken"
    assert connection.state_reason
    heals(other, now)
    line.always = None
    heals(connection, now + timedelta(hours=1))
    connection.refresh_from_db()
    assert connection.state == "active"


# --- FLT17: a webhook that never came; copies and order: test_webhooks.py ----------------------------------------


def test_flt17_what_no_webhook_told_the_next_reading_finds(connection: Connection, standins: Running) -> None:
    now = datetime.now(UTC)
    heals(connection, now)
    remote_object, first = first_id(connection)
    row = standins.store.get(connection.kind, remote_object, first)
    assert row is not None
    name = "LastName" if connection.kind == "salesforce" else "lastname"
    standins.store.update(row, {name: "Changed"}, Actor("", "CRM_UI"))
    read(connection, now + timedelta(seconds=90))
    assert Record.objects.get(connection=connection, remote_id=first).values["last_name"] == "Changed"


# --- FLT21: the schema drifts ------------------------------------------------------------------------------------


def test_flt21_an_object_that_may_not_be_read_loses_nothing_and_others_go_on(
    connection: Connection, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    heals(connection, now)
    remote_object, _ = first_id(connection)
    inner = Application.__call__

    def hidden(self: Application, request: Request) -> Response:
        if f"/sobjects/{remote_object}/describe" in request.path or request.path.endswith(
            f"/properties/{remote_object}"
        ):
            return json_response([{"message": "no access", "errorCode": "INSUFFICIENT_ACCESS"}], 403)
        return inner(self, request)

    Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")
    later = now + timedelta(minutes=5)
    with monkeypatch.context() as patch:
        patch.setattr(Application, "__call__", hidden)
        read(connection, later)
        assert cursor(connection).failures == 1
        read(connection, later + timedelta(minutes=30))
    assert cursor(connection).failures == 2
    titles = [effect.payload["title"] for effect in Effect.objects.all()]
    assert titles == [f"{connection.label} no longer lets us read {remote_object}"]
    assert is_same(connection)
    beside = PullCursor.objects.filter(connection=connection).exclude(remote_object=remote_object)
    assert list(beside.values_list("failures", flat=True)) == [0]
    heals(connection, later + timedelta(hours=2))


def test_flt21_a_field_that_is_hidden_is_unknown_and_never_empty(
    connection: Connection, standins: Running
) -> None:
    now = datetime.now(UTC)
    heals(connection, now)
    remote_object, first = first_id(connection)
    mapping = FieldMapping.objects.get(
        connection=connection, remote_object=remote_object, field__name="first_name"
    )
    standins.store.drop_field(connection.kind, remote_object, mapping.remote_name)
    later = now + timedelta(minutes=5)
    PullCursor.objects.filter(connection=connection).update(mark_at=None)
    read(connection, later)
    mapping.refresh_from_db()
    assert mapping.is_broken
    values = Record.objects.get(connection=connection, remote_id=first).values
    assert "first_name" not in values
    assert values["last_name"] == "Number1"


# --- and the tests can fail: test_reading_controls.py ------------------------------------------------------------


def test_control_a_wait_that_is_not_kept_is_seen(
    connection: Connection, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.always = says(429 if connection.kind == "hubspot" else 503, Retry_After="3600")
    monkeypatch.setattr(passes, "_next_try", lambda error, failures, now: now)
    now = datetime.now(UTC)
    pull_due(now)
    asked = len(line.asked)
    pull_due(now + timedelta(seconds=5))
    assert len(line.asked) > asked
