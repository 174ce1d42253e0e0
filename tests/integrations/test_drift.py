"""FLT21: the CRM's schema drifts under the mapping. Unknown is never empty, other fields and objects go on, nothing is
deleted, admins are told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from effects.models import Effect
from integrations import wanted
from integrations.budget import Budget
from integrations.pull import pull_due, pull_to_the_end
from integrations.salesforce import reading
from integrations.standins.app import Application, Running
from integrations.standins.http import Request, Response, json_response
from integrations.standins.store import Actor, Fields
from records import kinds
from records.models import CatalogueField, Connection, Event, FieldMapping, Record
from records.storing import reading as storing
from teams.models import Person
from tests.integrations.conftest import LEADS, connect, first_id

pytestmark = pytest.mark.django_db

PERSON = Actor("", "CRM_UI")
FIRST = {"salesforce": "FirstName", "hubspot": "firstname"}
STAGE = {"salesforce": "Status", "hubspot": "lifecyclestage"}


@pytest.fixture(autouse=True)
def _no_pace_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget, "_wait", lambda self, rate: None)


@pytest.fixture(autouse=True)
def ola(db: None) -> Person:
    return Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")


@pytest.fixture
def read_once(connection: Connection) -> Connection:
    assert pull_to_the_end(connection) == []
    return connection


def mapping(connection: Connection, name: str) -> FieldMapping:
    return FieldMapping.objects.get(connection=connection, field__name=name, field__object="person")


def definition(connection: Connection, standins: Running, name: str) -> Fields:
    remote_object, _ = first_id(connection)
    return dict(standins.store.schema(connection.kind, remote_object)[name])


def define(connection: Connection, standins: Running, *definitions: Fields) -> None:
    standins.store.put_fields(connection.kind, first_id(connection)[0], definitions)


def options_of(connection: Connection, definition: Fields) -> tuple[str, list[Fields]]:
    """(their key, the options) of a picklist."""
    key = next(name for name in ("picklistValues", "values", "options") if definition.get(name))
    return key, list(definition[key])


def change_all(connection: Connection, standins: Running, **fields: Any) -> None:
    remote_object, _ = first_id(connection)
    for row in standins.store.all_of(connection.kind, remote_object):
        standins.store.update(row, fields, PERSON)


def values(connection: Connection) -> list[dict[str, Any]]:
    held = Record.objects.filter(connection=connection, object="person", deleted_at=None).order_by(
        "remote_id"
    )
    return [record.values for record in held]


def told() -> list[str]:
    return [f"{e.payload['title']}: {e.payload['body']}" for e in Effect.objects.order_by("pk")]


def others_are_whole(connection: Connection, *besides: str) -> None:
    """No other field is broken, nobody is gone, and nothing was taken for a change."""
    broken = FieldMapping.objects.filter(connection=connection, is_broken=True)
    assert set(broken.values_list("field__name", flat=True)) <= set(besides)
    held = values(connection)
    assert len(held) == LEADS
    assert {v["last_name"] for v in held} == {f"Number{n}" for n in range(1, LEADS + 1)}
    changes = Event.objects.filter(connection=connection, kind=kinds.CHANGE, superseded_by=None)
    blanked = [e for e in changes if e.field in besides and e.new is None]
    assert blanked == [], "what is unknown was taken for a value that somebody took out"


# --- removed, renamed, hidden --------------------------------------------------------------------------------------


def removed(connection: Connection, standins: Running) -> None:
    standins.store.drop_field(connection.kind, first_id(connection)[0], FIRST[connection.kind])


def renamed(connection: Connection, standins: Running) -> None:
    """As its API shows it: the old name is gone and another field is there, with the same values."""
    old = definition(connection, standins, FIRST[connection.kind])
    define(connection, standins, {**old, "name": "GivenName" if "F" in old["name"] else "givenname"})
    removed(connection, standins)


def unreadable(connection: Connection, standins: Running) -> None:
    """Rights are taken from our user: neither a description nor an answer has it."""
    if connection.kind == "salesforce":
        old = definition(connection, standins, "FirstName")
        define(connection, standins, {**old, "granted_only": True})
    else:
        removed(connection, standins)


@pytest.mark.parametrize("act", [removed, renamed, unreadable])
def test_flt21_a_field_that_went_is_unknown_and_told_once(
    read_once: Connection, standins: Running, act: Callable[[Connection, Running], None]
) -> None:
    gone(read_once, standins, act)


def gone(connection: Connection, standins: Running, act: Callable[[Connection, Running], None]) -> None:
    before = definition(connection, standins, FIRST[connection.kind])
    act(connection, standins)
    change_all(connection, standins, **{STAGE[connection.kind]: one_of(connection, standins)})
    for _ in range(2):
        assert pull_to_the_end(connection, full=True) == []
    assert mapping(connection, "first_name").is_broken
    assert not any("first_name" in v for v in values(connection)), "it is read as empty"
    others_are_whole(connection, "first_name")
    assert len(told()) == 1
    assert "gone in" in told()[0]
    # And back: known again, with nobody's hand.
    define(connection, standins, before)
    pull_to_the_end(connection)
    pull_to_the_end(connection)
    assert {v["first_name"] for v in values(connection)} == {"Person"}
    assert not mapping(connection, "first_name").is_broken
    assert len(told()) == 1


def one_of(connection: Connection, standins: Running) -> str:
    """Some stage that the CRM offers, and nobody has."""
    _, options = options_of(connection, definition(connection, standins, STAGE[connection.kind]))
    return str(options[2]["value"])


def test_flt21_a_field_hidden_between_the_description_and_the_question(
    standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Salesforce refuses the whole question; the next reading asks for what is left."""
    salesforce = connect("salesforce", standins.base_url)
    assert pull_to_the_end(salesforce) == []
    real, struck = Application.__call__, []

    def hide(app: Application, request: Request) -> Response:
        if "/query" in request.path and " FROM Lead " in request.arg("q") and not struck:
            struck.append(removed(salesforce, standins))
        return real(app, request)

    monkeypatch.setattr(Application, "__call__", hide)
    (fault,) = pull_to_the_end(salesforce)
    assert "INVALID_FIELD" in fault
    others_are_whole(salesforce)
    now = datetime.now(UTC) + timedelta(hours=1)
    while pull_due(now):
        pass
    assert mapping(salesforce, "first_name").is_broken
    others_are_whole(salesforce, "first_name")


def test_flt21_what_an_answer_leaves_out_is_unknown(
    standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out(standins, monkeypatch)


def left_out(standins: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Described, asked for, and not in the rows."""
    salesforce = connect("salesforce", standins.base_url)
    assert pull_to_the_end(salesforce) == []
    real = Application.__call__

    def without(app: Application, request: Request) -> Response:
        answer = real(app, request)
        if "/query" not in request.path or " FROM Lead " not in request.arg("q"):
            return answer
        said = json.loads(answer.body)
        for row in said["records"]:
            row.pop("FirstName")
        return json_response(said)

    monkeypatch.setattr(Application, "__call__", without)
    assert pull_to_the_end(salesforce, full=True) == []
    assert not any("first_name" in v for v in values(salesforce)), "it is read as empty"
    others_are_whole(salesforce, "first_name")


# --- another type --------------------------------------------------------------------------------------------------


def retyped(connection: Connection, standins: Running) -> None:
    """A number of employees that becomes a text such as “10 to 50”."""
    name = FIRST[connection.kind]
    CatalogueField.objects.filter(object="person", name="first_name").update(type="number")
    as_number = "double" if connection.kind == "salesforce" else "number"
    as_text = "string"
    before = definition(connection, standins, name)
    define(connection, standins, {**before, "type": as_number})
    change_all(connection, standins, **{name: "40"})
    assert pull_to_the_end(connection, full=True) == []
    Effect.objects.all().delete()
    assert {v["first_name"] for v in values(connection)} == {40}
    define(connection, standins, {**before, "type": as_text})
    change_all(connection, standins, **{name: "10 to 50"})
    for _ in range(2):
        assert pull_to_the_end(connection, full=True) == []
    assert not any("first_name" in v for v in values(connection)), "it is read as something"
    others_are_whole(connection, "first_name")
    (text,) = told()
    assert f"its type was {as_number} and is {as_text} now" in text


def test_flt21_values_of_another_type_are_unknown_and_it_is_told_once(
    read_once: Connection, standins: Running, ola: Person, client: Client
) -> None:
    retyped(read_once, standins)
    client.force_login(ola)
    html = client.get(reverse("integrations:changed_fields", args=[read_once.name])).content.decode()
    assert "Its type was" in html


# --- a value renamed or retired, another order ---------------------------------------------------------------------


def redefine(
    connection: Connection, standins: Running, change: Callable[[list[Fields]], list[Fields]]
) -> None:
    before = definition(connection, standins, STAGE[connection.kind])
    key, options = options_of(connection, before)
    define(connection, standins, {**before, key: change([dict(o) for o in options])})


def value_renamed(connection: Connection, standins: Running) -> None:
    """Everybody at the old value is at the new one, as an admin of the CRM does it."""
    _, options = options_of(connection, definition(connection, standins, STAGE[connection.kind]))
    old = values(connection)[-1]["stage"]
    label = next(o.get("label", o["value"]) for o in options if o["value"] == old)
    redefine(
        connection,
        standins,
        lambda found: [
            {**o, "value": "renamed", "label": "Renamed"} if o["value"] == old else o for o in found
        ],
    )
    remote_object, _ = first_id(connection)
    for row in standins.store.all_of(connection.kind, remote_object):
        if row.fields[STAGE[connection.kind]] == old:
            standins.store.update(row, {STAGE[connection.kind]: "renamed"}, PERSON)
    for _ in range(2):
        assert pull_to_the_end(connection, full=True) == []
    shown = [v.get("stage", "unknown") for v in values(connection)]
    # As the CRM says it, word by word: neither the old one nor none. The model knows no stage of that name.
    assert set(shown[1:]) == {"renamed"}
    others_are_whole(connection, "stage")
    (text,) = told()
    assert f"no longer offers “{label}”" in text


def test_flt21_a_value_that_was_renamed_is_kept_as_the_crm_says_it_and_told_once(
    read_once: Connection, standins: Running
) -> None:
    value_renamed(read_once, standins)


def test_flt21_a_value_that_was_retired_stays_where_it_stands(
    read_once: Connection, standins: Running
) -> None:
    before, events = values(read_once), Event.objects.count()
    old = before[-1]["stage"]
    redefine(read_once, standins, lambda found: [o for o in found if o["value"] != old])
    for _ in range(2):
        assert pull_to_the_end(read_once, full=True) == []
    assert values(read_once) == before
    assert Event.objects.count() == events
    assert len(told()) == 1


def another_order(connection: Connection, standins: Running) -> None:
    before, events = values(connection), Event.objects.count()
    redefine(connection, standins, lambda found: found[::-1])
    for _ in range(2):
        assert pull_to_the_end(connection, full=True) == []
    assert values(connection) == before
    assert Event.objects.count() == events
    assert told() == []
    others_are_whole(connection)


def test_flt21_another_order_of_stages_says_nothing_about_anybody(
    read_once: Connection, standins: Running
) -> None:
    another_order(read_once, standins)


# --- and the tests can fail ----------------------------------------------------------------------------------------


@pytest.fixture
def hubspot(standins: Running) -> Connection:
    found = connect("hubspot", standins.base_url)
    assert pull_to_the_end(found) == []
    return found


def test_control_a_field_that_went_and_is_read_as_empty_is_seen(
    hubspot: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storing.Reading.values

    def empty(self: storing.Reading, row: Any) -> dict[str, Any]:
        return {"first_name": None, **real(self, row)}

    monkeypatch.setattr(storing.Reading, "values", empty)
    with pytest.raises(AssertionError, match="read as empty"):
        gone(hubspot, standins, removed)


def test_control_who_is_told_at_every_reading_is_seen(
    hubspot: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wanted.note_lost

    def forgetful(*told: Any) -> None:
        FieldMapping.objects.update(is_broken=False)
        real(*told)

    monkeypatch.setattr(wanted, "note_lost", forgetful)
    monkeypatch.setattr(wanted, "mapped_remote_fields", lambda *asked: {**_unbroken(*asked)})
    with pytest.raises(AssertionError):
        gone(hubspot, standins, removed)


def _unbroken(connection: Connection, remote_object: str) -> dict[str, FieldMapping]:
    rows = FieldMapping.objects.filter(connection=connection, remote_object=remote_object)
    rows.update(is_broken=False)
    return {row.field.name: row for row in rows.select_related("field")}


def test_control_a_row_without_the_field_that_is_read_as_empty_is_seen(
    standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reading._record

    def filled(shape: Any, remote_id: str, row: dict[str, Any], history: Any) -> Any:
        return real(shape, remote_id, {**dict.fromkeys(shape.known), **row}, history)

    monkeypatch.setattr(reading, "_record", filled)
    with pytest.raises(AssertionError, match="read as empty"):
        left_out(standins, monkeypatch)


def test_control_another_type_that_nobody_hears_of_is_seen(
    hubspot: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanted, "tell_changed", lambda *told: None)
    with pytest.raises(ValueError, match="not enough values to unpack"):
        retyped(hubspot, standins)


def test_control_values_of_another_type_that_are_forced_are_seen(
    hubspot: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: what can't be read as a number is nought."""
    real = storing.canonical

    def forced(kind: str, raw: Any, value_map: Any = None) -> Any:
        try:
            return real(kind, raw, value_map)
        except storing.Unreadable:
            return 0

    monkeypatch.setattr(storing, "canonical", forced)
    with pytest.raises(AssertionError, match="read as something"):
        retyped(hubspot, standins)


def test_control_a_value_the_model_does_not_know_that_is_dropped_is_seen(
    hubspot: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storing.canonical

    def known_only(kind: str, raw: Any, value_map: Any = None) -> Any:
        return None if raw == "renamed" else real(kind, raw, value_map)

    monkeypatch.setattr(storing, "canonical", known_only)
    with pytest.raises(AssertionError):
        value_renamed(hubspot, standins)


def test_control_an_order_that_is_taken_for_a_change_is_seen(
    hubspot: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loud(connection: Connection, remote_object: str, changed: Any, mappings: Any, now: datetime) -> None:
        for row in changed:
            wanted.note_lost(
                connection, remote_object, [m for m in mappings if m.remote_name == row.name], now
            )

    monkeypatch.setattr(wanted, "tell_changed", loud)
    with pytest.raises(AssertionError):
        another_order(hubspot, standins)
