"""The guided connect from the first page to the first reading, against both stand-ins."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import PullCursor
from integrations.pull import pull_to_the_end
from integrations.standins.app import Running
from records.models import Connection, Record
from slas.models import Clock
from tests.integrations.conftest import LEADS
from tests.integrations.connecting.conftest import begin, page, sign_in

pytestmark = pytest.mark.django_db


def url(name: str, connection: Connection, *more: str) -> str:
    return reverse(f"integrations:{name}", args=[connection.name, *more])


OBJECTS = {
    "salesforce": {"Lead": "person", "Task": "activity"},
    "hubspot": {"contacts": "person", "calls": "activity"},
}


def choose(admin: Client, connection: Connection) -> str:
    data = {f"take:{name}": "on" for name in OBJECTS[connection.kind]}
    data |= {f"as:{name}": kind for name, kind in OBJECTS[connection.kind].items()}
    answer = admin.post(url("connection_objects", connection), data)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def as_shown(html: str) -> dict[str, str]:
    """What a browser would send of the mapping page as it stands."""
    from html.parser import HTMLParser

    found: dict[str, str] = {}

    class Reader(HTMLParser):
        select = ""

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            told = dict(attrs)
            if tag == "select":
                self.select = told.get("name", "")
            elif tag == "option" and self.select and "selected" in told:
                found[self.select] = told.get("value", "")
            elif tag == "input" and told.get("name"):
                if told.get("type") == "checkbox" and "checked" not in told:
                    return
                found[told["name"]] = told.get("value") or ("on" if told.get("type") == "checkbox" else "")

    Reader().feed(html)
    return {name: value for name, value in found.items() if value}


def test_a_choice_of_objects_that_is_refused_is_shown_as_it_was_made(
    admin: Client, standins: Running
) -> None:
    connection = begin(admin, "hubspot", standins.base_url)
    sign_in(admin, connection)
    address = url("connection_objects", connection)
    assert "take:contacts" in as_shown(page(admin.get(address)))
    html = page(admin.post(address, {"as:contacts": "person", "as:companies": "deal"}), 422)
    assert "Choose at least one object" in html
    shown = as_shown(html)
    assert not [name for name in shown if name.startswith("take:")]
    assert shown["as:companies"] == "deal"


def test_nobody_is_asked_to_read_what_is_not_set_up(admin: Client, standins: Running) -> None:
    connection = begin(admin, "hubspot", standins.base_url, "Half made")
    assert "Read Half made now" not in page(admin.get(reverse("integrations:runs")))
    answer = admin.post(reverse("integrations:read_now", args=[connection.name]))
    assert answer.status_code == 404
    assert not PullCursor.objects.filter(connection=connection).exists()


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_a_crm_is_connected_step_by_step_and_read(admin: Client, standins: Running, kind: str) -> None:
    connection = begin(admin, kind, standins.base_url)
    assert connection.state == "paused"
    sign_in(admin, connection)

    assert "reads no record" in page(admin.get(url("connection_test", connection)))
    admin.post(url("connection_test", connection))
    tested = page(admin.get(url("connection_test", connection)))
    assert "Signed in to" in tested
    assert "active owners" in tested

    assert page(admin.get(url("connection_objects", connection)))
    place = choose(admin, connection)
    for remote_object in OBJECTS[kind]:
        assert place.endswith(f"/fields/{remote_object}/")
        html = page(admin.get(place))
        if remote_object in ("Lead", "contacts"):
            assert "@acme.example" in html, "values of real records stand beside the guesses"
        place = admin.post(place, as_shown(html))["Location"]
    assert place == url("connection_go_live", connection)
    assert not PullCursor.objects.exists()

    assert page(admin.get(place))
    answer = admin.post(place, {"when": "now"})
    assert answer.status_code == 302
    connection.refresh_from_db()
    assert (connection.state, connection.setup, connection.is_writing) == ("active", None, False)
    assert connection.go_live_at is not None
    assert pull_to_the_end(connection) == []
    people = Record.objects.filter(connection=connection, object="person")
    assert people.count() == LEADS
    assert {record.values["email"] for record in people} >= {"p1@acme.example", "p2@acme.example"}
    assert not Clock.objects.exists()
    assert page(admin.get(reverse("integrations:connections")))
    assert page(admin.get(url("connection", connection)))
