"""Where the CRM's own history takes the place of what polling guessed."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models import OuterRef, Q, Subquery

from records.kinds import CHANGE
from records.models import Event


def supersede(record_ids: Collection[uuid.UUID]) -> None:
    """Same record, field and value, within the guess; and what came back of one change that was asked for."""
    within = Q(occurred_at__lte=OuterRef("occurred_at"), occurred_at__gte=OuterRef("not_before"))
    better = (
        Event.objects.filter(
            within | Q(data__asked=OuterRef("data__asked")),
            record=OuterRef("record"),
            field=OuterRef("field"),
            kind=CHANGE,
            new=OuterRef("new"),
            data__has_key="history",
        )
        .order_by("-occurred_at")
        .values("pk")[:1]
    )
    polled = Event.objects.filter(
        record_id__in=list(record_ids), kind=CHANGE, superseded_by=None, not_before__isnull=False
    ).exclude(data__has_key="history")
    polled.annotate(better=Subquery(better)).filter(better__isnull=False).update(
        superseded_by=Subquery(better)
    )
