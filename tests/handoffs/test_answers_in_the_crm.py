"""A rep accepts or sends back without leaving the CRM."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from handoffs import services
from tests.handoffs.conftest import FULL, House
from tests.handoffs.test_acts import STEP

ANSWER, REASON = "Gtm_Handoff_Answer__c", "Gtm_Handoff_Reason__c"


def answer(house: House, minutes: int, **values: Any) -> None:
    house.say("salesforce", "Lead", "L1", house.now + timedelta(minutes=minutes), **values)


@pytest.fixture
def sent(house: House) -> House:
    services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    house.conclude()
    return house


@pytest.mark.parametrize(
    ("said", "state", "reason", "text"),
    [
        ({ANSWER: "Accept"}, "accepted", "", ""),
        ({ANSWER: "accept "}, "accepted", "", ""),
        ({ANSWER: "Perhaps"}, "sent", "", ""),
        (
            {ANSWER: "Send back", REASON: "no budget owner named"},
            "sent_back",
            "no_authority",
            "no budget owner named",
        ),
        ({ANSWER: "Send back", REASON: "Never heard of them"}, "sent_back", "other", "Never heard of them"),
        ({ANSWER: "Send back"}, "sent_back", "other", ""),
        ({REASON: "No timeline"}, "sent", "", ""),
    ],
)
def test_the_answer_field_is_read_as_an_act(
    sent: House, said: dict[str, str], state: str, reason: str, text: str
) -> None:
    answer(sent, 5, **said)
    handoff = sent.read()
    assert (handoff.state, handoff.reason, handoff.reason_text) == (state, reason, text)
    if state != "sent":
        assert handoff.answered_in == "salesforce"
        assert handoff.answered_at == sent.now + timedelta(minutes=5)


def test_a_reason_that_follows_later_still_counts(sent: House) -> None:
    answer(sent, 5, **{ANSWER: "Send back"})
    answer(sent, 7, **{REASON: "No timeline"})
    handoff = sent.read()
    assert (handoff.reason, handoff.answered_at) == ("no_timeline", sent.now + timedelta(minutes=5))


def test_what_was_answered_before_it_was_sent_again_says_nothing(sent: House) -> None:
    answer(sent, 5, **{ANSWER: "Send back", REASON: "No timeline"})
    again = services.send(sent.read(), sent.sdr, {}, key="2", now=sent.now + timedelta(minutes=9))
    sent.conclude(sent.now + timedelta(minutes=10))
    assert (again.state, sent.read().state, sent.read().reason) == ("sent", "sent", "")
    answer(sent, 12, **{ANSWER: "Accept"})
    assert sent.read().state == "accepted"


def test_an_answer_to_nothing_changes_nothing(house: House) -> None:
    house.handoff(**FULL)
    answer(house, 1, **{ANSWER: "Accept"})
    assert house.read().state == "open"


def meeting(house: House, subject: str = "Discovery call", at: datetime | None = None) -> None:
    begins = (house.now + timedelta(days=1)).isoformat()
    house.say(
        "salesforce",
        "Event",
        "E1",
        at or house.now,
        StartDateTime=begins,
        Subject=subject,
        WhoId="L1",
        OwnerId="005SDR",
    )


def test_a_form_that_the_crm_fills_completely_sends_itself(house: House) -> None:
    house.handoff(**FULL)
    meeting(house)
    house.conclude(house.now + timedelta(minutes=1))
    house.conclude(house.now + timedelta(minutes=1))
    handoff = house.read()
    assert (handoff.state, handoff.whose_move) == ("sent", "receiver")
    assert handoff.next_step == "Discovery call"
    assert handoff.form["pain"] == FULL["Pain__c"]


def test_what_somebody_has_begun_here_waits_for_them(house: House) -> None:
    handoff = house.handoff(**FULL)
    services.fill(handoff, house.sdr, {"next_step": "Workshop"}, key="1", now=house.now)
    meeting(house)
    house.conclude(house.now + timedelta(minutes=1))
    house.conclude(house.now + timedelta(minutes=1))
    assert house.read().state == "open"


def test_what_was_answered_before_we_first_looked_had_been_sent_before_that(house: House) -> None:
    qualified_at, answered_at = (house.now - timedelta(hours=hours) for hours in (3, 1))
    meeting(house, at=qualified_at)
    house.lead_with_history(
        "L1",
        [("Status", "Working", "Qualified", qualified_at), (ANSWER, None, "Accept", answered_at)],
        **FULL,
    )
    handoff = house.read()
    assert (handoff.state, handoff.answered_at) == ("accepted", answered_at)
    assert handoff.sent_at == answered_at - timedelta(seconds=1)
