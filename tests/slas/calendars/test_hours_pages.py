"""The page of working hours: what is typed becomes a draft, what is wrong stays where it was typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from definitions.models import Version
from slas.calendars.hours_form import show
from teams.models import Person
from tests.slas.calendars.test_hours_form import sent
from tests.slas.conftest import AUSTIN, House

pytestmark = pytest.mark.django_db


def client_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def posted(body: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {**dict(sent(show(body, 2026)).lists()), "revision": "0", **other}


def test_edited_hours_are_a_draft_with_the_rest_as_it_was(house: House) -> None:
    client = client_of(house.revops)
    told = posted(AUSTIN | {"yearly": ["12-24"]}, key="austin", wanted_from="2090-01-07T08:00")
    answer = client.post("/hours/austin/edit/", told)
    draft = Version.objects.get(section="calendars", key="austin", state="draft")
    assert draft.body == AUSTIN | {"yearly": ["12-24"]}
    assert answer["Location"] == "/model/calendars/austin/?version=2&from=2090-01-07T08:00"
    page = client.get(answer["Location"]).content.decode()
    assert 'value="2090-01-07T08:00"' in page
    assert "Which clocks it would move" in page


def test_the_general_editor_leads_to_the_form_and_the_form_to_the_file(house: House) -> None:
    client = client_of(house.revops)
    assert client.get("/model/calendars/austin/edit/")["Location"] == "/hours/austin/edit/"
    assert client.get("/model/new/calendars/")["Location"] == "/hours/new/"
    assert "/model/calendars/austin/edit/?as=yaml" in client.get("/hours/austin/edit/").content.decode()


def test_new_hours_get_a_key_from_their_name(house: House) -> None:
    told = posted({**AUSTIN, "name": "Night shift", "teams": []}, **{"mon-from": ["22"], "mon-to": ["6"]})
    assert client_of(house.revops).post("/hours/new/", told).status_code == 302
    draft = Version.objects.get(section="calendars", key="night_shift")
    assert draft.body["week"]["mon"] == [["22:00", "06:00"]]
    again = client_of(house.revops).post("/hours/new/", told)
    assert again.status_code == 422
    assert "There is, or was, something with the key" in again.content.decode()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"mon-from": ["9", "11"], "mon-to": ["12", "13"]}, "It overlaps with 09:00 to 12:00."),
        ({"mon-from": ["quarter"], "mon-to": ["12"]}, "“quarter” is no time"),
        ({"tz": ["Mars/Olympus"]}, "“Mars/Olympus” is no time zone"),
        ({"people": ["who@fernhill.example"]}, "Nobody here has the address who@fernhill.example"),
        ({"teams": ["elves"]}, "elves"),
        ({"country": ["DE"], "subdivision": ["XX"]}, "No holidays are known for DE XX"),
        ({"wanted_from": ["2001-01-01T00:00"]}, "That is over."),
        ({f"{d}-from": [] for d in ("mon", "tue", "wed", "thu", "fri")}, "Nobody would ever work"),
        ({"open_day": ["2026-12-24"], "day-kind": ["closed"]}, "Set this day, or close it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    house: House, change: dict[str, list[str]], text: str
) -> None:
    answer = client_of(house.revops).post("/hours/austin/edit/", {**posted(AUSTIN, key="austin"), **change})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert text in page
    assert not Version.objects.filter(section="calendars", state="draft").exists()
    assert all(
        f'value="{value}"' in page
        for name, values in change.items()
        if name.endswith("-from")
        for value in values
        if len(value) > 2
    )


def test_a_button_changes_the_form_and_keeps_nothing(house: House) -> None:
    answer = client_of(house.revops).post("/hours/austin/edit/", posted(AUSTIN, key="austin", do="add:sat"))
    assert answer.status_code == 200
    assert answer.content.decode().count('name="sat-from"') == 1
    assert answer["HX-Trigger-After-Settle"] == "hours-changed"
    assert not Version.objects.filter(section="calendars", state="draft").exists()


def test_two_who_edit_at_once_see_both(house: House) -> None:
    client = client_of(house.revops)
    client.post("/hours/austin/edit/", posted(AUSTIN | {"yearly": ["12-24"]}, key="austin"))
    answer = client.post("/hours/austin/edit/", posted(AUSTIN | {"yearly": ["12-31"]}, key="austin"))
    assert answer.status_code == 409


def test_the_preview_says_what_the_week_comes_to(house: House) -> None:
    client = client_of(house.revops)
    page = client.post("/hours/preview/", posted(AUSTIN, key="austin")).content.decode()
    assert "45 h this week" in page or "36 h this week" in page
    assert "1 business hour from" in page
    wrong = client.post("/hours/preview/", posted(AUSTIN, key="austin", tz=["x"])).content.decode()
    assert "Shown once every field can be read." in wrong


def test_the_moves_are_counted_for_a_form_and_for_a_draft(house: House) -> None:
    client = client_of(house.revops)
    assert (
        "No open clock would move"
        in client.post("/hours/moves/", posted(AUSTIN, key="austin")).content.decode()
    )
    house.publish("calendars", "austin", AUSTIN)
    assert "No open clock would move" in client.get("/hours/austin/moves/").content.decode()


def test_whoever_has_no_say_is_led_back(house: House) -> None:
    answer = client_of(house.boss).get("/hours/austin/edit/")
    assert answer["Location"] == "/model/calendars/austin/"
