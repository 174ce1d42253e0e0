"""Who changed a connection or its mapping, and when: from the history that triggers in the database write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps

from records.models import CatalogueField, Connection
from teams.models import Person

MOST = 12
_LABELS = {"insert": "connected", "update": "changed", "delete": "taken out"}
_TOLD = {
    "label": "called {0}",
    "state": "{0}",
    "is_sandbox": "sandbox: {0}",
    "go_live_at": "live since {0}",
    "is_writing": "writing: {0}",
    "account_name": "signed in to {0}",
}


@dataclass(frozen=True)
class Change:
    at: datetime
    who: str
    text: str


def changes_of(connection: Connection) -> list[Change]:
    """The latest changes, newest first. Five queries."""
    mapped = apps.get_model("records", "FieldMappingHistory").objects.filter(connection_id=connection.pk)
    own = apps.get_model("records", "ConnectionHistory").objects.filter(pgh_obj_id=connection.pk)
    fields = {row.pk: row for row in CatalogueField.objects.all()}
    rows: list[tuple[datetime, Any, str]] = []
    for row in mapped.select_related("pgh_context").order_by("-pgh_id")[:MOST]:
        field = fields.get(row.field_id)
        label = field.label if field else "A field"
        text = f"{label} {_LABELS.get(row.pgh_label, row.pgh_label)}: {row.remote_object}.{row.remote_name}"
        rows.append((row.pgh_created_at, row.pgh_context, text))
    rows += _own_changes(list(own.select_related("pgh_context").order_by("-pgh_id")[: MOST + 1]))
    names = _names([context for _, context, _ in rows])
    told = [Change(at, names.get(_user(context), "gtmops itself"), text) for at, context, text in rows]
    return sorted(told, key=lambda one: one.at, reverse=True)[:MOST]


def _own_changes(rows: list[Any]) -> list[tuple[datetime, Any, str]]:
    """What each differs in from the one before it; ``rows`` newest first."""
    found = []
    for row, before in zip(rows, [*rows[1:], None], strict=True):
        if before is None:
            if row.pgh_label == "insert":
                found.append((row.pgh_created_at, row.pgh_context, "Made"))
            continue
        words = [
            text.format(_said(getattr(row, name)))
            for name, text in _TOLD.items()
            if getattr(row, name) != getattr(before, name)
        ]
        if words:
            found.append((row.pgh_created_at, row.pgh_context, "Connection " + ", ".join(words)))
    return found


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%d %b %Y, %H:%M} UTC" if isinstance(value, datetime) else str(value or "nothing")


def _user(context: Any) -> int | None:
    found = (context.metadata or {}).get("user") if context is not None else None
    return int(found) if found else None


def _names(contexts: list[Any]) -> dict[int | None, str]:
    ids = {user for context in contexts if (user := _user(context)) is not None}
    return {row.pk: row.name for row in Person.objects.filter(pk__in=ids)}
