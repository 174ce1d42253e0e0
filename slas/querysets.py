"""Named reads of clocks."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from teams.access import business_units_of
from teams.querysets import border

if TYPE_CHECKING:
    from slas.models import Appeal, Clock  # noqa: F401 - the names for the generic parameters
    from teams.models import Person

OPEN = ("running", "paused", "due")
LATE = ("breached", "breached_not_verified")
IN_TIME = ("met", "withdrawn")


class ClockQuerySet(models.QuerySet["Clock"]):
    def for_person(self, person: Person) -> Self:
        """Inside the person's business units; those of a record without a unit are open to everyone signed in."""
        return self.filter(border(business_units_of(person), "record__business_unit"))

    def with_names(self) -> Self:
        """With all that a row of a list shows, in the same query."""
        return self.select_related("rule", "calendar", "record", "owner", "team")

    def in_state(self, name: str) -> Self:
        """``late``, ``running`` (still open), ``met`` (in time), or any state by its own name."""
        groups = {"late": LATE, "running": OPEN, "met": IN_TIME}
        return self.filter(state__in=groups.get(name, (name,)))

    def owned(self, by: str, viewer: Person) -> Self:
        """``me``, ``reports`` (those who report to the viewer) or ``nobody``."""
        wanted = {"me": Q(owner=viewer), "reports": Q(owner__manager=viewer), "nobody": Q(owner=None)}
        return self.filter(wanted[by])

    def searched(self, text: str) -> Self:
        """Whose buyer contains every word of ``text``."""
        found = self
        for word in text.split():
            found = found.filter(Q(record__title__icontains=word) | Q(journey__title__icontains=word))
        return found


class AppealQuerySet(models.QuerySet["Appeal"]):
    def for_person(self, person: Person) -> Self:
        """Inside the person's business units, as the clocks are."""
        return self.filter(border(business_units_of(person), "clock__record__business_unit"))

    def told_to(self, person: Person, teams: Collection[str]) -> Self:
        """What they may read of them: their own and their people's, those of the ``teams`` they decide for; leaders
        and admins all."""
        if person.is_admin or person.role == "leader":
            return self
        mine = Q(person=person) | Q(opened_by=person) | Q(person__manager=person) | Q(decided_by=person)
        return self.filter(mine | Q(team__key__in=teams))

    def with_clock(self) -> Self:
        """With all that a row of a list shows, in the same query."""
        return self.select_related(
            "clock__rule", "clock__record", "clock__team", "person", "team", "opened_by", "decided_by"
        )
