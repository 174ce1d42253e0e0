"""Since when the calls, e-mails and meetings of a connection can't be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import connection as database

from records.models import Connection, FieldMapping

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


_FAILING = """
SELECT crm.id, crm.name, cursor.remote_object, cursor.last_pulled_at
FROM integrations_pullcursor cursor JOIN records_connection crm ON crm.id = cursor.connection_id
WHERE cursor.failures > 0 OR crm.state = %s
"""


def activities_failing_since() -> Mapping[str, datetime]:
    """Connection -> when any of its activities were last read, of those where reading all of them fails now. Two
    queries, or one."""
    with database.cursor() as cursor:
        cursor.execute(_FAILING, [Connection.State.BROKEN.value])
        found = cursor.fetchall()
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
