"""What a row says of our own fields: whether our write has arrived, or somebody else changed them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from records.models import DesiredField
from records.own_fields import OWN_FIELD_BY_NAME

UNASKED = "unasked"
NOTED = (
    "known", "is_known", "state", "hold", "hold_reason", "changed_by_others", "changed_by_others_at",
)  # fmt: skip
"""The fields that ``note`` may change."""


def note(row: DesiredField | None, name: str, new: Any, now: datetime) -> str:
    """Note in ``row`` what the CRM says now; the run that wrote it when it is ours to write, else ''."""
    own = OWN_FIELD_BY_NAME.get(name)
    if own is None or own.direction != "out":
        return ""
    if row is None:
        return UNASKED
    row.known, row.is_known = new, True
    if new == row.desired and row.sent_at is not None:
        row.state = DesiredField.State.IN_SYNC
        row.changed_by_others = 0
    else:
        window = timedelta(seconds=settings.GTMOPS.hold_window_seconds)
        fresh = row.changed_by_others_at and now - row.changed_by_others_at < window
        row.changed_by_others = row.changed_by_others + 1 if fresh else 1
        row.changed_by_others_at = now
        row.state = DesiredField.State.IN_SYNC if new == row.desired else DesiredField.State.DIFFERENT
        if row.changed_by_others >= settings.GTMOPS.hold_after_changes:
            row.hold = True
            row.hold_reason = "Changed by others twice within a day"
    return row.sent_by or "ours"
