"""People as Entra ID and Okta send them: their documented requests, told as stories."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from effects.models import Effect
from teams.models import BusinessUnit, Person, Role, Team
from teams.scim.members import managed_fields
from teams.services import move_to_team, team_at
from teams.tokens import find_token, issue_token
from tests.teams.conftest import NOW
from tests.teams.scim.conftest import ENTERPRISE, Provider, provider_of, user

pytestmark = pytest.mark.django_db
MANAGER = f"{ENTERPRISE}:manager"


def the(number: Any) -> Person:
    return Person.objects.select_related("manager", "provisioned").get(pk=number)


# --- made, found, adopted ---


def test_the_way_of_entra_id_from_looking_to_leaving(scim: Provider, ines: Person) -> None:
    status, found = scim("GET", 'Users?filter=userName eq "Nora@Fernhill.example"')
    assert (status, found["totalResults"], found["Resources"]) == (200, 0, [])
    made = scim.add("Nora@Fernhill.example", title="SDR", timezone="Europe/Oslo")
    nora = the(made["id"])
    assert (nora.email, nora.name, nora.job_title, nora.time_zone) == (
        "nora@fernhill.example", "Nora Halverson", "SDR", "Europe/Oslo",
    )  # fmt: skip
    assert (nora.role, nora.is_active, nora.has_usable_password()) == ("rep", True, False)
    assert made["userName"] == "Nora@Fernhill.example"
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{nora.pk}")
    _, found = scim("GET", 'Users?filter=userName eq "nora@fernhill.example"')
    assert [one["id"] for one in found["Resources"]] == [made["id"]]
    status, _ = scim.patch(
        f"Users/{nora.pk}",
        {"op": "Replace", "path": "displayName", "value": "Nora Wed"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "Nora.Wed@fernhill.example"},
        {"op": "Add", "path": "title", "value": "Senior SDR"},
    )
    assert status == 200
    nora = the(nora.pk)
    assert (nora.name, nora.email, nora.job_title) == ("Nora Wed", "nora.wed@fernhill.example", "Senior SDR")
    status, said = scim.patch(f"Users/{nora.pk}", {"op": "Replace", "path": "active", "value": "False"})
    assert (status, said["active"], the(nora.pk).is_active) == (200, False, False)
    _, found = scim("GET", 'Users?filter=userName eq "nora@fernhill.example"')
    assert found["Resources"][0]["active"] is False


def test_the_way_of_okta(scim: Provider) -> None:
    status, found = scim(
        "GET", "Users?filter=userName%20eq%20%22nora%40fernhill.example%22&startIndex=1&count=100"
    )
    assert (status, found["totalResults"]) == (200, 0)
    made = scim.add(
        name={"givenName": "Nora", "familyName": "Halverson"}, displayName="Nora Halverson", locale="en-US",
        groups=[], id="", password="1mz050nq", schemas=["urn:ietf:params:scim:schemas:core:2.0:User"],
    )  # fmt: skip
    assert "password" not in made
    assert not the(made["id"]).has_usable_password()
    changed = {
        **made,
        "title": "AE",
        "name": {"givenName": "Nora", "familyName": "Wed"},
        "displayName": "Nora Wed",
    }
    assert scim("PUT", f"Users/{made['id']}", changed)[0] == 200
    assert (the(made["id"]).name, the(made["id"]).job_title) == ("Nora Wed", "AE")
    assert scim.patch(f"Users/{made['id']}", {"op": "replace", "value": {"active": False}})[0] == 200
    assert not the(made["id"]).is_active
    assert scim.patch(f"Users/{made['id']}", {"op": "replace", "value": {"active": True}})[0] == 200
    assert the(made["id"]).is_active


@pytest.mark.parametrize(
    ("operations", "changed"),
    [
        ([{"op": "Replace", "path": "active", "value": "False"}], {"is_active": False}),
        ([{"op": "replace", "path": "active", "value": False}], {"is_active": False}),
        ([{"op": "REPLACE", "value": {"active": "False"}}], {"is_active": False}),
        ([{"op": "add", "value": {"displayName": "Ada", "name.givenName": "Ada"}}], {"name": "Ada"}),
        ([{"op": "replace", "value": {'emails[type eq "work"].value': "q@fernhill.example"}}],
         {"email": "q@fernhill.example"}),
        ([{"op": "Add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "AE"}],
         {"job_title": "AE"}),
        ([{"op": "Remove", "path": "title"}], {"job_title": ""}),
        ([{"op": "Add", "path": "nickName", "value": "N"}], {}),
        ([{"op": "Add", "path": "urn:example:their:own:attribute", "value": "x"}], {}),
        ([{"op": "Replace", "path": "timezone", "value": "America/Chicago"}], {"time_zone": "America/Chicago"}),
        ([{"op": "Replace", "path": "timezone", "value": "Mars/Olympus"}], {}),
        ([{"op": "replace", "value": {"id": "999", "meta": {}, "displayName": "Ada"}}], {"name": "Ada"}),
    ],
)  # fmt: skip
def test_what_a_patch_changes(scim: Provider, operations: list[Any], changed: dict[str, Any]) -> None:
    made = scim.add(title="SDR")
    fields = ("name", "email", "job_title", "time_zone", "is_active", "role")
    before = {field: getattr(the(made["id"]), field) for field in fields}
    status, answer = scim.patch(f"Users/{made['id']}", *operations)
    assert status == 200, answer
    assert {field: getattr(the(made["id"]), field) for field in fields} == before | changed


def test_somebody_from_a_crm_or_by_hand_is_found_and_taken_over(scim: Provider, dana: Person) -> None:
    """One person for each address."""
    _, found = scim("GET", f'Users?filter=userName eq "{dana.email}"')
    assert found["Resources"][0]["id"] == str(dana.pk)
    scim.patch(f"Users/{dana.pk}", {"op": "Add", "path": "externalId", "value": "x-1"})
    assert the(dana.pk).provisioned.external_id == "x-1"
    assert the(dana.pk).check_password("a-long-password")


def test_what_the_provider_never_said_of_somebody_it_took_over_stays_ours(
    scim: Provider, dana: Person, ines: Person
) -> None:
    Person.objects.filter(pk=dana.pk).update(job_title="SDR", manager=ines)
    scim.patch(f"Users/{dana.pk}", {"op": "Add", "path": "externalId", "value": "x-1"})
    taken = the(dana.pk)
    assert (taken.job_title, taken.manager) == ("SDR", ines)
    assert managed_fields(taken) == {"name", "email", "is_active"}
    scim.patch(f"Users/{dana.pk}", {"op": "Add", "path": "title", "value": "AE"})
    assert managed_fields(the(dana.pk)) == {"name", "email", "is_active", "job_title"}


def test_another_user_name_with_the_address_of_somebody_here_is_that_person(
    scim: Provider, dana: Person
) -> None:
    made = scim.add(
        "dokwell", emails=[{"value": "DANA@fernhill.example", "type": "work"}], displayName="Dana O."
    )
    assert (made["id"], the(dana.pk).name) == (str(dana.pk), "Dana O.")
    status, fault = scim("POST", "Users", user("dana@fernhill.example"))
    assert (status, fault["scimType"]) == (409, "uniqueness")


def test_removing_deactivates_forgets_nothing_and_can_be_taken_back(scim: Provider) -> None:
    made = scim.add()
    assert scim("DELETE", f"Users/{made['id']}") == (204, None)
    assert not the(made["id"]).is_active
    assert scim("GET", f"Users/{made['id']}")[0] == 404
    assert scim("DELETE", f"Users/{made['id']}")[0] == 404
    again = scim.add()
    assert (again["id"], the(made["id"]).is_active) == (made["id"], True)


def test_somebody_new_belongs_to_the_only_business_unit(scim: Provider, fleet: BusinessUnit) -> None:
    assert list(the(scim.add()["id"]).business_units.all()) == [fleet]


# --- deactivated ---


def test_deactivation_does_what_it_does_elsewhere(
    scim: Provider, ines: Person, dana: Person, sdr_team: Team
) -> None:
    client = Client()
    client.force_login(dana)
    assert client.get(reverse("teams:profile")).status_code == 200
    _, secret = issue_token(dana, name="Export")
    move_to_team(dana, sdr_team, NOW)
    scim.patch(f"Users/{dana.pk}", {"op": "replace", "value": {"active": False}})
    assert client.get(reverse("teams:profile")).status_code == 302
    assert find_token(secret, timezone.now()) is None
    assert team_at(dana, timezone.now()) is None
    told = Effect.objects.get(channel="inbox")
    assert told.payload["person"] == ines.pk
    assert told.payload["title"] == "Dana Okwell was switched off by your identity provider"
    assert told.payload["href"] == reverse("people:leaver", args=[dana.pk])
    scim.patch(f"Users/{dana.pk}", {"op": "replace", "value": {"active": False}})
    assert Effect.objects.count() == 1


def test_the_change_stands_in_the_history_as_the_token_owners(
    scim: Provider, admin: Person, dana: Person
) -> None:
    scim.patch(f"Users/{dana.pk}", {"op": "replace", "value": {"displayName": "Dana R."}})
    kept = dana.events.order_by("-pgh_id").first()
    assert kept.name == "Dana R."
    assert kept.pgh_context.metadata["user"] == admin.pk
    assert kept.pgh_context.metadata["source"] == "SCIM"


# --- who may not be touched ---


def test_a_token_does_not_lock_itself_out(scim: Provider, admin: Person) -> None:
    status, fault = scim.patch(f"Users/{admin.pk}", {"op": "replace", "value": {"active": False}})
    assert (status, "lock itself out" in fault["detail"]) == (403, True)
    assert scim("DELETE", f"Users/{admin.pk}")[0] == 403
    assert the(admin.pk).is_active


def test_a_token_of_revops_changes_no_system_admin(ines: Person, admin: Person) -> None:
    scim = provider_of(ines)
    for answer in (
        scim.patch(f"Users/{admin.pk}", {"op": "replace", "value": {"active": False}}),
        scim("DELETE", f"Users/{admin.pk}"),
        scim("POST", "Users", user(admin.email)),
    ):
        assert answer[0] == 403
    assert the(admin.pk).is_active


def test_people_of_another_business_unit_are_not_there(scim: Provider, wanda: Person) -> None:
    assert scim("GET", f"Users/{wanda.pk}")[0] == 404
    assert scim("DELETE", f"Users/{wanda.pk}")[0] == 404
    assert scim("GET", f'Users?filter=userName eq "{wanda.email}"')[1]["totalResults"] == 0
    assert scim("POST", "Users", user(wanda.email))[0] == 409


# --- managers ---


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Add", "path": MANAGER, "value": "{id}"},
        {"op": "Replace", "path": MANAGER, "value": {"value": "{id}"}},
        {"op": "Add", "path": f"{MANAGER}.value", "value": "{id}"},
        {"op": "replace", "value": {MANAGER: "{id}"}},
        {"op": "replace", "value": {ENTERPRISE: {"manager": {"value": "{id}", "displayName": "Dana"}}}},
        {"op": "replace", "value": {ENTERPRISE: {"manager": {"value": "dana@fernhill.example"}}}},
    ],
    ids=str,
)
def test_a_manager_is_said_in_many_ways(scim: Provider, dana: Person, operation: dict[str, Any]) -> None:
    made = scim.add()
    said = json.loads(json.dumps(operation).replace("{id}", str(dana.pk)))
    status, answer = scim.patch(f"Users/{made['id']}", said)
    assert status == 200, answer
    assert the(made["id"]).manager == dana
    href = answer[ENTERPRISE]["manager"].pop("$ref")
    assert href.endswith(f"/scim/v2/Users/{dana.pk}")
    assert answer[ENTERPRISE]["manager"] == {"value": str(dana.pk), "displayName": "Dana Okwell"}
    scim.patch(f"Users/{made['id']}", {"op": "Remove", "path": MANAGER})
    assert the(made["id"]).manager is None


def test_a_manager_who_comes_later_is_the_manager_then(scim: Provider) -> None:
    made = scim.add(**{ENTERPRISE: {"manager": {"value": "x-boss"}}})
    assert the(made["id"]).manager is None
    boss = scim.add("boss@fernhill.example", externalId="x-boss")
    assert the(made["id"]).manager_id == int(boss["id"])


def test_nobody_ends_up_below_themselves(scim: Provider, dana: Person) -> None:
    made = scim.add(**{ENTERPRISE: {"manager": {"value": str(dana.pk)}}})
    for below in (made["id"], str(dana.pk)):
        status, fault = scim.patch(f"Users/{dana.pk}", {"op": "Add", "path": MANAGER, "value": below})
        assert (status, fault["scimType"]) == (400, "invalidValue")
    assert the(dana.pk).manager is None


def test_a_manager_set_by_hand_stays_where_the_provider_says_nothing(scim: Provider, dana: Person) -> None:
    made = scim.add()
    Person.objects.filter(pk=made["id"]).update(manager=dana)
    scim.patch(f"Users/{made['id']}", {"op": "replace", "value": {"displayName": "N."}})
    assert the(made["id"]).manager == dana
    assert the(made["id"]).role == Role.REP
