"""Snooze: a row leaves one person's My day until then, or until it becomes late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from definitions.versions import load_model
from handoffs.my_day import load_day
from handoffs.snoozing import next_morning, snooze
from records.models import Record
from slas.models import Clock, Snooze
from teams.models import Person
from tests.handoffs.conftest import House

AUSTIN = ZoneInfo("America/Chicago")


@pytest.fixture
def lead(house: House) -> Record:
    """An MQL that is due in an hour and a half."""
    record = house.mql("C1", house.now - timedelta(minutes=20))
    Clock.objects.filter(record=record).update(due_at=house.now + timedelta(minutes=90), state="running")
    return record


def test_a_snoozed_row_is_folded_until_its_time_and_for_its_person_only(house: House, lead: Record) -> None:
    snooze(house.sdr, lead, house.now + timedelta(hours=1), house.now)
    day = load_day(house.sdr, house.now)
    assert (day.rows, len(day.snoozed)) == ((), 1)
    assert (day.snoozed[0].text, day.snoozed[0].at) == ("Back", house.now + timedelta(hours=1))
    manager = house.sdr.manager
    assert manager is not None
    assert len(load_day(manager, house.now).due_elsewhere) > 0
    assert len(load_day(house.sdr, house.now + timedelta(hours=1)).rows) == 1


def test_what_becomes_late_comes_back_whatever_was_asked(house: House, lead: Record) -> None:
    snooze(house.sdr, lead, house.now + timedelta(days=3), house.now)
    assert load_day(house.sdr, house.now + timedelta(minutes=89)).rows == ()
    day = load_day(house.sdr, house.now + timedelta(minutes=90))
    assert (len(day.rows), day.snoozed) == (1, ())
    # And what is late can't be put off.
    assert not [item for item in day.rows[0].menu if "Snooze" in item["text"]]


def test_the_menu_puts_it_off_and_shows_it_again(
    house: House, lead: Record, signed_in: Callable[[Person], Client]
) -> None:
    browser = signed_in(house.sdr)
    offers = [item for item in load_day(house.sdr, house.now).rows[0].menu if "Snooze" in item["text"]]
    assert offers[0]["text"] == "Snooze for an hour"
    answer = browser.post(offers[0]["post"], follow=True)
    assert "or until it becomes late" in answer.content.decode()
    assert "Snoozed · 1" in answer.content.decode()
    browser.post(reverse("handoffs:snooze", args=[lead.pk, "wake"]))
    assert not Snooze.objects.exists()
    assert browser.post(reverse("handoffs:snooze", args=[lead.pk, "someday"])).status_code == 404


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("", "Choose a date and a time."),
        ("soon", "Choose a date and a time."),
        ("2020-01-01T10:00", "Choose a time that is still to come."),
        ("2999-01-01T10:00", "Choose a time within the next 60 days."),
    ],
)
def test_a_time_that_makes_no_sense_is_said_beside_the_field(
    house: House, lead: Record, signed_in: Callable[[Person], Client], until: str, said: str
) -> None:
    answer = signed_in(house.sdr).post(reverse("handoffs:snooze_until", args=[lead.pk]), {"until": until})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Snooze.objects.exists()


def test_a_time_is_the_persons_own(house: House, lead: Record, signed_in: Callable[[Person], Client]) -> None:
    local = (house.now + timedelta(days=2)).astimezone(house.sdr.zone).replace(minute=0, second=0)
    path = reverse("handoffs:snooze_until", args=[lead.pk])
    signed_in(house.sdr).post(path, {"until": f"{local:%Y-%m-%dT%H:%M}"})
    assert Snooze.objects.get().until == local.astimezone(UTC)


def test_the_morning_is_the_next_opening_of_the_team(house: House) -> None:
    austin = load_model().in_force("calendars", house.now)["austin"]
    friday_noon = datetime(2026, 11, 20, 18, tzinfo=UTC)
    monday = next_morning(AUSTIN, friday_noon, austin).astimezone(AUSTIN)
    assert f"{monday:%a %H:%M}" == "Mon 08:30"
    assert f"{next_morning(AUSTIN, friday_noon, None):%a %H:%M}" == "Sat 09:00"


def test_the_page_does_not_change_with_every_second_of_lateness(house: House, lead: Record) -> None:
    Clock.objects.filter(record=lead).update(due_at=house.now - timedelta(minutes=5), state="breached")
    marks = {load_day(house.sdr, house.now + timedelta(seconds=s)).mark for s in (0, 1, 2, 3)}
    assert len(marks) <= 2
