"""What handoffs says in the CRM: the link by which a rep gets to the handoff."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.urls import reverse

from handoffs.models import Handoff
from records.desired import Declaration, writable_records
from records.journey_data import Batch
from records.stored import rows_of_journeys


def compute(batch: Batch) -> dict[tuple[uuid.UUID, str], Any]:
    """The newest handoff of each journey, or nothing."""
    rows = batch.standing(Handoff, rows_of_journeys(Handoff))
    newest = {h.journey_id: h.pk for h in sorted(rows, key=lambda h: (h.opened_at, h.pk))}
    return {
        (record.id, "gtm_handoff_link"): (
            f"{settings.SITE_URL}{reverse('handoffs:handoff', args=[newest[journey.id]])}"
            if journey.id in newest
            else None
        )
        for journey in batch.journeys.values()
        for record in writable_records(journey)
    }


DECLARATION = Declaration("handoffs", ("gtm_handoff_link",), compute)
