"""HubSpot has no API for dashboards; what can be made there by hand is told exactly."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.hubspot.saved_views import SAVED_VIEWS, Filter, SavedView, list_address
from integrations.models import WriteSwitch
from integrations.standins.hubspot_schema import HUBSPOT_PROPERTIES
from records.own_fields import OWN_FIELD_BY_NAME, OWN_FIELDS
from teams.models import Person
from tests.integrations.conftest import START
from tests.integrations.hubspot.conftest import Begin

OBJECTS = {"contacts": "person", "deals": "deal"}


@pytest.mark.parametrize("view", SAVED_VIEWS, ids=lambda view: view.title)
def test_every_property_of_a_view_is_there_on_its_object(view: SavedView) -> None:
    known = {p["name"] for p in HUBSPOT_PROPERTIES[view.remote_object]}
    known |= {f.name for f in OWN_FIELDS if OBJECTS[view.remote_object] in f.objects}
    assert {*(f.name for f in view.filters), *view.columns, view.sort} <= known


def test_a_recipe_says_what_to_type() -> None:
    view = next(v for v in SAVED_VIEWS if v.title == "gtmops: due today")
    assert view.recipe.split("\n") == [
        "View: gtmops: due today (contacts)",
        "Filter: Due (gtm_due) is Today",
        "Filter: What is late (gtm_late) is unknown",
        "Columns: gtm_due, gtm_has_it, gtm_stage, gtm_handoff_link",
        "Sort: gtm_due, ascending",
    ]
    assert (
        str(Filter("hs_is_closed", "is", "False", label="Is Deal Closed?"))
        == "Is Deal Closed? (hs_is_closed) is False"
    )


def test_each_field_that_we_write_is_in_some_view() -> None:
    shown = {name for view in SAVED_VIEWS for name in view.fields}
    assert {f.name for f in OWN_FIELDS if f.direction == "out"} <= shown


@pytest.mark.parametrize(
    ("record_url", "address"),
    [
        (
            "https://app.hubspot.com/contacts/1234567/record/0-1/{id}",
            "https://app.hubspot.com/contacts/1234567/objects/0-3/views/all/list",
        ),
        ("http://127.0.0.1:8001/hubspot/{object}/{id}", ""),
        ("", ""),
    ],
)
def test_the_list_is_linked_where_the_account_is_known(record_url: str, address: str) -> None:
    assert list_address(record_url, "deals") == address


def test_the_page_says_that_hubspot_has_no_dashboards_and_how_to_make_views(
    begin: Begin, client: Client
) -> None:
    _, connection = begin()
    client.force_login(
        Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    page = client.get(reverse("integrations:reports", args=[connection.name])).content.decode()
    assert "HubSpot has no API that makes views, reports or dashboards" in page
    assert "Filter: What is late (gtm_late) is known" in page
    assert page.count("Not there yet: ") == len(SAVED_VIEWS)
    for name in OWN_FIELD_BY_NAME:
        WriteSwitch.objects.create(
            connection=connection, remote_object="contacts", field=name, is_on=True, provisioned_at=START
        )
    page = client.get(reverse("integrations:reports", args=[connection.name])).content.decode()
    deals = [v for v in SAVED_VIEWS if v.remote_object == "deals"]
    assert page.count("Not there yet: ") == len(deals)
