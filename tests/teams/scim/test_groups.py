from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from teams.group_rules import GroupRules
from teams.models import BusinessUnit, Membership, Person, Team
from teams.services import move_to_team, team_at
from tests.teams.conftest import NOW
from tests.teams.scim.conftest import GROUP, Provider, provider_of

pytestmark = pytest.mark.django_db


def team_of(number: Any) -> str | None:
    found = team_at(Person.objects.get(pk=number), timezone.now())
    return found.key if found else None


def ids(group: dict[str, Any]) -> list[str]:
    return [member["value"] for member in group.get("members", [])]


def test_a_group_is_the_team_of_its_name_or_a_new_one(scim: Provider, dana: Person, sdr_team: Team) -> None:
    made = scim.add_group("sdr austin", dana.pk)
    assert (team_of(dana.pk), ids(made)) == ("sdr", [str(dana.pk)])
    scim.add_group("Field Marketing")
    assert Team.objects.get(key="field-marketing").name == "Field Marketing"
    _, user = scim("GET", f"Users/{dana.pk}")
    assert [(one["value"], one["display"]) for one in user["groups"]] == [(made["id"], "sdr austin")]


def test_a_change_of_team_keeps_the_past(scim: Provider, dana: Person, sdr_team: Team) -> None:
    move_to_team(dana, sdr_team, NOW)
    scim.add_group("AE Berlin", dana.pk)
    assert [stay.team.key for stay in dana.memberships.select_related("team")] == ["sdr", "ae-berlin"]


def test_members_come_and_go_as_entra_id_and_okta_say_it(scim: Provider, dana: Person) -> None:
    nora, tom = (scim.add(f"{name}@fernhill.example")["id"] for name in ("nora", "tom"))
    path = f"Groups/{scim.add_group('Sales')['id']}"
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({"op": "Add", "path": "members", "value": [{"value": nora}, {"value": tom}]}, [nora, tom]),
        ({"op": "Add", "path": "members", "value": [{"value": nora}]}, [nora, tom]),
        ({"op": "Remove", "path": f'members[value eq "{nora}"]'}, [tom]),
        ({"op": "add", "value": {"members": [{"value": nora, "display": "Nora"}]}}, [tom, nora]),
        ({"op": "Remove", "path": "members", "value": [{"value": tom}]}, [nora]),
        ({"op": "replace", "path": "members", "value": [{"value": tom}]}, [tom]),
        ({"op": "replace", "value": {"id": "1", "displayName": "Sales people"}}, [tom]),
        ({"op": "remove", "path": "members"}, []),
    ]
    for operation, members in steps:
        status, group = scim.patch(path, operation)
        assert (status, ids(group)) == (200, members), operation
        assert [team_of(pk) is not None for pk in (nora, tom)] == [nora in members, tom in members]
    assert Team.objects.get(key="sales").name == "Sales people"


def test_of_two_groups_the_first_gives_the_team_and_the_second_follows(scim: Provider, dana: Person) -> None:
    first, second = scim.add_group("First", dana.pk), scim.add_group("Second", dana.pk)
    assert team_of(dana.pk) == "first"
    assert ids(scim("GET", f"Groups/{second['id']}")[1]) == [str(dana.pk)]
    assert scim("DELETE", f"Groups/{first['id']}") == (204, None)
    assert team_of(dana.pk) == "second"
    assert scim("GET", f"Groups/{first['id']}")[0] == 404
    assert Team.objects.filter(key="first").exists()


def test_a_rule_says_what_a_group_gives_in_place_of_a_team(
    scim: Provider, fleet: BusinessUnit, sdr_team: Team, settings: Any
) -> None:
    settings.GROUP_RULES = GroupRules.parse("All leaders = leader; 7b1c = rep / sdr / fleet")
    nora = Person.objects.get(pk=scim.add()["id"])
    nora.business_units.clear()
    scim("POST", "Groups", {"schemas": [GROUP], "displayName": "SDRs", "externalId": "7b1c",
                            "members": [{"value": str(nora.pk)}]})  # fmt: skip
    leaders = scim.add_group("All Leaders", nora.pk)
    nora.refresh_from_db()
    assert (nora.role, team_of(nora.pk), list(nora.business_units.all())) == ("leader", "sdr", [fleet])
    assert set(Team.objects.all()) == {sdr_team}
    scim("DELETE", f"Groups/{leaders['id']}")
    nora.refresh_from_db()
    assert nora.role == "rep"


def test_what_a_group_gave_goes_with_whoever_is_removed(
    scim: Provider, admin: Person, yards: BusinessUnit, settings: Any
) -> None:
    admin.business_units.add(yards)
    settings.GROUP_RULES = GroupRules.parse("Yard people = / / yards")
    made = scim.add()
    scim.add_group("Yard people", made["id"])
    nora = Person.objects.get(pk=made["id"])
    assert yards in nora.business_units.all()
    assert scim("DELETE", f"Users/{nora.pk}")[0] == 204
    scim.add()
    assert yards not in nora.business_units.all()


def test_a_group_raises_nobody_above_what_was_set_by_hand(
    scim: Provider, dana: Person, settings: Any
) -> None:
    settings.GROUP_RULES = GroupRules.parse("Leaders = leader")
    scim.add_group("Leaders", dana.pk)
    dana.refresh_from_db()
    assert dana.role == "rep"


def test_a_token_of_revops_makes_no_system_admin(scim: Provider, ines: Person, settings: Any) -> None:
    settings.GROUP_RULES = GroupRules.parse("Operators = system_admin", over_hand=True)
    made = provider_of(ines).add_group("Operators", ines.pk)
    ines.refresh_from_db()
    assert ines.role == "revops_admin"
    scim.patch(f"Groups/{made['id']}", {"op": "replace", "path": "members", "value": []})
    scim.patch(f"Groups/{made['id']}", {"op": "add", "path": "members", "value": [{"value": str(ines.pk)}]})
    ines.refresh_from_db()
    assert ines.role == "system_admin"


def test_somebody_who_comes_back_is_in_their_team_again(scim: Provider, dana: Person) -> None:
    scim.add_group("Sales", dana.pk)
    Membership.objects.update(started_at=NOW)
    for active, team in ((False, None), (True, "sales")):
        scim.patch(f"Users/{dana.pk}", {"op": "replace", "value": {"active": active}})
        assert team_of(dana.pk) == team


def test_a_whole_group_costs_as_many_queries_as_a_small_one(
    scim: Provider, fleet: BusinessUnit, django_assert_max_num_queries: Any
) -> None:
    people = Person.objects.bulk_create(
        [Person(email=f"p{n}@fernhill.example", name=f"P {n}", password="!") for n in range(40)]
    )
    scim.add_group("First")
    with django_assert_max_num_queries(45):
        made = scim.add_group("Many", *[person.pk for person in people])
    with django_assert_max_num_queries(15):
        assert len(ids(scim("GET", f"Groups/{made['id']}")[1])) == 40
    with django_assert_max_num_queries(15):
        assert scim("GET", "Users?count=50")[1]["itemsPerPage"] == 41


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"displayName": ""}, 400, "invalidValue"),
        ({"displayName": "x" * 201}, 400, "invalidValue"),
        ({}, 400, "invalidValue"),
        ({"displayName": "Sales"}, 409, "uniqueness"),
        ({"displayName": "SALES"}, 409, "uniqueness"),
        ({"displayName": "New", "members": [{"value": "987654321"}]}, 400, "invalidValue"),
        ({"displayName": "New", "members": [{"value": "1 or 1=1"}]}, 400, "invalidValue"),
        ({"displayName": "New", "members": "all"}, 400, "invalidValue"),
    ],
)
def test_a_group_that_cannot_be_meant_changes_nothing(
    scim: Provider, body: dict[str, Any], status: int, kind: str
) -> None:
    scim.add_group("Sales")
    got, fault = scim("POST", "Groups", {"schemas": [GROUP], **body})
    assert (got, fault["scimType"]) == (status, kind)
    assert Team.objects.count() == 1
    assert scim("GET", "Groups")[1]["totalResults"] == 1


def test_groups_within_groups_are_left_out(scim: Provider, dana: Person) -> None:
    members = [{"value": str(dana.pk), "type": "User"}, {"value": "77", "type": "Group"}]
    status, made = scim("POST", "Groups", {"schemas": [GROUP], "displayName": "All", "members": members})
    assert (status, ids(made)) == (201, [str(dana.pk)])
    _, bare = scim("GET", "Groups?excludedAttributes=members&filter=displayName eq \"all\"")  # fmt: skip
    assert "members" not in bare["Resources"][0]
