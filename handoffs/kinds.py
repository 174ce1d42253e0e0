"""The kinds of events of a handoff's ledger, and whose court the ball is in after each."""

from __future__ import annotations

from records.kinds import EventKind

OPENED = "handoff.opened"
FILLED = "handoff.filled"
SENT = "handoff.sent"
SEEN = "handoff.seen"
ASKED = "handoff.asked"
ANSWERED = "handoff.answered"
ACCEPTED = "handoff.accepted"
SENT_BACK = "handoff.sent_back"
REASON_GIVEN = "handoff.reason_given"
NEXT_STEP_CONFIRMED = "handoff.next_step_confirmed"
GIVEN = "handoff.given"
"""Somebody left, and another sends or receives it. ``data``: ``side``, ``was``, ``person`` (ids, null: nobody)."""

KINDS = (
    EventKind(OPENED, "Handoff opened", court="sender"),
    EventKind(FILLED, "{actor} filled in the handoff", is_key=False),
    EventKind(SENT, "{actor} sent the handoff", court="receiver"),
    EventKind(SEEN, "{actor} opened the handoff", court="receiver", is_key=False),
    EventKind(ASKED, "{actor} asked a question", court="sender"),
    EventKind(ANSWERED, "{actor} answered", court="receiver"),
    EventKind(ACCEPTED, "{actor} accepted the handoff", court="receiver"),
    EventKind(SENT_BACK, "{actor} sent the handoff back", court="sender"),
    EventKind(REASON_GIVEN, "{actor} said why it goes back", is_key=False),
    EventKind(NEXT_STEP_CONFIRMED, "{actor} confirmed the next step with the buyer", court="customer"),
    EventKind(GIVEN, "{actor} gave the handoff to somebody else"),
)
