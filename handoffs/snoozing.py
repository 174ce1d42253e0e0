"""Rows of My day that a person has put off; only theirs, and never past the moment they become late."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.urls import reverse

from definitions.models import Version
from definitions.versions import load_model
from records.models import Record
from slas.calendars.sections import calendar_of
from slas.models import Snooze
from teams.models import Membership, Person

HOUR, MORNING, WAKE = "hour", "morning", "wake"
FIRST_HOUR = 9
"""When a morning begins for whom nobody wrote hours down."""
LONGEST = timedelta(days=60)


class SnoozeError(ValueError):
    """What is wrong with the time asked for, in words."""


@dataclass(frozen=True)
class Offer:
    """A time that the menu of a row offers."""

    key: str
    text: str
    until: datetime


def offers(zone: ZoneInfo, now: datetime, calendar: Version | None) -> list[Offer]:
    """An hour, and the morning of the next working day."""
    hour, morning = now + timedelta(hours=1), next_morning(zone, now, calendar)
    local, today = morning.astimezone(zone), now.astimezone(zone).date()
    day = "tomorrow" if local.date() == today + timedelta(days=1) else f"{local:%a}"
    return [
        Offer(HOUR, "Snooze for an hour", hour),
        Offer(MORNING, f"Snooze until {day} {local:%H:%M}", morning),
    ]


def next_morning(zone: ZoneInfo, now: datetime, calendar: Version | None) -> datetime:
    """The first opening after the person's midnight, by the team's hours."""
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)
    if calendar is None:
        return tomorrow.replace(hour=FIRST_HOUR)
    return calendar_of(calendar).add(tomorrow, 0)


def calendar_of_team(team_key: str, calendars: Mapping[str, Version]) -> Version | None:
    return next((v for v in calendars.values() if team_key and team_key in v.body.get("teams", [])), None)


def snoozed_journeys(person: Person, now: datetime) -> dict[uuid.UUID, datetime]:
    """Journey -> until when the person has put it off. One query."""
    rows = Snooze.objects.filter(person=person, until__gt=now, record__journey__isnull=False)
    return dict(rows.order_by("until").values_list("record__journey_id", "until"))


def until_of(person: Person, key: str, now: datetime) -> datetime:
    """The time an offer means now. Raises SnoozeError for a key nobody offers."""
    stay = Membership.objects.open().filter(person=person).values_list("team__key", flat=True).first()
    calendar = calendar_of_team(stay or "", load_model().in_force("calendars", now))
    for offer in offers(person.zone, now, calendar):
        if offer.key == key:
            return offer.until
    raise SnoozeError("Choose a time.")


def read_until(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """From a form's local date and time. Raises SnoozeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SnoozeError("Choose a date and a time.") from None
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    if found <= now:
        raise SnoozeError("Choose a time that is still to come.")
    if found > now + LONGEST:
        raise SnoozeError("Choose a time within the next 60 days.")
    return found


def snooze(person: Person, record: Record, until: datetime, now: datetime) -> None:
    """A second time replaces the first."""
    Snooze.objects.update_or_create(
        person=person, record=record, defaults={"until": until, "snoozed_at": now}
    )


def wake(person: Person, record: Record) -> None:
    """Every record of the buyer: the row is one."""
    same = {"record__journey": record.journey_id} if record.journey_id else {"record": record}
    Snooze.objects.filter(person=person, **same).delete()


def menu_items(record_id: uuid.UUID, found: list[Offer]) -> list[dict[str, str]]:
    """As components/menu.html takes them."""
    items = [
        {"text": offer.text, "post": reverse("handoffs:snooze", args=[record_id, offer.key]), "icon": "alarm"}
        for offer in found
    ]
    page = reverse("handoffs:snooze_until", args=[record_id])
    return [*items, {"text": "Snooze until …", "href": page, "icon": "alarm"}]


def wake_item(record_id: uuid.UUID) -> dict[str, str]:
    return {"text": "Show it now", "post": reverse("handoffs:snooze", args=[record_id, WAKE]), "icon": "sun"}
