"""Warning everybody who may mend a connection, in their inbox."""

from __future__ import annotations

from datetime import datetime

from effects.outbox import Intent, enqueue
from teams.access import ADMINS
from teams.models import Person


def warn_admins(
    key: str, *, title: str, body: str, href: str, group: str, now: datetime, group_name: str = ""
) -> None:
    """Say it once for each ``key`` and admin; ``href``: where it is mended; ``group``: told together with it."""
    payload = {
        "title": title,
        "body": body,
        "href": href,
        "severity": "warning",
        "group": group,
        "group_name": group_name or title,
    }
    people = Person.objects.active().filter(role__in=ADMINS).order_by("pk").values_list("pk", flat=True)
    enqueue([Intent("inbox", f"{key}:{person}", {**payload, "person": person}) for person in people], now=now)
