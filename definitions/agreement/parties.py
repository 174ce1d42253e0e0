"""Who has a say in a thing of the model: which teams must agree, who signs for a team, who may edit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from definitions.models import Version
from definitions.sections import Body
from teams.models import Membership, Person, Role, Team

_LEADING = frozenset({Role.MANAGER.value, Role.LEADER.value})
_SIGNING = _LEADING | {Role.REVOPS_ADMIN.value}


def signers(body: Body) -> tuple[str, ...]:
    """Keys of the teams whose agreement a body needs: ``agreed_by``, else sender and receiver, else its owner, else
    nobody's."""
    told = body.get("agreed_by")
    if not isinstance(told, list | tuple) or not told:
        told = [body.get("from_team"), body.get("to_team")]
    if not any(told):
        told = [body.get("owner")]
    return tuple(dict.fromkeys(str(team) for team in told if team))


def required_teams(version: Version) -> tuple[str, ...]:
    """Keys of the teams that must sign a version: of the new text and of the one it replaces, so that nobody is left
    out by the change itself. Only words changed: its owner's."""
    base = version.based_on.body if version.based_on else {}
    if not version.needs_agreement:
        owner = version.body.get("owner") or base.get("owner")
        return (str(owner),) if owner else ()
    return tuple(dict.fromkeys([*signers(version.body), *signers(base)]))


def parties(*bodies: Body) -> tuple[str, ...]:
    """Every team that has a say: the owner and who agrees."""
    owners = [str(body["owner"]) for body in bodies if body.get("owner")]
    return tuple(dict.fromkeys([*owners, *(team for body in bodies for team in signers(body))]))


def who_signs(teams: Collection[str], now: datetime) -> dict[str, list[Person]]:
    """Team -> who may sign for it: its own managers, leaders and RevOps admins, else whoever leads its members.

    Three queries. A team that does not exist, or that nobody leads, has an empty list."""
    stays = Membership.objects.at(now).filter(team__key__in=list(teams), person__is_active=True)
    members: dict[str, list[Person]] = defaultdict(list)
    for stay in stays.select_related("team", "person__manager").order_by("person__name"):
        members[stay.team.key].append(stay.person)
    found = {}
    for team in teams:
        own = [person for person in members[team] if person.role in _SIGNING]
        if not own:
            leading = {p.manager.pk: p.manager for p in members[team] if p.manager and p.manager.is_active}
            own = [person for person in leading.values() if person.role in _LEADING]
        found[team] = own
    return found


def signs_for(person: Person, teams: Collection[str], now: datetime) -> list[str]:
    """Which of ``teams`` this person may sign for."""
    return [team for team, people in who_signs(teams, now).items() if person in people]


def may_edit(person: Person, bodies: Collection[Body], now: datetime) -> bool:
    """RevOps and system admins, and who may sign for a team that has a say."""
    if not person.is_active or person.role == Role.REP:
        return False
    return person.is_admin or bool(signs_for(person, parties(*bodies), now))


def team_names(keys: Collection[str] | None = None) -> Mapping[str, str]:
    """Key -> name. One query."""
    teams = Team.objects.all() if keys is None else Team.objects.filter(key__in=list(keys))
    return dict(teams.values_list("key", "name"))
