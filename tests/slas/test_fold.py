"""How a clock ends: one row per story, each told in the order in which things were learned."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from slas.rules import RuleHistory, RuleVersion
from tests.slas.builders import GONE, SASHA, STAFF, Buyer, Telling, austin, in_force, rule

TOUCH, ROUTED, NOTES = rule("touch"), rule("routed"), rule("notes")


def mql(owner: str | None = "sasha") -> Buyer:
    buyer = Buyer()
    if owner:
        buyer.owned_by(owner, "Thu 09:00")
    return buyer.became_mql("Thu 10:00")


# Each lead became MQL on Thursday at 10:00 and was due at 11:00: what is told, the state at noon, when it stopped.
ENDS: dict[str, tuple[Telling, str, str | None]] = {
    "nothing yet, and nobody has looked": (lambda b: b, "running", None),
    "a call in time": (lambda b: b.activity("c", "Thu 10:20"), "met", "Thu 10:20"),
    "a call at the very due time": (lambda b: b.activity("c", "Thu 11:00"), "met", "Thu 11:00"),
    "asked for and not answered": (lambda b: b.asked(TOUCH, "Thu 11:00"), "due", None),
    "read again: nothing": (lambda b: b.read_again(TOUCH, "Thu 11:00:03"), "breached", None),
    "it could not be read": (
        lambda b: b.asked(TOUCH, "Thu 11:00").answered(TOUCH, "Thu 11:00", "Thu 11:10", "unreadable"),
        "breached_not_verified",
        None,
    ),
    "found by the re-reading": (
        lambda b: b.activity("c", "Thu 10:50", "Thu 11:00:03").read_again(TOUCH, "Thu 11:00:03"),
        "met",
        "Thu 10:50",
    ),
    "a late call before the answer": (
        lambda b: (
            b.asked(TOUCH, "Thu 11:00").activity("c", "Thu 11:01").answered(TOUCH, "Thu 11:00", "Thu 11:02")
        ),
        "breached",
        "Thu 11:01",
    ),
    "a late call alone proves nothing late": (lambda b: b.activity("c", "Thu 11:01"), "running", None),
    "done late": (
        lambda b: b.read_again(TOUCH, "Thu 11:00:03").activity("c", "Thu 11:40"),
        "breached",
        "Thu 11:40",
    ),
    "in time after all": (
        lambda b: b.read_again(TOUCH, "Thu 11:00:03").activity("c", "Thu 10:50", "Thu 11:30"),
        "withdrawn",
        "Thu 10:50",
    ),
    "the lead was deleted": (lambda b: b.deleted_at("contact", "Thu 10:30"), "cancelled", "Thu 10:30"),
    "deleted while we asked": (
        lambda b: (
            b.asked(TOUCH, "Thu 11:00")
            .deleted_at("contact", "Thu 10:59", "Thu 11:00:03")
            .answered(TOUCH, "Thu 11:00", "Thu 11:00:03")
        ),
        "cancelled",
        "Thu 10:59",
    ),
    "deleted after it was late": (
        lambda b: b.read_again(TOUCH, "Thu 11:00:03").deleted_at("contact", "Thu 11:30"),
        "breached",
        None,
    ),
}


@pytest.mark.parametrize(("tell", "state", "stopped"), ENDS.values(), ids=ENDS)
def test_a_clock_ends_as_its_story_says(tell: Telling, state: str, stopped: str | None) -> None:
    clock = tell(mql()).clock(TOUCH, "Thu 12:00")
    assert (clock.result.state, clock.due_at) == (state, austin("Thu 11:00"))
    assert clock.result.stopped_at == (austin(stopped) if stopped else None)
    assert clock.result.breached_at == (austin("Thu 11:00") if "breached" in state else None)


NO_TOUCH: dict[str, Telling] = {
    "an automated e-mail": lambda b: b.activity("c", "Thu 10:20", kind="email", is_automated=True),
    "their own e-mail": lambda b: b.activity("c", "Thu 10:20", kind="email", direction="inbound"),
    "a task": lambda b: b.activity("c", "Thu 10:20", kind="task"),
    "a call by another team": lambda b: b.activity("c", "Thu 10:20", by="mira"),
    "a call by nobody we know": lambda b: b.activity("c", "Thu 10:20", by="who"),
    "a call before it started": lambda b: b.activity("c", "Thu 09:50"),
    "a call without a time": lambda b: b.activity("c", "Thu 10:20", occurred_at=None),
    "a call deleted in the same reading": lambda b: b.activity("c", "Thu 10:20", "Thu 10:30").deleted_at(
        "c", "Thu 10:25", "Thu 10:30"
    ),
    "a meeting that lies ahead": lambda b: b.activity("c", "Thu 10:50", "Thu 10:10", kind="meeting"),
}


@pytest.mark.parametrize("tell", NO_TOUCH.values(), ids=NO_TOUCH)
def test_what_is_no_human_touch_of_the_team_stops_nothing(tell: Telling) -> None:
    clock = tell(mql()).clock(TOUCH, "Thu 10:40")
    assert (clock.result.state, clock.corrections) == ("running", ())


@pytest.mark.parametrize("kind", ["call", "email", "meeting", "message"])
def test_every_kind_of_human_touch_counts(kind: str) -> None:
    clock = mql().activity("c", "Thu 10:20", "Thu 10:05", kind=kind).clock(TOUCH, "Thu 10:40")
    assert (clock.result.state, clock.result.stopped_at) == ("met", austin("Thu 10:20"))


def test_a_call_in_the_second_of_the_start_came_after_it() -> None:
    """HubSpot tells milliseconds, Salesforce whole seconds."""
    buyer = Buyer()
    buyer.owned_by("sasha", "Thu 09:00")
    buyer.became_mql("Thu 10:00:00.485")
    clock = buyer.activity("c", "Thu 10:00:00", "Thu 10:00:02").clock(TOUCH, "Thu 10:05")
    assert (clock.result.state, clock.result.stopped_at) == ("met", clock.start.at)


def test_the_right_owner_from_the_start_is_in_time_at_the_start() -> None:
    clock = mql().clock(ROUTED, "Thu 10:01")
    assert (clock.result.state, clock.result.stopped_at) == ("met", clock.start.at)


@pytest.mark.parametrize(
    ("owner", "stopped"),
    [
        (None, None),
        ("queue", None),
        ("mira", None),
        ("gone", None),
        ("switched_off", None),
        ("sasha", "Thu 10:00"),
    ],
)
def test_only_an_active_person_of_the_team_makes_it_routed(owner: str | None, stopped: str | None) -> None:
    clock = mql(owner).clock(ROUTED, "Thu 10:04")
    assert clock.result.stopped_at == (austin(stopped) if stopped else None)
    assert clock.has_it == {"sasha": "receiver", "mira": "sender"}.get(owner or "", "system")


def test_an_owner_who_left_later_had_it_all_the_same() -> None:
    buyer = Buyer().owned_by("gone", "9 Mon 09:00").became_mql("9 Mon 10:00")
    was_there = STAFF.stays | {GONE: [(STAFF.stays[GONE][0][0], austin("Wed 09:00"), "sdr")]}
    staff = type(STAFF)(STAFF.active, was_there, STAFF.calendars)
    assert buyer.clock(ROUTED, "Fri 10:00", staff).result.state == "met"


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("Thu 16:45", "Fri 08:45"),
        ("Fri 17:00", "16 Mon 09:00"),
        ("Sat 11:00", "16 Mon 09:30"),
        ("25 Wed 17:00", "27 Fri 09:00"),  # Thanksgiving between
    ],
)
def test_business_time_passes_over_nights_weekends_and_holidays(start: str, due: str) -> None:
    assert Buyer().became_mql(start).clock(TOUCH, start).due_at == austin(due)


def test_a_rule_in_business_time_without_a_calendar_has_no_due_time() -> None:
    clock = mql().clock(TOUCH, "Thu 10:30", type(STAFF)(STAFF.active, STAFF.stays, {}))
    assert (clock.due_at, clock.result.state, clock.calendar_version_id) == (None, "running", None)


# --- what was said is only ever corrected ---


def test_a_touch_in_time_learned_after_the_breach_withdraws_it_and_says_so() -> None:
    buyer = mql().read_again(TOUCH, "Thu 11:00:03").activity("c", "Thu 10:50", "Thu 11:30")
    (correction,) = buyer.clock(TOUCH, "Thu 12:00").corrections
    assert (correction.old["state"], correction.new["state"]) == ("breached", "withdrawn")
    assert correction.cause.record_id == Buyer.id_of("c")
    assert correction.at == austin("Thu 11:30")


def test_an_earlier_late_call_learned_later_corrects_the_end() -> None:
    buyer = (
        mql()
        .read_again(TOUCH, "Thu 11:00:03")
        .activity("c", "Thu 11:40")
        .activity("d", "Thu 11:20", "Thu 11:50")
    )
    clock = buyer.clock(TOUCH, "Thu 12:00")
    assert clock.result.stopped_at == austin("Thu 11:20")
    assert [c.old["stopped_at"] for c in clock.corrections] == [austin("Thu 11:40").isoformat()]


def test_an_ordinary_late_end_is_no_correction() -> None:
    buyer = mql().read_again(TOUCH, "Thu 11:00:03").activity("c", "Thu 11:40")
    assert buyer.clock(TOUCH, "Thu 12:00").corrections == ()


def test_two_calls_of_one_reading_are_one_truth() -> None:
    buyer = mql().activity("b", "Thu 10:40", "Thu 10:45").activity("a", "Thu 10:20", "Thu 10:45")
    clock = buyer.clock(TOUCH, "Thu 12:00")
    assert (clock.result.stopped_at, clock.corrections) == (austin("Thu 10:20"), ())


def test_a_call_edited_into_time_afterwards_is_seen_as_a_correction() -> None:
    buyer = mql().read_again(TOUCH, "Thu 11:00:03").activity("c", "Thu 11:40")
    buyer.edited("c", "occurred_at", "2026-11-12T16:30:00Z", "Thu 15:00")
    clock = buyer.clock(TOUCH, "Thu 16:00")
    assert clock.result.state == "withdrawn"
    assert [(c.old["state"], c.new["state"]) for c in clock.corrections] == [("breached", "withdrawn")]


def test_a_call_deleted_afterwards_reopens_the_clock_and_says_so() -> None:
    buyer = mql().activity("c", "Thu 10:20").deleted_at("c", "Thu 15:00")
    clock = buyer.clock(TOUCH, "Thu 16:00")
    assert clock.result.state == "running"
    assert [(c.old["state"], c.new["state"]) for c in clock.corrections] == [("met", "running")]


# --- told late, and history ---


def test_a_start_told_after_its_due_time_charges_nobody() -> None:
    buyer = Buyer().owned_by("sasha", "Thu 09:00").became_mql("Thu 10:00", "Thu 12:00")
    assert buyer.clock(TOUCH, "Thu 12:01").result.state == "seen_late"
    assert buyer.activity("c", "Thu 12:30").clock(TOUCH, "Thu 13:00").result.state == "seen_late"


def test_a_start_told_late_but_touched_in_time_was_in_time() -> None:
    buyer = Buyer().became_mql("Thu 10:00", "Thu 12:00").activity("c", "Thu 10:20", "Thu 12:00")
    assert buyer.clock(TOUCH, "Thu 12:01").result.state == "met"


@pytest.mark.parametrize("go_live", [None, datetime(2026, 12, 1, tzinfo=UTC)])
def test_history_is_measured_without_asking_the_crm(go_live: datetime | None) -> None:
    buyer = mql()
    buyer.go_live_at = go_live
    clock = buyer.clock(TOUCH, "Thu 12:00")
    assert (clock.is_measured_only, clock.result.state) == (True, "breached")
    assert clock.result.breached_at == austin("Thu 11:00")


def test_history_that_arrives_page_by_page_leaves_no_corrections() -> None:
    buyer = mql()
    buyer.go_live_at = None
    clock = (
        buyer.activity("c", "Thu 11:40", "Fri 09:00")
        .activity("d", "Thu 10:10", "Fri 09:05")
        .clock(TOUCH, "Fri 10:00")
    )
    assert (clock.result.state, clock.corrections) == ("met", ())


# --- before an event ---


def test_without_a_meeting_there_is_no_due_time() -> None:
    clock = mql().clock(NOTES, "Fri 12:00")
    assert (clock.due_at, clock.result.state) == (None, "running")


def test_the_due_time_is_the_first_meeting_and_moves_with_it() -> None:
    buyer = mql().activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="ava")
    assert buyer.clock(NOTES, "Thu 12:00").due_at == austin("Fri 09:00")
    buyer.edited("m", "occurred_at", "2026-11-16T16:00:00Z", "Thu 13:00")
    assert buyer.clock(NOTES, "Thu 14:00").due_at == austin("16 Mon 10:00")
    buyer.deleted_at("m", "Thu 15:00")
    assert buyer.clock(NOTES, "Thu 16:00").due_at is None


def test_notes_sent_before_the_meeting_are_in_time() -> None:
    buyer = (
        mql()
        .activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="ava")
        .act("handoff.sent", "Thu 16:00")
    )
    clock = buyer.clock(NOTES, "Fri 12:00")
    assert (clock.result.state, clock.result.stop and clock.result.stop.person_id) == ("met", SASHA)


def test_a_meeting_moved_after_it_was_late_rewrites_nothing() -> None:
    buyer = (
        mql()
        .activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="ava")
        .read_again(NOTES, "Fri 09:00:02")
    )
    assert buyer.clock(NOTES, "Fri 09:01").result.state == "breached"
    buyer.edited("m", "occurred_at", "2026-11-16T16:00:00Z", "Fri 09:30")
    clock = buyer.clock(NOTES, "Fri 10:00")
    assert (clock.result.state, clock.due_at) == ("breached", austin("Fri 09:00"))


def test_a_meeting_moved_while_it_was_being_checked_asks_again_later() -> None:
    buyer = (
        mql().activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="ava").asked(NOTES, "Fri 09:00:01")
    )
    buyer.edited("m", "occurred_at", "2026-11-16T16:00:00Z", "Fri 09:00:02").answered(
        NOTES, "Fri 09:00:01", "Fri 09:00:02"
    )
    assert buyer.clock(NOTES, "Fri 10:00").result.state == "running"


def test_a_meeting_we_heard_of_only_afterwards_charges_nobody() -> None:
    buyer = mql().activity("m", "Thu 11:00", "Thu 14:00", kind="meeting", by="ava")
    assert buyer.clock(NOTES, "Thu 14:01").result.state == "seen_late"


# --- rules over time ---


def test_a_clock_keeps_the_rule_that_was_in_force_at_its_start() -> None:
    longer = rule("touch", target={"business": "4h"})
    history = RuleHistory(
        (RuleVersion(1, TOUCH, austin("Mon 00:00")), RuleVersion(2, longer, austin("Thu 09:00")))
    )
    buyer = Buyer().became_mql("Wed 10:00").became_mql("Thu 10:00")
    found = buyer.clocks([history], "Thu 10:30")
    assert [(c.rule_version_id, c.due_at) for c in found] == [
        (1, austin("Wed 11:00")),
        (2, austin("Thu 14:00")),
    ]


def test_before_a_rule_and_after_its_retirement_nothing_starts() -> None:
    history = in_force(TOUCH, austin("Wed 00:00"), austin("Thu 00:00"))
    buyer = Buyer().became_mql("Tue 10:00").became_mql("Wed 10:00").became_mql("Thu 10:00")
    assert [c.start.at for c in buyer.clocks([history], "Fri 10:00")] == [austin("Wed 10:00")]


def test_a_record_that_left_the_journey_owes_no_answer() -> None:
    buyer = mql()
    requests = {str(Buyer.id_of("contact")): "ask", str(Buyer.id_of("another")): "ask too"}
    buyer.tell(
        "contact", "clock.due", "Thu 11:00", data={"clock": str(buyer.clock_id(TOUCH)), "requests": requests}
    )
    buyer.tell("contact", "verified", "Thu 11:00:02", data={"request": "ask", "outcome": "read"})
    assert buyer.clock(TOUCH, "Thu 12:00").result.state == "breached"
