"""Whose names a viewer may read beside a clock: their own, their people's; leaders and admins everybody's."""

from __future__ import annotations

from dataclasses import dataclass

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
    return Names(frozenset({viewer.pk, *reports}), viewer.is_admin or viewer.role == Role.LEADER)
