"""Which relations the model reads, so that a change of one record has those judged again that rest on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from definitions.models import Version


def relations_read(now: datetime) -> frozenset[tuple[str, str]]:
    """(object, relation) of every version that is in force or watched at ``now``. One query, of no rows if none is."""
    in_force = Q(effective_from__lte=now) & (Q(retired_at=None) | Q(retired_at__gt=now))
    is_watched = Q(watch_from__lte=now, watch_until__gt=now)
    bodies = (
        Version.objects.filter(in_force | is_watched)
        .annotate(text=Cast("body", TextField()))
        .filter(text__contains='"related"')
        .values_list("body", flat=True)
    )
    return frozenset(
        (str(body.get("object") or "deal"), name) for body in bodies for name in _related_in(body)
    )


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
