"""A mapped field that is gone in the CRM, or back: its values are unknown meanwhile, and admins are told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from integrations.forgetting import ask_to_forget
from integrations.models import PullCursor
from integrations.warning import warn_admins
from records.models import Connection, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME

NAMED = 5


def note_lost(
    connection: Connection, remote_object: str, lost: Sequence[FieldMapping], now: datetime
) -> None:
    """Mark mappings broken, have their values forgotten, and tell admins where another field is chosen."""
    with transaction.atomic():
        fresh = list(
            FieldMapping.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=[mapping.pk for mapping in lost], is_broken=False)
            .select_related("field")
        )
        if not fresh:
            return  # another reader has told it
        FieldMapping.objects.filter(pk__in=[mapping.pk for mapping in fresh]).update(is_broken=True)
        ask_to_forget(connection, remote_object, [mapping.field.name for mapping in fresh], now)
        _warn(connection, remote_object, fresh, now)


def note_back(
    connection: Connection, remote_object: str, back: Sequence[FieldMapping], now: datetime
) -> None:
    """Make mappings whole, and have the object read once more: what did not change meanwhile says nothing by itself."""
    with transaction.atomic():
        changed = FieldMapping.objects.filter(pk__in=[m.pk for m in back], is_broken=True).update(
            is_broken=False
        )
        if changed:
            PullCursor.objects.filter(connection=connection, remote_object=remote_object).update(
                history_asked_at=now, history_state={}
            )


def _warn(connection: Connection, remote_object: str, lost: Sequence[FieldMapping], now: datetime) -> None:
    labels = [f"“{mapping.field.label}”" for mapping in lost[:NAMED]]
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    names = ", ".join(mapping.remote_name for mapping in lost[:NAMED]) + more
    if all(mapping.field.name in OWN_FIELD_BY_NAME for mapping in lost):
        what_to_do, page = (
            "Create our fields again, or switch their writing off.",
            reverse("integrations:writing"),
        )
    else:
        what_to_do = "Checks that read it say “Can't tell” until you choose another field or give access."
        page = reverse("integrations:changed_fields", args=[connection.name])
    warn_admins(
        f"field-gone:{connection.pk}:{remote_object}:{now.isoformat()}",
        title=f"{', '.join(labels)}{more} {'are' if len(lost) > 1 else 'is'} gone in {connection.label}",
        body=f"{remote_object} no longer shows us {names}. {what_to_do}",
        href=page,
        group=f"fields-gone:{connection.name}",
        group_name=f"Fields gone in {connection.label}",
        now=now,
    )
