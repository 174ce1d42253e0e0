"""FLT14: of more than three hundred answers that can't be read none is stored, none moves a place, each says what it
was about; and what is only odd is read."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations import legible
from integrations.base import Connector, Wanted, Window
from integrations.budget import Budget
from integrations.errors import RetryLater
from integrations.hubspot import answers
from integrations.models import PullCursor
from integrations.pull import pull_due
from integrations.registry import connector_for
from integrations.standins.app import Application, Running
from integrations.standins.http import Request, Response
from integrations.standins.store import Actor
from records.models import CatalogueField, Connection, FieldMapping, Record
from tests.integrations.bodies import Body, corpus
from tests.integrations.conftest import LEADS, connect, first_id, lead_id

pytestmark = pytest.mark.django_db

PATHS = {
    ("salesforce", "describe"): "/sobjects/Lead/describe",
    ("salesforce", "write"): "/composite/sobjects",
    ("hubspot", "list"): "/crm/v3/objects/contacts",
    ("hubspot", "search"): "/crm/v3/objects/contacts/search",
    ("hubspot", "read"): "/crm/v3/objects/contacts/batch/read",
    ("hubspot", "describe"): "/crm/v3/properties/contacts",
    ("hubspot", "write"): "/crm/v3/objects/contacts/batch/update",
}
FIELDS = {"salesforce": ("LastName", "Status"), "hubspot": ("lastname", "lifecyclestage")}
QUERY = "queryAll"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


class Instead:
    """What is sent instead of the answers of one path; the last good ones are kept."""

    def __init__(self) -> None:
        self.path = ""
        self.body: Body | None = None
        self.good = b""

    def at(self, path: str) -> None:
        self.path, self.body, self.good = path, None, b""

    def answer(self, request: Request, real: Response) -> Response:
        if request.path.rpartition("/")[2] == "queryAll":
            is_ours = self.path == QUERY and " FROM Lead " in request.arg("q")
        else:
            is_ours = request.path.endswith(self.path)
        if not self.path or not is_ours:
            return real
        self.good = self.good or real.body
        return real if self.body is None else Response(200, self.body.content, self.body.content_type)


@pytest.fixture(autouse=True)
def instead(monkeypatch: pytest.MonkeyPatch) -> Instead:
    # Hundreds of tracebacks that nobody reads.
    monkeypatch.setattr(logging.getLogger("integrations.legible"), "disabled", True)
    instead, real = Instead(), Application.__call__
    monkeypatch.setattr(Application, "__call__", lambda app, asked: instead.answer(asked, real(app, asked)))
    monkeypatch.setattr(Budget, "_wait", lambda self, rate: None)
    return instead


# --- the connector: every endpoint ---------------------------------------------------------------------------------


def ask(connector: Connector, connection: Connection, endpoint: str) -> Any:
    """What the connector makes of one answer, in a form that can be compared."""
    name, _ = first_id(connection)
    ids = ids_of(connection)
    wanted = Wanted(fields=FIELDS[connection.kind])
    now = datetime.now(UTC) + timedelta(minutes=1)
    if endpoint == "describe":
        return dict(connector.describe(name))
    if endpoint == "read":
        return seen(connector.read(name, ids, wanted).records)
    if endpoint == "write":
        return [
            r.outcome for r in connector.push(name, [(i, {FIELDS[connection.kind][0]: "X"}) for i in ids])
        ]
    window = Window(until=now, since=SINCE if endpoint == "search" else None, with_deleted=False)
    return [seen(page.records) for page in connector.pull(name, wanted, window, {})]


def ids_of(connection: Connection) -> list[str]:
    return [lead_id(n) if connection.kind == "salesforce" else str(100 + n) for n in range(1, LEADS + 1)]


def asked(connection: Connection, endpoint: str) -> Callable[[], Any]:
    """Asks at every call; what is described is kept by a connector, so that it takes a new one each."""
    kept = connector_for(connection)
    name, _ = first_id(connection)
    if endpoint != "describe":
        kept.describe(name)
        return lambda: ask(kept, connection, endpoint)
    return lambda: ask(connector_for(connection), connection, endpoint)


def seen(records: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(r.remote_id, dict(r.values), r.modified_at, r.is_deleted, r.merged_into) for r in records]


def bodies_of(connection: Connection, endpoint: str, instead: Instead) -> tuple[list[Body], Any]:
    """The corpus of an endpoint, and what its good answer is read as."""
    instead.at(PATHS.get((connection.kind, endpoint), QUERY))
    well = asked(connection, endpoint)()
    return corpus(connection.kind, endpoint, instead.good), well


def is_refused(ask: Callable[[], Any], connection: Connection, endpoint: str, body: Body, well: Any) -> bool:
    """Whether it was refused whole with what it was about; what is odd must be read as what it says."""
    found, said = None, ""
    try:
        found = ask()
    except RetryLater as error:
        said = str(error)
    if said:
        name = first_id(connection)[0]
        assert name in said, f"{body.name}: {said} does not say what it is about"
        assert not body.is_readable, f"{body.name}: {said}"
        return True
    if endpoint == "write" and not body.is_readable:
        # Of whom the answer can't be read nobody may say that it was written.
        assert set(found) == {"retry"}, f"{body.name}: read as {found}"
        return True
    assert body.is_readable, f"{body.name}: read as {str(found)[:500]}"
    if not any(odd in body.name for odd in ("surrogate", "NUL")):
        assert found == well, f"{body.name}: read as {str(found)[:500]}"
    return False


def refuse_all(connection: Connection, endpoint: str, instead: Instead) -> int:
    """How many were refused."""
    bodies, well = bodies_of(connection, endpoint, instead)
    refused, ask = 0, asked(connection, endpoint)
    for instead.body in bodies:
        refused += is_refused(ask, connection, endpoint, instead.body, well)
    instead.body = None
    assert ask() == well
    return refused


ENDPOINTS = {
    "salesforce": ("list", "read", "describe", "write"),  # what changed and all there is are one query
    "hubspot": ("list", "search", "read", "describe", "write"),
}


def test_flt14_no_endpoint_takes_what_cannot_be_read(connection: Connection, instead: Instead) -> None:
    refused = {e: refuse_all(connection, e, instead) for e in ENDPOINTS[connection.kind]}
    assert sum(refused.values()) >= 300, refused
    assert min(refused.values()) >= 50, refused


# --- the reading: nothing stored, no place moved, and it heals ----------------------------------------------------


def not_stored(
    connection: Connection, instead: Instead, caplog: pytest.LogCaptureFixture, some: slice
) -> int:
    """Some of the bodies in the place of a page of a first load, and at the end a good one. How many were sent."""
    name = first_id(connection)[0]
    instead.at(PATHS.get((connection.kind, "list"), QUERY))
    ask(connector_for(connection), connection, "list")
    bodies = [b for b in corpus(connection.kind, "list", instead.good) if not b.is_readable][some]
    now = datetime.now(UTC)
    instead.body = bodies[0]
    pull_due(now, only=connection.name)
    for number, instead.body in enumerate(bodies):
        what, before = instead.body.name, len(caplog.records)
        # Its turn alone, so that nothing else is asked for.
        PullCursor.objects.filter(remote_object=name).update(next_pull_at=now)
        pull_due(now, only=connection.name)
        row = PullCursor.objects.get(connection=connection, remote_object=name)
        assert (row.is_loaded, row.mark_at, row.page_state) == (False, None, {}), f"{what}: the place moved"
        assert row.failures == number + 2, what
        assert name in row.last_error, f"{what}: {row.last_error}"
        said = [r.getMessage() for r in caplog.records[before:] if r.levelno >= logging.WARNING]
        assert any(name in text for text in said), f"{what}: {said} does not say what it was about"
        beside = PullCursor.objects.filter(connection=connection).exclude(pk=row.pk)
        assert set(beside.values_list("failures", flat=True)) == {0}, f"{what}: others were stopped"
    assert not Record.objects.filter(connection=connection, object="person").exists()
    instead.body = None
    pull_due(now + timedelta(hours=1), only=connection.name)
    held = Record.objects.filter(connection=connection, object="person", deleted_at=None)
    assert {r.values["last_name"] for r in held} == {f"Number{n}" for n in range(1, LEADS + 1)}
    return len(bodies)


def test_flt14_of_none_of_them_anything_is_stored(
    connection: Connection, instead: Instead, caplog: pytest.LogCaptureFixture
) -> None:
    assert not_stored(connection, instead, caplog, slice(None, None, 4)) >= 25


def test_flt14_one_value_that_cannot_be_read_is_unknown_and_stops_nobody(
    connection: Connection, standins: Running
) -> None:
    """A date of the year 99999 that a rep typed: that field of that record alone, and never an empty one."""
    CatalogueField.objects.filter(name="first_name").update(type="date")
    mapping = FieldMapping.objects.get(connection=connection, field__name="first_name")
    dates = ["99999-12-31", "0000-01-01", "2026-02-30", "253402300800000", "2026-03-02", "", None]
    for date, remote_id in zip(dates, ids_of(connection), strict=True):
        row = standins.store.get(connection.kind, mapping.remote_object, remote_id)
        assert row is not None
        standins.store.update(row, {mapping.remote_name: date}, Actor("", "CRM_UI"))
    pull_due(datetime.now(UTC), only=connection.name)
    held = Record.objects.filter(connection=connection, object="person").order_by("remote_id")
    shown = [r.values.get("first_name", "unknown") for r in held]
    assert shown == [*["unknown"] * 4, "2026-03-02", None, None]


# --- and the tests can fail ---------------------------------------------------------------------------------------


def test_control_json_as_python_reads_it_is_seen(
    connection: Connection, instead: Instead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: the last of two keys wins, NaN is a number."""

    def lenient(body: bytes, who: str) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise legible.Illegible(f"{who}: no JSON") from error

    monkeypatch.setattr("integrations.salesforce.session.strict_json", lenient)
    monkeypatch.setattr("integrations.hubspot.session.strict_json", lenient)
    with pytest.raises(AssertionError, match=r"NaN|twice|digits"):
        refuse_all(connection, "list", instead)


def test_control_a_record_without_properties_that_is_taken_for_an_empty_one_is_seen(
    standins: Running, instead: Instead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "check_record", lambda row: None)
    with pytest.raises(AssertionError, match="properties"):
        refuse_all(connect("hubspot", standins.base_url), "read", instead)


def test_control_an_error_that_does_not_say_what_it_was_about_is_seen(
    connection: Connection, instead: Instead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legible.legible, "__exit__", lambda *told: None)
    with pytest.raises(AssertionError, match="what it is about"):
        refuse_all(connection, "list", instead)


def test_control_a_place_that_moves_is_seen(
    connection: Connection,
    instead: Instead,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mistake: what can't be read is an empty page."""

    def moving(claim: object, cursors: list[PullCursor], *told: object, **more: object) -> None:
        PullCursor.objects.filter(pk__in=[c.pk for c in cursors]).update(mark_at=SINCE, is_loaded=True)

    monkeypatch.setattr("integrations.pull.fail", moving)
    with pytest.raises(AssertionError, match="the place moved"):
        not_stored(connection, instead, caplog, slice(3))
