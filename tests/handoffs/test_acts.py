"""What people do on a handoff: checks, double clicks, stale pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handoffs import services
from handoffs.errors import HandoffError, KeyReused, NotYours, Stale
from handoffs.models import Handoff
from records.models import Event
from teams.models import Person
from tests.handoffs.conftest import FULL, House

STEP = {"next_step": "Call about the pilot", "next_step_at": "2030-01-02T10:00:00+01:00"}


def acts(kind: str) -> int:
    return Event.objects.filter(kind=f"handoff.{kind}").count()


def test_a_qualified_lead_opens_a_handoff_between_its_owner_and_its_executive(house: House) -> None:
    handoff = house.handoff()
    assert (handoff.state, handoff.whose_move) == ("open", "sender")
    assert (handoff.sender, handoff.receiver) == (house.sdr, house.ae)


def test_what_happened_before_go_live_opens_none(house: House) -> None:
    before = house.now - timedelta(days=3)
    house.lead("OLD", at=before, Status="Qualified")
    assert not Handoff.objects.exists()


def test_a_lead_that_leaves_the_stage_needs_no_handoff(house: House) -> None:
    house.handoff()
    house.say("salesforce", "Lead", "L1", house.now - timedelta(hours=1), Status="Nurturing")
    assert house.read().state == "cancelled"


def test_sending_names_everything_that_is_missing(house: House) -> None:
    handoff = house.handoff(**(FULL | {"Timeline__c": None}))
    with pytest.raises(HandoffError) as fault:
        services.send(handoff, house.sdr, {}, key="1", now=house.now)
    assert set(fault.value.fields) == {"timeline", "next_step", "next_step_at"}
    assert fault.value.text == "3 things are still missing."
    assert acts("sent") == 0


def test_what_was_typed_is_checked_by_its_kind(house: House) -> None:
    with pytest.raises(HandoffError) as fault:
        services.fill(house.handoff(), house.sdr, {"next_step_at": "soon"}, key="1", now=house.now)
    assert fault.value.fields == {"next_step_at": "Say a date and a time."}


def test_a_sent_handoff_keeps_what_was_known_at_that_time(house: House) -> None:
    sent = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    assert sent.state == "sent"
    assert sent.form["pain"] == FULL["Pain__c"]
    assert sent.next_step_at is not None
    assert sent.next_step_at.isoformat() == "2030-01-02T09:00:00+00:00"
    house.say("salesforce", "Lead", "L1", house.now + timedelta(minutes=1), Pain__c="Something else")
    assert house.read().form["pain"] == FULL["Pain__c"]


def test_the_same_key_twice_is_one_act(house: House) -> None:
    handoff = house.handoff(**FULL)
    for _ in range(2):
        assert services.send(handoff, house.sdr, STEP, key="1", now=house.now).state == "sent"
    assert acts("sent") == 1


def test_a_key_used_for_something_else_is_refused(house: House) -> None:
    handoff = house.handoff(**FULL)
    services.fill(handoff, house.sdr, {"next_step": "Call"}, key="1", now=house.now)
    for values in ({"next_step": "Mail"}, {"pain": "Call"}):
        with pytest.raises(KeyReused):
            services.fill(handoff, house.sdr, values, key="1", now=house.now)
    with pytest.raises(KeyReused):
        services.fill(house.handoff("L2"), house.sdr, {"next_step": "Call"}, key="1", now=house.now)


def test_saving_what_is_there_already_leaves_no_trace(house: House) -> None:
    handoff = house.handoff(**FULL)
    shown = {"pain": FULL["Pain__c"] + "\r\n", "impact": FULL["Impact__c"], "next_step": "", "timeline": ""}
    services.fill(handoff, house.sdr, shown, key="1", now=house.now)
    assert acts("filled") == 0
    services.fill(handoff, house.sdr, {"next_step": "Call"}, key="2", now=house.now)
    services.fill(house.read(), house.sdr, {"next_step": "Call"}, key="3", now=house.now)
    assert acts("filled") == 1
    assert house.read().form == {"next_step": "Call"}


def test_a_stale_page_is_told_who_was_faster(house: House, colleague: Person) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    services.accept(handoff, house.ae, key="2", now=house.now)
    with pytest.raises(Stale) as fault:
        services.send_back(
            handoff,
            house.ae,
            reason="no_need",
            text="",
            key="3",
            now=house.now + timedelta(minutes=2, seconds=1),
        )
    assert fault.value.text.startswith(f"{house.ae.name} accepted it 2 min ago.")


@pytest.mark.parametrize("who", ["sender", "a colleague of the receiver"])
def test_only_who_has_the_move_may_act(house: House, colleague: Person, who: str) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    person = house.sdr if who == "sender" else colleague
    with pytest.raises(NotYours):
        services.accept(handoff, person, key="2", now=house.now)


def test_a_manager_may_act_and_it_stays_the_reps(house: House) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    manager = house.ae.manager
    assert manager is not None
    assert services.accept(handoff, manager, key="2", now=house.now).receiver == house.ae


def test_without_a_receiver_one_of_the_team_is_chosen_or_takes_it(house: House, colleague: Person) -> None:
    handoff = house.handoff(**FULL, AE__c=None)
    with pytest.raises(HandoffError) as fault:
        services.send(handoff, house.sdr, STEP, key="1", now=house.now)
    assert set(fault.value.fields) == {"receiver"}
    with pytest.raises(HandoffError):
        services.send(handoff, house.sdr, STEP, receiver=house.sdr, key="2", now=house.now)
    sent = services.send(handoff, house.sdr, STEP, receiver=house.ae, key="3", now=house.now)
    assert sent.receiver == house.ae
    Person.objects.filter(pk=house.ae.pk).update(is_active=False)
    assert services.accept(house.read(), colleague, key="4", now=house.now).state == "accepted"


@pytest.mark.parametrize(
    ("reason", "text", "wrong"),
    [
        ("", "", "reason"),
        ("nonsense", "x", "reason"),
        ("other", "  ", "text"),
        ("no_need", "", None),
        ("other", "x", None),
    ],
)
def test_words_are_needed_only_where_the_reason_says_too_little(
    house: House, reason: str, text: str, wrong: str | None
) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    if wrong is None:
        back = services.send_back(handoff, house.ae, reason=reason, text=text, key="2", now=house.now)
        assert (back.state, back.reason, back.reason_text) == ("sent_back", reason, text)
    else:
        with pytest.raises(HandoffError) as fault:
            services.send_back(handoff, house.ae, reason=reason, text=text, key="2", now=house.now)
        assert set(fault.value.fields) == {wrong}


def test_a_handoff_is_done_when_the_next_step_is_confirmed(house: House) -> None:
    handoff = services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    handoff = services.see(handoff, house.ae, now=house.now)
    assert services.see(handoff, house.ae, now=house.now).state == "seen"
    handoff = services.ask(handoff, house.ae, text="Who signs?", key="2", now=house.now)
    handoff = services.answer(handoff, house.sdr, text="The CFO.", key="3", now=house.now)
    handoff = services.accept(handoff, house.ae, key="4", now=house.now)
    assert handoff.whose_move == "receiver"
    done = services.confirm_next_step(handoff, house.ae, {"next_step": "Pilot"}, key="5", now=house.now)
    assert (done.state, done.next_step, done.whose_move) == ("completed", "Pilot", "nobody")
    house.conclude()
    assert house.read().state == "completed"
