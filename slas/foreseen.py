"""What an edit of working hours or an absence would move, before it is saved: the same fold, asked with and without."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from definitions.in_force import load_typed_model
from definitions.models import Version
from definitions.sections import Body
from definitions.versions import Model
from records.loading import load_batch
from slas.fold import ClockData
from slas.in_force import load_staff
from slas.models import Clock
from slas.querysets import ClockQuerySet
from slas.services import fold_batch
from slas.staff import Away, Staff
from teams.models import Absence, Person

MOST_COUNTED = 500
MOST_SHOWN = 10


@dataclass(frozen=True)
class Move:
    """One open clock whose due time would be another."""

    clock: Clock
    old: datetime | None
    new: datetime | None

    @property
    def shift(self) -> timedelta:
        """How much later; zero where one of the two has no time."""
        return self.new - self.old if self.old and self.new else timedelta(0)


@dataclass(frozen=True)
class Foreseen:
    """``counted`` of ``total`` open clocks were looked at, those due first; ``passing`` would go to the cover."""

    moves: tuple[Move, ...]
    counted: int
    total: int
    passing: tuple[Clock, ...] = ()

    @property
    def shown(self) -> tuple[Move, ...]:
        """Those that move most."""
        return tuple(sorted(self.moves, key=lambda m: -abs(m.shift))[:MOST_SHOWN])

    @property
    def later_seconds(self) -> int:
        """The furthest that one moves back; 0 for none."""
        return max((int(m.shift.total_seconds()) for m in self.moves if m.shift > timedelta(0)), default=0)

    @property
    def sooner_seconds(self) -> int:
        """The furthest that one moves forward; 0 for none."""
        return -min((int(m.shift.total_seconds()) for m in self.moves if m.shift < timedelta(0)), default=0)


def foresee_hours(
    key: str, body: Body, begins_at: datetime | None, viewer: Person, now: datetime
) -> Foreseen:
    """What working hours ``key`` would move if they said ``body`` from ``begins_at`` on (None: at once), among the open
    clocks that ``viewer`` may see. Raises ValueError for a body that can't be meant."""
    at = max(begins_at or now, now)
    typed = load_typed_model()
    before = typed.versions.at("calendars", key, now)
    draft = Version(
        pk=-1, section="calendars", key=key, number=0, body=dict(body), state="signed", effective_from=at
    )
    wanted = load_staff(Model([*typed.versions.all(), draft]))
    found = _open(viewer).filter(calendar__isnull=False).filter(_concerned(key, body, before))
    return _compare(found, load_staff(typed.versions), wanted, at)


def foresee_absence(
    person: Person,
    viewer: Person,
    now: datetime,
    *,
    add: Sequence[Away] = (),
    withdraw: Sequence[Absence] = (),
) -> Foreseen:
    """What absences of ``person`` would move, written down or taken back now. ``passing``: clocks that a cover would
    have while they are away."""
    typed = load_typed_model()
    staff = load_staff(typed.versions)
    gone = {(a.starts_at, a.ends_at, a.cover_id, a.entered_at) for a in withdraw}
    kept = [
        replace(a, withdrawn_at=now) if (a.begin, a.end, a.cover, a.entered_at) in gone else a
        for a in staff.away.get(person.pk, ())
    ]
    wanted = replace(staff, away={**staff.away, person.pk: [*kept, *add]})
    found = _open(viewer).filter(owner=person)
    covered = [a for a in add if a.cover is not None]
    passing = [
        clock
        for clock in found[:MOST_COUNTED]
        if any((clock.due_at is None or clock.due_at > a.begin) and now < a.end for a in covered)
    ]
    return replace(_compare(found, staff, wanted, now), passing=tuple(passing))


def _open(viewer: Person) -> ClockQuerySet:
    return Clock.objects.for_person(viewer).filter(state__in=Clock.OPEN).with_names().order_by("due_at", "pk")


def _concerned(key: str, body: Body, before: Version | None) -> Q:
    """Clocks that count by these hours already, and those of whoever they name, before or after."""
    old: Body = before.body if before else {}
    named = {
        name: {str(one) for told in (old, body) for one in (told.get(name) or ())}
        for name in ("teams", "people")
    }
    found = Q(calendar__key=key) | Q(team__key__in=named["teams"]) | Q(owner__email__in=named["people"])
    return found | Q(pk__isnull=False) if old.get("regions") != body.get("regions") else found


def _compare(found: ClockQuerySet, staff: Staff, wanted: Staff, at: datetime) -> Foreseen:
    clocks = {clock.pk: clock for clock in found[:MOST_COUNTED]}
    total = found.count() if len(clocks) == MOST_COUNTED else len(clocks)
    if not clocks:
        return Foreseen((), 0, 0)
    batch = load_batch({clock.journey_id for clock in clocks.values()}, at)
    typed = load_typed_model()

    def due(people: Staff) -> dict[uuid.UUID, ClockData]:
        return {c.id: c for _, c in fold_batch(batch, typed, people) if c.id in clocks}

    old, new = due(staff), due(wanted)
    moves = [
        Move(clock, old[pk].due_at, new[pk].due_at)
        for pk, clock in clocks.items()
        if pk in old and pk in new and old[pk].due_at != new[pk].due_at
    ]
    return Foreseen(tuple(moves), len(clocks), total)
