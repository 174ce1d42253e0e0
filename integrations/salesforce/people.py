"""Who records can belong to: users with role and manager, and queues with everyone who takes from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrations.base import RemoteOwner
from integrations.salesforce.session import Session

Row = Mapping[str, Any]

USERS = "SELECT Id, Name, Email, IsActive, ManagerId, UserRoleId, UserRole.Name FROM User"
ROLES = "SELECT Id, ParentRoleId FROM UserRole"
GROUPS = "SELECT Id, Name, Type, RelatedId FROM Group"
MEMBERS = "SELECT GroupId, UserOrGroupId FROM GroupMember"


def owners(session: Session) -> Sequence[RemoteOwner]:
    """Four queries, however many there are."""
    users, groups = list(session.rows(USERS)), list(session.rows(GROUPS))
    groups_of = Groups(users, session.rows(ROLES), groups, session.rows(MEMBERS))
    teams: dict[str, list[str]] = {}
    for group in groups:
        if group["Type"] == "Regular" and group.get("Name"):
            for user in groups_of.members(group["Id"]):
                teams.setdefault(user, []).append(str(group["Name"]))
    people = [
        RemoteOwner(
            row["Id"],
            row["Name"] or row["Id"],
            row["Email"] or "",
            bool(row["IsActive"]),
            role=str((row.get("UserRole") or {}).get("Name") or ""),
            manager_id=row.get("ManagerId") or "",
            teams=tuple(sorted(teams.get(row["Id"], ()))),
        )
        for row in users
    ]
    queues = [
        RemoteOwner(
            row["Id"], row["Name"] or row["Id"], kind="queue", members=tuple(groups_of.members(row["Id"]))
        )
        for row in groups
        if row["Type"] == "Queue"
    ]
    return people + queues


class Groups:
    """Who is in a group: users, other groups and roles may be its members, one inside the other."""

    def __init__(
        self, users: Iterable[Row], roles: Iterable[Row], groups: Iterable[Row], members: Iterable[Row]
    ) -> None:
        self._in_role: dict[str, list[str]] = {}
        self._users = set()
        for user in users:
            self._users.add(str(user["Id"]))
            if user.get("UserRoleId"):
                self._in_role.setdefault(user["UserRoleId"], []).append(user["Id"])
        self._below: dict[str, list[str]] = {}
        for role in roles:
            if role.get("ParentRoleId"):
                self._below.setdefault(role["ParentRoleId"], []).append(role["Id"])
        self._groups = {str(group["Id"]): group for group in groups}
        self._members: dict[str, list[str]] = {}
        for member in members:
            self._members.setdefault(member["GroupId"], []).append(member["UserOrGroupId"])

    def members(self, group_id: str) -> list[str]:
        """Ids of users, each once, in order."""
        found: set[str] = set()
        seen: set[str] = set()
        ahead = [group_id]
        while ahead:
            one = ahead.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self._users:
                found.add(one)
                continue
            group = self._groups.get(one)
            if group and group.get("RelatedId") and str(group["Type"]).startswith("Role"):
                found.update(self._in_roles(str(group["RelatedId"]), str(group["Type"])))
            ahead += self._members.get(one, [])
        return sorted(found)

    def _in_roles(self, role: str, kind: str) -> set[str]:
        found: set[str] = set()
        seen: set[str] = set()
        ahead = [role]
        while ahead:
            one = ahead.pop()
            if one in seen:
                continue
            seen.add(one)
            found.update(self._in_role.get(one, ()))
            if kind != "Role":
                ahead += self._below.get(one, [])
        return found
