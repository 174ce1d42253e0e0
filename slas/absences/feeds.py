"""Calendars elsewhere, read again and again for absences: subscribe, read, apply what changed, say what went wrong.

Nothing of an entry is kept but its times and a key that tells nothing. Reading twice changes nothing more: an absence
is known by its entry and repetition; what was moved or is gone there is taken back here, and kept in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Min, Q

from effects.fetching import CannotFetch, admit, fetch
from effects.tick import ring
from slas.absences.ics import MAX_BYTES, Found, FoundAbsence, Matching, Member, NotACalendar, read_absences
from teams.absences import may_enter_for
from teams.models import Absence, AbsenceFeed, Membership, Person, Team
from teams.secrets import Sealed, seal_text, unseal_text

LONGEST_PAUSE_SECONDS = 6 * 3600
CALENDAR_TYPE = "text/calendar"


@dataclass(frozen=True)
class Applied:
    added: int = 0
    withdrawn: int = 0


# --- whose -----------------------------------------------------------------------------------------------------


def teams_in_care_of(viewer: Person) -> list[Team]:
    """Whose calendars ``viewer`` adds: RevOps everybody's, a manager those of the teams their people are in."""
    if viewer.is_admin:
        return list(Team.objects.all())
    mine = Membership.objects.open().filter(person__manager=viewer, person__is_active=True)
    return list(Team.objects.filter(pk__in=mine.values("team")))


def may_add_for(viewer: Person, person: Person | None, team: Team | None) -> bool:
    if person is not None:
        return may_enter_for(viewer, person)
    return team is not None and team in teams_in_care_of(viewer)


def may_change(viewer: Person, feed: AbsenceFeed) -> bool:
    return may_add_for(viewer, feed.person, feed.team)


def members_of(person: Person | None, team: Team | None) -> list[Member]:
    if person is not None:
        return [Member(person.pk, person.name, person.email, person.zone)]
    found = Person.objects.active().in_team(team).order_by("pk") if team else Person.objects.none()
    return [Member(p.pk, p.name, p.email, p.zone) for p in found]


# --- reading ---------------------------------------------------------------------------------------------------


def look(url: str, matching: Matching, person: Person | None, team: Team | None, now: datetime) -> Found:
    """What an address would bring, before anybody subscribes. Raises CannotFetch and NotACalendar."""
    content = fetch(url, max_bytes=MAX_BYTES, accept=CALENDAR_TYPE)
    return read_absences(content, matching, members_of(person, team), now, is_team=team is not None)


def subscribe(
    url: str,
    matching: Matching,
    person: Person | None,
    team: Team | None,
    cover: Person | None,
    by: Person,
    now: datetime,
) -> AbsenceFeed:
    """Read this address from now on. Raises PermissionDenied and CannotFetch."""
    if not may_add_for(by, person, team):
        raise PermissionDenied("Only they themselves, their manager or RevOps add a calendar for somebody.")
    host = admit(url).host
    feed = AbsenceFeed.objects.create(
        person=person, team=team, address=seal_text(url.strip()), host=host, words=list(matching.words),
        takes_parts=matching.takes_parts, cover=cover, added_by=by, added_at=now, next_read_at=now,
    )  # fmt: skip
    ring("absence feeds")
    return feed


def unsubscribe(feed: AbsenceFeed, by: Person, now: datetime) -> int:
    """Read it no more, and take back what it brought and is not over. Returns absences taken back; twice is once."""
    if not may_change(by, feed):
        raise PermissionDenied("Only they themselves, their manager or RevOps remove a calendar.")
    with transaction.atomic():
        AbsenceFeed.objects.filter(pk=feed.pk, removed_at=None).update(removed_at=now)
        ahead = Absence.objects.standing().filter(source__startswith=_stem(feed), ends_at__gt=now)
        return ahead.update(withdrawn_at=now)


def read_now(feed: AbsenceFeed, by: Person, now: datetime) -> None:
    """Let the next tick read it."""
    if not may_change(by, feed):
        raise PermissionDenied
    AbsenceFeed.objects.filter(pk=feed.pk, removed_at=None).update(next_read_at=now)
    ring("absence feeds")


def read_due(now: datetime) -> int:
    """Read one calendar whose time has come. Returns calendars read (0 or 1); two at once read two different ones."""
    with transaction.atomic():
        feed = (
            AbsenceFeed.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(removed_at=None, next_read_at__lte=now)
            .select_related("person", "team", "cover")
            .order_by("next_read_at", "pk")
            .first()
        )
        if feed is None:
            return 0
        # Taken over after the lease, should this process die while it reads.
        held_until = now + settings.GTMOPS.lease
        AbsenceFeed.objects.filter(pk=feed.pk).update(next_read_at=held_until)
    try:
        content = fetch(unseal_text(feed.address), max_bytes=MAX_BYTES, accept=CALENDAR_TYPE)
        matching = Matching(tuple(feed.words), feed.takes_parts)
        members = members_of(feed.person, feed.team)
        found = read_absences(content, matching, members, now, is_team=feed.team_id is not None)
    except (CannotFetch, NotACalendar, Sealed) as error:
        _remember_failure(feed, str(error), now)
        return 1
    with transaction.atomic():
        still = AbsenceFeed.objects.select_for_update(of=("self",), no_key=True).filter(
            pk=feed.pk, removed_at=None
        )
        if not still.exists():
            return 1
        apply(_stem(feed), found, feed.cover, feed.added_by, now, removes=True)
        still.update(
            read_at=now,
            found=len(found.absences),
            remarks=remarks(found),
            problem="",
            problem_at=None,
            failures=0,
            next_read_at=now + timedelta(seconds=settings.GTMOPS.absence_feed_seconds),
        )
    return 1


def next_read(now: datetime) -> datetime | None:
    found: datetime | None = AbsenceFeed.objects.filter(removed_at=None).aggregate(at=Min("next_read_at"))[
        "at"
    ]
    return found


def _remember_failure(feed: AbsenceFeed, problem: str, now: datetime) -> None:
    pause = settings.GTMOPS.absence_feed_seconds * 2 ** min(feed.failures, 10)
    AbsenceFeed.objects.filter(pk=feed.pk, removed_at=None).update(
        problem=problem[:300],
        problem_at=now,
        failures=feed.failures + 1,
        next_read_at=now + timedelta(seconds=min(pause, LONGEST_PAUSE_SECONDS)),
    )


def remarks(found: Found) -> list[str]:
    """What was left out, in words; nothing of what the entries say."""
    told = [
        f"{count} {'entry' if count == 1 else 'entries'} left out: {'it' if count == 1 else 'each'} {reason}."
        for reason, count in sorted(found.skipped.items())
    ]
    if found.nobody:
        told.append(
            f"{found.nobody} {'entry names' if found.nobody == 1 else 'entries name'} nobody of the team."
        )
    return told


# --- writing down ----------------------------------------------------------------------------------------------


def apply(
    stem: str, found: Found, cover: Person | None, by: Person | None, now: datetime, *, removes: bool
) -> Applied:
    """Write what was found under ``stem``, and only what differs; ``removes``: what is gone there is taken back."""
    wanted = {(a.person_id, f"{stem}{a.key}"): a for a in found.absences}
    sources = {source for _, source in wanted}
    standing = (
        Absence.objects.select_for_update(of=("self",), no_key=True)
        .standing()
        .filter(source__startswith=stem)
    )
    standing = (
        standing.filter(Q(source__in=sources) | Q(ends_at__gt=now))
        if removes
        else standing.filter(source__in=sources)
    )
    gone: list[int] = []
    for held in standing:
        told = wanted.get((held.person_id, held.source))
        if told is not None and (told.begin, told.end) == (held.starts_at, held.ends_at):
            del wanted[held.person_id, held.source]
        elif told is not None or removes:
            gone.append(held.pk)
    Absence.objects.filter(pk__in=gone).update(withdrawn_at=now)
    fresh = [_absence(a, source, cover, by, now) for (_, source), a in wanted.items()]
    Absence.objects.bulk_create(fresh)
    return Applied(len(fresh), len(gone))


def _absence(
    found: FoundAbsence, source: str, cover: Person | None, by: Person | None, now: datetime
) -> Absence:
    covering = cover if cover is not None and cover.pk != found.person_id else None
    return Absence(
        person_id=found.person_id, starts_at=found.begin, ends_at=found.end, cover=covering, entered_at=now,
        entered_by=by, source=source,
    )  # fmt: skip


def take(
    absences: Sequence[FoundAbsence], person: Person, cover: Person | None, by: Person, now: datetime
) -> Applied:
    """Write down what a file had, once; the same again changes nothing. Raises PermissionDenied."""
    if not may_enter_for(by, person):
        raise PermissionDenied(
            "Only they themselves, their manager or RevOps write down when somebody is away."
        )
    found = Found([a for a in absences if a.person_id == person.pk])
    with transaction.atomic():
        return apply("file:", found, cover, by, now, removes=False)


def shown_feeds(people: Sequence[int], teams: Sequence[int]) -> list[AbsenceFeed]:
    """Calendars that are read for these people and teams. One query."""
    found = AbsenceFeed.objects.filter(Q(person__in=people) | Q(team__in=teams), removed_at=None)
    return list(found.select_related("person", "team", "cover").order_by("added_at"))


def _stem(feed: AbsenceFeed) -> str:
    return f"feed:{feed.pk}:"
