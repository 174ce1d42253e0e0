"""Saved views: a name for filters, one's own or the team's, and what a page opens with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from scorecards.boards.saved_views import choices
from scorecards.models import SavedView
from teams.models import Membership, Person, Team
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db
LATE = "/clocks/late/"


@pytest.fixture
def mate(house: House) -> Person:
    """In the team of the SDR."""
    made = Person.objects.create_user("mara.tindle@fernhill.example", name="Mara Tindle")
    Membership.objects.create(
        person=made, team=Team.objects.get(key="sdr"), started_at=house.now - timedelta(days=90)
    )
    return made


def save(browser: Client, **told: str) -> str:
    answer = browser.post(reverse("scorecards:view_save"), {"page": "late", "query": "region=NA&x=1", **told})
    return str(answer.headers.get("Location", answer.status_code))


def test_a_view_keeps_the_filters_and_can_be_what_a_page_opens_with(
    house: House, mate: Person, stranger: Person, signed_in: Callable[[Person], Client]
) -> None:
    browser = signed_in(house.sdr)
    assert save(browser, name="  North  America ", default="1") == f"{LATE}?period=90d&region=NA"
    view = SavedView.objects.get()
    assert (view.name, view.query, view.team) == ("North America", "period=90d&region=NA", None)
    assert browser.get(LATE).headers["Location"] == f"{LATE}?{view.query}"
    assert browser.get(f"{LATE}?all=1").status_code == 200
    assert [c.view.name for c in choices(mate, "late", {})] == []

    # The same name again is the same view, now the team's.
    save(browser, name="North America", shared="1", query="region=EMEA")
    assert SavedView.objects.count() == 1
    assert [(c.view.name, c.is_own, c.is_default) for c in choices(mate, "late", {})] == [
        ("North America", False, False)
    ]
    assert choices(stranger, "late", {}) == []
    mates = signed_in(mate)
    mates.post(reverse("scorecards:view_act", args=[view.pk, "default"]))
    assert mates.get(LATE).status_code == 302
    assert mates.post(reverse("scorecards:view_act", args=[view.pk, "delete"])).status_code == 404
    assert (
        signed_in(stranger).post(reverse("scorecards:view_act", args=[view.pk, "default"])).status_code == 404
    )

    # No longer shared: nothing of it is left to the others.
    save(browser, name="North America")
    assert mates.get(LATE).status_code == 200
    browser.post(reverse("scorecards:view_act", args=[view.pk, "forget"]))
    assert browser.get(LATE).status_code == 200
    browser.post(reverse("scorecards:view_act", args=[view.pk, "delete"]))
    assert not SavedView.objects.exists()


def test_what_cannot_be_saved_is_said(house: House, signed_in: Callable[[Person], Client]) -> None:
    browser = signed_in(house.sdr)
    many = "&".join(f"{name}={'é' * 200}" for name in ("q", "rule"))
    for told, said in (
        ({"name": " "}, "Give the view a name."),
        ({"name": "x" * 61}, "The name is longer than 60 letters."),
        ({"name": "All of it", "query": many}, "These are too many filters for one view."),
    ):
        answer = browser.post(
            reverse("scorecards:view_save"), {"page": "late", "query": "region=NA", **told}, follow=True
        )
        assert said in answer.content.decode()
    assert save(browser, name="x", page="nothing") == "404"
    person = Person.objects.create_user("lone.wander@fernhill.example", name="Lone Wander")
    assert save(signed_in(person), name="x", shared="1").startswith(LATE)  # without a team
    assert not SavedView.objects.exists()
