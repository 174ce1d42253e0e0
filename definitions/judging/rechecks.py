"""Judgements that time alone may change: found when their moment has come."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from definitions.models import Judgement
from records.services import touch


def recheck_due(now: datetime) -> int:
    """Touch the records of judgements that time alone may have changed. Returns judgements claimed."""
    with transaction.atomic():
        due = list(
            Judgement.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(recheck_at__lte=now)
            .order_by("recheck_at")
            .values_list("pk", "record_id")[: settings.GTMOPS.tick_batch]
        )
        # The pipeline writes the next moment; until then nobody claims them again.
        Judgement.objects.filter(pk__in=[pk for pk, _ in due]).update(recheck_at=None)
        touch((record for _, record in due), now)
    return len(due)


def next_recheck(now: datetime) -> datetime | None:
    """The first moment at which a judgement is to be made again."""
    found: datetime | None = Judgement.objects.filter(recheck_at__isnull=False).aggregate(
        m=Min("recheck_at")
    )["m"]
    return found
