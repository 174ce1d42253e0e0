"""Which connections can't tell what was done: "no data" is not "no touch"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from records.models import Connection, FieldMapping
from slas.fold import Unread

FailingSince = Callable[[], Mapping[str, datetime]]
_failing: list[FailingSince] = []

NEEDED = frozenset({"kind", "occurred_at", "owner"})
"""Fields of an activity without which nobody knows that it happened, when, and who did it."""


def register_failing_since(ask: FailingSince) -> None:
    """``ask()``: connection -> since when its activities can't be read. The room that reads the CRMs knows."""
    if ask not in _failing:
        _failing.append(ask)


def load_unread() -> dict[str, Unread]:
    """Connections whose calls, e-mails and meetings can't be read at all, or not any more. Two queries and what the
    registered ask."""
    since = {name: at for ask in _failing for name, at in ask().items()}
    rows = FieldMapping.objects.filter(field__object="activity", is_broken=False)
    mapped: dict[tuple[str, str], set[str]] = {}
    for name, remote_object, field in rows.values_list("connection__name", "remote_object", "field__name"):
        mapped.setdefault((name, remote_object), set()).add(field)
    readable = {name for (name, _), fields in mapped.items() if fields >= NEEDED}
    connections = Connection.objects.exclude(kind=Connection.Kind.GTMOPS)
    return {
        name: Unread(label, since.get(name) if name in readable else None)
        for name, label in connections.values_list("name", "label")
        if name not in readable or name in since
    }
