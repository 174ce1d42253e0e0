"""Who is told, with their hours and preferences. Working hours live in an upper room, which registers them here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from effects.models import NotificationPreferences
from effects.policy import Preferences, Receiver, WorkingDay
from teams.models import Person


@dataclass(frozen=True)
class Hours:
    """Working days by person id and by team key; who is missing has none written down."""

    people: Mapping[int, WorkingDay] = field(default_factory=dict)
    teams: Mapping[str, WorkingDay] = field(default_factory=dict)


LoadHours = Callable[[Collection[int], Collection[str], datetime], Hours]
"""``load(person ids, team keys, now)``, in a constant number of queries."""

_load: list[LoadHours] = []


def register_hours(load: LoadHours) -> None:
    _load[:] = [load]


def load_hours(people: Collection[int], teams: Collection[str], now: datetime) -> Hours:
    return _load[0](people, teams, now) if _load else Hours()


def load_receivers(people: Collection[int], now: datetime) -> dict[int, Receiver]:
    """Person id -> receiver, for people who are there; a constant number of queries."""
    rows = Person.objects.filter(pk__in=people).select_related("notification_preferences")
    hours = load_hours(people, (), now).people
    return {
        person.pk: Receiver(
            person.zone,
            preferences_of(getattr(person, "notification_preferences", None)),
            hours.get(person.pk),
        )
        for person in rows
    }


def preferences_of(row: NotificationPreferences | None) -> Preferences:
    if row is None:
        return Preferences()
    return Preferences(
        warning_by=_channels(email=row.warning_by_email, slack=row.warning_by_slack),
        late_by=_channels(email=row.late_by_email, slack=row.late_by_slack),
        quiet=row.quiet,  # type: ignore[arg-type]  # one of the three by the field's choices
        quiet_from=row.quiet_from,
        quiet_to=row.quiet_to,
        has_digest=row.has_digest,
        messages_a_day=row.messages_a_day,
    )


def _channels(**chosen: bool) -> frozenset[str]:
    return frozenset(name for name, is_on in chosen.items() if is_on)
