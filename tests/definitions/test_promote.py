"""What was tried in a sandbox becomes drafts for production, with its fields connected."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from definitions.agreement.promote import moved, names_connection, plan_promotion, promotable, promote
from definitions.files.model_files import ModelFaults, ModelTree, apply
from definitions.models import Version
from records.models import CatalogueField, Connection, FieldMapping
from records.schema import SeenField, store_schema
from teams.models import Person, Role
from tests.definitions.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]

NEXT = {
    "name": "Marketing qualified lead", "owner": "marketing", "agreed_by": ["marketing", "sdr"], "object": "person",
    "in": ["hubspot_sandbox"], "text": "Stricter.", "criteria": {"field": "fleet_size", "op": "at_least", "value": 20},
}  # fmt: skip


@pytest.fixture
def admin() -> Person:
    return Person.objects.create_user("avery@fernhill.example", name="Avery", role=Role.SYSTEM_ADMIN)


@pytest.fixture
def sandbox(admin: Person) -> Connection:
    connection = Connection.objects.create(
        name="hubspot_sandbox", label="HubSpot sandbox", kind="hubspot", is_sandbox=True
    )
    FieldMapping.objects.create(
        connection=connection, field=CatalogueField.objects.get(object="person", name="fleet_size"),
        remote_object="contacts", remote_name="fleet_size",
    )  # fmt: skip
    held = {v.key: v.body for v in Version.objects.filter(section="definitions")}
    apply(ModelTree({"definitions": {**held, "mql_next": NEXT}}), now=NOW, by=admin, force=True)
    return connection


def describe(connection: Connection, *names: str) -> None:
    store_schema(connection, "contacts", [SeenField(n, n.capitalize(), "number") for n in names], NOW)


def test_only_what_names_the_sandbox_is_promotable(sandbox: Connection) -> None:
    assert list(promotable(sandbox, NOW)) == [("definitions", "mql_next")]


def test_promoting_connects_the_fields_and_opens_a_draft_under_the_chosen_key(
    sandbox: Connection, hubspot: Connection, admin: Person
) -> None:
    describe(hubspot, "fleet_size")
    at = NOW + timedelta(days=7)
    applied = promote(
        sandbox, hubspot, by=admin, now=NOW, wanted_from=at, renamed={("definitions", "mql_next"): "mql"}
    )
    (draft,) = applied.drafted
    draft.refresh_from_db()
    assert (draft.key, draft.number, draft.state, draft.wanted_from) == ("mql", 2, "draft", at)
    assert draft.body["in"] == ["hubspot"]
    assert hubspot.mappings.filter(field__name="fleet_size", remote_name="fleet_size").exists()
    again = promote(sandbox, hubspot, by=admin, now=NOW, renamed={("definitions", "mql_next"): "mql"})
    assert again.drafted == ()


def test_a_field_that_production_lacks_is_named_and_nothing_is_promoted(
    sandbox: Connection, hubspot: Connection, admin: Person
) -> None:
    planned = plan_promotion(sandbox, hubspot, NOW)
    assert [n.remote_name for n in planned.absent] == ["fleet_size"]
    assert not planned.is_possible
    with pytest.raises(ModelFaults, match=r"HubSpot has no contacts\.fleet_size; create it first"):
        promote(sandbox, hubspot, by=admin, now=NOW)
    assert not Version.objects.filter(state="draft").exists()


def test_the_page_shows_the_change_and_opens_the_draft(
    client: Client, sandbox: Connection, hubspot: Connection, admin: Person
) -> None:
    describe(hubspot, "fleet_size")
    client.force_login(admin)
    told = {"source": "hubspot_sandbox", "target": "hubspot", "as:definitions/mql_next": "mql"}
    page = client.get("/model/promote/", told).content.decode()
    assert "Will be connected" in page
    assert "Open 1 draft" in page
    client.post("/model/promote/", told | {"item": "definitions/mql_next"})
    assert Version.objects.get(state="draft").key == "mql"


def test_two_kinds_of_crm_are_not_promoted_into_each_other(
    client: Client, sandbox: Connection, salesforce: Connection, admin: Person
) -> None:
    client.force_login(admin)
    answer = client.get("/model/promote/", {"source": "hubspot_sandbox", "target": "salesforce"})
    assert answer.status_code == 422
    assert "promote to a connection of the same kind" in answer.content.decode()


def test_a_body_is_moved_wherever_it_names_the_connection() -> None:
    body = {
        "in": ["a", "b"], "claimed_when": {"connection": "a", "values": ["a"]}, "stages": [{"connection": "a"}],
        "name": "a",
    }  # fmt: skip
    assert names_connection(body, "a")
    assert moved(body, "a", "b") == {
        "in": ["b"], "claimed_when": {"connection": "b", "values": ["a"]}, "stages": [{"connection": "b"}],
        "name": "a",
    }  # fmt: skip
