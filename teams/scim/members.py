"""What the pushed groups of people give them, and what of a person a provider manages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.conf import settings

from teams.granting import Wanted, grant
from teams.group_rules import GroupRules
from teams.models import GroupMember, Person, Provisioned, ProvisionedGroup
from teams.scim.resources import provisioned_of


def team_key_of(group: ProvisionedGroup, rules: GroupRules) -> str:
    """The team that a group gives: its rule says, else it is the team of its name. Empty: none."""
    rule = rules.rule_of(group.name, group.external_id)
    if rule is not None:
        return rule.team
    return group.team.key if group.team is not None else ""


def settle(
    person_ids: Collection[int], now: datetime, *, by: Person, left: Collection[ProvisionedGroup] = ()
) -> None:
    """Bring people to what their groups give. ``left``: groups they were just taken out of."""
    rules: GroupRules = settings.GROUP_RULES
    held: dict[int, list[ProvisionedGroup]] = {pk: [] for pk in person_ids}
    for member in GroupMember.objects.filter(person__in=person_ids).select_related("group__team"):
        held[member.person_id].append(member.group)
    lost_teams = frozenset(team_key_of(group, rules) for group in left) - {""}
    lost_rules = [rules.rule_of(group.name, group.external_id) for group in left]
    lost_units = frozenset(rule.unit for rule in lost_rules if rule is not None) - {""}
    wanted = {}
    for pk, groups in held.items():
        given = rules.granted(name for group in groups for name in (group.name, group.external_id))
        team = next((key for group in groups if (key := team_key_of(group, rules))), "")
        wanted[pk] = Wanted(given.role, team, given.units, lost_teams, lost_units, is_managed=True)
    grant(wanted, rules, now, by=by)


def managed_fields(person: Person) -> frozenset[str]:
    """The fields of a person that the identity provider says by SCIM: by hand they can't be changed here."""
    row = provisioned_of(person)
    if row is None:
        return frozenset()
    fields = {"name", "email", "is_active"}
    said = {"title": "job_title", "timezone": "time_zone"}
    fields |= {field for key, field in said.items() if row.said.get(key)}
    if row.manager_said:
        fields.add("manager")
    rules: GroupRules = settings.GROUP_RULES
    groups = [member.group for member in person.provisioned_groups.select_related("group__team")]
    if any(team_key_of(group, rules) for group in groups):
        fields.add("team")
    given = rules.granted(name for group in groups for name in (group.name, group.external_id))
    if given.role and (person.follows_groups or rules.over_hand):
        fields.add("role")
    return frozenset(fields)


def said_by_provider() -> dict[int, frozenset[str]]:
    """Person -> those of name, is_active, manager and team that a provider says, for all of them. Two queries."""
    in_group = set(GroupMember.objects.values_list("person", flat=True))
    return {
        pk: frozenset(
            {"name", "is_active"}
            | ({"manager"} if manager else set())
            | ({"team"} if pk in in_group else set())
        )
        for pk, manager in Provisioned.objects.values_list("person", "manager_said")
    }
