"""Who may read that a check is passed on paper only: the one whose record it is, and their manager (A14)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from definitions.models import JudgementState
from teams.models import Person


@dataclass(frozen=True)
class Eyes:
    """Everyone else reads "Passed". Nobody is shown a record without an owner as filler: there is nobody to tell."""

    people: frozenset[int]

    def see_doubts(self, owner_id: int | None) -> bool:
        return owner_id is not None and owner_id in self.people

    def state(self, state: str, owner_id: int | None) -> str:
        """The judgement as this viewer may read it."""
        if state == JudgementState.ON_PAPER and not self.see_doubts(owner_id):
            return JudgementState.MET.value
        return state


def eyes_of(viewer: Person) -> Eyes:
    """One query. An admin has no other eyes: they see counts without names (/model/checks/)."""
    reports = Person.objects.led_by(viewer).values_list("pk", flat=True)
    return Eyes(frozenset({viewer.pk, *reports}))


def judged_as(state: str, viewer: Person, *, owner: str = "record__owner") -> Q:
    """The condition of judgements that ``viewer`` reads as ``state``. ``owner``: path to the record's owner."""
    theirs = Q(**{owner: viewer}) | Q(**{f"{owner}__in": Person.objects.led_by(viewer)})
    if state == JudgementState.ON_PAPER:
        return Q(state=state) & theirs
    if state == JudgementState.MET:
        return Q(state=state) | (Q(state=JudgementState.ON_PAPER) & ~theirs)
    return Q(state=state)
