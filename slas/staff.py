"""Who works where, by which hours, and who is away, as the fold sees it (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slas.calendars.business_time import Calendar

Stay = tuple[datetime, datetime | None, str]
"""(from, to or None, team key) of one membership."""

Hours = tuple[datetime, int, Calendar]
"""(in force from, version id, calendar)."""

OwnHours = tuple[datetime, int | None, Calendar | None]
"""The same of a person or region; None from when no calendar names them any more."""


@dataclass(frozen=True, slots=True)
class Away:
    """One absence in [begin, end). ``entered_at``: when it was written down; ``withdrawn_at``: taken back again."""

    begin: datetime
    end: datetime
    cover: int | None
    entered_at: datetime
    withdrawn_at: datetime | None = None

    def is_known(self, at: datetime) -> bool:
        return self.entered_at <= at and (self.withdrawn_at is None or at < self.withdrawn_at)


@dataclass(frozen=True)
class Staff:
    """``stays``: person id -> memberships; ``calendars``: team key -> hours; ``own`` and ``regional``: hours that a
    calendar gives to single people and to regions of buyers; ``away``: person id -> absences; ``names``: person id ->
    name; ``managers``: person id -> whom they report to today.

    All lists rise in time. ``active``: who may sign in today, for those whose memberships don't tell."""

    active: frozenset[int] = frozenset()
    stays: Mapping[int, Sequence[Stay]] = field(default_factory=dict)
    calendars: Mapping[str, Sequence[Hours]] = field(default_factory=dict)
    own: Mapping[int, Sequence[OwnHours]] = field(default_factory=dict)
    regional: Mapping[str, Sequence[OwnHours]] = field(default_factory=dict)
    away: Mapping[int, Sequence[Away]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    managers: Mapping[int, int | None] = field(default_factory=dict)

    def reports_of(self, person_id: int) -> set[int]:
        return {pk for pk, manager in self.managers.items() if manager == person_id}

    def teams_today(self, person_id: int) -> frozenset[str]:
        return frozenset(team for _, end, team in self.stays.get(person_id, ()) if end is None)

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

    def hours_at(
        self, person_id: int | None, team: str, at: datetime, region: str = ""
    ) -> tuple[int, Calendar] | None:
        """(version id, calendar) by which it counts: the buyer's region where ``region`` is asked for, else the
        person's own, else the team's. None when nobody wrote any down."""
        return (
            (_own_at(self.regional.get(region, ()), at) if region else None)
            or (_own_at(self.own.get(person_id, ()), at) if person_id is not None else None)
            or self.calendar_at(team, at)
        )

    def turns(self, person_id: int | None, team: str, region: str = "") -> Iterator[datetime]:
        """When ``hours_at`` may give another answer."""
        for lines in (
            self.calendars.get(team, ()),
            self.own.get(person_id, ()) if person_id is not None else (),
            self.regional.get(region, ()) if region else (),
        ):
            # The first one holds for all time before it too.
            yield from (line[0] for line in lines[1:])

    def away_at(self, person_id: int, at: datetime, known_at: datetime) -> Away | None:
        """The absence a person is in, as it was known then; one with a cover before one without."""
        found = [a for a in self.away.get(person_id, ()) if a.begin <= at < a.end and a.is_known(known_at)]
        return min(found, key=lambda a: (a.cover is None, a.begin, a.end), default=None)


def _own_at(lines: Sequence[OwnHours], at: datetime) -> tuple[int, Calendar] | None:
    found: tuple[int | None, Calendar | None] = (None, None)
    for number, (begin, version, calendar) in enumerate(lines):
        if not number or begin <= at:
            found = (version, calendar)
    version, calendar = found
    return None if version is None or calendar is None else (version, calendar)
