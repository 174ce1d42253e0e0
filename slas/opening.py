"""When a person's or a team's working day begins and ends, for whoever must not disturb them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from definitions.versions import load_model
from effects.receivers import Hours
from slas.calendars.business_time import Calendar
from slas.in_force import load_staff
from slas.staff import Away

REACH_DAYS = 60


@dataclass(frozen=True)
class Day:
    """Working days of one calendar; ``away`` are its person's absences, which are none of them."""

    calendar: Calendar
    away: Sequence[Away] = ()

    def opens_at(self, at: datetime) -> datetime | None:
        """``at`` itself between the first opening and the last closing of a day, else when the next day begins."""
        at = self._back_at(at)
        # A shift that began on the day before may still be on.
        day = at.astimezone(self.calendar.zone).date() - timedelta(days=1)
        for _ in range(REACH_DAYS):
            shifts = self.calendar.opened_on(day)
            if shifts and at < shifts[-1][1].astimezone(UTC):
                opens = max(at, shifts[0][0].astimezone(UTC))
                back = self._back_at(opens)
                if back == opens:
                    return opens
                return self.opens_at(back)
            day += timedelta(days=1)
        return None

    def _back_at(self, at: datetime) -> datetime:
        """``at``, or the end of the absences it lies in."""
        for away in sorted(self.away, key=lambda a: a.begin):
            if away.begin <= at < away.end:
                at = away.end
        return at


def load_hours(people: Collection[int], teams: Collection[str], now: datetime) -> Hours:
    """Working days by the calendars in force; who has none is missing. A constant number of queries."""
    staff = load_staff(load_model())
    of_people = {}
    for person in people:
        team = staff.team_at(person, now)
        found = staff.hours_at(person, team or "", now)
        if found is not None:
            away = [a for a in staff.away.get(person, ()) if a.is_known(now)]
            of_people[person] = Day(found[1], away)
    of_teams = {team: Day(found[1]) for team in teams if (found := staff.calendar_at(team, now)) is not None}
    return Hours(of_people, of_teams)
