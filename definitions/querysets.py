"""Named reads of versions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from definitions.models import Version  # noqa: F401 - name for the generic parameter


class VersionQuerySet(models.QuerySet["Version"]):
    def in_force(self, section: str | Sequence[str], at: datetime) -> VersionQuerySet:
        """The version of each key of ``section``, or of each of several, that was in force at ``at`` (one row per
        key)."""
        names = [section] if isinstance(section, str) else list(section)
        return (
            self.filter(section__in=names, effective_from__lte=at)
            .exclude(state__in=["draft", "proposed"])
            .filter(models.Q(retired_at=None) | models.Q(retired_at__gt=at))
            .order_by("section", "key", "-effective_from", "-number")
            .distinct("section", "key")
        )
