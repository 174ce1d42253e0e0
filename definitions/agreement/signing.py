"""How a draft comes into force: asked for, signed by every team that has a say, or sent back with a reason.

Only words changed: the owner's or RevOps' word is enough. Every act is one transaction with its history and its
messages, and is safe to send twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.urls import reverse

from definitions.agreement.differences import is_wording_only
from definitions.agreement.drafts import (
    OPEN,
    AgreementError,
    Conflict,
    NotYours,
    Refused,
    Stale,
    acting,
    body_at,
    has_been_overtaken,
    load_line,
    named,
    open_draft,
    refuse_outsiders,
    title_of,
)
from definitions.agreement.impact import impact_of
from definitions.agreement.parties import parties, required_teams, signs_for, team_names, who_signs
from definitions.builder.outcomes import Flips
from definitions.files.model_files import faults_of
from definitions.models import Objection, Signature, Version
from definitions.versions import latest_agreed
from effects.outbox import Intent, enqueue
from effects.tick import ring
from teams.models import Person, Role, Team
from teams.services import team_at

MAX_TEXT = 2000


# --- asking ----------------------------------------------------------------------------------------------------


def propose(
    version: Version,
    by: Person,
    now: datetime,
    *,
    revision: int | None = None,
    wanted_from: datetime | None = None,
    signs: Sequence[str] = (),
) -> Version:
    """Ask the teams to agree to a draft, from ``wanted_from`` on; ``signs``: teams for which ``by`` agrees at once.

    Only words changed, and ``by`` is of the owner's or RevOps: in force at once. Raises Refused for faults, Stale when
    something else came into force since the draft was begun, Conflict when it was edited since ``revision``."""
    found = _fresh(version)
    if found.state == Version.State.PROPOSED and revision in {None, found.revision}:
        return found
    _refuse_unless_ready(found, now)
    # Before the lock: on a large population this takes seconds.
    flips = impact_of(found, found.based_on, None, now, exact=True)
    with acting("propose", version.section, version.key, by):
        line = load_line(version.section, version.key)
        fresh = _fresh(version)
        refuse_outsiders(by, line, None, now)
        if fresh.state == Version.State.PROPOSED and revision in {None, fresh.revision}:
            return fresh
        if fresh.state != Version.State.DRAFT:
            raise Stale(f"{named(fresh)} is no draft any more.")
        if (revision or found.revision) != fresh.revision:
            raise Conflict(fresh, found.body, body_at(fresh, revision or found.revision))
        _refuse_overtaken(fresh, line.latest)
        base = fresh.based_on.body if fresh.based_on else None
        needs = not is_wording_only(base, fresh.body)
        Signature.objects.filter(version=fresh).delete()
        Version.objects.filter(pk=fresh.pk).update(
            state=Version.State.PROPOSED,
            proposed_at=now,
            proposed_by=by,
            wanted_from=wanted_from,
            needs_agreement=needs,
            flips=None if flips is None else _kept(flips, now),
        )
        fresh = _fresh(fresh)
        required = required_teams(fresh)
        if not required and not by.is_admin:
            raise NotYours("No team is named that could agree to this; ask RevOps.")
        if not needs and (by.is_admin or signs_for(by, required, now)):
            return _agree(fresh, by, now)
        mine = [team for team in signs_for(by, required, now) if team in signs]
        _sign(fresh, mine, by, now)
        if not missing_teams(fresh):
            return _agree(fresh, by, now)
        _ask(fresh, by, now)
        return _fresh(fresh)


def withdraw(version: Version, by: Person, now: datetime) -> Version:
    """Take a proposal back: it is a draft again. What was agreed and has not begun never comes into force."""
    with acting("withdraw", version.section, version.key, by):
        found = _fresh(version)
        refuse_outsiders(by, load_line(version.section, version.key), None, now)
        if found.state == Version.State.DRAFT:
            return found
        if found.state == Version.State.RETIRED:
            return found
        if found.state == Version.State.SIGNED:
            if found.effective_from is None or found.effective_from <= now:
                raise Stale(f"{named(found)} is in force. Begin a new draft, or retire it.")
            Version.objects.filter(pk=found.pk).update(state=Version.State.RETIRED, retired_at=now)
            _tell_all(found, by, now, f"Withdrawn before it began: {_what(found)}", "withdrawn")
            return _fresh(found)
        asked = _asked(found, now)
        _back_to_draft(found)
        _tell(
            [p for p in asked if p.pk != by.pk], f"No longer asked: {_what(found)}",
            f"{by.name} took it back.", _key(found, "withdrawn"), found, now, by_email=False,
        )  # fmt: skip
        return _fresh(found)


# --- answering -------------------------------------------------------------------------------------------------


def sign(version: Version, team: str, by: Person, now: datetime, *, revision: int | None = None) -> Version:
    """Agree for a team. The last signature puts the version in force, from its wanted moment on and never before now.

    Raises NotYours for a person who does not sign for ``team``, Stale when it changed since ``revision`` was read."""
    with acting("sign", version.section, version.key, by, team=team):
        found = _fresh(version)
        if Signature.objects.filter(version=found, team__key=team).exists():
            return found
        if found.state != Version.State.PROPOSED:
            raise Stale(f"Nobody is asked to agree to {named(found).lower()} any more.")
        if revision is not None and revision != found.revision:
            raise Stale("The draft was changed since you read it. Look at it again before you agree.")
        _refuse_others(team, found, by, now, "agrees")
        _refuse_overtaken(found, latest_agreed(found.section, found.key))
        _sign(found, [team], by, now)
        if missing_teams(found):
            _tell_authors(found, by, now, f"{_team_name(team)} agrees: {_what(found)}", "", f"signed:{team}")
            return _fresh(found)
        faults = faults_of(found.section, found.key, found.body, now)
        if faults:
            raise Refused("The model changed meanwhile, and this version no longer fits it.", faults)
        return _agree(found, by, now)


def object(version: Version, team: str, by: Person, text: str, now: datetime) -> Version:  # noqa: A001 - the word
    """Ask for changes for a team: the draft goes back to its author with the reason.

    Raises AgreementError without a reason."""
    text = text.strip()
    if not text:
        raise AgreementError("Say what should change, so that the author can do it.")
    if len(text) > MAX_TEXT:
        raise AgreementError(f"Say it in {MAX_TEXT} characters; there are {len(text)}.")
    with acting("object", version.section, version.key, by, team=team):
        found = _fresh(version)
        said = Objection.objects.filter(version=found, person=by, team__key=team, text=text)
        if (
            found.state == Version.State.DRAFT
            and found.proposed_at
            and said.filter(made_at__gte=found.proposed_at)
        ):
            return found
        if found.state != Version.State.PROPOSED:
            raise Stale(f"Nobody is asked to agree to {named(found).lower()} any more.")
        _refuse_others(team, found, by, now, "answers")
        made = Objection.objects.create(
            version=found, team=Team.objects.get(key=team), person=by, text=text, made_at=now
        )
        asked = _asked(found, now)
        _back_to_draft(found)
        title = f"{_team_name(team)} asks for changes: {_what(found)}"
        authors = {p.pk: p for p in _authors(found) if p.pk != by.pk}
        _tell(
            authors.values(), title, text, _key(found, f"objection:{made.pk}"), found, now,
            severity="warning", by_email=True,
        )  # fmt: skip
        others = [p for p in asked if p.pk not in authors and p.pk != by.pk]
        _tell(others, title, text, _key(found, f"objection:{made.pk}"), found, now, by_email=False)
        return _fresh(found)


# --- in force, and out of it -----------------------------------------------------------------------------------


def put_in_force(
    version: Version, now: datetime, by: Person | None = None, *, force: bool = False
) -> Version:
    """Put a proposed version in force that has every signature; ``force``: without them, a system admin only.

    Raises AgreementError naming the teams that are missing, and PermissionDenied."""
    if force and (by is None or by.role != Role.SYSTEM_ADMIN):
        raise PermissionDenied("Only a system admin puts a version in force without the teams' agreement.")
    with acting("put_in_force", version.section, version.key, by, forced=force):
        found = _fresh(version)
        if found.state == Version.State.SIGNED:
            return found
        if found.state not in ({*OPEN} if force else {Version.State.PROPOSED}):
            raise Stale(f"Nobody is asked to agree to {named(found).lower()} any more.")
        missing = missing_teams(found)
        if missing and not force:
            names = team_names(missing)
            raise AgreementError(f"Still to agree: {', '.join(names.get(m, m) for m in missing)}.")
        faults = faults_of(found.section, found.key, found.body, now)
        if faults:
            raise Refused("It can't come into force like this.", faults)
        _sign(found, missing, by, now, is_forced=True)
        return _agree(found, by, now)


def retire(section: str, key: str, by: Person, now: datetime) -> None:
    """Take a thing out of force, from now on; what was judged by it stays. RevOps only. Twice is once.

    Raises Refused when something else in force names it."""
    if not by.is_admin:
        raise NotYours("Only RevOps takes something out of the model.")
    with acting("retire", section, key, by):
        line = load_line(section, key)
        if line.latest is None:
            return
        faults = faults_of(section, key, None, now)
        if faults:
            raise Refused("Other things of the model need it.", faults)
        Version.objects.filter(section=section, key=key, state=Version.State.SIGNED, retired_at=None).update(
            state=Version.State.RETIRED, retired_at=now
        )
        _tell_all(line.latest, by, now, f"Out of force: {title_of(line.latest)}", "retired")
    ring("model")


def roll_back(section: str, key: str, number: int, by: Person, now: datetime) -> Version:
    """Open a draft with the words of an older version; it comes into force like any other. Raises Stale."""
    older = Version.objects.filter(section=section, key=key, number=number).first()
    if older is None:
        raise Stale(f"There is no version {number}.")
    latest = latest_agreed(section, key)
    if latest is not None and latest.body == older.body:
        raise Stale(f"What is in force says the same as version {number}.")
    return open_draft(section, key, by, now, older.body, note=f"Back to version {number}")


# --- reading ---------------------------------------------------------------------------------------------------


def missing_teams(version: Version) -> tuple[str, ...]:
    """Teams that have not signed yet. One query."""
    signed = set(Signature.objects.filter(version=version).values_list("team__key", flat=True))
    return tuple(team for team in required_teams(version) if team not in signed)


def waiting_for(person: Person, now: datetime) -> list[Version]:
    """Proposed versions that ``person`` may sign and whose team has not yet, the oldest first. A few queries."""
    proposed = list(
        Version.objects.filter(state=Version.State.PROPOSED)
        .select_related("based_on", "proposed_by")
        .prefetch_related("signatures__team")
        .order_by("proposed_at", "pk")
    )
    missing = {v.pk: set(required_teams(v)) - {s.team.key for s in v.signatures.all()} for v in proposed}
    teams = {team for found in missing.values() for team in found}
    mine = set(signs_for(person, teams, now)) if teams else set()
    return [v for v in proposed if missing[v.pk] & mine]


def open_objections(version: Version) -> list[Objection]:
    """Reasons why it came back, since it was last proposed. One query."""
    if version.state != Version.State.DRAFT or version.proposed_at is None:
        return []
    since = Objection.objects.filter(version=version, made_at__gte=version.proposed_at)
    return list(since.select_related("team", "person"))


# --- inside ----------------------------------------------------------------------------------------------------


def _fresh(version: Version) -> Version:
    return Version.objects.select_related("created_by", "edited_by", "proposed_by", "based_on").get(
        pk=version.pk
    )


def _refuse_unless_ready(version: Version, now: datetime) -> None:
    faults = faults_of(version.section, version.key, version.body, now)
    if faults:
        raise Refused("It can't be proposed like this yet.", faults)
    if version.based_on is not None and version.based_on.body == version.body:
        raise AgreementError(
            f"Nothing differs from version {version.based_on.number}; change something first."
        )


def _refuse_overtaken(version: Version, latest: Version | None) -> None:
    if has_been_overtaken(version, latest) and latest is not None:
        since = f"{latest.effective_from:%d %b %Y %H:%M} UTC" if latest.effective_from else ""
        begun = f"version {version.based_on.number}" if version.based_on else "before there was any"
        raise Stale(
            f"Version {latest.number} is in force since {since}; this draft was begun from {begun}. "
            "Take over what changed since, look at it, and ask again."
        )


def _refuse_others(team: str, version: Version, by: Person, now: datetime, verb: str) -> None:
    if team not in required_teams(version):
        raise NotYours(f"{_team_name(team)} is not asked to agree to this.")
    people = who_signs([team], now)[team]
    if by not in people:
        names = ", ".join(p.name for p in people) or "nobody yet: it has no manager or leader"
        raise NotYours(f"Who {verb} for {_team_name(team)}: {names}.")


def _sign(
    version: Version, teams: Iterable[str], by: Person | None, now: datetime, *, is_forced: bool = False
) -> None:
    wanted = Team.objects.filter(key__in=list(teams))
    Signature.objects.bulk_create(
        [Signature(version=version, team=t, person=by, signed_at=now, is_forced=is_forced) for t in wanted],
        ignore_conflicts=True,
    )


def _agree(version: Version, by: Person | None, now: datetime) -> Version:
    """Signed: in force from the wanted moment, never before the last signature, never before what it follows."""
    latest = latest_agreed(version.section, version.key)
    after = latest.effective_from if latest and latest.effective_from else now
    begins = max(version.wanted_from or now, now, after)
    Version.objects.filter(pk=version.pk).update(
        state=Version.State.SIGNED,
        effective_from=begins,
        watch_until=min(version.watch_until, now) if version.watch_until else None,
        population_after=None,
        population_done_at=None,
    )
    found = _fresh(version)
    if found.needs_agreement:
        _tell_all(found, by, now, f"Agreed: {_what(found)}", "agreed", body=_begins(begins, now))
    else:
        _tell_all(found, by, now, f"New wording: {_what(found)}", "agreed", body=_begins(begins, now))
    ring("model")
    return found


def _begins(at: datetime, now: datetime) -> str:
    return "In force from now on." if at <= now else f"In force from {at.day} {at:%b %Y, %H:%M} UTC."


def _back_to_draft(version: Version) -> None:
    Signature.objects.filter(version=version).delete()
    Version.objects.filter(pk=version.pk).update(state=Version.State.DRAFT)


def _kept(flips: Flips, now: datetime) -> dict[str, Any]:
    told = asdict(flips)
    names = ("gained", "lost", "unknown", "old_met", "new_met", "total", "is_sampled", "is_too_slow")
    return {name: told[name] for name in names} | {"counted_at": now.isoformat(), "words": flips.words}


# --- telling ---------------------------------------------------------------------------------------------------


def _ask(version: Version, by: Person, now: datetime) -> None:
    """ "Marketing asks you to agree: Marketing qualified lead, version 3"; to everyone who may sign and hasn't."""
    team = team_at(by, now)
    counted = (version.flips or {}).get("words", "")
    from_ = f"Wanted from {version.wanted_from:%d %b %Y}." if version.wanted_from else ""
    counted = f"{counted}." if counted and not counted.endswith(".") else counted
    people = who_signs(missing_teams(version), now)
    asked = {p.pk: p for found in people.values() for p in found if p.pk != by.pk}
    _tell(
        asked.values(), f"{team.name if team else by.name} asks you to agree: {_what(version)}",
        " ".join(part for part in (counted, from_, version.note) if part),
        _key(version, "ask"), version, now, severity="warning", by_email=True,
    )  # fmt: skip


def _asked(version: Version, now: datetime) -> list[Person]:
    people = who_signs(required_teams(version), now)
    return [*{p.pk: p for found in people.values() for p in found}.values()]


def _authors(version: Version) -> list[Person]:
    told = (version.proposed_by, version.edited_by, version.created_by)
    return [*{p.pk: p for p in told if p is not None}.values()]


def _tell_authors(
    version: Version, by: Person | None, now: datetime, title: str, body: str, what: str
) -> None:
    people = [p for p in _authors(version) if by is None or p.pk != by.pk]
    _tell(people, title, body, _key(version, what), version, now, by_email=False)


def _tell_all(
    version: Version, by: Person | None, now: datetime, title: str, what: str, *, body: str = ""
) -> None:
    """Authors, and who signs for any team that has a say."""
    signing = who_signs(parties(version.body), now)
    people = {p.pk: p for p in [*_authors(version), *(p for found in signing.values() for p in found)]}
    told = [p for p in people.values() if by is None or p.pk != by.pk]
    _tell(told, title, body, _key(version, what), version, now, by_email=version.needs_agreement)


def _tell(
    people: Iterable[Person], title: str, body: str, key: str, version: Version, now: datetime, *,
    severity: str = "info", by_email: bool,
) -> None:  # fmt: skip
    href = reverse("definitions:item", args=[version.section, version.key])
    if version.state in OPEN:
        href += f"?version={version.number}"
    channels = ["inbox", "email"] if by_email else ["inbox"]
    enqueue(
        [
            Intent(
                channel,
                f"{key}:{person.pk}:{channel}",
                {"person": person.pk, "title": title, "body": body, "href": href, "severity": severity},
            )
            for person in people
            if person.is_active
            for channel in channels
        ],
        now=now,
    )


def _key(version: Version, what: str) -> str:
    """Each asking is told once, however often it is sent."""
    asked = version.proposed_at.isoformat() if version.proposed_at else ""
    return f"version:{version.pk}:{asked}:{what}"


def _what(version: Version) -> str:
    return f"{title_of(version)}, version {version.number}"


def _team_name(key: str) -> str:
    return team_names([key]).get(key, key)
