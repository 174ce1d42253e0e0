from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from effects.outbox import Intent, enqueue
from teams.models import Person, Role


def tell_revops(gone: Sequence[Person], where: str, now: datetime) -> None:
    """Ask RevOps to say who takes what is still open of people who were switched off ``where`` ("in the CRM")."""
    told = Person.objects.active().filter(role=Role.REVOPS_ADMIN).exclude(pk__in=[p.pk for p in gone])
    receivers = list(told.order_by("pk").values_list("pk", flat=True))
    enqueue(
        [
            Intent(
                channel="inbox",
                key=f"leaver:{person.pk}:{now.date()}:{receiver}",
                payload={
                    "person": receiver,
                    "title": f"{person.name} was switched off {where}",
                    "body": "Say who takes what is still open.",
                    "href": reverse("people:leaver", args=[person.pk]),
                    "severity": "warning",
                },
            )
            for person in gone
            for receiver in receivers
        ],
        now=now,
    )
