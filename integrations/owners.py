"""Owners of a CRM into ``OwnerMatch``: who they are here, by e-mail; and what happens when one is switched off."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from effects.leavers import tell_revops
from integrations.base import RemoteOwner
from records.models import Connection, OwnerMatch
from records.services import apply_owner_matches
from teams.models import PeopleSetting, Person, Role
from teams.services import deactivate_all

_FIELDS = [
    "kind", "name", "email", "is_active", "inactive_since", "person", "role", "manager_remote_id", "teams", "members",
]  # fmt: skip


def store_owners(connection: Connection, owners: Iterable[RemoteOwner]) -> int:
    """Write what changed; a match that is set is never taken away. Returns rows written.

    RevOps is told of whoever is switched off in the last of their CRMs; where it is set so, they lose access at
    once."""
    found = {owner.remote_id: owner for owner in owners}
    held = {row.remote_id: row for row in OwnerMatch.objects.filter(connection=connection)}
    emails = {o.email.lower() for o in found.values() if o.email}
    people = dict(
        Person.objects.annotate(lower=Lower("email")).filter(lower__in=emails).values_list("lower", "pk")
    )
    new, changed = [], []
    switched_off: set[int] = set()
    for remote_id, owner in found.items():
        row = held.get(remote_id)
        wanted = {
            "kind": owner.kind,
            "name": owner.name[:200],
            "email": owner.email,
            "is_active": owner.is_active,
            "inactive_since": _inactive_since(row, owner),
            "person_id": (row.person_id if row else None) or people.get(owner.email.lower()),
            "role": owner.role[:200],
            "manager_remote_id": owner.manager_id[:80],
            "teams": sorted(owner.teams),
            "members": None if owner.members is None else sorted(owner.members),
        }
        if row is None:
            new.append(OwnerMatch(connection=connection, remote_id=remote_id, **wanted))
            continue
        if row.is_active and not owner.is_active and row.person_id is not None:
            switched_off.add(row.person_id)
        if any(getattr(row, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(row, name, value)
            changed.append(row)
    if new or changed:
        with transaction.atomic():
            OwnerMatch.objects.bulk_create(new, ignore_conflicts=True)
            OwnerMatch.objects.bulk_update(changed, _FIELDS)
            apply_owner_matches(connection)
            if switched_off:
                _notice_leavers(switched_off, timezone.now())
    return len(new) + len(changed)


def _inactive_since(row: OwnerMatch | None, owner: RemoteOwner) -> datetime | None:
    """Kept while it is off; one that was off when we first saw it has no such moment."""
    if row is None or owner.is_active:
        return None
    return timezone.now() if row.is_active else row.inactive_since


def _notice_leavers(person_ids: Collection[int], now: datetime) -> None:
    """Whoever is still switched on in some CRM has not left."""
    still = OwnerMatch.objects.filter(person__in=person_ids, is_active=True).values("person")
    gone = list(Person.objects.active().filter(pk__in=person_ids).exclude(pk__in=still).order_by("pk"))
    if not gone:
        return
    setting = PeopleSetting.objects.first()
    admins = [Role.REVOPS_ADMIN, Role.SYSTEM_ADMIN]
    if setting is not None and setting.deactivates_at_once:
        # An admin is never locked out by another system.
        deactivate_all([p.pk for p in gone if p.role not in admins], now)
    tell_revops(gone, "in the CRM", now)
