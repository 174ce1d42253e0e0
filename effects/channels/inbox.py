"""A message in a person's inbox inside gtmops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from effects.models import InboxMessage
from effects.registry import Refused
from effects.wording import group_name_of
from teams.models import Person


def deliver(key: str, payload: Mapping[str, Any]) -> None:
    """``payload``: person (id), title, body, href, severity, group, record. The key makes a repeat harmless."""
    if not Person.objects.filter(pk=payload["person"]).exists():
        raise Refused("This person is gone.")
    InboxMessage.objects.get_or_create(
        key=key,
        defaults={
            "person_id": payload["person"],
            "title": payload["title"][:300],
            "body": payload.get("body", ""),
            "href": payload.get("href", ""),
            "severity": payload.get("severity", "info"),
            "group": str(payload.get("group", ""))[:120],
            "group_name": group_name_of(payload)[:200],
            "record": payload.get("record") or None,
        },
    )
