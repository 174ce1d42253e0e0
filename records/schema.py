"""What the fields of the CRMs look like, read again with every pull, so that a change of theirs is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from records.models import Connection, SchemaField


@dataclass(frozen=True)
class SeenField:
    """A field as a CRM describes it now. ``options``: (value, label) in the CRM's order."""

    name: str
    label: str
    type: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def told(self) -> dict[str, Any]:
        return {"label": self.label, "type": self.type, "options": [list(option) for option in self.options]}


def store_schema(
    connection: Connection, remote_object: str, seen: Iterable[SeenField], now: datetime
) -> list[SchemaField]:
    """Remember what is described now; returns what changed, went or came back. One query when nothing did."""
    wanted = {field.name: field for field in seen}
    held = {
        row.name: row
        for row in SchemaField.objects.filter(connection=connection, remote_object=remote_object)
    }
    fresh = [
        SchemaField(connection=connection, remote_object=remote_object, name=name, **field.told)
        for name, field in wanted.items()
        if name not in held
    ]
    changed = [row for name, row in held.items() if _update(row, wanted.get(name), now)]
    with transaction.atomic():
        SchemaField.objects.bulk_create(fresh, ignore_conflicts=True)
        SchemaField.objects.bulk_update(
            changed, ["label", "type", "options", "before", "changed_at", "gone_at"], batch_size=500
        )
    return changed


def _update(row: SchemaField, field: SeenField | None, now: datetime) -> bool:
    """Set what is new on the row; whether anything was."""
    if field is None:
        if row.gone_at is not None:
            return False
        row.gone_at = now
        return True
    before = {"label": row.label, "type": row.type, "options": row.options}
    if row.gone_at is None and before == field.told:
        return False
    row.gone_at = None
    if before != field.told:
        row.before, row.changed_at = before, now
        row.label, row.type, row.options = field.told["label"], field.told["type"], field.told["options"]
    return True
