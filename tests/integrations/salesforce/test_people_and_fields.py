"""Who records belong to, and fields of our own from the first to the last."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import Misconfigured
from integrations.salesforce.people import Groups
from integrations.standins.app import Running
from integrations.standins.world import World, salesforce_id
from records.models import Connection
from records.own_fields import OWN_FIELDS
from tests.integrations.conftest import ANNA, QUEUE, small_world
from tests.integrations.salesforce.conftest import Start, connector_of

BOSS = salesforce_id("005", 2)
FIELDS = [f for f in OWN_FIELDS if "person" in f.objects]


def staffed_world() -> World:
    world = small_world()
    anna: Any = world["users"][0]
    anna |= {"role": "SDR", "manager_id": BOSS}
    world["users"].append(
        {
            "id": BOSS, "first_name": "Berit", "last_name": "Falk", "email": "berit@fernhill.example", "active": False,
            "role": "SDR manager",
        }
    )  # fmt: skip
    return world


def test_owners_have_role_and_manager_and_queues_their_members(start: Start) -> None:
    owners = {o.remote_id: o for o in connector_of(start(staffed_world())[1]).owners()}
    anna = owners[ANNA]
    assert (anna.role, anna.manager_id, anna.is_active) == ("SDR", BOSS, True)
    assert (owners[BOSS].role, owners[BOSS].manager_id, owners[BOSS].is_active) == ("SDR manager", "", False)
    assert (owners[QUEUE].kind, owners[QUEUE].members) == ("queue", (ANNA,))


USERS = [{"Id": "u1", "UserRoleId": "r1"}, {"Id": "u2", "UserRoleId": "r2"}, {"Id": "u3", "UserRoleId": None}]
ROLES = [{"Id": "r1", "ParentRoleId": None}, {"Id": "r2", "ParentRoleId": "r1"}]
GROUPS = [
    {"Id": "queue", "Type": "Queue", "RelatedId": None},
    {"Id": "public", "Type": "Regular", "RelatedId": None},
    {"Id": "role", "Type": "Role", "RelatedId": "r1"},
    {"Id": "below", "Type": "RoleAndSubordinates", "RelatedId": "r1"},
]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("queue", "u3")], ["u3"]),
        ([("queue", "public"), ("public", "u2"), ("public", "u3")], ["u2", "u3"]),
        ([("queue", "role")], ["u1"]),
        ([("queue", "below")], ["u1", "u2"]),
        ([("queue", "public"), ("public", "queue"), ("public", "u1")], ["u1"]),
        ([("queue", "gone")], []),
    ],
)
def test_members_of_a_group_are_found_through_groups_and_roles(
    members: list[tuple[str, str]], expected: list[str]
) -> None:
    rows = [{"GroupId": group, "UserOrGroupId": member} for group, member in members]
    assert Groups(USERS, ROLES, GROUPS, rows).members("queue") == expected


def test_our_fields_go_as_they_came_and_the_permission_set_with_the_last(
    salesforce: tuple[Running, Connection],
) -> None:
    running, connection = salesforce
    connector = connector_of(connection)
    names = [connector.own_field_name(f) for f in FIELDS]
    connector.create_fields("Lead", FIELDS)
    connector.create_fields("Contact", FIELDS)
    assert connector.remove_fields("Lead", FIELDS) == names
    assert connector.remove_fields("Lead", FIELDS) == []
    assert not set(names) & set(connector.describe("Lead"))
    assert len(running.store.all_of("salesforce", "PermissionSet")) == 1
    assert connector.remove_fields("Contact", FIELDS) == names
    for name in ("PermissionSet", "PermissionSetAssignment", "FieldPermissions"):
        assert running.store.all_of("salesforce", name) == []


def test_a_field_of_somebody_else_with_our_name_stays(salesforce: tuple[Running, Connection]) -> None:
    running, connection = salesforce
    connector = connector_of(connection)
    connector.create_fields("Lead", FIELDS[:1])
    [row] = running.store.all_of("salesforce", "CustomField")
    changed = {**row.fields["Metadata"], "description": "Kept by sales ops."}
    from integrations.standins.store import Actor

    running.store.update(row, {"Metadata": changed}, Actor("", "CRM_UI"))
    with pytest.raises(Misconfigured, match="was not made by gtmops"):
        connector.remove_fields("Lead", FIELDS)
    assert connector.own_field_name(FIELDS[0]) in connector.describe("Lead")
