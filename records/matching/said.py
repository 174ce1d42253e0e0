"""What stands of what people said of the accounts of person records."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from records.matching.models import ManualLink


@dataclass(frozen=True)
class Said:
    """What people said of one person record: the account it was joined with, and those it was split from. ``apart``:
    it has none."""

    joined: uuid.UUID | None = None
    split: frozenset[uuid.UUID] = frozenset()
    apart: bool = False


def said_of(record_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Said]:
    """What stands of what people said of the accounts of these records; the last word counts. One query."""
    rows = ManualLink.objects.filter(
        kind=ManualLink.Kind.ACCOUNT, record__in=list(record_ids), undone_at=None
    ).order_by("at", "pk")
    found: dict[uuid.UUID, Said] = {}
    for row in rows:
        before, other = found.get(row.record_id, Said()), row.other_id
        if other is None:
            found[row.record_id] = replace(before, joined=None, apart=True)
        elif row.is_joined:
            found[row.record_id] = Said(other, before.split - {other})
        else:
            joined = None if before.joined == other else before.joined
            found[row.record_id] = replace(before, joined=joined, split=before.split | {other})
    return found
