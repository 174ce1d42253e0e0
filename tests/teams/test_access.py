from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from teams import access
from teams.access import BorderedQuerySet, business_units_of
from teams.models import BusinessUnit, Membership, Person, Role, Team
from teams.services import move_to_team
from tests.teams.conftest import NOW

pytestmark = pytest.mark.django_db


class GrantsByUnit(BorderedQuerySet[Person]):
    """People stand in for records here: each row has a manager, whose single unit is the row's."""

    unit_field = "manager__business_units"


def test_the_border_is_the_business_unit_and_rows_of_none_are_open(
    dana: Person, wanda: Person, fleet: BusinessUnit
) -> None:
    rows = {
        name: Person.objects.create_user(f"{name}@fernhill.example", name=name, manager=manager)
        for name, manager in {"ours": dana, "theirs": wanda, "open": None}.items()
    }
    seen = GrantsByUnit(Person).filter(pk__in=[row.pk for row in rows.values()]).for_person(dana)
    assert {row.name for row in seen} == {"ours", "open"}


@pytest.mark.parametrize("role", Role.values)
def test_no_role_reads_across_the_border(dana: Person, wanda: Person, role: str) -> None:
    Person.objects.filter(pk=dana.pk).update(role=role)
    dana.refresh_from_db()
    assert wanda not in Person.objects.visible_to(dana)


def test_nobody_and_the_deactivated_read_nothing(dana: Person) -> None:
    everything = GrantsByUnit(Person)
    assert not everything.for_person(AnonymousUser()).exists()
    dana.is_active = False
    assert not everything.for_person(dana).exists()


def test_a_granted_unit_counts_at_once(dana: Person, wanda: Person, yards: BusinessUnit) -> None:
    units = business_units_of(dana)
    dana.business_units.add(yards)
    assert yards in units.all()
    assert wanda in Person.objects.visible_to(dana)


def test_someone_in_two_shared_units_is_seen_once(
    dana: Person, ines: Person, yards: BusinessUnit, sdr_team: Team
) -> None:
    dana.business_units.add(yards)
    ines.business_units.add(yards)
    move_to_team(ines, sdr_team, NOW)
    assert Person.objects.visible_to(dana).in_team(sdr_team).count() == Membership.objects.count() == 1


def test_a_route_without_a_line_is_refused(
    client: Client, dana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = {route: line for route, line in access.policy().items() if route != "teams:people"}
    monkeypatch.setattr(access, "policy", lambda: rest)
    client.force_login(dana)
    assert client.get(reverse("teams:people")).status_code == 403
    assert Client().get(reverse("teams:people")).status_code == 302


def test_a_method_without_a_line_is_not_allowed(client: Client, dana: Person) -> None:
    client.force_login(dana)
    answer = client.post(reverse("teams:people"))
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


BAD_TABLES = {"HEAD_LINE": {"x": {"HEAD": access.SIGNED_IN}}, "ROLE": {"x": {"GET": frozenset({"king"})}}}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_line_that_cannot_be_meant_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "import_string", BAD_TABLES.get)
    with pytest.raises(ImproperlyConfigured):
        access._load.__wrapped__(name)
