"""What an identity provider says is shown as such, and can't be changed by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.people.planning import Someone, Wanted, _changes, _propose
from teams.models import ApiToken, Person, Team
from teams.scim.members import said_by_provider
from teams.services import deactivate
from tests.teams.conftest import NOW
from tests.teams.scim.conftest import ENTERPRISE, Provider
from tests.teams.test_editing_people import change

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_ines(client: Client, ines: Person) -> Client:
    client.force_login(ines)
    return client


@pytest.fixture
def nora(scim: Provider, dana: Person) -> Person:
    made = scim.add(title="SDR", timezone="Europe/Oslo", **{ENTERPRISE: {"manager": {"value": str(dana.pk)}}})
    scim.add_group("SDR pod", made["id"])
    return Person.objects.get(pk=made["id"])


def test_the_persons_page_says_who_manages_them(as_ines: Client, nora: Person, dana: Person) -> None:
    assert "Managed by your identity provider as nora@fernhill.example, in SDR pod." in (
        as_ines.get(nora.get_absolute_url()).text
    )
    assert "Managed by your identity provider" not in as_ines.get(dana.get_absolute_url()).text


def test_what_the_provider_says_stays_whatever_a_form_sends(
    as_ines: Client, nora: Person, ines: Person
) -> None:
    page = as_ines.get(reverse("teams:person_edit", args=[nora.pk]))
    disabled = {name for name, field in page.context["form"].fields.items() if field.disabled}
    assert disabled == {"name", "email", "job_title", "manager", "team", "time_zone", "is_active"}
    other = Team.objects.create(key="other", name="Other")
    answer = change(
        as_ines, nora, name="Hacked", email="h@fernhill.example", job_title="King", manager=ines.pk,
        team=other.pk, time_zone="UTC", is_active=None, role="manager",
    )  # fmt: skip
    assert answer.status_code == 302
    assert (nora.name, nora.email, nora.job_title, nora.time_zone, nora.is_active) == (
        "Nora Halverson", "nora@fernhill.example", "SDR", "Europe/Oslo", True,
    )  # fmt: skip
    assert nora.manager_id != ines.pk
    assert nora.memberships.get().team.key == "sdr-pod"
    assert (nora.role, nora.follows_groups) == (
        "manager",
        False,
    )  # the role is RevOps's, and by hand from now


def test_nor_does_the_persons_own_profile_change_it(client: Client, nora: Person) -> None:
    client.force_login(nora)
    client.post(reverse("teams:profile"), {"name": "Hacked", "time_zone": "UTC", "theme": "dark"})
    nora.refresh_from_db()
    assert (nora.name, nora.time_zone, nora.theme) == ("Nora Halverson", "Europe/Oslo", "dark")


def test_a_manager_who_left_does_not_block_the_form(as_ines: Client, nora: Person, dana: Person) -> None:
    deactivate(dana, NOW)
    assert change(as_ines, nora, role="manager", manager="").status_code == 302
    assert nora.manager == dana


def test_saving_without_a_change_leaves_the_groups_in_charge(as_ines: Client, nora: Person) -> None:
    assert nora.follows_groups
    assert change(as_ines, nora).status_code == 302
    assert nora.follows_groups


def test_a_crm_proposes_nothing_of_what_the_provider_says(nora: Person, dana: Person) -> None:
    says = said_by_provider()
    assert says == {nora.pk: frozenset({"name", "is_active", "manager", "team"})}
    wanted = Wanted("N. Halverson", nora.email, True, 7, "p1", False)
    here = Someone(nora.pk, nora.name, nora.email, True, None, None)
    assert {c.what for c in _changes(here, wanted, {})} == {"name", "team", "manager"}
    managed = Someone(nora.pk, nora.name, nora.email, True, None, None, said_elsewhere=says[nora.pk])
    assert _propose("p1", [], managed, wanted, [], {}).changes == ()


@pytest.mark.parametrize(
    ("email", "may"), [("ines@fernhill.example", True), ("dana@fernhill.example", False)]
)
def test_only_admins_make_a_token_for_scim_which_is_shown_once(
    client: Client, ines: Person, dana: Person, email: str, may: bool
) -> None:
    client.force_login(Person.objects.get(email=email))
    assert ("Provision people (SCIM)" in client.get(reverse("teams:token_add")).text) is may
    data: dict[str, Any] = {"name": "Okta", "scope": "scim", "days": "365"}
    page = client.post(reverse("teams:token_add"), data)
    assert ApiToken.objects.filter(scope="scim").exists() is may
    if may:
        assert "http://testserver/scim/v2" in page.text
        secret = page.context["secret"]
        assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
        profile = client.get(reverse("teams:profile")).text
        assert "Provision people (SCIM)" in profile
        assert secret not in profile
