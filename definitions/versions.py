"""Which version of the operating model was in force when. Loaded once per batch, asked as often as you like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from django.db import connection

from definitions.models import Version

_LOCK = 0x6D6F64656C


class Model:
    """All versions that were ever in force, in memory: answers without a query."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self._history: dict[tuple[str, str], list[Version]] = defaultdict(list)
        for version in versions:
            if version.effective_from is not None:
                self._history[version.section, version.key].append(version)
        for line in self._history.values():
            line.sort(key=lambda v: (v.effective_from, v.number))

    @cached_property
    def _keys(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for section, key in sorted(self._history):
            found[section].append(key)
        return found

    def keys(self, section: str) -> Sequence[str]:
        """Every key that was ever in force, retired ones included."""
        return self._keys.get(section, [])

    def all(self) -> Iterator[Version]:
        """Every version that was ever in force."""
        return (version for line in self._history.values() for version in line)

    def history(self, section: str, key: str) -> Sequence[Version]:
        """The versions of one thing, oldest first."""
        return self._history.get((section, key), [])

    def at(self, section: str, key: str, at: datetime) -> Version | None:
        """The version in force at an instant: the latest one that had begun, unless it had been retired."""
        found = None
        for version in self.history(section, key):
            has_begun = version.effective_from is not None and version.effective_from <= at
            if has_begun and (version.retired_at is None or version.retired_at > at):
                found = version
        return found

    def in_force(self, section: str, at: datetime) -> dict[str, Version]:
        """Key -> version in force at an instant."""
        return {key: version for key in self.keys(section) if (version := self.at(section, key, at))}


def load_model() -> Model:
    """One query; the versions of all sections."""
    return Model(
        Version.objects.filter(effective_from__isnull=False).exclude(state__in=["draft", "proposed"])
    )


def versions_in_force(section: str, at: datetime) -> dict[str, Version]:
    """Key -> version in force at ``at``. One query; inside a batch use ``load_model`` once instead."""
    return {v.key: v for v in Version.objects.in_force(section, at)}


def version_at(section: str, key: str, at: datetime) -> Version | None:
    """One query."""
    return Version.objects.in_force(section, at).filter(key=key).first()


def lock_model() -> None:
    """One change of the model at a time, until the transaction ends; what was read before may be old."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def latest_agreed(section: str, key: str) -> Version | None:
    """The version that a new one would follow: in force, or agreed and beginning later. None once retired."""
    return (
        Version.objects.filter(section=section, key=key, state=Version.State.SIGNED, retired_at=None)
        .exclude(effective_from=None)
        .order_by("-effective_from", "-number")
        .first()
    )
