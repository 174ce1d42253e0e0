"""A mapped field that is gone in the CRM, or back: its values are unknown meanwhile, and admins are told once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from integrations.forgetting import ask_to_forget
from integrations.models import PullCursor
from integrations.warning import warn_admins
from records.models import Connection, FieldMapping, SchemaField
from records.own_fields import OWN_FIELD_BY_NAME

NAMED = 5
CHOICES = {"picklist", "multi_picklist"}


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


def tell_changed(
    connection: Connection,
    remote_object: str,
    changed: Sequence[SchemaField],
    mappings: Sequence[FieldMapping],
    now: datetime,
) -> None:
    """Tell admins of mapped fields that have just got another type, or no longer offer a value; the order of values
    says nothing. What can't be read as before is unknown until somebody looks."""
    by_name: dict[str, list[FieldMapping]] = {}
    for mapping in mappings:
        by_name.setdefault(mapping.remote_name, []).append(mapping)
    for row in changed:
        said = _change_of(row, by_name.get(row.name, []))
        if said:
            # Two readers may find it at once.
            form = hashlib.blake2b(str([row.type, row.options]).encode(), digest_size=8).hexdigest()
            warn_admins(
                f"field-changed:{connection.pk}:{remote_object}:{row.name}:{now.date()}:{form}",
                title=f"“{row.label}” is another field than it was in {connection.label}",
                body=f"{remote_object}.{row.name}: {said} See what reads it.",
                href=reverse("integrations:changed_fields", args=[connection.name]),
                group=f"fields-changed:{connection.name}",
                group_name=f"Fields changed in {connection.label}",
                now=now,
            )


def _change_of(row: SchemaField, mappings: Sequence[FieldMapping]) -> str:
    before = row.before or {}
    if not mappings or not before:
        return ""
    said = []
    if before.get("type") != row.type:
        said.append(f"its type was {before.get('type')} and is {row.type} now.")
    offered = {value for value, _ in row.options}
    retired = [label for value, label in before.get("options") or [] if value not in offered]
    # Of a reference, such as the owner, people come and go.
    if offered and retired and any(mapping.field.type in CHOICES for mapping in mappings):
        names = ", ".join(f"“{label}”" for label in retired[:NAMED])
        more = f" and {len(retired) - NAMED} more" if len(retired) > NAMED else ""
        said.append(f"it no longer offers {names}{more}.")
    return " ".join(said)
