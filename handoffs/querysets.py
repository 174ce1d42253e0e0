"""Named reads of handoffs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from teams.access import business_units_of
from teams.querysets import border

if TYPE_CHECKING:
    from handoffs.models import Handoff  # noqa: F401 - the name for the generic parameter
    from teams.models import Person

CLOSED = ("completed", "cancelled")
UNANSWERED = ("open", "sent", "seen", "asked")


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def for_person(self, person: Person) -> Self:
        """Inside the person's business units; those of a record without a unit are open to everyone signed in."""
        return self.filter(border(business_units_of(person), "record__business_unit"))

    def with_people(self) -> Self:
        """With all that a row of a list shows, in the same query."""
        return self.select_related("template", "record", "sender", "receiver")

    def open(self) -> Self:
        return self.exclude(state__in=CLOSED)

    def unanswered(self) -> Self:
        """Neither taken nor sent back yet."""
        return self.filter(state__in=UNANSWERED)

    def awaiting(self, person: Person) -> Self:
        """Whose next move is this person's."""
        return self.open().filter(
            Q(whose_move="sender", sender=person) | Q(whose_move="receiver", receiver=person)
        )

    def to_send(self, person: Person) -> Self:
        return self.open().filter(whose_move="sender", sender=person)

    def to_answer(self, person: Person) -> Self:
        return self.open().filter(whose_move="receiver", receiver=person)

    def waiting_for_others(self, person: Person) -> Self:
        """Sent or sent back by this person, and not answered."""
        return (
            self.open()
            .filter(Q(whose_move="receiver", sender=person) | Q(whose_move="sender", receiver=person))
            .exclude(Q(state="accepted") | Q(state="open"))
        )

    def chosen(
        self,
        *,
        state: str = "",
        whose_move: str = "",
        template: str = "",
        team: str = "",
        sender: int | None = None,
        receiver: int | None = None,
        opened_after: datetime | None = None,
        opened_before: datetime | None = None,
        q: str = "",
    ) -> Self:
        """Narrowed by what is given. ``team`` is the key of the sending or the receiving one."""
        plain = {
            "state": state,
            "whose_move": whose_move,
            "template_key": template,
            "sender": sender,
            "receiver": receiver,
            "opened_at__gte": opened_after,
            "opened_at__lt": opened_before,
        }
        found = self.filter(**{name: value for name, value in plain.items() if value})
        if team:
            found = found.filter(Q(template__body__from_team=team) | Q(template__body__to_team=team))
        return found.searched(q)

    def searched(self, text: str) -> Self:
        """Whose buyer or people contain every word of ``text``."""
        found = self
        for word in text.split():
            found = found.filter(
                Q(record__title__icontains=word)
                | Q(journey__title__icontains=word)
                | Q(sender__name__icontains=word)
                | Q(receiver__name__icontains=word)
            )
        return found
