"""Whose names a viewer may read beside a clock: their own, their people's; leaders and admins everybody's."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from teams.models import Person, Role


@dataclass(frozen=True)
class Names:
    """Everyone else reads the team. Queues and nobody (``person_id`` None) are no people: they are always named."""

    named: frozenset[int]
    sees_all: bool = False

    def of(self, person_id: int | None, name: str, team: str) -> str:
        return name if self.may_name(person_id) else team or "A colleague"

    def may_name(self, person_id: int | None) -> bool:
        return person_id is None or self.sees_all or person_id in self.named


def names_for(viewer: Person) -> Names:
    """One query."""
    reports = Person.objects.led_by(viewer).values_list("pk", flat=True)
    return names_of(viewer, frozenset({viewer.pk, *reports}))


def names_of(viewer: Person, people: frozenset[int]) -> Names:
    """``people``: the viewer and whoever reports to them."""
    return Names(people, viewer.is_admin or viewer.role == Role.LEADER)


@dataclass(frozen=True)
class Figures:
    """Whose own figures a viewer may read: their own and those of the people they lead, whatever the viewer's role."""

    people: frozenset[int]

    def may_see(self, person_id: int | str | None) -> bool:
        """False for text that is no person's id."""
        text = str(person_id or "")
        return text.isdecimal() and int(text) in self.people

    @staticmethod
    def may_see_group(size: int) -> bool:
        """A group too small to hide in has no figures for others."""
        return size >= int(settings.GTMOPS.smallest_group)


def figures_for(viewer: Person) -> Figures:
    """One query."""
    reports = Person.objects.led_by(viewer).values_list("pk", flat=True)
    return Figures(frozenset({viewer.pk, *reports}))
