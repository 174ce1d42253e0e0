"""The fold: what each act does in each state, and that anything else changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoffs.fold import ALLOWED, MOVE, HandoffData, fold_handoff
from records.journey_data import EventData

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HANDOFF, RECORD = uuid.UUID(int=1), uuid.UUID(int=2)
SENDER, RECEIVER, OTHER = 1, 2, 3

# What leads to a state, and where each act leads from it; an act that is not named changes nothing.
PATHS: dict[str, list[str]] = {
    "open": [],
    "sent": ["sent"],
    "seen": ["sent", "seen"],
    "asked": ["sent", "asked"],
    "accepted": ["sent", "accepted"],
    "sent_back": ["sent", "sent_back"],
    "completed": ["sent", "accepted", "next_step_confirmed"],
}
FACTS: dict[str, dict[str, str]] = {
    "open": {"filled": "open", "sent": "sent"},
    "sent": {"seen": "seen", "asked": "asked", "accepted": "accepted", "sent_back": "sent_back"},
    "seen": {"asked": "asked", "accepted": "accepted", "sent_back": "sent_back"},
    "asked": {"filled": "asked", "answered": "seen", "accepted": "accepted", "sent_back": "sent_back"},
    "accepted": {"next_step_confirmed": "completed"},
    "sent_back": {"filled": "sent_back", "sent": "sent", "reason_given": "sent_back"},
    "completed": {},
}
ACTS = [kind.removeprefix("handoff.") for kind in ALLOWED]


def event(i: int, act: str, actor: int | None = None, **data: Any) -> EventData:
    at = START + timedelta(minutes=i + 1)
    return EventData(
        i,
        f"gtmops:{i}",
        f"handoff.{act}",
        RECORD,
        "gtmops",
        "",
        None,
        None,
        data,
        actor,
        at,
        at,
        None,
        90,
        "",
    )


def fold(events: Iterable[EventData], **more: Any) -> HandoffData:
    return fold_handoff(HANDOFF, START, events, sender_id=SENDER, receiver_id=RECEIVER, **more)


def fold_acts(acts: Iterable[str], **more: Any) -> HandoffData:
    return fold((event(i, act) for i, act in enumerate(acts)), **more)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", FACTS)
def test_each_act_in_each_state(state: str, act: str) -> None:
    before = fold_acts(PATHS[state])
    after = fold_acts([*PATHS[state], act])
    assert before.state == state
    assert after.state == FACTS[state].get(act, state)
    if act not in FACTS[state]:
        assert after == before


def test_every_state_says_whose_move_it_is() -> None:
    moves = {state: fold_acts(path).whose_move for state, path in PATHS.items()}
    assert moves == {
        "open": "sender",
        "sent": "receiver",
        "seen": "receiver",
        "asked": "sender",
        "accepted": "receiver",
        "sent_back": "sender",
        "completed": "nobody",
    }
    assert set(moves) | {"cancelled"} == set(MOVE)


@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_no_order_of_acts_leads_out_of_the_table(acts: list[str]) -> None:
    state = "open"
    for act in acts:
        state = FACTS[state].get(act, state)
    assert fold_acts(acts).state == state


@pytest.mark.parametrize(
    ("state", "becomes"),
    [(state, state if state in ("accepted", "completed") else "cancelled") for state in PATHS],
)
def test_without_its_reason_it_is_cancelled_unless_it_was_accepted(state: str, becomes: str) -> None:
    assert fold_acts(PATHS[state], is_cancelled=True).state == becomes


def test_an_act_names_who_it_was_and_the_form_keeps_the_last_word() -> None:
    folded = fold(
        [
            event(0, "filled", values={"pain": "a", "impact": "b"}),
            event(1, "sent", OTHER, sender=SENDER, receiver=OTHER, values={"pain": "c"}),
            event(2, "accepted", SENDER, receiver=OTHER),
        ]
    )
    assert (folded.sender_id, folded.receiver_id) == (SENDER, OTHER)
    assert folded.form == {"pain": "c", "impact": "b"}
    assert folded.answered_in == "gtmops"


def test_sending_again_forgets_the_earlier_answer() -> None:
    back = fold([event(0, "sent"), event(1, "sent_back", reason="other", text="No", source="salesforce")])
    assert (back.reason, back.reason_text, back.answered_in) == ("other", "No", "salesforce")
    again = fold([event(0, "sent"), event(1, "sent_back", reason="other", text="No"), event(2, "sent")])
    assert (again.reason, again.reason_text, again.answered_at, again.seen_at) == ("", "", None, None)
    assert again.sent_at == START + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("text", "at"),
    [("2026-03-09T10:00:00Z", datetime(2026, 3, 9, 10, tzinfo=UTC)), ("", None), ("soon", None)],
)
def test_the_next_steps_date_is_an_instant_or_nothing(text: str, at: datetime | None) -> None:
    assert fold([event(0, "sent", values={"next_step_at": text})]).next_step_at == at
