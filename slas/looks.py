"""Looking again when something planned may have happened: a meeting that lay ahead when its clock was folded."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform

from records.services import touch
from slas.models import Clock

LOOK_AT = "look_at"
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def look_text(at: datetime) -> str:
    """As it stands in a receipt: so that texts compare as instants do."""
    return at.astimezone(UTC).strftime(_FORMAT)


def look_again(now: datetime) -> int:
    """Touch the records of clocks whose planned meeting or call has begun. Returns clocks found.

    Running it twice, or two at once, only folds again. Served by the partial index ``clock_look``."""
    with transaction.atomic():
        clocks = list(
            Clock.objects.filter(receipt__has_key=LOOK_AT)
            .annotate(look_at=KeyTextTransform(LOOK_AT, "receipt"))
            .filter(look_at__lte=look_text(now))
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .order_by("look_at", "pk")
            .values_list("pk", "record_id")[: settings.GTMOPS.tick_batch]
        )
        if not clocks:
            return 0
        # The fold says when to look next.
        Clock.objects.filter(pk__in=[pk for pk, _ in clocks]).update(
            receipt=RawSQL("receipt - %s", [LOOK_AT])
        )
        touch({record for _, record in clocks}, now)
    return len(clocks)


def next_look(now: datetime) -> datetime | None:
    waiting = Clock.objects.filter(receipt__has_key=LOOK_AT)
    at = KeyTextTransform(LOOK_AT, "receipt")
    first = waiting.annotate(look_at=at).order_by("look_at").values_list("look_at", flat=True).first()
    return datetime.strptime(first, _FORMAT).replace(tzinfo=UTC) if first else None
