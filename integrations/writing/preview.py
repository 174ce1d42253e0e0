"""What the next run would change, before and after; nothing is sent by looking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from integrations.writing.rows import UNDOING, remote_names, value_of, waiting_rows
from records.models import Connection, DesiredField
from records.own_fields import OWN_FIELD_BY_NAME


@dataclass(frozen=True)
class PlannedWrite:
    """One field of one record that the next push would change."""

    row: DesiredField
    remote_name: str
    before: Any
    after: Any
    is_undo: bool = False

    @property
    def label(self) -> str:
        own = OWN_FIELD_BY_NAME.get(self.row.field)
        return own.label if own else self.row.field


def planned_rows(connection: Connection, now: datetime, field: str = "") -> QuerySet[DesiredField]:
    """What waits to be sent, whether or not the connection may write; of one field of ours, or of all."""
    rows = waiting_rows(connection, now).select_related("record")
    if field:
        rows = rows.filter(field=field)
    return rows.order_by("record__remote_object", "record", "field")


def as_planned(connection: Connection, rows: Iterable[DesiredField]) -> list[PlannedWrite]:
    found = list(rows)
    names = {o: remote_names(connection, o) for o in sorted({r.record.remote_object for r in found})}
    return [
        PlannedWrite(
            row,
            names[row.record.remote_object][row.field],
            row.known,
            value_of(row),
            row.hold_reason == UNDOING,
        )
        for row in found
    ]


def preview(connection: Connection) -> list[PlannedWrite]:
    """All of it."""
    return as_planned(connection, planned_rows(connection, datetime.now(UTC)))
