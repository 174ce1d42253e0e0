from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.dateparse import parse_datetime

from teams.models import (
    Absence,
    ApiToken,
    BusinessUnit,
    Membership,
    Person,
    Purpose,
    Role,
    Team,
    validate_time_zone,
)

# --- where someone is at a moment ---


def team_at(person: Person, at: datetime) -> Team | None:
    """One query. For many people: `teams_at`."""
    return teams_at([person.pk], at).get(person.pk)


def teams_at(person_ids: Collection[int], at: datetime) -> dict[int, Team]:
    """Team of each person at `at`, in one query; people without a team are left out."""
    stays = Membership.objects.at(at).filter(person__in=person_ids).select_related("team")
    return {stay.person_id: stay.team for stay in stays}


def covers_at(person_ids: Collection[int], at: datetime) -> dict[int, Person | None]:
    """Who of `person_ids` is away at `at`, and who covers them (None: nobody). One query.

    Where two absences overlap, one with a cover counts before one without."""
    away = Absence.objects.at(at).filter(person__in=person_ids).select_related("cover")
    covers: dict[int, Person | None] = {}
    for absence in away:
        covers[absence.person_id] = covers.get(absence.person_id) or absence.cover
    return covers


# --- changes ---


def move_to_team(person: Person, team: Team | None, at: datetime) -> None:
    """End the open membership at `at` and start one in `team` (None: none). The past stays as it was.

    Raises ValidationError for a move before the current membership began."""
    with transaction.atomic():
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        current = Membership.objects.open().filter(person=person).first()
        if (current.team_id if current else None) == (team.pk if team else None):
            return
        if current and current.started_at >= at:
            raise ValidationError(f"{person} joined {current.team.name} only after that moment.")
        if current:
            Membership.objects.filter(pk=current.pk).update(ended_at=at)
        if team:
            Membership.objects.create(person=person, team=team, started_at=at)


def deactivate(person: Person, at: datetime) -> None:
    """End access at once (session and tokens) and the membership. What the person did and owns stays."""
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(is_active=False)
        _close_access([person.pk], at)
    person.is_active = False


def deactivate_all(person_ids: Sequence[int], at: datetime) -> int:
    """The same for many; sessions end with their next request. Returns how many were active."""
    with transaction.atomic():
        gone: int = Person.objects.filter(pk__in=person_ids, is_active=True).update(is_active=False)
        _close_access(person_ids, at)
    return gone


def _close_access(person_ids: Sequence[int], at: datetime) -> None:
    stays = Membership.objects.open().filter(person__in=person_ids)
    # A stay that would begin after the leaving never came to be.
    stays.filter(started_at__gte=at).delete()
    stays.update(ended_at=at)
    ApiToken.objects.filter(person__in=person_ids, revoked_at__isnull=True).update(revoked_at=at)


def change_email(person: Person, email: str) -> None:
    """Give `person` another e-mail address. The old one no longer signs in or resets the password."""
    with transaction.atomic():
        person.email = email.strip().lower()
        person.save(update_fields=["email"])
        EmailAddress.objects.filter(user=person).delete()


def end_sessions(person: Person) -> int:
    """Sign `person` out everywhere; the number of sessions ended."""
    sessions = UserSession.objects.purge_and_list(person)
    for session in sessions:
        session.end()
    return len(sessions)


# --- seed ---


@dataclass(frozen=True)
class PeopleReport:
    created: int
    updated: int
    deactivated: int


class RowError(ValueError):
    """A row that can't be meant; the text names the row and the reason."""


@dataclass(frozen=True)
class _Row:
    email: str
    fields: dict[str, Any]
    team: str | None
    manager: str | None
    units: frozenset[str] | None
    since: datetime
    left_at: datetime | None
    password: str | None


_PLAIN = ("name", "job_title", "role", "time_zone", "theme")
_KNOWN = {*_PLAIN, "email", "team", "manager", "business_units", "since", "left_at", "is_active", "password"}


def _moment(value: Any) -> datetime | None:
    moment = parse_datetime(value) if isinstance(value, str) else value
    if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
        raise RowError(f"{value!r} is no time with a zone, such as 2026-02-01T09:00:00+00:00")
    if isinstance(value, str) and moment is None:
        raise RowError(f"{value!r} is no time with a zone, such as 2026-02-01T09:00:00+00:00")
    return moment


def _read(row: Mapping[str, Any], now: datetime) -> _Row:
    if unknown := set(row) - _KNOWN:
        raise RowError(f"unknown keys: {', '.join(sorted(unknown))}")
    if not row.get("email") or not row.get("name"):
        raise RowError("email and name are needed")
    if row.get("role", Role.REP) not in Role.values:
        raise RowError(f"role {row['role']!r} is none of {', '.join(Role.values)}")
    if "time_zone" in row:
        try:
            validate_time_zone(row["time_zone"])
        except ValidationError as fault:
            raise RowError(fault.messages[0]) from None
    left_at = _moment(row.get("left_at"))
    is_active = bool(row.get("is_active", left_at is None or left_at > now))
    fields = {key: row[key] for key in _PLAIN if key in row} | {"is_active": is_active}
    units = row.get("business_units")
    return _Row(
        email=str(row["email"]).strip().lower(),
        fields=fields,
        team=row.get("team"),
        manager=str(row["manager"]).strip().lower() if row.get("manager") else None,
        units=frozenset(units) if units is not None else None,
        since=_moment(row.get("since")) or now,
        left_at=None if is_active else (left_at or now),
        password=row.get("password"),
    )


def ensure_people(
    people: Iterable[Mapping[str, Any]],
    *,
    teams: Iterable[Mapping[str, str]] = (),
    business_units: Iterable[Mapping[str, str]] = (),
    now: datetime,
) -> PeopleReport:
    """Make it so that these people, teams and business units exist as said. A second call changes nothing.

    `teams`: {key, name, purpose?}; `business_units`: {key, name}. `people`: {email, name, role?, job_title?,
    time_zone?, theme?, team? (key), manager? (e-mail), business_units? (keys), since?, left_at?, is_active?,
    password?}; times are aware datetimes or ISO texts. A key left out leaves what is there. `password` is
    only for someone who has none yet: it never overwrites one. `since` dates the first membership; a later
    change of team begins at `now`. Who is not active is deactivated; who is not listed stays untouched.

    Raises RowError, and writes nothing, for a row that can't be meant. A constant number of queries."""
    rows = []
    for number, raw in enumerate(people, start=1):
        try:
            rows.append(_read(raw, now))
        except RowError as fault:
            raise RowError(f"people, row {number}: {fault}") from None
    with transaction.atomic():
        unit_ids = _ensure_named(BusinessUnit, business_units, ("name",))
        team_ids = _ensure_named(Team, teams, ("name", "purpose"))
        for number, row in enumerate(rows, start=1):
            if row.team and row.team not in team_ids:
                raise RowError(f"people, row {number}: there is no team {row.team!r}")
            if missing := (row.units or frozenset()) - set(unit_ids):
                raise RowError(f"people, row {number}: there is no business unit {sorted(missing)[0]!r}")
        before = {
            person.email.lower(): person
            for person in Person.objects.select_for_update(no_key=True).filter(
                email__in=[row.email for row in rows]
            )
        }
        _write_people(rows, before)
        after = {
            person.email.lower(): person
            for person in Person.objects.filter(
                email__in=[*(row.email for row in rows), *(row.manager for row in rows if row.manager)]
            )
        }
        _set_managers(rows, after)
        _set_units(rows, after, unit_ids)
        _set_teams(rows, after, team_ids, now)
        leavers = [after[row.email].pk for row in rows if row.left_at]
        _close_access(leavers, now)
    updated = sum(1 for row in rows if row.email in before and _differs(before[row.email], row))
    return PeopleReport(
        created=sum(1 for row in rows if row.email not in before),
        updated=updated,
        deactivated=sum(
            1 for row in rows if row.left_at and (row.email not in before or before[row.email].is_active)
        ),
    )


def _ensure_named(
    model: type[BusinessUnit] | type[Team], rows: Iterable[Mapping[str, str]], fields: tuple[str, ...]
) -> dict[str, int]:
    """key -> id of every row of `model`, after those in `rows` were added or renamed."""
    there = {item.key: item for item in model._default_manager.all()}
    for row in rows:
        if row.get("purpose", Purpose.OTHER) not in Purpose.values:
            raise RowError(
                f"team {row['key']}: purpose {row['purpose']!r} is none of {', '.join(Purpose.values)}"
            )
        wanted = {field: row[field] for field in fields if field in row}
        item = there.get(row["key"])
        if item is None:
            there[row["key"]] = model._default_manager.create(key=row["key"], **wanted)
        elif any(getattr(item, field) != value for field, value in wanted.items()):
            model._default_manager.filter(pk=item.pk).update(**wanted)
    return {key: item.pk for key, item in there.items()}


def _differs(person: Person, row: _Row) -> bool:
    return any(getattr(person, field) != value for field, value in row.fields.items())


def _write_people(rows: Sequence[_Row], before: Mapping[str, Person]) -> None:
    # Hashing is slow on purpose: one hash for each password, not for each person who is given it.
    hashes = {password: make_password(password) for password in {row.password for row in rows}}
    Person.objects.bulk_create(
        [
            Person(email=row.email, password=hashes[row.password], **row.fields)
            for row in rows
            if row.email not in before
        ]
    )
    known = [(before[row.email], row) for row in rows if row.email in before]
    changed = []
    for old, row in known:
        if needs_password := bool(row.password and not old.has_usable_password()):
            old.password = hashes[row.password]
        if needs_password or _differs(old, row):
            changed.append(Person(pk=old.pk, password=old.password, **_merged(old, row)))
    if changed:
        Person.objects.bulk_update(changed, [*_PLAIN, "is_active", "password"])


def _merged(person: Person, row: _Row) -> dict[str, Any]:
    return {field: getattr(person, field) for field in (*_PLAIN, "is_active")} | row.fields


def _set_managers(rows: Sequence[_Row], people: Mapping[str, Person]) -> None:
    changed = []
    for number, row in enumerate(rows, start=1):
        if row.manager is None:
            continue
        if row.manager not in people:
            raise RowError(f"people, row {number}: there is no manager {row.manager!r}")
        person, manager = people[row.email], people[row.manager]
        if person.manager_id != manager.pk:
            person.manager = manager
            changed.append(person)
    if changed:
        Person.objects.bulk_update(changed, ["manager"])


def _set_units(rows: Sequence[_Row], people: Mapping[str, Person], unit_ids: Mapping[str, int]) -> None:
    grants = Person.business_units.through
    wanted = {
        (people[row.email].pk, unit_ids[key]) for row in rows if row.units is not None for key in row.units
    }
    listed = [people[row.email].pk for row in rows if row.units is not None]
    there = {
        (grant.person_id, grant.businessunit_id): grant.pk
        for grant in grants._default_manager.filter(person_id__in=listed)
    }
    grants._default_manager.filter(pk__in=[pk for pair, pk in there.items() if pair not in wanted]).delete()
    grants._default_manager.bulk_create(
        [grants(person_id=person, businessunit_id=unit) for person, unit in sorted(wanted - set(there))]
    )


def _set_teams(
    rows: Sequence[_Row], people: Mapping[str, Person], team_ids: Mapping[str, int], now: datetime
) -> None:
    members = [people[row.email].pk for row in rows if row.team]
    stays = list(Membership.objects.filter(person__in=members).order_by("started_at"))
    latest = {stay.person_id: stay for stay in stays}
    ended, begun = [], []
    for row in rows:
        if row.team is None:
            continue
        person = people[row.email]
        last, team_id = latest.get(person.pk), team_ids[row.team]
        if last is None:
            end = max(row.left_at, row.since) if row.left_at else None
            if end is None or end > row.since:
                begun.append(Membership(person=person, team_id=team_id, started_at=row.since, ended_at=end))
        elif row.left_at:
            if last.ended_at is None:
                last.ended_at = row.left_at if row.left_at > last.started_at else now
                ended.append(last)
        elif last.ended_at is not None or last.team_id != team_id:
            if last.ended_at is None:
                last.ended_at = now
                ended.append(last)
            begun.append(Membership(person=person, team_id=team_id, started_at=max(now, last.ended_at)))
    Membership.objects.bulk_update(ended, ["ended_at"])
    Membership.objects.bulk_create(begun)
