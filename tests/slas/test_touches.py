"""I already called: who may say it, what it stops, and where it is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from effects import registry
from effects.models import Effect
from records.ids import record_id
from records.models import Event, Record
from records.services import record_act
from slas import touches
from slas.touches import KeyReused, NothingWaits, NotYours, Reported, TouchError, report_touch
from teams.models import Person, Scope
from teams.tokens import issue_token
from tests.slas.builders import LONG_AGO, RULES, austin
from tests.slas.conftest import House

Crm = Callable[[str], None]


@pytest.fixture(autouse=True)
def crm(monkeypatch: pytest.MonkeyPatch) -> Crm:
    """What the CRM's side answers; at first that nothing is written there."""

    def answers(why_not: str) -> None:
        monkeypatch.setitem(registry._channels, "crm_touch", lambda key, payload: None)
        monkeypatch.setitem(registry._why_not, "crm_touch", lambda payload: why_not)

    answers("writing to HubSpot is off.")
    return answers


@pytest.fixture
def lead(house: House) -> Record:
    return house.become_mql("Thu 10:00")


def say(
    record: Record, by: Person, at: str = "Thu 10:20", now: str = "Thu 10:30", **more: object
) -> Reported:
    said = {"kind": "call", "note": "Spoke for three minutes.", "key": "k1"} | more
    return report_touch(record, by, at=austin(at), now=austin(now), **said)  # type: ignore[arg-type]  # a table of facts


def test_it_stops_the_clock_at_once_and_is_marked(house: House, lead: Record) -> None:
    done = say(lead, house.sasha)
    clock = house.clock()
    assert (clock.state, clock.stopped_at) == ("met", austin("Thu 10:20"))
    assert clock.receipt["stop"]["what"] == "Call (self-reported)"
    assert done.words == (
        "Noted, as told by you. 1 clock stopped. It stands in gtmops only: writing to HubSpot is off."
    )
    assert not Effect.objects.filter(channel="crm_touch").exists()


def test_what_is_switched_on_is_written_to_the_crm_too(house: House, lead: Record, crm: Crm) -> None:
    crm("")
    assert say(lead, house.sasha).words.endswith("It is written to the CRM, too.")
    effect = Effect.objects.get(channel="crm_touch")
    assert effect.payload["title"] == "Call (logged from gtmops by Sasha Field)"
    assert effect.payload["person"] == house.sasha.pk


def test_late_and_told_too_late_it_was_in_time_after_all(house: House, lead: Record) -> None:
    house.run_late()
    assert house.clock().state == "breached"
    say(lead, house.sasha, at="Thu 10:40", now="Thu 11:30")
    assert house.clock().state == "withdrawn"


def test_the_same_key_is_one_touch_and_another_body_is_refused(house: House, lead: Record) -> None:
    say(lead, house.sasha)
    assert say(lead, house.sasha).event.external_key == f"touch:{house.sasha.pk}:k1"
    assert Event.objects.filter(kind="touch.reported").count() == 1
    with pytest.raises(KeyReused):
        say(lead, house.sasha, note="Something else")


def test_who_may_say_it(house: House, lead: Record) -> None:
    colleague = house.person("cole", "Cole Ives", team="sdr")
    allowed = {house.sasha, house.boss, colleague, house.revops}
    waiting = touches.waiting_clocks(lead)
    for person in (*allowed, house.mira):
        assert touches.may_report(person, waiting[0], touches.team_of(person)) is (person in allowed)
    with pytest.raises(NotYours):
        say(lead, house.mira)


def test_who_is_in_no_acting_team_says_it_of_the_owner(house: House, lead: Record) -> None:
    say(lead, house.revops)
    assert house.clock().receipt["stop"]["by"] == house.sasha.pk


def test_a_colleague_touched_it_themselves(house: House, lead: Record) -> None:
    say(lead, house.boss)
    assert house.clock().receipt["stop"]["by"] == house.boss.pk


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"at": "Thu 10:31"}, "at"),
        ({"at": "Thu 09:59"}, "at"),
        ({"kind": "carrier pigeon"}, "kind"),
        ({"note": "x" * 2001}, "note"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    house: House, lead: Record, wrong: dict[str, str], field: str
) -> None:
    with pytest.raises(TouchError) as error:
        say(lead, house.sasha, **wrong)
    assert set(error.value.fields) == {field}
    assert house.clock().state == "running"


def test_someone_of_another_team_is_no_touch(house: House, lead: Record) -> None:
    with pytest.raises(TouchError, match="Mira Post is not in the team"):
        say(lead, house.revops, person=house.mira)


def test_nothing_waits_after_it_was_done(house: House, lead: Record) -> None:
    say(lead, house.sasha)
    with pytest.raises(NothingWaits):
        say(lead, house.sasha, key="k2")


def test_a_task_in_the_crm_is_no_touch(house: House, lead: Record) -> None:
    house.call("Thu 10:20", kind="task")
    house.conclude("Thu 10:21")
    assert house.clock().state == "running"


def test_what_we_logged_in_the_crm_is_no_second_touch(house: House) -> None:
    house.publish("sla_rules", "touch", {**RULES["touch"], "at_least": 2}, since=LONG_AGO)
    lead = house.become_mql("Thu 10:00")
    event = say(lead, house.sasha).event
    # As the CRM stamps what is logged: when it was written, not when it was.
    house.call("Thu 10:50")
    ours = record_id("hubspot", "calls", "c101Thu 10:50")
    record_act(
        "touch.written", record=lead, key=f"{event.external_key}:written", occurred_at=austin("Thu 10:50"),
        now=austin("Thu 10:50"), data={"touch": event.external_key, "activity": str(ours)},
    )  # fmt: skip
    house.conclude("Thu 10:51")
    assert house.clock().state == "running"
    house.call("Thu 10:55")
    house.conclude("Thu 10:56")
    assert (house.clock().state, house.clock().stopped_at) == ("met", austin("Thu 10:55"))


# --- the page and the API --------------------------------------------------------------------------------------


@pytest.fixture
def browser(house: House) -> Client:
    client = Client()
    client.force_login(house.sasha)
    return client


def page_of(record: Record) -> str:
    return reverse("slas:touch", args=[record.pk])


def test_the_page_offers_now_and_goes_back(house: House, lead: Record, browser: Client) -> None:
    shown = browser.get(page_of(lead), {"back": "/"})
    assert "First human touch" in shown.content.decode()
    form = shown.context["form"]
    at = house.clock().started_at + timedelta(minutes=1)
    answer = browser.post(
        page_of(lead),
        {
            "kind": "email",
            "at": f"{at:%Y-%m-%dT%H:%M:%S}",
            "key": form.initial["key"],
            "note": "",
            "back": "/",
        },
    )
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert house.clock().receipt["stop"]["what"] == "E-mail (self-reported)"


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(lead: Record, browser: Client) -> None:
    answer = browser.post(
        page_of(lead), {"kind": "call", "at": "2026-01-01T10:00:00", "key": "k", "note": "Spoke to Mara"}
    )
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "The clock began only on" in text
    assert "Spoke to Mara" in text


def test_the_page_leads_nowhere_else(lead: Record, browser: Client) -> None:
    shown = browser.get(page_of(lead), {"back": "//evil.example/"})
    assert shown.context["back"] == reverse("records:record", args=[lead.pk])


def test_others_read_why_not(house: House, lead: Record) -> None:
    client = Client()
    client.force_login(house.mira)
    assert touches.OTHERS in client.get(page_of(lead)).content.decode()


def test_over_the_api(house: House, lead: Record, client: Client) -> None:
    _, secret = issue_token(house.sasha, name="dialler", scope=Scope.WRITE)
    at = (house.clock().started_at + timedelta(minutes=2)).isoformat()

    def post(key: str = "k1", **body: str):  # type: ignore[no-untyped-def]  # the test client's answer
        return client.post(
            reverse("api:record_touches", args=[lead.pk]),
            {"at": at, **body},
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}", **({"Idempotency-Key": key} if key else {})},
        )

    assert post(key="").status_code == 400
    done = post()
    assert (done.status_code, done.json()["clocks"]) == (200, [str(house.clock().pk)])
    assert house.clock().state == "met"
    assert post().status_code == 200
    assert post(kind="email").status_code == 422
    assert post(key="k2").status_code == 409
