from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from teams.models import Person, Team
from teams.services import move_to_team
from tests.teams.conftest import NOW

pytestmark = pytest.mark.django_db


def test_the_list_shows_people_by_team_inside_the_border(
    client: Client, dana: Person, ines: Person, wanda: Person, sdr_team: Team
) -> None:
    move_to_team(dana, sdr_team, NOW)
    client.force_login(ines)
    page = client.get(reverse("teams:people"))
    assert page.context["groups"] == [("SDR Austin", [dana]), ("", [ines])]
    assert b"Wanda" not in page.content


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=okw", ["Dana Okwell"]),
        ("q=nobody", []),
        ("team=sdr", ["Dana Okwell"]),
        ("role=revops_admin", ["Ines Kalderon"]),
        ("role=strange", ["Dana Okwell", "Ines Kalderon"]),
        ("active=no", ["Left Already"]),
        ("active=all", ["Dana Okwell", "Ines Kalderon", "Left Already"]),
    ],
)
def test_filters(
    client: Client, dana: Person, ines: Person, sdr_team: Team, query: str, names: list[str]
) -> None:
    move_to_team(dana, sdr_team, NOW)
    Person.objects.create_user("left@fernhill.example", name="Left Already", is_active=False)
    client.force_login(ines)
    page = client.get(f"{reverse('teams:people')}?{query}")
    assert [member.name for _, members in page.context["groups"] for member in members] == names
    table = client.get(f"{reverse('people:export')}?{query}").content.decode()
    assert [line.partition(",")[0] for line in table.splitlines()[1:]] == names


def test_the_list_costs_the_same_for_many_people(
    client: Client, ines: Person, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        Person.objects.create_user(f"p{number}@fernhill.example", name=f"P {number}", manager=ines)
    client.force_login(ines)
    with django_assert_max_num_queries(12):  # type: ignore[operator]  # pytest-django's context manager
        client.get(reverse("teams:people"))


def test_a_person_page_shows_the_teams_over_time(
    client: Client, dana: Person, ines: Person, sdr_team: Team
) -> None:
    move_to_team(dana, sdr_team, NOW)
    client.force_login(ines)
    page = client.get(reverse("teams:person", args=[dana.pk]))
    assert "SDR Austin" in page.text
    assert "2 Mar 2026" in page.text


def test_someone_across_the_border_is_not_found(client: Client, dana: Person, wanda: Person) -> None:
    client.force_login(dana)
    foreign = client.get(reverse("teams:person", args=[wanda.pk]))
    missing = client.get(reverse("teams:person", args=[wanda.pk + 1000]))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
