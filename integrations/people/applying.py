"""Load what the planner needs, and do what an admin decided: in one transaction, a whole list at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import connection as database
from django.db import transaction

from effects.tick import ring
from integrations.people.planning import Owner, Proposal, Rules, Someone, State, loops, plan
from records.models import Connection, OwnerMatch
from records.services import apply_owner_matches
from teams.models import BusinessUnit, Membership, PeopleRule, Person, Role
from teams.scim.members import said_by_provider
from teams.services import teams_at

APPLY, OUT, KEEP = "apply", "out", "keep"
SAME = "same:"


@dataclass
class Result:
    """What was done; ``skipped``: (name, why not)."""

    created: list[Person] = field(default_factory=list)
    joined: int = 0
    moved: int = 0
    managers: int = 0
    renamed: int = 0
    back: int = 0
    left_out: int = 0
    kept: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        told = [
            (len(self.created), "person was added", "people were added"),
            (
                self.joined,
                "owner was joined with somebody who is here",
                "owners were joined with people here",
            ),
            (self.moved, "person changed team", "people changed teams"),
            (self.managers, "person has another manager", "people have another manager"),
            (self.renamed, "person was renamed", "people were renamed"),
            (self.back, "person is active again", "people are active again"),
            (self.left_out, "owner is left out from now", "owners are left out from now"),
            (self.kept, "person stays as they are here", "people stay as they are here"),
        ]
        return [f"{n:,} {one if n == 1 else many}." for n, one, many in told if n]


# --- loading ---------------------------------------------------------------------------------------------------


def load_plan(viewer: Person, now: datetime) -> list[Proposal]:
    """The proposals that a viewer may decide: of people they see, and of those who are not here yet. Seven queries."""
    seen = set(Person.objects.visible_to(viewer).values_list("pk", flat=True))
    people = list(Person.objects.all())
    teams = teams_at([p.pk for p in people], now)
    provisioned = said_by_provider()
    here = [
        Someone(
            p.pk, p.name, p.email, p.is_active, teams[p.pk].pk if p.pk in teams else None, p.manager_id,
            is_fixed=p.role == Role.SYSTEM_ADMIN and viewer.role != Role.SYSTEM_ADMIN,
            said_elsewhere=provisioned.get(p.pk, frozenset()),
        )
        for p in people
    ]  # fmt: skip
    found = plan(_owners(), here, load_rules())
    return [one for one in found if one.person is None or one.person.pk in seen]


def load_rules() -> Rules:
    """One query."""
    rows = PeopleRule.objects.values_list("source", "text", "team")
    return {(source, text.lower()): team for source, text, team in rows}


def _owners() -> list[Owner]:
    rows = OwnerMatch.objects.filter(kind=OwnerMatch.Kind.PERSON).select_related("connection")
    return [
        Owner(
            pk=row.pk,
            key=(row.connection_id, row.remote_id),
            crm=row.connection.label,
            order=row.connection.source_order,
            name=row.name,
            email=row.email,
            is_active=row.is_active,
            role=row.role,
            teams=tuple(row.teams),
            manager=(row.connection_id, row.manager_remote_id) if row.manager_remote_id else None,
            person=row.person_id,
            settled=row.settled,
        )
        for row in rows
    ]


# --- doing -----------------------------------------------------------------------------------------------------


def apply(
    choices: Mapping[str, tuple[str, str]],
    *,
    by: Person,
    units: Collection[BusinessUnit] = (),
    now: datetime,
) -> Result:
    """Do what was chosen: proposal's key -> (what, its digest when it was shown). What: ``apply``, ``out`` (leave the
    owner out), ``keep`` (as it is here), or ``same:7`` (the owner is person 7). ``units``: of those who are added.

    A proposal that says something else by now is skipped and said so. Some twenty statements, however many people."""
    result = Result()
    with transaction.atomic():
        # One at a time: two admins who confirm the same list add nobody twice.
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('people from the CRMs'))")
        proposals = {one.key: one for one in load_plan(by, now)}
        chosen: list[tuple[Proposal, str]] = []
        for key, (what, digest) in choices.items():
            proposal = proposals.get(key)
            if proposal is None or proposal.digest != digest:
                name = proposal.wanted.name if proposal else key
                result.skipped.append((name, "The CRM says something else by now. Look again."))
            else:
                chosen.append((proposal, what))
        _do(chosen, proposals, result, by, units, now)
    ring("pipeline")
    return result


def _do(
    chosen: Sequence[tuple[Proposal, str]],
    proposals: Mapping[str, Proposal],
    result: Result,
    by: Person,
    units: Collection[BusinessUnit],
    now: datetime,
) -> None:
    doing = [
        p for p, what in chosen if what == APPLY and p.state in (State.NEW, State.UNCLEAR, State.CHANGED)
    ]
    doing = [p for p in doing if _can_be_added(p, result)]
    added = _add([p for p in doing if p.person is None], result, by, units)
    who = {p.key: p.person.pk for p in proposals.values() if p.person is not None} | added
    who |= _same_as(chosen, result, by)
    fresh_managers = _update(doing, who, result)
    _move([p for p in doing if p.person is None or _says(p, "team")], who, result, now)
    settled: dict[int, dict[str, object]] = {}
    for proposal, what in chosen:
        if what == OUT:
            result.left_out += 1
            remembered: dict[str, object] = {"out": True}
        elif what == KEEP and proposal.state is State.OUT:
            remembered = {}
        elif what == KEEP or proposal in doing or proposal.key in who:
            result.kept += what == KEEP
            remembered = proposal.settling(fresh_managers.get(proposal.key))
        else:
            continue
        settled |= {owner.pk: remembered for owner in proposal.owners}
    _settle(settled, chosen, who, now)


def _can_be_added(proposal: Proposal, result: Result) -> bool:
    if proposal.person is None and not proposal.wanted.email:
        result.skipped.append((proposal.wanted.name, "Without an e-mail address nobody can be added."))
        return False
    return True


def _add(
    proposals: Sequence[Proposal], result: Result, by: Person, units: Collection[BusinessUnit]
) -> dict[str, int]:
    """Key -> id of those who are new. They own work from now, and sign in once they set a password."""
    password = make_password(None)
    people = Person.objects.bulk_create(
        [
            Person(
                email=p.wanted.email,
                name=p.wanted.name[:120],
                role=Role.MANAGER if p.wanted.has_reports else Role.REP,
                time_zone=by.time_zone,
                password=password,
            )
            for p in proposals
        ]
    )
    grants = Person.business_units.through
    grants._default_manager.bulk_create(
        [grants(person_id=person.pk, businessunit_id=unit.pk) for person in people for unit in units]
    )
    result.created += people
    return {p.key: person.pk for p, person in zip(proposals, people, strict=True)}


def _same_as(chosen: Sequence[tuple[Proposal, str]], result: Result, by: Person) -> dict[str, int]:
    """Key -> the person an admin said it is; one they may see."""
    said = {p.key: int(what[len(SAME) :]) for p, what in chosen if what.startswith(SAME)}
    known = set(Person.objects.visible_to(by).filter(pk__in=said.values()).values_list("pk", flat=True))
    result.joined += sum(1 for pk in said.values() if pk in known)
    return {key: pk for key, pk in said.items() if pk in known}


def _update(doing: Sequence[Proposal], who: Mapping[str, int], result: Result) -> dict[str, int | None]:
    """Names, managers and who is back. Returns the manager that each now has, by key."""
    people = Person.objects.in_bulk([who[p.key] for p in doing])
    managers = dict(Person.objects.values_list("pk", "manager"))
    asked = {
        who[p.key]: who[boss]
        for p in doing
        if (boss := p.wanted.manager) is not None
        and boss in who
        and (p.person is None or _says(p, "manager"))
    }
    looping = loops(managers, asked)
    changed: dict[int, Person] = {}
    for proposal in doing:
        person = people[who[proposal.key]]
        if _says(proposal, "name"):
            person.name, result.renamed = proposal.wanted.name[:120], result.renamed + 1
            changed[person.pk] = person
        if _says(proposal, "is_active"):
            person.is_active, result.back = True, result.back + 1
            changed[person.pk] = person
        if person.pk in looping:
            result.skipped.append((person.name, "Their manager would end up below them; say it by hand."))
        elif person.pk in asked and person.manager_id != asked[person.pk]:
            person.manager_id, result.managers = (
                asked[person.pk],
                result.managers + (proposal.person is not None),
            )
            changed[person.pk] = person
    Person.objects.bulk_update(changed.values(), ["name", "is_active", "manager"])
    return {p.key: people[who[p.key]].manager_id for p in doing}


def _move(moving: Sequence[Proposal], who: Mapping[str, int], result: Result, now: datetime) -> None:
    """End the open stay and begin another, for all of them; what was before stays as it was."""
    wanted = {who[p.key]: p.wanted.team for p in moving if p.wanted.team is not None}
    open_stays = {s.person_id: s for s in Membership.objects.open().filter(person__in=wanted)}
    blocked = {pk for pk, stay in open_stays.items() if stay.started_at >= now}
    ending = [s.pk for pk, s in open_stays.items() if s.team_id != wanted[pk] and pk not in blocked]
    Membership.objects.filter(pk__in=ending).update(ended_at=now)
    Membership.objects.bulk_create(
        [
            Membership(person_id=pk, team_id=team, started_at=now)
            for pk, team in sorted(wanted.items())
            if pk not in blocked and (pk not in open_stays or open_stays[pk].team_id != team)
        ]
    )
    result.moved += len(ending)
    result.skipped += [
        (p.wanted.name, "They join their team only later; say it by hand.")
        for p in moving
        if who[p.key] in blocked
    ]


def _says(proposal: Proposal, what: str) -> bool:
    return any(change.what == what for change in proposal.changes)


def _settle(
    settled: Mapping[int, Mapping[str, object]],
    chosen: Sequence[tuple[Proposal, str]],
    who: Mapping[str, int],
    now: datetime,
) -> None:
    """Remember what was decided, and point owners and their records at the people they are."""
    matched = {owner.pk: who[p.key] for p, _ in chosen if p.key in who for owner in p.owners}
    rows = list(
        OwnerMatch.objects.select_for_update(no_key=True).filter(pk__in={*settled, *matched}).order_by("pk")
    )
    touched: dict[int, list[str]] = {}
    for row in rows:
        row.settled = dict(settled.get(row.pk, row.settled))
        person = matched.get(row.pk, row.person_id)
        if person != row.person_id:
            row.person_id = person
            touched.setdefault(row.connection_id, []).append(row.remote_id)
    OwnerMatch.objects.bulk_update(rows, ["settled", "person"])
    for connection in Connection.objects.filter(pk__in=touched):
        apply_owner_matches(connection)
        touch_owned(connection, touched[connection.pk], now)


def touch_owned(connection: Connection, owner_ids: Sequence[str], now: datetime) -> int:
    """Say that what these owners own has to be concluded anew. Returns records. One statement."""
    with database.cursor() as cursor:
        cursor.execute(_TOUCH_OWNED, [now, connection.pk, list(owner_ids)])
        return int(cursor.rowcount)


_TOUCH_OWNED = """
INSERT INTO records_touched (record_id, touched_at, attempts, last_error)
SELECT r.id, %s, 0, '' FROM records_record r
WHERE r.connection_id = %s AND r.values ->> 'owner' = ANY (%s) AND r.journey_id IS NOT NULL AND r.object <> 'activity'
"""
