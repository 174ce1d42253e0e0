"""Which relations the model reads, so that a change of one record has those judged again that rest on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast

from definitions.models import Version
from records.standing import Standing, standing


def relations_read(now: datetime) -> frozenset[tuple[str, str]]:
    """(object, relation) of every version that is in force or watched at ``now``. One query, which tells whether the
    model is as it was."""
    found = Standing("definitions_version").get(load_version_reads)
    return frozenset(pair for one in found if one.is_read(now) for pair in one.pairs)


@dataclass(frozen=True)
class VersionReads:
    """The relations that one version reads, and from when until when it is in force and watched."""

    pairs: frozenset[tuple[str, str]]
    effective_from: datetime | None
    retired_at: datetime | None
    watch_from: datetime | None
    watch_until: datetime | None

    def is_read(self, now: datetime) -> bool:
        return _holds(self.effective_from, self.retired_at, now) or (
            self.watch_until is not None and _holds(self.watch_from, self.watch_until, now)
        )


def _holds(begin: datetime | None, end: datetime | None, now: datetime) -> bool:
    return begin is not None and begin <= now and (end is None or now < end)


@standing("definitions_version")
def load_version_reads() -> list[VersionReads]:
    """Of all versions that read any. One query."""
    rows = Version.objects.annotate(text=Cast("body", TextField())).filter(text__contains='"related"')
    return [
        VersionReads(
            frozenset((str(body.get("object") or "deal"), name) for name in _related_in(body)), *times
        )
        for body, *times in rows.values_list(
            "body", "effective_from", "retired_at", "watch_from", "watch_until"
        )
    ]


def _related_in(body: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[Any] = [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            if isinstance(node.get("related"), str):
                yield node["related"]
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
