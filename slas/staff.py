"""Who works where and when, as the fold sees it (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slas.calendars.business_time import Calendar

Stay = tuple[datetime, datetime | None, str]
"""(from, to or None, team key) of one membership."""


@dataclass(frozen=True)
class Staff:
    """``stays``: person id -> memberships; ``calendars``: team key -> [(in force from, version id, calendar)].

    Both lists rise in time. ``active``: who may sign in today, for those whose memberships don't tell."""

    active: frozenset[int] = frozenset()
    stays: Mapping[int, Sequence[Stay]] = field(default_factory=dict)
    calendars: Mapping[str, Sequence[tuple[datetime, int, Calendar]]] = field(default_factory=dict)

    def team_at(self, person_id: int | None, at: datetime) -> str | None:
        """The team a person was in; before the first known membership, that first one's team."""
        stays = self.stays.get(person_id or 0, ())
        for begin, end, team in stays:
            if begin <= at and (end is None or at < end):
                return team
        return stays[0][2] if stays and at < stays[0][0] else None

    def works_at(self, person_id: int | None, at: datetime) -> bool:
        """Whether a person works here at an instant. A leaver's past stays theirs: leaving rewrites nothing."""
        return self.team_at(person_id, at) is not None or person_id in self.active

    def has_left(self, person_id: int) -> bool:
        """Whether the last membership has an end."""
        stays = self.stays.get(person_id, ())
        return bool(stays) and stays[-1][1] is not None

    def calendar_at(self, team: str, at: datetime) -> tuple[int, Calendar] | None:
        """(version id, calendar) a team worked by; the oldest one for times before it was written down."""
        found = None
        for begin, version, calendar in self.calendars.get(team, ()):
            if found is None or begin <= at:
                found = (version, calendar)
        return found
