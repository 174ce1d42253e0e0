"""Pausing all writing, of one connection or of all that write."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from effects.tick import ring
from integrations.registry import CONNECTORS
from records.models import Connection


def pause_writing(now: datetime, name: str = "") -> int:
    """Nothing is sent until somebody resumes it. Returns connections that were writing."""
    return _writing(name).filter(writing_paused_at=None).update(writing_paused_at=now)


def resume_writing(name: str = "") -> int:
    """Returns connections that were paused."""
    count = _writing(name).filter(writing_paused_at__isnull=False).update(writing_paused_at=None)
    ring("push")
    return count


def _writing(name: str) -> QuerySet[Connection]:
    rows = Connection.objects.filter(kind__in=CONNECTORS, is_writing=True)
    return rows.filter(name=name) if name else rows
