"""Mapping fields beside real values, and changing a mapping later: only what changed is forgotten and read again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import PullCursor
from integrations.pull import pull_to_the_end
from integrations.standins.app import Running
from records.kinds import CHANGE
from records.models import CatalogueField, Connection, Event, FieldMapping, Record
from tests.integrations.conftest import connect
from tests.integrations.connecting.conftest import finish_forgetting, page
from tests.integrations.connecting.test_guided import as_shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def hubspot(standins: Running, db: None) -> Connection:
    found = connect("hubspot", standins.base_url)
    pull_to_the_end(found)
    return found


def place(connection: Connection, remote_object: str = "contacts") -> str:
    return reverse("integrations:connection_mapping", args=[connection.name, remote_object])


def mapped(connection: Connection) -> dict[str, str]:
    return dict(
        FieldMapping.objects.filter(connection=connection, remote_object="contacts").values_list(
            "field__name", "remote_name"
        )
    )


def values(connection: Connection, name: str) -> set[Any]:
    rows = Record.objects.filter(connection=connection, object="person")
    return {row.values.get(name, "unknown") for row in rows}


def test_saving_the_page_as_it_stands_changes_nothing(admin: Client, hubspot: Connection) -> None:
    before = mapped(hubspot)
    answer = admin.post(place(hubspot), as_shown(page(admin.get(place(hubspot)))))
    assert answer.status_code == 302
    assert mapped(hubspot) == before
    assert not PullCursor.objects.filter(history_asked_at__isnull=False).exists()


def test_saving_the_page_leaves_choices_that_nobody_touched(admin: Client, hubspot: Connection) -> None:
    """Each value of a choice is sent with what it means: that is no change where it meant the same before."""
    row = FieldMapping.objects.get(connection=hubspot, remote_object="contacts", field__name="stage")
    lead = {"value": "lead", "label": "Lead"}
    CatalogueField.objects.filter(pk=row.field_id).update(options=[lead, {"value": "customer", "label": "C"}])
    for held in ({}, {"lead": "lead"}, {"subscriber": "lead", "yes": True}):
        FieldMapping.objects.filter(pk=row.pk).update(value_map=held)
        sent = as_shown(page(admin.get(place(hubspot))))
        assert sent["value:stage:lead"] == "lead"
        assert "nothing was changed" in page(admin.post(place(hubspot), sent, follow=True))
        row.refresh_from_db()
        assert row.value_map == held
    sent["value:stage:lead"] = "customer"
    assert "1 changed" in page(admin.post(place(hubspot), sent, follow=True))


def test_every_box_says_which_field_it_is_of(admin: Client, hubspot: Connection) -> None:
    html = page(admin.get(place(hubspot)))
    assert html.count('name="history:') == html.count('<span class="visually-hidden"> of ')


def test_looking_shows_values_and_remarks_and_keeps_nothing(admin: Client, hubspot: Connection) -> None:
    sent = as_shown(page(admin.get(place(hubspot)))) | {"to:engagement_score": "lastname", "look": "1"}
    html = page(admin.post(place(hubspot), sent))
    assert "It is free text there" in html
    assert "values looked at can&#x27;t be read as a number" in html
    assert "engagement_score" not in mapped(hubspot)


def test_a_field_that_is_not_there_is_said_beside_it_and_nothing_is_kept(
    admin: Client, hubspot: Connection
) -> None:
    sent = as_shown(page(admin.get(place(hubspot)))) | {"to:email": "no_such", "to:company": "company"}
    html = page(admin.post(place(hubspot), sent), 422)
    assert "There is no field no_such" in html
    assert "company" not in mapped(hubspot)


def test_the_values_beside_a_chosen_field_are_shown_at_once(admin: Client, hubspot: Connection) -> None:
    sample = reverse("integrations:connection_sample", args=[hubspot.name, "contacts"])
    html = page(admin.get(sample, {"line": "email", "to:email": "firstname"}))
    assert "Person" in html
    html = page(admin.get(sample, {"line": "email", "to:email": "nothing"}))
    assert "There is no field nothing" in html
    assert admin.get(sample, {"line": "no_such"}).status_code == 404


def test_another_field_is_read_again_and_nothing_looks_changed(admin: Client, hubspot: Connection) -> None:
    assert "Person" in values(hubspot, "first_name")
    changes = Event.objects.filter(kind=CHANGE).count()
    sent = as_shown(page(admin.get(place(hubspot)))) | {"to:first_name": "lastname"}
    assert "is read again" in page(admin.post(place(hubspot), sent, follow=True))
    finish_forgetting()
    assert values(hubspot, "first_name") == {"unknown"}
    assert values(hubspot, "email") != {"unknown"}
    asked = PullCursor.objects.filter(history_asked_at__isnull=False)
    assert list(asked.values_list("remote_object", flat=True)) == ["contacts"]
    pull_to_the_end(hubspot)
    assert "Number1" in values(hubspot, "first_name")
    assert "unknown" not in values(hubspot, "first_name")
    assert Event.objects.filter(kind=CHANGE).count() == changes


def test_a_field_taken_out_is_unknown_and_nothing_is_read_for_it(admin: Client, hubspot: Connection) -> None:
    sent = as_shown(page(admin.get(place(hubspot))))
    del sent["to:first_name"]
    assert "1 taken out" in page(admin.post(place(hubspot), sent, follow=True))
    assert "first_name" not in mapped(hubspot)
    finish_forgetting()
    assert values(hubspot, "first_name") == {"unknown"}
    assert not PullCursor.objects.filter(history_asked_at__isnull=False).exists()


def test_a_field_of_their_own_becomes_a_logical_one(admin: Client, hubspot: Connection) -> None:
    sent = as_shown(page(admin.get(place(hubspot)))) | {
        "to:new": "lastname",
        "new_label": "Second name",
        "new_personal": "on",
    }
    admin.post(place(hubspot), sent)
    field = CatalogueField.objects.get(object="person", name="second_name")
    assert (field.label, field.type, field.is_personal) == ("Second name", "text", True)
    assert mapped(hubspot)["second_name"] == "lastname"


def test_a_field_of_their_own_that_was_looked_at_first_is_kept_as_it_was_typed(
    admin: Client, hubspot: Connection
) -> None:
    sent = as_shown(page(admin.get(place(hubspot)))) | {
        "to:new": "lastname",
        "new_label": "Second name",
        "new_type": "number",
        "new_personal": "on",
        "look": "1",
    }
    html = page(admin.post(place(hubspot), sent))
    assert "values looked at can&#x27;t be read as a number" in html
    again = as_shown(html)
    assert {n: again.get(n) for n in ("to:new", "new_label", "new_type", "new_personal")} == {
        "to:new": "lastname", "new_label": "Second name", "new_type": "number", "new_personal": "on"
    }  # fmt: skip
    admin.post(place(hubspot), again | {"new_type": "text"})
    field = CatalogueField.objects.get(name="second_name")
    assert (mapped(hubspot)["second_name"], field.type, field.is_personal) == ("lastname", "text", True)


def test_a_field_of_their_own_that_is_not_there_is_said_where_it_was_typed(
    admin: Client, hubspot: Connection
) -> None:
    sent = as_shown(page(admin.get(place(hubspot)))) | {"to:new": "no_such", "new_label": "Second name"}
    html = page(admin.post(place(hubspot), sent), 422)
    assert "There is no field no_such" in html
    assert as_shown(html)["to:new"] == "no_such"


def test_our_own_fields_are_left_alone(admin: Client, hubspot: Connection) -> None:
    field = CatalogueField.objects.create(object="person", name="gtm_stage", label="Stage", type="text")
    FieldMapping.objects.create(
        connection=hubspot, field=field, remote_object="contacts", remote_name="gtm_stage"
    )
    html = page(admin.get(place(hubspot)))
    assert "to:gtm_stage" not in html
    admin.post(place(hubspot), as_shown(html))
    assert mapped(hubspot)["gtm_stage"] == "gtm_stage"


def test_a_crm_that_is_away_is_said_and_nothing_is_lost(admin: Client, hubspot: Connection) -> None:
    before = mapped(hubspot)
    Connection.objects.filter(pk=hubspot.pk).update(base_url="http://127.0.0.1:9")
    html = page(admin.get(place(hubspot)))
    assert "can&#x27;t be reached" in html
    page(admin.post(place(hubspot), {"to:email": "firstname"}), 422)
    assert mapped(hubspot) == before
