"""Since when the calls, e-mails and meetings of a connection can't be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db.models import Q

from integrations.models import PullCursor
from records.models import Connection, FieldMapping

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def activities_failing_since() -> Mapping[str, datetime]:
    """Connection -> when any of its activities were last read, of those where reading all of them fails now. Two
    queries, or one."""
    is_failing = Q(failures__gt=0) | Q(connection__state=Connection.State.BROKEN)
    found = PullCursor.objects.filter(is_failing).values_list(
        "connection_id", "connection__name", "remote_object", "last_pulled_at"
    )
    failing: dict[int, dict[str, datetime | None]] = defaultdict(dict)
    names: dict[int, str] = {}
    for connection, name, remote_object, read_at in found:
        failing[connection][remote_object] = read_at
        names[connection] = name
    if not failing:
        return {}
    activities: dict[int, set[str]] = defaultdict(set)
    rows = FieldMapping.objects.filter(field__object="activity", connection__in=failing)
    for connection, remote_object in rows.values_list("connection_id", "remote_object").distinct():
        activities[connection].add(remote_object)
    return {
        names[connection]: max(failing[connection][name] or NEVER for name in objects)
        for connection, objects in activities.items()
        if objects <= failing[connection].keys()
    }
