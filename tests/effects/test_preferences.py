"""How a person says how they want to be told, the test they send themselves, and what admins see undelivered."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from effects import registry
from effects.models import Effect, InboxMessage, NotificationPreferences
from effects.outbox import deliver_due
from effects.receivers import load_receivers
from effects.registry import Refused
from teams.models import Person, Role

pytestmark = pytest.mark.django_db
URL = "/profile/notifications/"
GOOD = {
    "late_by_email": "on", "warning_by_slack": "on", "quiet": "own", "quiet_from": "19:30", "quiet_to": "08:00",
    "has_digest": "on", "messages_a_day": "7",
}  # fmt: skip


@pytest.fixture
def dana() -> Person:
    return Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")


@pytest.fixture
def browser(dana: Person) -> Client:
    client = Client()
    client.force_login(dana)
    return client


def test_what_is_chosen_holds_for_the_next_message(dana: Person, browser: Client) -> None:
    assert browser.get(URL).status_code == 200
    assert browser.post(URL, GOOD).status_code == 302
    chosen = load_receivers([dana.pk], timezone.now())[dana.pk].preferences
    assert (chosen.late_by, chosen.warning_by) == (frozenset({"email"}), frozenset({"slack"}))
    assert (chosen.quiet, chosen.quiet_from, chosen.quiet_to) == ("own", time(19, 30), time(8))
    assert (chosen.has_digest, chosen.messages_a_day) == (True, 7)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"messages_a_day": "0"}, "messages_a_day"),
        ({"messages_a_day": "501"}, "messages_a_day"),
        ({"messages_a_day": "many"}, "messages_a_day"),
        ({"quiet": "sometimes"}, "quiet"),
        ({"quiet_from": "25:00"}, "quiet_from"),
        ({"quiet_to": ""}, "quiet_to"),
        ({"quiet_to": "19:30"}, "quiet_to"),
    ],
)
def test_what_can_t_be_is_refused_beside_its_field(
    browser: Client, wrong: dict[str, str], field: str
) -> None:
    answer = browser.post(URL, GOOD | wrong)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert not NotificationPreferences.objects.exists()


def test_times_of_ones_own_are_asked_for_only_where_they_count(browser: Client) -> None:
    assert browser.post(URL, GOOD | {"quiet": "never", "quiet_from": "", "quiet_to": ""}).status_code == 302
    assert NotificationPreferences.objects.get().quiet_to == time(7)


def test_a_test_goes_out_at_once_and_says_how_it_went(
    dana: Person, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    NotificationPreferences.objects.create(person=dana, late_by_email=False, messages_a_day=1)

    def refuse(key: str, payload: Any) -> None:
        raise Refused("Slack is not set up here.")

    monkeypatch.setitem(registry._channels, "email", lambda key, payload: None)
    monkeypatch.setitem(registry._channels, "slack", refuse)
    assert browser.post(f"{URL}test/").status_code == 302
    deliver_due(timezone.now())
    text = browser.get(URL).content.decode()
    assert ("Sent" in text, "Slack is not set up here." in text) == (True, True)


def test_admins_see_what_was_given_up_and_try_again(dana: Person, browser: Client) -> None:
    for i in range(2):
        payload = {"person": dana.pk, "title": f"Late: {i}"}
        Effect.objects.create(
            key=f"{i}", channel="email", state="dead", last_error="No such mailbox.", payload=payload
        )
    assert browser.get(reverse("effects:undelivered")).status_code == 403
    ines = Person.objects.create_user("ines@fernhill.example", name="Ines Kalderon", role=Role.REVOPS_ADMIN)
    admin = Client()
    admin.force_login(ines)
    assert "could not be delivered" in admin.get(reverse("effects:inbox")).content.decode()
    page = admin.get(reverse("effects:undelivered")).content.decode()
    assert ("No such mailbox." in page, "Dana Okwell" in page) == (True, True)
    admin.post(reverse("effects:retry"), {"effect": Effect.objects.get(key="0").pk})
    assert dict(Effect.objects.values_list("key", "state")) == {"0": "pending", "1": "dead"}
    admin.post(reverse("effects:retry"))
    assert not Effect.objects.filter(state="dead").exists()
    assert "Everything was delivered" in admin.get(reverse("effects:undelivered")).content.decode()
    assert not InboxMessage.objects.exists()
