"""Give people what the groups of the identity provider give: role, team, business units. Set-based."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from teams.group_rules import LOWEST_ROLE, GroupRules
from teams.models import BusinessUnit, Membership, Person, Role, Team

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``role``, ``team`` (a key) and ``units`` that the groups of one person give; empty: they give none.

    ``lost_teams`` and ``lost_units``: of groups that person has just left. ``is_managed``: SCIM says their groups, so
    that team and units are no longer set by hand."""

    role: str = ""
    team: str = ""
    units: frozenset[str] = frozenset()
    lost_teams: frozenset[str] = frozenset()
    lost_units: frozenset[str] = frozenset()
    is_managed: bool = False


def grant(
    wanted: Mapping[int, Wanted], rules: GroupRules, now: datetime, *, by: Person | None = None
) -> None:
    """Bring each person (by id) to what is wanted. Some eight statements in all.

    What was set by hand stays, unless the rules go over it. Only a system admin (``by``; None: the operator's own
    rules, at a sign-in) makes, changes or unmakes a system admin."""
    people = list(Person.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))
    may_all = by is None or by.role == Role.SYSTEM_ADMIN
    people = [person for person in people if may_all or person.role != Role.SYSTEM_ADMIN]
    following = [person for person in people if person.follows_groups or rules.over_hand]
    _set_roles(following, wanted, may_all)
    led = [person for person in people if person in following or wanted[person.pk].is_managed]
    _set_teams([person for person in led if person.is_active], wanted, now)
    _set_units(led, wanted)


def _set_roles(people: Collection[Person], wanted: Mapping[int, Wanted], may_all: bool) -> None:
    changed = []
    for person in people:
        role = wanted[person.pk].role or (LOWEST_ROLE if person.follows_groups else person.role)
        if role != person.role and (may_all or role != Role.SYSTEM_ADMIN):
            person.role = role
            changed.append(person)
    Person.objects.bulk_update(changed, ["role"])


def _set_teams(people: Collection[Person], wanted: Mapping[int, Wanted], now: datetime) -> None:
    teams = {team.key: team.pk for team in Team.objects.filter(key__in=_keys(wanted, "team", "lost_teams"))}
    _say_missing("team", {w.team for w in wanted.values() if w.team} - set(teams))
    stays = {stay.person_id: stay for stay in Membership.objects.open().filter(person__in=people)}
    ended, begun = [], []
    for person in people:
        want, stay = wanted[person.pk], stays.get(person.pk)
        team = teams.get(want.team)
        lost = {teams[key] for key in want.lost_teams if key in teams}
        if stay is not None and (stay.team_id == team or stay.started_at >= now):
            continue
        if stay is not None and (team is not None or stay.team_id in lost):
            ended.append(stay.pk)
        if team is not None:
            begun.append(Membership(person=person, team_id=team, started_at=now))
    Membership.objects.filter(pk__in=ended).update(ended_at=now)
    Membership.objects.bulk_create(begun)


def _set_units(people: Collection[Person], wanted: Mapping[int, Wanted]) -> None:
    units = dict(
        BusinessUnit.objects.filter(key__in=_keys(wanted, "units", "lost_units")).values_list("key", "pk")
    )
    _say_missing("business unit", {key for w in wanted.values() for key in w.units} - set(units))
    grants = Person.business_units.through
    pairs = {(p.pk, units[key]) for p in people for key in wanted[p.pk].units if key in units}
    lost = {
        (p.pk, units[key])
        for p in people
        for key in wanted[p.pk].lost_units - wanted[p.pk].units
        if key in units
    }
    held = {
        (row.person_id, row.businessunit_id): row.pk
        for row in grants._default_manager.filter(person__in=[p.pk for p in people])
    }
    grants._default_manager.filter(pk__in=[pk for pair, pk in held.items() if pair in lost]).delete()
    grants._default_manager.bulk_create(
        [grants(person_id=person, businessunit_id=unit) for person, unit in sorted(pairs - set(held))]
    )


def _keys(wanted: Mapping[int, Wanted], one: str, many: str) -> set[str]:
    found: set[str] = set()
    for want in wanted.values():
        value = getattr(want, one)
        found |= {value} if isinstance(value, str) else set(value)
        found |= getattr(want, many)
    return found - {""}


def _say_missing(what: str, keys: Collection[str]) -> None:
    if keys:
        log.warning("GTMOPS_GROUPS names what is not here", what=what, keys=sorted(keys))


def sole_unit() -> BusinessUnit | None:
    """Where there is one business unit only, whoever is new belongs to it."""
    units = list(BusinessUnit.objects.all()[:2])
    return units[0] if len(units) == 1 else None
