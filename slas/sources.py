"""Which connections can't tell what was done: "no data" is not "no touch"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from records.models import Connection, FieldMapping
from records.standing import standing
from slas.fold import Unread

FailingSince = Callable[[], Mapping[str, datetime]]
_failing: list[FailingSince] = []

NEEDED = frozenset({"kind", "occurred_at", "owner"})
"""Fields of an activity without which nobody knows that it happened, when, and who did it."""


def register_failing_since(ask: FailingSince) -> None:
    """``ask()``: connection -> since when its activities can't be read. The room that reads the CRMs knows."""
    if ask not in _failing:
        _failing.append(ask)


@dataclass(frozen=True)
class Readable:
    """``labels`` of the connections by name; ``names``: of those whose activities are mapped."""

    labels: Mapping[str, str]
    names: frozenset[str]


@standing("records_connection", "records_fieldmapping", "records_cataloguefield")
def load_readable() -> Readable:
    """Two queries."""
    rows = FieldMapping.objects.filter(field__object="activity", is_broken=False)
    mapped: dict[tuple[str, str], set[str]] = {}
    for name, remote_object, field in rows.values_list("connection__name", "remote_object", "field__name"):
        mapped.setdefault((name, remote_object), set()).add(field)
    connections = Connection.objects.exclude(kind=Connection.Kind.GTMOPS)
    return Readable(
        dict(connections.values_list("name", "label")),
        frozenset(name for (name, _), fields in mapped.items() if fields >= NEEDED),
    )


def load_unread(readable: Readable | None = None) -> dict[str, Unread]:
    """Connections whose calls, e-mails and meetings can't be read at all, or not any more. What the registered ask,
    and two queries where ``readable`` is not loaded yet."""
    readable = readable or load_readable()
    since = {name: at for ask in _failing for name, at in ask().items()}
    return {
        name: Unread(label, since.get(name) if name in readable.names else None)
        for name, label in readable.labels.items()
        if name not in readable.names or name in since
    }
