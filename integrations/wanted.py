"""What to read of each remote object: the mapped fields that exist there now. Drift marks a mapping broken."""

from __future__ import annotations

from django.utils import timezone

from integrations.base import Connector, Wanted
from integrations.drift import note_back, note_lost, tell_changed
from integrations.forgetting import forget_first
from records.models import Connection
from records.schema import SeenField, store_schema
from records.services import mapped_remote_fields


def wanted_for(connection: Connection, connector: Connector, remote_object: str) -> Wanted:
    """Compare the mapping with what the connected user sees now, and say what to ask for.

    A field that is gone becomes broken, so that its values are unknown and never empty; one that is back is whole.
    """
    mappings = mapped_remote_fields(connection, remote_object).values()
    described = connector.describe(remote_object)
    at = connector.server_now()
    changed = store_schema(
        connection,
        remote_object,
        [SeenField(f.name, f.label, f.type, f.options) for f in described.values()],
        at,
    )
    # What came back as it was has changed before, and was told then.
    changed = [row for row in changed if row.gone_at is None and row.changed_at == at]
    tell_changed(connection, remote_object, changed, list(mappings), timezone.now())
    whole = [m for m in mappings if m.remote_name in described]
    forget_first(connection, remote_object, {m.field.name for m in mappings if m not in whole})
    if back := [m for m in whole if m.is_broken]:
        note_back(connection, remote_object, back, timezone.now())
    if lost := [m for m in mappings if not m.is_broken and m.remote_name not in described]:
        note_lost(connection, remote_object, lost, timezone.now())
    return Wanted(
        fields=tuple(sorted({m.remote_name for m in whole})),
        with_history=tuple(sorted({m.remote_name for m in whole if m.has_history})),
        links=connector.links_of(remote_object),
    )


def remote_objects_of(connection: Connection, objects: list[str]) -> list[str]:
    """Remote objects that are mapped to one of the logical ``objects``."""
    rows = connection.mappings.filter(field__object__in=objects)
    return sorted(set(rows.values_list("remote_object", flat=True)))
