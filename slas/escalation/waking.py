"""Finding by time which clocks have a step due. Deciding is the fold's: it knows best how the clock stands then."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from records.services import touch
from slas.models import Clock


def due_steps(now: datetime) -> int:
    """Claim clocks whose next step is due and touch their records. Returns clocks found.

    Running it twice, or two at once, changes nothing more: the fold takes each step once, in the transaction that
    looks at the clock anew, and says then when to look again."""
    with transaction.atomic():
        found = dict(
            Clock.objects.with_step_due(now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("next_step_at", "pk")
            .values_list("pk", "record_id")[: settings.GTMOPS.tick_batch]
        )
        if found:
            Clock.objects.filter(pk__in=found).update(next_step_at=None)
            touch(found.values(), now)
    return len(found)


def next_due(now: datetime) -> datetime | None:
    """When the next step of any clock is due."""
    found: datetime | None = Clock.objects.filter(next_step_at__isnull=False).aggregate(
        at=Min("next_step_at")
    )["at"]
    return found
