from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from teams.models import BusinessUnit, Person, Role, Team
from teams.tokens import issue_token

pytestmark = pytest.mark.django_db


def said(person: Person, **changes: Any) -> dict[str, Any]:
    """What the form would send for `person`, with `changes`."""
    data = {
        "name": person.name,
        "email": person.email,
        "job_title": person.job_title,
        "role": person.role,
        "manager": person.manager_id or "",
        "time_zone": person.time_zone,
        "business_units": [unit.pk for unit in person.business_units.all()],
        "is_active": "on",
    } | changes
    return {key: value for key, value in data.items() if value is not None}


def change(client: Client, person: Person, **changes: Any) -> HttpResponse:
    answer: Any = client.post(reverse("teams:person_edit", args=[person.pk]), said(person, **changes))
    person.refresh_from_db()
    return answer


@pytest.fixture
def as_ines(client: Client, ines: Person) -> Client:
    client.force_login(ines)
    return client


def test_an_admin_adds_someone_who_cannot_sign_in_yet(
    as_ines: Client, fleet: BusinessUnit, sdr_team: Team
) -> None:
    as_ines.post(
        reverse("teams:person_add"),
        {
            "name": "Tom New",
            "email": "Tom@fernhill.example",
            "role": "rep",
            "time_zone": "Europe/Berlin",
            "business_units": [fleet.pk],
            "team": sdr_team.pk,
            "is_active": "on",
        },
    )
    tom = Person.objects.get(email="tom@fernhill.example")
    assert not tom.has_usable_password()
    assert tom.memberships.get().team == sdr_team
    assert [unit.key for unit in tom.business_units.all()] == ["fleet"]


def test_an_admin_changes_someone(as_ines: Client, dana: Person) -> None:
    answer = change(as_ines, dana, name="Dana Okwell-Reyes", email="D@fernhill.example", job_title="SDR")
    assert answer.status_code == 302
    assert (dana.name, dana.email, dana.job_title) == ("Dana Okwell-Reyes", "d@fernhill.example", "SDR")


def test_taking_sign_in_away_ends_the_tokens(as_ines: Client, dana: Person) -> None:
    token, _ = issue_token(dana, name="Export")
    change(as_ines, dana, is_active=None)
    token.refresh_from_db()
    assert not dana.is_active
    assert token.revoked_at is not None


def test_units_outside_the_editors_own_stay(
    as_ines: Client, dana: Person, yards: BusinessUnit, fleet: BusinessUnit
) -> None:
    dana.business_units.add(yards)
    change(as_ines, dana, business_units=[])
    assert [unit.key for unit in dana.business_units.all()] == ["yards"]


def test_nobody_grants_a_unit_they_do_not_have(as_ines: Client, dana: Person, yards: BusinessUnit) -> None:
    answer = change(as_ines, dana, business_units=[yards.pk])
    assert answer.status_code == 200
    assert yards not in dana.business_units.all()


def test_revops_makes_no_system_admin(as_ines: Client, dana: Person) -> None:
    assert change(as_ines, dana, role=Role.SYSTEM_ADMIN).status_code == 200
    assert dana.role == Role.REP


def test_revops_changes_no_system_admin(as_ines: Client, dana: Person) -> None:
    Person.objects.filter(pk=dana.pk).update(role=Role.SYSTEM_ADMIN)
    dana.refresh_from_db()
    assert change(as_ines, dana, name="Someone else").status_code == 403
    assert dana.name == "Dana Okwell"


def test_admins_cannot_lock_themselves_out(as_ines: Client, ines: Person) -> None:
    change(as_ines, ines, is_active=None)
    change(as_ines, ines, role=Role.REP)
    assert (ines.is_active, ines.role) == (True, Role.REVOPS_ADMIN)


def test_the_profile_changes_nothing_but_what_it_shows(client: Client, dana: Person) -> None:
    client.force_login(dana)
    client.post(
        reverse("teams:profile"),
        {
            "name": "Dana O.",
            "time_zone": "America/Chicago",
            "theme": "dark",
            "role": "system_admin",
            "email": "evil@fernhill.example",
            "is_superuser": "on",
            "is_active": "",
            "manager": "",
        },
    )
    changed = Person.objects.get(pk=dana.pk)
    assert (changed.name, changed.time_zone, changed.theme) == ("Dana O.", "America/Chicago", "dark")
    assert (changed.role, changed.email, changed.is_superuser, changed.is_active) == (
        "rep",
        "dana@fernhill.example",
        False,
        True,
    )


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_zone_nobody_knows_is_refused_with_its_reason(client: Client, dana: Person, zone: str) -> None:
    client.force_login(dana)
    page = client.post(reverse("teams:profile"), {"name": "Dana", "time_zone": zone, "theme": "auto"})
    assert page.context["form"].errors["time_zone"]
    assert 'aria-describedby="id_time_zone-errors"' in page.text
