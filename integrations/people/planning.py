"""What the CRMs' owners mean for the people here (pure): who is new, who changed, who was switched off there.

Owners with one e-mail address, and owners that were matched to one person, are one person, whatever CRMs they stand in.
What was decided once (``settled``) is proposed again only when the CRM, or a rule, says something else since."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OwnerKey = tuple[int, str]
"""(connection, the owner's id there)"""

Rules = Mapping[tuple[str, str], int | None]
"""("role" or "team", the CRM's word in small letters) -> team, or None for none."""


class State(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    LEFT = "left"
    UNCLEAR = "unclear"
    OUT = "out"
    GONE = "gone"
    SAME = "same"


@dataclass(frozen=True)
class Owner:
    """An owner of one CRM. ``order``: whose word counts first where CRMs differ; ``person``: who it is matched to."""

    pk: int
    key: OwnerKey
    crm: str
    order: int
    name: str
    email: str = ""
    is_active: bool = True
    role: str = ""
    teams: tuple[str, ...] = ()
    manager: OwnerKey | None = None
    person: int | None = None
    settled: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Someone:
    """A person who is here. ``team`` of today; ``is_fixed``: not to be changed by whoever looks; ``said_elsewhere``:
    what an identity provider says of them, so that no CRM does."""

    pk: int
    name: str
    email: str
    is_active: bool = True
    team: int | None = None
    manager: int | None = None
    is_fixed: bool = False
    said_elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """What the CRMs say somebody is. ``manager``: the key of their manager's own proposal. None: nothing is said."""

    name: str
    email: str
    is_active: bool
    team: int | None
    manager: str | None
    has_reports: bool


@dataclass(frozen=True)
class Change:
    """``before`` and ``after`` are values: text, ids, or the key of a proposal for a manager to be."""

    what: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Proposal:
    """``key`` names it in a form; ``candidates``: people of the same name under another address."""

    key: str
    state: State
    owners: tuple[Owner, ...]
    wanted: Wanted
    person: Someone | None = None
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    candidates: tuple[Someone, ...] = ()

    @property
    def digest(self) -> str:
        """Changes when something else would be done."""
        told = [self.key, self.state, [(c.what, c.after) for c in self.changes], self.wanted.email]
        return hashlib.blake2b(json.dumps(told, default=str).encode(), digest_size=8).hexdigest()

    def settling(self, manager: int | None) -> dict[str, Any]:
        """What to remember once it is decided."""
        return {
            "name": self.wanted.name,
            "is_active": self.wanted.is_active,
            "team": self.wanted.team,
            "manager": self.wanted.manager,
            "manager_id": manager,
        }


def plan(owners: Iterable[Owner], people: Iterable[Someone], rules: Rules) -> list[Proposal]:
    """One proposal for each person that the owners are, in order of names. Queues are no people: leave them out."""
    here = {one.pk: one for one in people}
    groups = _group(owners, here.values())
    of_owner = {owner.key: key for key, group in groups.items() for owner in group}
    leading = {
        boss
        for owner in of_all(groups)
        if owner.is_active and (boss := _boss(owner, of_owner)) is not None and boss != of_owner[owner.key]
    }
    by_name = defaultdict(list)
    for one in here.values():
        by_name[_fold(one.name)].append(one)
    found = []
    for key, group in groups.items():
        person = here.get(int(key[1:])) if key[0] == "p" else None
        wanted, notes = _wanted(group, of_owner, rules, has_reports=key in leading)
        found.append(_propose(key, group, person, wanted, notes, by_name))
    return sorted(found, key=lambda one: (_fold(one.wanted.name), one.key))


def of_all(groups: Mapping[str, Sequence[Owner]]) -> list[Owner]:
    return [owner for group in groups.values() for owner in group]


def count(proposals: Iterable[Proposal]) -> Counter[State]:
    return Counter(one.state for one in proposals)


def _group(owners: Iterable[Owner], people: Collection[Someone]) -> dict[str, list[Owner]]:
    """Key -> owners, the CRM whose word comes first at the front. ``p7`` is a person here, ``e…`` an address, ``o9`` an
    owner of whom no address is known."""
    by_email = {one.email.lower(): one.pk for one in people}
    rows = sorted(owners, key=lambda o: (o.order, o.key))
    # An owner that was matched by hand takes along whoever shares its address in another CRM.
    for owner in rows:
        if owner.person is not None and owner.email:
            by_email.setdefault(owner.email.lower(), owner.person)
    known = {one.pk for one in people}
    groups: dict[str, list[Owner]] = defaultdict(list)
    for owner in rows:
        email = owner.email.lower()
        person = owner.person if owner.person in known else by_email.get(email) if email else None
        groups[f"p{person}" if person is not None else f"e{email}" if email else f"o{owner.pk}"].append(owner)
    return dict(groups)


def _wanted(
    group: Sequence[Owner], of_owner: Mapping[OwnerKey, str], rules: Rules, *, has_reports: bool
) -> tuple[Wanted, list[str]]:
    working = [owner for owner in group if owner.is_active] or list(group)
    told = [(owner, team) for owner in working if (team := _team_of(owner, rules)) is not None]
    notes = []
    if len({team for _, team in told}) > 1:
        crms = ", ".join(dict.fromkeys(owner.crm for owner, _ in told))
        notes.append(f"{crms} say different teams; {told[0][0].crm} counts.")
    off = [owner.crm for owner in group if not owner.is_active]
    if off and any(owner.is_active for owner in group):
        notes.append(f"Switched off in {', '.join(dict.fromkeys(off))}, not in {working[0].crm}.")
    own = {of_owner[owner.key] for owner in group}
    managers = [boss for o in working if (boss := _boss(o, of_owner)) is not None and boss not in own]
    return Wanted(
        name=working[0].name.strip(),
        email=next((o.email.strip().lower() for o in working if o.email), ""),
        is_active=any(owner.is_active for owner in group),
        team=told[0][1] if told else None,
        manager=managers[0] if managers else None,
        has_reports=has_reports,
    ), notes


def _boss(owner: Owner, of_owner: Mapping[OwnerKey, str]) -> str | None:
    return of_owner.get(owner.manager) if owner.manager else None


def _team_of(owner: Owner, rules: Rules) -> int | None:
    words = [("role", owner.role), *(("team", team) for team in owner.teams)]
    return next(
        (team for source, word in words if word and (team := rules.get((source, word.lower())))), None
    )


def _propose(
    key: str,
    group: Sequence[Owner],
    person: Someone | None,
    wanted: Wanted,
    notes: list[str],
    by_name: Mapping[str, list[Someone]],
) -> Proposal:
    settled = next((owner.settled for owner in group if owner.settled), {})
    owners = tuple(group)
    if settled.get("out"):
        return Proposal(key, State.OUT, owners, wanted, person, notes=tuple(notes))
    if person is None:
        return _propose_new(key, owners, wanted, notes, by_name)
    if person.is_fixed:
        notes.append("Only a system admin changes a system admin.")
        return Proposal(key, State.SAME, owners, wanted, person, notes=tuple(notes))
    if person.is_active and not wanted.is_active and settled.get("is_active") is not False:
        return Proposal(key, State.LEFT, owners, wanted, person, notes=tuple(notes))
    differs = _changes(person, wanted, settled) if wanted.is_active else ()
    changes = tuple(change for change in differs if change.what not in person.said_elsewhere)
    state = State.CHANGED if changes else State.SAME
    return Proposal(key, state, owners, wanted, person, changes, tuple(notes))


_SYSTEM_WORDS = frozenset(
    {"api", "automation", "bot", "connector", "integration", "service", "sync", "system"}
)


def is_system(name: str) -> bool:
    """Whether a name is rather that of a program: those own records, too, and are nobody's colleague."""
    return bool(_SYSTEM_WORDS & set(_fold(name).replace("-", " ").replace("_", " ").split()))


def _propose_new(
    key: str,
    owners: tuple[Owner, ...],
    wanted: Wanted,
    notes: list[str],
    by_name: Mapping[str, list[Someone]],
) -> Proposal:
    if not wanted.is_active:
        return Proposal(key, State.GONE, owners, wanted, notes=(*notes, "Left before gtmops came."))
    alike = tuple(by_name.get(_fold(wanted.name), ()))
    if not wanted.email:
        notes.append(f"{owners[0].crm} tells no e-mail address, so say who it is.")
        return Proposal(key, State.UNCLEAR, owners, wanted, notes=tuple(notes), candidates=alike)
    if alike:
        notes.append(f"{alike[0].name} is here with another address: {alike[0].email}.")
        return Proposal(key, State.UNCLEAR, owners, wanted, notes=tuple(notes), candidates=alike)
    if is_system(wanted.name):
        notes.append("Looks like a program, not a person.")
        return Proposal(key, State.UNCLEAR, owners, wanted, notes=tuple(notes))
    return Proposal(key, State.NEW, owners, wanted, notes=tuple(notes))


def _changes(person: Someone, wanted: Wanted, settled: Mapping[str, Any]) -> Iterable[Change]:
    """Fields that differ here and that were not decided like this before."""
    if not person.is_active and settled.get("is_active") is not True:
        yield Change("is_active", False, True)
    if wanted.name and wanted.name != person.name and settled.get("name") != wanted.name:
        yield Change("name", person.name, wanted.name)
    if wanted.team is not None and wanted.team != person.team and settled.get("team") != wanted.team:
        yield Change("team", person.team, wanted.team)
    is_theirs = wanted.manager == f"p{person.manager}"
    if wanted.manager is not None and not is_theirs and settled.get("manager") != wanted.manager:
        yield Change("manager", person.manager, wanted.manager)


def loops(managers: Mapping[int, int | None], fresh: Mapping[int, int]) -> set[int]:
    """Of the people in ``fresh`` (person -> new manager) those who would end up above themselves."""
    after = {**managers, **fresh}
    found = set()
    for person in fresh:
        seen, at = {person}, after.get(person)
        while at is not None and at not in seen:
            seen.add(at)
            at = after.get(at)
        if at == person:
            found.add(person)
    return found


def suggest_team(word: str, teams: Iterable[tuple[int, str, str]]) -> int | None:
    """The team that a CRM's word sounds like; ``teams``: (id, key, name)."""
    words = set(_fold(word).split())
    best: tuple[int, int] | None = None
    for pk, key, name in teams:
        for text in (name, key.replace("-", " ").replace("_", " ")):
            parts = set(_fold(text).split())
            if parts and words and (parts <= words or words <= parts):
                rank = (len(parts & words), -pk)
                best = max(best, rank) if best else rank
    return -best[1] if best else None


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
