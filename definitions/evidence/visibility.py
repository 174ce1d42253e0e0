"""Who may read that a check is passed on paper only: the one whose record it is, and their manager (A14)."""

from __future__ import annotations

from django.db.models import Q

from definitions.models import JudgementState
from teams.models import Person


def may_see_doubts(viewer: Person, owner: Person | None) -> bool:
    """Everyone else reads "Passed", admins too: they see counts without names (/model/checks/). Of a record without an
    owner nobody is told: there is nobody to tell."""
    return owner is not None and viewer.pk in (owner.pk, owner.manager_id)


def state_for(viewer: Person, state: str, owner: Person | None) -> str:
    """A judgement's state as ``viewer`` may read it."""
    if state == JudgementState.ON_PAPER and not may_see_doubts(viewer, owner):
        return JudgementState.MET.value
    return state


def judged_as(state: str, viewer: Person, *, owner: str = "record__owner") -> Q:
    """The condition of judgements that ``viewer`` reads as ``state``. ``owner``: path to the record's owner."""
    theirs = Q(**{owner: viewer.pk}) | Q(**{f"{owner}__manager": viewer.pk})
    if state == JudgementState.ON_PAPER:
        return Q(theirs, state=state)
    if state == JudgementState.MET:
        hidden = Q(state=JudgementState.ON_PAPER) & (Q(**{f"{owner}__isnull": True}) | ~theirs)
        return Q(state=state) | hidden
    return Q(state=state)
