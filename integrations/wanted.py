"""What to read of each remote object: the mapped fields that exist there now. Drift marks a mapping broken."""

from __future__ import annotations

from integrations.base import Connector, Wanted
from records.models import Connection, FieldMapping
from records.schema import SeenField, store_schema
from records.services import mapped_remote_fields


def wanted_for(connection: Connection, connector: Connector, remote_object: str) -> Wanted:
    """Compare the mapping with what the connected user sees now, and say what to ask for.

    A field that is gone becomes broken, so that its values are unknown and never empty; one that is back is whole.
    """
    mappings = mapped_remote_fields(connection, remote_object).values()
    described = connector.describe(remote_object)
    store_schema(
        connection,
        remote_object,
        [SeenField(f.name, f.label, f.type, f.options) for f in described.values()],
        connector.server_now(),
    )
    changed = [m for m in mappings if m.is_broken == (m.remote_name in described)]
    for mapping in changed:
        mapping.is_broken = not mapping.is_broken
    FieldMapping.objects.bulk_update(changed, ["is_broken"])
    whole = [m for m in mappings if not m.is_broken]
    return Wanted(
        fields=tuple(sorted({m.remote_name for m in whole})),
        with_history=tuple(sorted({m.remote_name for m in whole if m.has_history})),
        links=connector.links_of(remote_object),
    )


def remote_objects_of(connection: Connection, objects: list[str]) -> list[str]:
    """Remote objects that are mapped to one of the logical ``objects``."""
    rows = connection.mappings.filter(field__object__in=objects)
    return sorted(set(rows.values_list("remote_object", flat=True)))
