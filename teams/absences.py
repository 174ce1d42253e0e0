"""Absences as people write them down: who may, what forbids one, what is worth a word, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

from teams.models import Absence, Person
from teams.services import teams_at

LONGEST = timedelta(days=366)
FURTHEST_BACK = timedelta(days=366)


class AbsenceRefused(ValueError):
    """``faults``: field (starts_at, ends_at, cover, "" for the whole) -> why."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__(" ".join(faults.values()))


@dataclass
class Checked:
    """``faults`` forbid it; ``warnings`` are worth a word."""

    faults: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def in_care_of(viewer: Person) -> QuerySet[Person]:
    """Whose absences ``viewer`` writes down: their own, their people's; admins everybody's they may see."""
    found: QuerySet[Person] = Person.objects.active().visible_to(viewer)
    return found if viewer.is_admin else found.filter(Q(pk=viewer.pk) | Q(manager=viewer))


def may_enter_for(viewer: Person, person: Person) -> bool:
    return viewer.pk == person.pk or in_care_of(viewer).filter(pk=person.pk).exists()


def check_absence(
    person: Person,
    starts_at: datetime,
    ends_at: datetime,
    cover: Person | None,
    now: datetime,
    *,
    instead_of: Absence | None = None,
) -> Checked:
    """What forbids an absence and what is worth a word. ``instead_of``: the one it takes the place of."""
    checked = Checked()
    if ends_at <= starts_at:
        checked.faults["ends_at"] = "It ends before it begins."
        return checked
    if ends_at - starts_at > LONGEST:
        checked.faults["ends_at"] = "That is more than a year. End it within one, and add another later."
    if ends_at < now - FURTHEST_BACK:
        checked.faults["starts_at"] = "That is more than a year ago: no clock is left that it could explain."
    others = Absence.objects.standing().overlapping(starts_at, ends_at)
    others = others.exclude(pk=instead_of.pk) if instead_of else others
    own = others.filter(person=person, source="").first()
    if own is not None:
        checked.faults["starts_at"] = (
            f"{person.name} is away already from {span_words(own, person)}. Change that one."
        )
    if cover is not None:
        _check_cover(checked, person, cover, others, starts_at)
    covering = others.filter(cover=person).select_related("person").order_by("starts_at").first()
    if covering is not None:
        checked.warnings.append(
            f"{person.name} covers for {covering.person.name} from {span_words(covering, person)}: then nobody would."
        )
    return checked


def _check_cover(
    checked: Checked, person: Person, cover: Person, others: QuerySet[Absence], starts_at: datetime
) -> None:
    if cover.pk == person.pk:
        checked.faults["cover"] = "Nobody covers for themselves."
        return
    if not cover.is_active:
        checked.faults["cover"] = f"{cover.name} no longer works here."
        return
    away = others.filter(person=cover).order_by("starts_at").first()
    if away is not None:
        checked.faults["cover"] = f"{cover.name} is away, too, from {span_words(away, person)}."
        return
    teams = teams_at([person.pk, cover.pk], starts_at)
    mine, theirs = teams.get(person.pk), teams.get(cover.pk)
    if mine is not None and mine != theirs:
        place = f"of {theirs.name}" if theirs else "in no team"
        checked.warnings.append(
            f"{cover.name} is {place}: where a clock asks for somebody of {mine.name}, they don’t count."
        )


def enter_absence(
    person: Person,
    starts_at: datetime,
    ends_at: datetime,
    cover: Person | None,
    by: Person,
    now: datetime,
    *,
    instead_of: Absence | None = None,
) -> Absence:
    """Write an absence down; ``instead_of`` is taken back in the same moment, and kept.

    Raises PermissionDenied, and AbsenceRefused for what ``check_absence`` forbids."""
    if not may_enter_for(by, person):
        raise PermissionDenied(
            "Only they themselves, their manager or RevOps write down when somebody is away."
        )
    with transaction.atomic():
        # One at a time for each person, so that a second click does not enter it twice.
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        if instead_of is not None:
            instead_of = Absence.objects.select_for_update(no_key=True).get(pk=instead_of.pk)
            if instead_of.withdrawn_at is not None:
                raise AbsenceRefused({"": "This absence was taken back meanwhile."})
        checked = check_absence(person, starts_at, ends_at, cover, now, instead_of=instead_of)
        if checked.faults:
            raise AbsenceRefused(checked.faults)
        if instead_of is not None:
            Absence.objects.filter(pk=instead_of.pk).update(withdrawn_at=now)
        return Absence.objects.create(
            person=person, starts_at=starts_at, ends_at=ends_at, cover=cover, entered_at=now, entered_by=by
        )


def withdraw_absence(absence: Absence, by: Person, now: datetime) -> bool:
    """Take an absence back; it stays in the history, with what it has moved until then. Twice is once."""
    if not may_enter_for(by, absence.person):
        raise PermissionDenied("Only they themselves, their manager or RevOps take an absence back.")
    return bool(Absence.objects.standing().filter(pk=absence.pk).update(withdrawn_at=now))


def people_away(people: Sequence[int], begin: datetime, end: datetime) -> list[Absence]:
    """Standing absences of these people in [begin, end), in order. One query."""
    found = Absence.objects.standing().overlapping(begin, end).filter(person__in=people)
    return list(found.select_related("person", "cover").order_by("starts_at", "pk"))


def is_whole_days(absence: Absence, person: Person) -> bool:
    """Whether it begins and ends at midnight of the person's zone."""
    zone = person.zone
    return all(
        (at.hour, at.minute, at.second) == (0, 0, 0)
        for at in (absence.starts_at.astimezone(zone), absence.ends_at.astimezone(zone))
    )


def span_words(absence: Absence, person: Person) -> str:
    """ "3 Aug to 7 Aug 2026", or with hours where it is no whole days; in the zone of ``person``."""
    zone = person.zone
    begin, end = absence.starts_at.astimezone(zone), absence.ends_at.astimezone(zone)
    if not is_whole_days(absence, person):
        return f"{begin:%-d %b %Y, %H:%M} to {end:%-d %b %Y, %H:%M}"
    last = end - timedelta(days=1)
    return (
        f"{begin:%-d %b} to {last:%-d %b %Y}"
        if begin.date() != last.date()
        else f"{begin:%-d %b %Y}, the whole day"
    )
