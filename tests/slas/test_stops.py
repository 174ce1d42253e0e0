"""What stops a clock beside owners, touches and handoffs: meetings, fields, stages, several touches, reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slas.fold import BREACHED, MET, RUNNING, WITHDRAWN, ClockData, Entered, Setting
from slas.rules import Rule
from slas.touch_rules import TouchHistory, TouchRules
from tests.slas.builders import MIRA, SASHA, Buyer, Telling, austin, in_force, rule

BOOKED = rule("touch", stop={"meeting_booked": "sdr"}, target={"business_days": 2})
HELD = rule("touch", stop={"meeting_held": "any"}, target={"business_days": 3})
FILLED = rule("touch", stop={"field_set": "plan"}, target={"elapsed": "8h"})
TWICE = rule("touch", at_least=2, target={"business_days": 2})
TOUCH = rule("touch")


def mql() -> Buyer:
    return Buyer().owned_by("sasha", "Thu 09:00").became_mql("Thu 10:00")


def stop_of(clock: ClockData) -> tuple[str, str | None]:
    """(state, when it stopped in Austin)."""
    at = clock.result.stopped_at
    return clock.result.state, at and (at - timedelta(hours=6)).strftime("%a %H:%M")


# --- meetings --------------------------------------------------------------------------------------------------

BOOKINGS: dict[str, tuple[Telling, tuple[str, str | None]]] = {
    "booked, whoever it was": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting"),
        (MET, "Thu 11:00"),
    ),
    "by the buyer": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", direction="inbound"),
        (MET, "Thu 11:00"),
    ),
    "before, and it lies ahead": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 09:30", kind="meeting"),
        (MET, "Thu 10:00"),
    ),
    "with another team": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="mira"),
        (RUNNING, None),
    ),
    "a meeting that was over before": (
        lambda b: b.activity("m", "Thu 09:30", "Thu 11:00", kind="meeting"),
        (RUNNING, None),
    ),
    "written down afterwards": (
        lambda b: b.activity("m", "Thu 12:00", "Fri 09:00", kind="meeting"),
        (MET, "Thu 12:00"),
    ),
    "a call": (lambda b: b.activity("c", "Thu 11:00"), (RUNNING, None)),
    "deleted again": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting").deleted_at("m", "Thu 12:00"),
        (RUNNING, None),
    ),
    "moved": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting").edited(
            "m", "occurred_at", "2026-11-16T16:00:00Z", "Thu 12:00"
        ),
        (MET, "Thu 11:00"),
    ),
}


@pytest.mark.parametrize(("tell", "ends"), BOOKINGS.values(), ids=BOOKINGS)
def test_a_meeting_is_booked_when_it_stands_in_a_calendar(
    tell: Telling, ends: tuple[str, str | None]
) -> None:
    assert stop_of(tell(mql()).clock(BOOKED, "Fri 10:00")) == ends


HELDS: dict[str, tuple[Telling, tuple[str, str | None]]] = {
    "it has begun": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="ava"),
        (MET, "Fri 09:00"),
    ),
    "it lies ahead": (lambda b: b.activity("m", "Fri 11:00", "Thu 11:00", kind="meeting"), (RUNNING, None)),
    "nobody came": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", outcome="NO_SHOW"),
        (RUNNING, None),
    ),
    "nobody came, as we heard later": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting").edited(
            "m", "outcome", "NO_SHOW", "Fri 09:40"
        ),
        (RUNNING, None),
    ),
    "a queue had it": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting", by="queue"),
        (RUNNING, None),
    ),
}


@pytest.mark.parametrize(("tell", "ends"), HELDS.values(), ids=HELDS)
def test_a_meeting_is_held_when_it_has_begun_and_nothing_says_otherwise(
    tell: Telling, ends: tuple[str, str | None]
) -> None:
    assert stop_of(tell(mql()).clock(HELD, "Fri 10:00")) == ends


def test_a_meeting_that_lies_ahead_says_when_to_look_again() -> None:
    buyer = mql().activity("m", "Fri 11:00", "Thu 11:00", kind="meeting")
    assert buyer.clock(HELD, "Fri 10:00").look_at == austin("Fri 11:00")
    assert buyer.clock(HELD, "Fri 11:01").look_at is None
    assert buyer.clock(BOOKED, "Fri 10:00").look_at is None


def test_a_won_deal_waits_for_the_meeting_of_the_next_team() -> None:
    which = rule(
        "touch", start={"stage_entered": "won"}, stop={"meeting_held": "sdr"}, target={"business_days": 3}
    )
    buyer = Buyer().owned_by("ava", "Mon 09:00")
    buyer.tell("deal", "change", "Thu 10:00", field="stage", new="mql")
    buyer.activity("m", "Fri 09:00", "Thu 11:00", kind="meeting")
    clock = buyer.clock(which, "Fri 10:00")
    assert clock.start.record_id == Buyer.id_of("deal")
    assert (stop_of(clock), clock.due_at) == ((MET, "Fri 09:00"), austin("17 Tue 17:30"))


# --- fields and stages -----------------------------------------------------------------------------------------


def test_a_field_that_says_something_stops_it_and_from_before_counts() -> None:
    buyer = mql()
    buyer.tell("contact", "change", "Thu 11:00", field="plan", new=None)
    assert stop_of(buyer.clock(FILLED, "Thu 12:00")) == (RUNNING, None)
    buyer.tell("contact", "change", "Thu 13:00", field="plan", new="Start with two depots")
    buyer.tell("contact", "change", "Thu 14:00", field="plan", new="")
    assert stop_of(buyer.clock(FILLED, "Thu 15:00")) == (MET, "Thu 13:00")
    early = Buyer()
    early.tell("contact", "change", "Wed 13:00", field="plan", new="Start with two depots")
    assert stop_of(early.became_mql("Thu 10:00").clock(FILLED, "Thu 10:30")) == (MET, "Thu 10:00")


def test_a_field_of_the_buyers_deal_stops_a_clock_of_the_person() -> None:
    which = rule("touch", stop={"field_set": "plan"}, on="deal", target={"elapsed": "8h"})
    buyer = mql()
    buyer.tell("contact", "change", "Thu 11:00", field="plan", new="not this one")
    assert stop_of(buyer.clock(which, "Thu 12:00")) == (RUNNING, None)
    buyer.tell("deal", "change", "Thu 12:00", field="plan", new="Start with two depots")
    assert stop_of(buyer.clock(which, "Thu 13:00")) == (MET, "Thu 12:00")


def test_entering_a_stage_stops_it() -> None:
    which = rule("touch", stop={"stage_entered": "sql"}, target={"elapsed": "8h"})
    buyer = mql()
    event = buyer.tell("contact", "change", "Thu 12:00", "Thu 12:05", field="stage", new="sql")
    entry = Entered(
        "sql", Buyer.id_of("contact"), event, event.occurred_at, event.key, event.observed_at, name="SQL"
    )
    setting = Setting(entered=lambda journey, stage: [entry] if stage == "sql" else [])
    clock = buyer.clock(which, "Thu 13:00", setting=setting)
    assert stop_of(clock) == (MET, "Thu 12:00")
    assert clock.result.stop is not None
    assert clock.result.stop.what == "Became SQL"


# --- several touches -------------------------------------------------------------------------------------------


def test_depth_is_met_at_the_last_of_so_many_touches_and_shows_those_so_far() -> None:
    buyer = mql().activity("a", "Thu 10:20")
    clock = buyer.clock(TWICE, "Thu 12:00")
    assert stop_of(clock) == (RUNNING, None)
    assert [(t.what, t.at) for t in clock.touches] == [("Call", austin("Thu 10:20"))]
    buyer.activity("b", "Fri 11:00", kind="email")
    clock = buyer.clock(TWICE, "Fri 12:00")
    assert stop_of(clock) == (MET, "Fri 11:00")
    assert [t.what for t in clock.touches] == ["Call", "E-mail"]


def test_an_earlier_touch_told_later_moves_the_last_of_them_and_says_so() -> None:
    buyer = mql().activity("a", "Thu 10:20").activity("b", "Fri 11:00")
    assert stop_of(buyer.clock(TWICE, "Fri 12:00")) == (MET, "Fri 11:00")
    clock = buyer.activity("c", "Thu 16:00", "Fri 13:00").clock(TWICE, "Fri 14:00")
    assert stop_of(clock) == (MET, "Thu 16:00")
    assert [(c.old["stopped_at"], c.at) for c in clock.corrections] == [
        (austin("Fri 11:00").isoformat(), austin("Fri 13:00"))
    ]


def test_a_touch_too_few_is_late_after_it_was_read_again() -> None:
    buyer = mql().activity("a", "Thu 10:20").read_again(TWICE, "16 Mon 17:31")
    clock = buyer.clock(TWICE, "16 Mon 18:00")
    assert (clock.result.state, len(clock.touches)) == (BREACHED, 1)


# --- "I already called" ----------------------------------------------------------------------------------------


def reported(buyer: Buyer, at: str, learned: str, person: int = SASHA, kind: str = "call") -> Buyer:
    moment = austin(at).isoformat()
    data = {"team": "sdr", "person": person, "kind": kind, "at": moment, "note": "spoke to her"}
    buyer.tell("contact", "touch.reported", at, learned, data=data)
    return buyer


def test_what_somebody_says_they_did_counts_and_is_marked() -> None:
    clock = reported(mql(), "Thu 10:20", "Thu 10:50").clock(TOUCH, "Thu 11:30")
    assert stop_of(clock) == (MET, "Thu 10:20")
    assert clock.result.stop is not None
    assert (clock.result.stop.what, clock.result.stop.person_id) == ("Call (self-reported)", SASHA)


def test_said_too_late_it_takes_the_breach_back_and_the_page_says_so() -> None:
    buyer = reported(mql().read_again(TOUCH, "Thu 11:00:03"), "Thu 10:20", "Thu 12:00")
    clock = buyer.clock(TOUCH, "Thu 12:30")
    assert (clock.result.state, len(clock.corrections)) == (WITHDRAWN, 1)


@pytest.mark.parametrize(
    ("at", "person", "kind"),
    [
        ("Thu 09:50", SASHA, "call"),
        ("Thu 10:20", MIRA, "call"),
        ("Thu 10:20", SASHA, "task"),
        ("Thu 11:00", SASHA, "call"),
    ],
)  # fmt: skip
def test_before_the_start_of_another_team_no_touch_and_in_the_future_count_nothing(
    at: str, person: int, kind: str
) -> None:
    buyer = reported(mql(), at, "Thu 10:50", person, kind)
    assert stop_of(buyer.clock(TOUCH, "Thu 10:55")) == (RUNNING, None)


def test_the_same_call_coming_back_from_the_crm_counts_once_and_corrects_nothing() -> None:
    buyer = reported(mql(), "Thu 10:20", "Thu 10:50").activity("c", "Thu 10:20:40", "Thu 11:10")
    assert len(buyer.clock(TWICE, "Thu 12:00").touches) == 1
    clock = buyer.clock(TOUCH, "Thu 12:00")
    assert (stop_of(clock), clock.corrections) == ((MET, "Thu 10:20"), ())


def test_another_call_of_the_same_hour_is_another_touch() -> None:
    buyer = reported(mql(), "Thu 10:20", "Thu 10:50")
    buyer.activity("c", "Thu 10:20:40", "Thu 11:10").activity("d", "Thu 10:22", "Thu 11:10")
    assert len(buyer.clock(TWICE, "Thu 12:00").touches) == 2
    assert len(buyer.activity("e", "Thu 10:45", kind="email").clock(TWICE, "Thu 12:00").touches) == 3


# --- what counts, as the model says ----------------------------------------------------------------------------


def settings(rules: TouchRules, *more: tuple[str, TouchRules]) -> Setting:
    told = [(austin("Mon 00:00"), rules), *((austin(at), later) for at, later in more)]
    return Setting(touches=TouchHistory(tuple(at for at, _ in told), tuple(one for _, one in told)))


NO_TOUCH: dict[str, tuple[Telling, TouchRules]] = {
    "an automatic answer": (
        lambda b: b.activity("c", "Thu 10:20", kind="email", subject="Out of Office: back on Monday"),
        TouchRules(),
    ),
    "a call, where only e-mails count": (
        lambda b: b.activity("c", "Thu 10:20"),
        TouchRules(kinds=frozenset({"email"})),
    ),
    "a report, where reports don't": (
        lambda b: reported(b, "Thu 10:20", "Thu 10:25"),
        TouchRules(self_reported=False),
    ),
    "a booking by form, where those don't": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 10:20", kind="meeting", direction="inbound"),
        TouchRules(form_bookings=False),
    ),
    "a meeting that fell through": (
        lambda b: b.activity("m", "Thu 10:20", kind="meeting", outcome="CANCELED"),
        TouchRules(),
    ),
}


@pytest.mark.parametrize(("tell", "rules"), NO_TOUCH.values(), ids=NO_TOUCH)
def test_the_model_says_what_is_no_touch(tell: Telling, rules: TouchRules) -> None:
    assert stop_of(tell(mql()).clock(TOUCH, "Thu 10:40", setting=settings(rules))) == (RUNNING, None)


TOUCHED: dict[str, tuple[Telling, TouchRules, str]] = {
    "a meeting that the buyer booked with one of us": (
        lambda b: b.activity("m", "Fri 09:00", "Thu 10:20", kind="meeting", direction="inbound"),
        TouchRules(),
        "Thu 10:20",
    ),
    "an answered call, where the model says so": (
        lambda b: b.activity("c", "Thu 10:20", direction="inbound"),
        TouchRules(inbound=frozenset({"call"})),
        "Thu 10:20",
    ),
    "a subject that only talks about being away": (
        lambda b: b.activity("c", "Thu 10:20", kind="email", subject="Your out of office rota"),
        TouchRules(),
        "Thu 10:20",
    ),
}


@pytest.mark.parametrize(("tell", "rules", "at"), TOUCHED.values(), ids=TOUCHED)
def test_the_model_says_what_is_a_touch(tell: Telling, rules: TouchRules, at: str) -> None:
    assert stop_of(tell(mql()).clock(TOUCH, "Thu 10:40", setting=settings(rules))) == (MET, at)


def test_a_touch_counts_by_what_held_when_it_was_made() -> None:
    only_mail = TouchRules(kinds=frozenset({"email"}))
    buyer = mql().activity("c", "Thu 10:20")
    assert stop_of(buyer.clock(TOUCH, "Thu 10:40", setting=settings(TouchRules(), ("Thu 10:30", only_mail)))) == (
        MET, "Thu 10:20",
    )  # fmt: skip
    assert stop_of(buyer.clock(TOUCH, "Thu 10:40", setting=settings(only_mail, ("Thu 10:30", TouchRules())))) == (
        RUNNING, None,
    )  # fmt: skip


def test_a_rule_may_take_a_touch_by_anybody_of_ours() -> None:
    which: Rule = rule("touch", stop={"touch_by_team": "any"})
    (clock,) = mql().activity("c", "Thu 10:20", by="ava").clocks([in_force(which)], "Thu 10:40")
    assert stop_of(clock) == (MET, "Thu 10:20")
