"""The form, the page of what waits for a decision, and their doors in the API."""

from __future__ import annotations

import html
import json
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from effects.models import Effect
from slas.models import Appeal, Clock
from teams.models import BusinessUnit, Person, Role
from teams.tokens import issue_token
from tests.slas.conftest import House
from tests.slas.objects import make_appeal, make_clock


@pytest.fixture
def theo(house: House) -> Person:
    return house.person("theo", "Theo March", team="marketing", role=Role.MANAGER)


@pytest.fixture
def late(house: House, theo: Person) -> Clock:
    house.become_mql("Thu 10:00", owner=None)
    house.lead("Thu 10:20", stage="mql", owner="sasha")
    house.conclude("Thu 10:20")
    house.run_late()
    return house.clock()


def browser(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def words(answer: Any) -> str:
    text = re.sub(
        r"<(script|style|head|nav)\b.*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL
    )
    return re.sub(r" (?=[.,:”])", "", " ".join(html.unescape(text).split()))


def test_the_form_offers_what_the_data_shows_and_sends_it_to_the_other_team(
    house: House, late: Clock, theo: Person
) -> None:
    path = f"/clocks/{late.pk}/not-on-me/"
    me = browser(house.sasha)
    assert "This is not on me" in words(me.get(f"/clocks/{late.pk}/"))
    shown = words(me.get(path))
    for text in (
        "It had no owner For 20 min of the 1 h that counted it had no owner.",
        "Something that our data does not show I was away",
        "On the rest a manager of Marketing decides",
        "there is no deadline",
    ):
        assert text in shown, (text, shown)
    refused = me.post(path, {"reason": "other", "note": ""})
    assert (refused.status_code, Appeal.objects.count()) == (422, 0)
    assert "Say in a few words what happened" in words(refused)
    sent = me.post(path, {"reason": "unowned", "note": "", "act_key": "a"}, follow=True)
    assert "Said. You get a message when it is decided." in words(sent)
    assert "“It had no owner” just now Waiting Marketing decides." in words(sent)
    assert "It was said already" in words(me.get(path))


def test_the_other_teams_manager_finds_it_and_decides_without_reading_the_name(
    house: House, late: Clock, theo: Person
) -> None:
    browser(house.sasha).post(f"/clocks/{late.pk}/not-on-me/", {"reason": "unowned", "act_key": "a"})
    row = Appeal.objects.get()
    page = browser(theo).get("/appeals/")
    assert "To decide 1" in page.content.decode().replace('<span class="gt-muted">', "").replace(
        "</span>", ""
    )
    text = words(page)
    assert "SDR Austin It had no owner" in text
    assert "Sasha" not in text
    assert "Grant" in text
    none = browser(theo).post(f"/appeals/{row.pk}/refuse/", {"because": ""}, follow=True)
    assert "Say why not." in words(none)
    done = browser(theo).post(f"/appeals/{row.pk}/refuse/", {"because": "20 minutes only."}, follow=True)
    assert "It counts." in words(done)
    mine = words(browser(house.sasha).get("/appeals/?show=refused"))
    assert "Counts Marketing, just now 20 minutes only." in mine
    assert "Theo" not in mine


def test_a_filter_by_team_and_reason_and_what_is_not_there(house: House, late: Clock, theo: Person) -> None:
    browser(house.sasha).post(f"/clocks/{late.pk}/not-on-me/", {"reason": "unowned", "act_key": "a"})
    admin = browser(house.revops)
    assert "Kestrel 101" in words(admin.get("/appeals/?show=open&team=marketing&reason=unowned"))
    assert "None matches" in words(admin.get("/appeals/?show=open&team=sales"))
    assert "None here" in words(admin.get("/appeals/?show=granted"))
    assert "Nothing waits for a decision" in words(browser(house.mira).get("/appeals/"))


def test_how_often_managers_grant_is_said_from_five_decisions_on(house: House, theo: Person) -> None:
    for number in range(6):
        appeal = make_appeal(make_clock(house.unit, house.sasha))
        Appeal.objects.filter(pk=appeal.pk).update(
            state="granted" if number else "refused", decided_by=theo, decided_at=appeal.opened_at
        )
    leader = house.person("lea", "Lea Top", role=Role.LEADER)
    assert "Theo March 5 1 83%" in words(browser(leader).get("/appeals/"))
    assert "Bea Lead 5 1 83% 0" in words(browser(house.boss).get("/appeals/"))
    assert "Theo March 5 1" not in words(browser(house.boss).get("/appeals/"))
    assert "How often it was granted" not in words(browser(house.sasha).get("/appeals/"))
    Appeal.objects.filter(state="granted").first().delete()  # type: ignore[union-attr]  # there are five
    Appeal.objects.filter(state="granted").first().delete()  # type: ignore[union-attr]  # there are four
    assert "Theo March 3 1 too few to say" in words(browser(leader).get("/appeals/"))


def test_of_one_that_is_not_late_the_manager_is_told(house: House) -> None:
    house.become_mql("Thu 10:00")
    clock = house.clock()
    me, path = browser(house.sasha), f"/clocks/{clock.pk}/not-on-me/"
    assert "Whose is it?" in words(me.get(path))
    assert me.post(path, {"note": ""}).status_code == 422
    answer = me.post(path, {"note": "Odd works with them.", "act_key": "n"}, follow=True)
    assert "Until somebody else owns it in the CRM, the clock stays with you." in words(answer)
    assert (
        Effect.objects.filter(payload__person=house.boss.pk, payload__body="Odd works with them.").count()
        == 1
    )
    assert "You do not have this one" in words(browser(house.mira).get(path))


def test_a_manager_chooses_for_whom(house: House, late: Clock) -> None:
    path = f"/clocks/{late.pk}/not-on-me/"
    shown = words(browser(house.boss).get(path))
    assert "This is not on Sasha Field" in shown
    assert "They were away, and nobody covered for them" in shown
    browser(house.boss).post(
        path, {"reason": "other", "note": "New here.", "person": house.sasha.pk, "act_key": "a"}
    )
    assert Appeal.objects.get().person == house.sasha


def test_outside_the_business_unit_nothing_is_found(house: House) -> None:
    other = BusinessUnit.objects.create(key="apac", name="APAC")
    clock = make_clock(other, None)
    appeal = make_appeal(clock)
    admin = browser(house.revops)
    assert admin.get(f"/clocks/{clock.pk}/not-on-me/").status_code == 404
    assert admin.post(f"/appeals/{appeal.pk}/grant/").status_code == 404
    assert admin.post(f"/appeals/{uuid.uuid4()}/grant/").status_code == 404
    assert "Kestrel" not in words(admin.get("/appeals/"))


# --- the API ----------------------------------------------------------------------------------------------------


class Caller:
    def __init__(self, who: Person) -> None:
        self.head = {"HTTP_AUTHORIZATION": f"Bearer {issue_token(who, name='t', scope='write')[1]}"}

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1/{path}", **self.head)

    def post(self, path: str, key: str, **body: Any) -> Any:
        head = {**self.head, "HTTP_IDEMPOTENCY_KEY": key} if key else self.head
        return Client().post(f"/api/v1/{path}", json.dumps(body), "application/json", **head)


def test_the_api_says_why_opens_and_decides(house: House, late: Clock, theo: Person) -> None:
    me, other = Caller(house.sasha), Caller(theo)
    reasons = me.get(f"clocks/{late.pk}/appeals/").json()
    assert reasons[0] == {
        "key": "unowned", "saying": "It had no owner", "is_proved": False,
        "text": "For 20 min of the 1 h that counted it had no owner.",
    }  # fmt: skip
    assert other.get(f"clocks/{late.pk}/appeals/").json() == []
    assert me.post(f"clocks/{late.pk}/appeals/", "", reason="unowned").status_code == 400
    assert me.post(f"clocks/{late.pk}/appeals/", "k", reason="boredom").status_code == 400
    opened = me.post(f"clocks/{late.pk}/appeals/", "k", reason="unowned").json()
    assert (opened["state"], opened["team"], opened["who"]) == ("open", "marketing", "Sasha Field")
    assert me.post(f"clocks/{late.pk}/appeals/", "k", reason="unowned").json()["id"] == opened["id"]
    assert me.post(f"clocks/{late.pk}/appeals/", "k", reason="other", note="x").status_code == 422
    assert me.post(f"appeals/{opened['id']}/grant/", "g").status_code == 403
    assert Caller(house.mira).post(f"appeals/{opened['id']}/grant/", "g").status_code == 404
    assert other.post(f"appeals/{opened['id']}/refuse/", "g").status_code == 400
    granted = other.post(f"appeals/{opened['id']}/grant/", "g", because="True.").json()
    assert (granted["state"], granted["who"], granted["decided_because"]) == (
        "granted",
        "SDR Austin",
        "True.",
    )
    assert [a["id"] for a in other.get("appeals/?state=granted&team=marketing").json()["results"]] == [
        opened["id"]
    ]
    assert other.get("appeals/?state=dreamt").status_code == 400
    assert me.post(f"clocks/{late.pk}/not_mine/", "n", note="x").json() == {"told": 1}


def test_the_api_tells_all_that_the_page_says(house: House, late: Clock) -> None:
    receipt = Caller(house.boss).get(f"clocks/{late.pk}/").json()["receipt"]
    assert (receipt["unowned_seconds"], receipt["calendar"], receipt["is_frozen"]) == (1200, "austin", False)
    assert [(c["seconds"], c["who"]) for c in receipt["counted"]] == [(1200, ""), (2400, "Sasha Field")]
    assert receipt["read_again"][0]["read_in"] == "HubSpot"
    assert receipt["target"] == "within 1 h of business time"
