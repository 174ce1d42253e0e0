"""What crosses the border from a connector into records: typed values, never a provider's own structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class HistoryEntry:
    """One change the CRM itself recorded. ``key`` is the CRM's history id, or a key built to be as stable."""

    remote_name: str
    new: Any
    occurred_at: datetime
    key: str
    old: Any = None


@dataclass(frozen=True)
class IncomingRecord:
    """One CRM row as a connector read it. ``values``: remote field name -> the CRM's value (text, number, bool, None).

    A mapped field that is missing from ``values`` could not be read: its value becomes unknown, never empty.
    ``links``: association targets as ``(remote object, remote id)`` in the same connection.
    """

    remote_object: str
    remote_id: str
    values: Mapping[str, Any]
    modified_at: datetime
    created_at: datetime | None = None
    is_deleted: bool = False
    merged_into: str | None = None
    history: Sequence[HistoryEntry] = ()
    links: Sequence[tuple[str, str]] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredPage:
    """What storing a page did, in records."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0

    def __add__(self, other: StoredPage) -> StoredPage:
        return StoredPage(
            self.read + other.read,
            self.created + other.created,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.deleted + other.deleted,
        )
