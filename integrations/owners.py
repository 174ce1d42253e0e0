"""Owners of a CRM into ``OwnerMatch``: who they are here, by e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from integrations.base import RemoteOwner
from records.models import Connection, OwnerMatch
from records.services import apply_owner_matches
from teams.models import Person

_FIELDS = ["kind", "name", "email", "is_active", "inactive_since", "person"]


def store_owners(connection: Connection, owners: Iterable[RemoteOwner]) -> int:
    """Write what changed; a match that is set is never taken away. Returns rows written."""
    found = {owner.remote_id: owner for owner in owners}
    held = {row.remote_id: row for row in OwnerMatch.objects.filter(connection=connection)}
    emails = {o.email.lower() for o in found.values() if o.email}
    people = dict(
        Person.objects.annotate(lower=Lower("email")).filter(lower__in=emails).values_list("lower", "pk")
    )
    new, changed = [], []
    for remote_id, owner in found.items():
        row = held.get(remote_id)
        wanted = {
            "kind": owner.kind,
            "name": owner.name[:200],
            "email": owner.email,
            "is_active": owner.is_active,
            "inactive_since": _inactive_since(row, owner),
            "person_id": (row.person_id if row else None) or people.get(owner.email.lower()),
        }
        if row is None:
            new.append(OwnerMatch(connection=connection, remote_id=remote_id, **wanted))
        elif any(getattr(row, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(row, name, value)
            changed.append(row)
    if new or changed:
        with transaction.atomic():
            OwnerMatch.objects.bulk_create(new, ignore_conflicts=True)
            OwnerMatch.objects.bulk_update(changed, _FIELDS)
            apply_owner_matches(connection)
    return len(new) + len(changed)


def _inactive_since(row: OwnerMatch | None, owner: RemoteOwner) -> datetime | None:
    """Kept while it is off; one that was off when we first saw it has no such moment."""
    if row is None or owner.is_active:
        return None
    return timezone.now() if row.is_active else row.inactive_since
