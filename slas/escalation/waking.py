"""Finding by time which clocks have a step due. Deciding is the fold's: it knows best how the clock stands then."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from records.services import touch
from slas.models import Clock


def due_steps(now: datetime) -> int:
    """Claim clocks whose next step is due and touch their records. Returns clocks found.

    Running it twice, or two at once, changes nothing more: the fold takes each step once, in the transaction that
    looks at the clock anew, and says then when to look again."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, [now, settings.GTMOPS.tick_batch])
            found = [record for (record,) in cursor.fetchall()]
        touch(found, now)
    return len(found)


CLAIM = """
UPDATE slas_clock SET next_step_at = NULL WHERE id = ANY (ARRAY(
    SELECT id FROM slas_clock WHERE next_step_at <= %s
    ORDER BY next_step_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
)) RETURNING record_id
"""


def next_due(now: datetime) -> datetime | None:
    """When the next step of any clock is due."""
    found: datetime | None = Clock.objects.filter(next_step_at__isnull=False).aggregate(
        at=Min("next_step_at")
    )["at"]
    return found
