"""The two sides of a handoff: who may act for which, and who may receive it."""

from __future__ import annotations

from handoffs import kinds
from handoffs.models import Handoff
from handoffs.templates import template_of
from teams.models import Membership, Person

RECEIVER_ACTS = frozenset(
    {kinds.SEEN, kinds.ASKED, kinds.ACCEPTED, kinds.SENT_BACK, kinds.NEXT_STEP_CONFIRMED}
)


def may_act_for(person: Person, handoff: Handoff, side: str) -> bool:
    """Whether ``person`` may act for the ``sender`` or ``receiver``: the one who is named, their manager, RevOps.

    While nobody who still works here is named, anyone of that side's team. At most one query."""
    if not person.is_active:
        return False
    if person.is_admin:
        return True
    named = handoff.receiver if side == "receiver" else handoff.sender
    if named is not None and named.is_active:
        return person.pk in (named.pk, named.manager_id)
    return Membership.objects.open().filter(person=person, team__key=team_key_of(handoff, side)).exists()


def team_key_of(handoff: Handoff, side: str) -> str:
    """The team of the ``sender`` or ``receiver``."""
    template = template_of(handoff.template)
    return template.to_team if side == "receiver" else template.from_team


def possible_receivers(handoff: Handoff, viewer: Person) -> list[Person]:
    """The active people of the receiving team whom ``viewer`` may see."""
    people = Person.objects.visible_to(viewer).active()
    return list(
        people.filter(
            memberships__ended_at__isnull=True, memberships__team__key=team_key_of(handoff, "receiver")
        )
    )


def is_of_receiving_team(handoff: Handoff, person: Person) -> bool:
    memberships = Membership.objects.open().filter(team__key=team_key_of(handoff, "receiver"))
    return person.is_active and memberships.filter(person=person).exists()
