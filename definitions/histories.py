"""Which of the versions of one thing is in force when, where all of them are in memory (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar


class Dated(Protocol):
    """In force in [since, until); ``until`` None: to this day."""

    @property
    def since(self) -> datetime: ...

    @property
    def until(self) -> datetime | None: ...


Version = TypeVar("Version", bound=Dated)


def in_force_at(versions: Sequence[Version], at: datetime) -> Version | None:
    """Of versions in order; None before the first and after a retirement."""
    found = read_by_at(versions, at)
    return None if found is None or found.since > at else found


def read_by_at(versions: Sequence[Version], at: datetime) -> Version | None:
    """The same, but the first version also reads the past before it."""
    if not versions:
        return None
    found = versions[max(0, bisect_right([v.since for v in versions], at) - 1)]
    return None if found.until is not None and found.until <= at else found
