"""Whom a step reaches: people by their place, what they may read, and who stands in for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slas.steps import To
from teams.models import Absence, Membership, Person, Role

LEADING = (Role.MANAGER, Role.LEADER)


@dataclass(frozen=True)
class Someone:
    """An active person. ``units``: the business units they may read."""

    email: str
    name: str
    role: str
    manager: int | None
    team: str
    time_zone: str
    units: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Roster:
    """``people`` by id, only active ones; ``away``: who is absent now -> their cover or None."""

    people: Mapping[int, Someone]
    away: Mapping[int, int | None] = field(default_factory=dict)

    def reached(
        self, to: Sequence[To], *, owner: int | None, acting: str, sender: str, unit: int | None
    ) -> list[int]:
        """The people of a step. Who is away is replaced by their cover. What would reach nobody goes to the team's
        manager, else to RevOps. Empty only when there is nobody at all."""
        found = [who for one in to for who in self._named(one, owner, acting, sender, unit)]
        return list(dict.fromkeys(found)) or self.responsible(acting, unit)

    def responsible(self, team: str, unit: int | None) -> list[int]:
        """Those who lead a team, else RevOps, if need be also those who are away."""
        leads = self._present(self._readers(self._leads(team), unit), unit)
        admins = [pk for pk, p in self.people.items() if p.role == Role.REVOPS_ADMIN]
        readers = self._readers(admins, unit)
        return leads or self._present(readers, unit) or readers

    def there(self, team: str, unit: int | None) -> list[int]:
        """Who of a team is not away and may read it."""
        members = [pk for pk, p in self.people.items() if p.team == team and pk not in self.away]
        return self._readers(members, unit)

    def _named(self, to: To, owner: int | None, acting: str, sender: str, unit: int | None) -> list[int]:
        if to.kind in ("owner", "manager"):
            mine = self.people.get(owner) if owner is not None else None
            who = owner if to.kind == "owner" else mine.manager if mine else None
            return self._present([who], None) if mine and who in self.people else []
        if to.kind == "team":
            return self.there(acting, unit)
        if to.kind == "role":
            found = [pk for pk, p in self.people.items() if p.role == to.who]
        elif to.kind == "person":
            found = [pk for pk, p in self.people.items() if p.email.lower() == to.who]
        else:
            found = self._leads(acting if to.kind == "team_manager" else sender)
        return self._present(self._readers(found, unit), unit)

    def _leads(self, team: str) -> list[int]:
        return [pk for pk, p in self.people.items() if p.team == team and p.role in LEADING]

    def _present(self, people: Iterable[int | None], unit: int | None) -> list[int]:
        """Those who are there, or their covers who are; a cover must be able to read it, too."""
        found = [self.away.get(who, who) for who in people if who is not None]
        there = [who for who in found if who is not None and who in self.people and who not in self.away]
        return self._readers(there, unit)

    def _readers(self, people: Iterable[int], unit: int | None) -> list[int]:
        return [pk for pk in people if unit is None or unit in self.people[pk].units]


def load_roster(now: datetime) -> Roster:
    """Everybody active, in four queries."""
    teams = dict(Membership.objects.open().values_list("person_id", "team__key"))
    units: dict[int, set[int]] = defaultdict(set)
    for person, unit in Person.business_units.through._default_manager.values_list(
        "person_id", "businessunit_id"
    ):
        units[person].add(unit)
    away: dict[int, int | None] = {}
    absences = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now, entered_at__lte=now).exclude(
        withdrawn_at__lte=now
    )
    for person, cover in absences.order_by("starts_at", "pk").values_list("person_id", "cover_id"):
        away[person] = away.get(person) or cover
    rows = Person.objects.active().order_by("pk")
    columns = ("pk", "email", "name", "role", "manager_id", "time_zone")
    return Roster(
        people={
            pk: Someone(email, name, role, manager, teams.get(pk, ""), zone, frozenset(units[pk]))
            for pk, email, name, role, manager, zone in rows.values_list(*columns)
        },
        away=away,
    )
