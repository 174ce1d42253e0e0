"""What starts a clock, once each: fields, signals, triggers, rejections; and what ends the pass that it began."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from definitions.criteria import Catalogue, parse
from slas.conditions import Conditions
from slas.fold import CANCELLED, MET, RUNNING, Entered
from slas.folding.starts import SignalSeen, Starts, first_of_spells
from slas.rules import Rule
from tests.slas.builders import JOURNEY, Buyer, austin, in_force, rule

ASKED = rule("touch", start={"field_set": "demo_requested_at"})
STATUS = rule("touch", start={"field_set": "status"})
SENT_BACK = rule(
    "notes", start={"handoff_sent_back": "sdr_to_ae"}, stop={"handoff_sent": "sdr_to_ae"}, target={"elapsed": "4h"}
)  # fmt: skip
FLAGGED = rule(
    "touch", start={"trigger_fired": "any"}, stop={"trigger_handled": "any"}, target={"elapsed": "4h"}
)
EXPORTED = rule("touch", start={"signal": "report_exported"})


def is_moment(object_name: str, name: str) -> bool:
    return name.endswith("_at")


def started(buyer: Buyer, which: Rule, starts: Starts | None = None) -> list[str]:
    """When clocks started, in Austin."""
    found = (starts or Starts(is_moment=is_moment))(buyer.journey(), which)
    return [(start.at - timedelta(hours=6)).strftime("%a %H:%M") for start in found]


def baseline(at: str, made: str | None = None, learned: str | None = None, **values: object) -> Buyer:
    buyer = Buyer()
    buyer.tell(
        "contact", "baseline", at, learned, data={"values": values}, not_before=austin(made) if made else None
    )
    return buyer


# --- fields ----------------------------------------------------------------------------------------------------


def test_a_field_starts_one_clock_per_change_to_something() -> None:
    buyer = baseline("Mon 09:00", "Mon 00:00", status=None)
    for at, value in [
        ("Tue 09:00", "open"),
        ("Wed 09:00", "open"),
        ("Thu 09:00", None),
        ("Fri 09:00", "open"),
    ]:
        buyer.tell("contact", "change", at, field="status", new=value)
    assert started(buyer, STATUS) == ["Tue 09:00", "Fri 09:00"]
    buyer.tell("contact", "change", "Fri 10:00", field="status", new="working")
    assert started(buyer, STATUS) == ["Tue 09:00", "Fri 09:00", "Fri 10:00"]


def test_what_stood_there_at_first_sight_starts_nothing_unless_the_record_was_new() -> None:
    assert started(baseline("Mon 09:00", "Mon 07:00", status="open"), STATUS) == []
    assert started(baseline("Mon 09:00", None, status="open"), STATUS) == []
    assert started(baseline("Mon 09:00", "Mon 08:59", status="open"), STATUS) == ["Mon 09:00"]


def test_a_field_that_becomes_visible_later_starts_nothing() -> None:
    buyer = baseline("Mon 09:00", "Mon 09:00", company="Kestrel")
    buyer.tell("contact", "baseline", "Tue 09:00", data={"values": {"status": "open"}})
    assert started(buyer, STATUS) == []
    buyer.tell("contact", "field_lost", "Wed 09:00", field="status")
    buyer.tell("contact", "baseline", "Thu 09:00", data={"values": {"status": "open"}})
    assert started(buyer, STATUS) == []
    buyer.tell("contact", "change", "Fri 09:00", field="status", new="working")
    assert started(buyer, STATUS) == ["Fri 09:00"]


def test_a_moment_says_itself_when_it_was() -> None:
    asked = "2026-11-10T15:00:00Z"
    assert started(baseline("Thu 09:00", "Mon 00:00", demo_requested_at=asked), ASKED) == ["Tue 09:00"]
    buyer = baseline("Mon 09:00", "Mon 00:00", demo_requested_at=None)
    buyer.tell("contact", "change", "Tue 09:03", field="demo_requested_at", new=asked)
    assert started(buyer, ASKED) == ["Tue 09:00"]
    ahead = "2026-12-10T15:00:00Z"
    buyer.tell("contact", "change", "Wed 09:03", field="demo_requested_at", new=ahead)
    assert started(buyer, ASKED) == ["Tue 09:00", "Wed 09:03"]


def test_what_we_write_ourselves_starts_nothing() -> None:
    buyer = baseline("Mon 09:00", "Mon 00:00", status=None)
    event = buyer.tell("contact", "change", "Tue 09:00", field="status", new="open")
    buyer.records["contact"][-1] = replace(event, caused_by="run-1")
    assert started(buyer, STATUS) == []


def test_a_field_of_a_deal_starts_a_clock_of_the_deal() -> None:
    buyer = Buyer()
    buyer.tell("contact", "baseline", "Mon 08:00", data={"values": {"status": "open"}})
    buyer.tell("deal", "baseline", "Mon 08:00", data={"values": {"status": None}})
    event = buyer.tell("deal", "change", "Mon 09:00", field="status", new="agreed")
    (start,) = Starts()(buyer.journey(), rule("touch", start={"field_set": "status"}, on="deal"))
    assert (start.record_id, start.key) == (Buyer.id_of("deal"), event.key)


def test_a_change_of_the_owner_alone_starts_no_clock() -> None:
    buyer = Buyer().owned_by("sasha", "Mon 09:00").owned_by("odd", "Tue 09:00").owned_by("mira", "Wed 09:00")
    for which in (rule("touch"), rule("routed"), STATUS, ASKED, SENT_BACK, FLAGGED, EXPORTED):
        assert started(buyer, which) == []


def test_a_merge_calls_off_what_it_seems_to_start() -> None:
    buyer = Buyer()
    buyer.tell("contact", "baseline", "Mon 08:00", data={"values": {"status": None}})
    buyer.tell("contact", "change", "Tue 09:00", field="status", new="open")
    buyer.tell("lead2", "baseline", "Mon 08:00", data={"values": {"status": "open"}})
    buyer.tell("lead2", "merged", "Tue 09:00:20", "Tue 09:05", data={"into": "contact"})
    clock = buyer.clock(STATUS, "Tue 12:00", starts=Starts())
    assert (clock.result.state, clock.result.because) == (CANCELLED, "two records were merged")
    buyer.tell("contact", "change", "Wed 09:00", field="status", new="working")
    later = buyer.clocks([in_force(STATUS)], "Wed 09:30", starts=Starts())
    assert [clock.result.state for clock in later] == [CANCELLED, RUNNING]


def test_a_record_that_was_merged_into_another_has_no_clock_to_keep() -> None:
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    buyer.tell("contact", "merged", "Thu 09:20", "Thu 09:30", data={"into": "lead2"})
    clock = buyer.clock(rule("touch"), "Thu 12:00")
    assert (clock.result.state, clock.result.cancelled_at) == (CANCELLED, austin("Thu 09:20"))


# --- handoffs and triggers -------------------------------------------------------------------------------------


def act(buyer: Buyer, kind: str, at: str, handoff: str = "h1", template: str = "sdr_to_ae") -> Buyer:
    buyer.tell("contact", kind, at, data={"template": template, "handoff": handoff})
    return buyer


def test_a_rejection_starts_a_clock_for_the_sender_that_sending_it_again_stops() -> None:
    buyer = act(act(Buyer(), "handoff.sent", "Thu 09:00"), "handoff.sent_back", "Thu 10:00")
    clock = buyer.clock(SENT_BACK, "Thu 11:00", starts=Starts())
    assert (clock.start.at, clock.result.state) == (austin("Thu 10:00"), RUNNING)
    assert clock.rule.acting_team == "sdr"
    done = act(buyer, "handoff.sent", "Thu 11:30").clock(SENT_BACK, "Thu 12:00", starts=Starts())
    assert (done.result.state, done.result.stopped_at) == (MET, austin("Thu 11:30"))


def test_the_next_handoff_of_the_same_buyer_stops_nothing_of_this_one() -> None:
    buyer = act(Buyer(), "handoff.sent_back", "Thu 10:00", "h1")
    act(buyer, "handoff.sent", "Thu 11:00", "h2")
    assert buyer.clock(SENT_BACK, "Thu 12:00", starts=Starts()).result.state == RUNNING


def test_accepting_starts_the_clock_of_the_work_that_was_promised() -> None:
    which = rule("touch", start={"handoff_accepted": "sdr_to_ae"}, stop={"next_step_confirmed": "sdr_to_ae"})
    buyer = act(Buyer(), "handoff.accepted", "Thu 10:00")
    act(buyer, "handoff.next_step_confirmed", "Thu 10:30")
    act(buyer, "handoff.accepted", "Thu 10:10", template="ae_to_cs")
    clock = buyer.clock(which, "Thu 12:00", starts=Starts())
    assert clock.result.stopped_at == austin("Thu 10:30")


def test_each_firing_has_its_own_clock_and_its_own_end() -> None:
    buyer = Buyer()
    for at, firing in (("Thu 09:00", "f1"), ("Thu 10:00", "f2")):
        buyer.tell("contact", "trigger.fired", at, data={"trigger": "power_user", "firing": firing})
    buyer.tell("contact", "trigger.handled", "Thu 11:00", data={"trigger": "power_user", "firing": "f2"})
    first, second = buyer.clocks([in_force(FLAGGED)], "Thu 12:00", starts=Starts())
    assert [c.result.state for c in (first, second)] == [RUNNING, MET]
    named = rule("touch", start={"trigger_fired": "growing"}, stop={"trigger_handled": "any"})
    assert started(buyer, named) == []


# --- signals ---------------------------------------------------------------------------------------------------


def signal(number: int, day: int, received: int | None = None) -> SignalSeen:
    at = austin("Mon 09:00") + timedelta(days=day)
    heard = austin("Mon 09:00") + timedelta(days=day if received is None else received)
    return SignalSeen("report_exported", f"signal:{number}", Buyer.id_of("contact"), at, heard)


@pytest.mark.parametrize(
    ("days", "begin"),
    [
        ([0, 1, 2], [0]),
        ([0, 5, 10, 15], [0]),
        ([0, 8], [0, 8]),
        ([0, 5, 13], [0, 13]),
        ([0, 0], [0]),
    ],
)
def test_the_first_signal_of_a_spell_starts(days: list[int], begin: list[int]) -> None:
    found = first_of_spells([signal(i, day) for i, day in enumerate(days)], [])
    assert [(one.at - austin("Mon 09:00")).days for one in found] == begin


def test_a_signal_told_late_belongs_to_the_spell_we_know() -> None:
    late = signal(2, day=-3, received=4)
    assert [s.key for s in first_of_spells([late, signal(1, 0)], [])] == ["signal:1"]
    assert list(first_of_spells([late], [austin("Mon 09:00")])) == []


def test_a_signal_that_is_remembered_stays_when_the_signals_are_gone() -> None:
    buyer = Buyer().owned_by("sasha", "Mon 08:00")
    buyer.tell("contact", "clock.signal", "Mon 09:00", data={"name": "report_exported", "source": "app"})
    assert started(buyer, EXPORTED) == ["Mon 09:00"]
    with_rows = Starts(signals={Buyer.id_of("contact"): [signal(1, 0), signal(2, 3), signal(3, 20)]})
    assert started(buyer, EXPORTED, with_rows) == ["Mon 09:00", "Sun 09:00"]


# --- what ends a pass ------------------------------------------------------------------------------------------


def went_back(buyer: Buyer, at: str, learned: str | None = None) -> Starts:
    """The lead went back to an earlier stage, and came again."""
    contact = Buyer.id_of("contact")
    entered = [
        Entered("mql", contact, event, event.occurred_at, event.key, event.observed_at)
        for event in buyer.records["contact"]
        if event.new == "mql"
    ]
    back = buyer.tell("contact", "change", at, learned, field="stage", new="lead")
    earlier = Entered(
        "lead", contact, back, back.occurred_at, back.key, back.observed_at, is_backward=True, name="Lead"
    )
    return Starts(entries={JOURNEY: {"mql": entered, "lead": [earlier]}})


def test_going_back_ends_the_pass_and_coming_again_starts_a_clock_of_its_own() -> None:
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00").became_mql("Thu 14:00")
    starts = went_back(buyer, "Thu 09:30")
    first, second = buyer.clocks([in_force(rule("touch"))], "Thu 14:10", starts=starts)
    assert (first.result.state, first.result.cancelled_at) == (CANCELLED, austin("Thu 09:30"))
    assert first.result.because == "back to Lead"
    assert (second.result.state, second.start.at) == (RUNNING, austin("Thu 14:00"))
    assert first.id != second.id


def test_recycling_with_a_reason_ends_every_clock_of_the_buyer() -> None:
    buyer = Buyer().owned_by("sasha", "Thu 08:40")
    buyer.tell("contact", "change", "Thu 09:00", field="status", new="open", data={"history": "1"})
    buyer.tell("lead2", "change", "Thu 09:20", field="recycle_reason", new="No budget")
    clock = buyer.clock(STATUS, "Thu 12:00", starts=Starts())
    assert (clock.result.state, clock.result.because) == (CANCELLED, "recycled: No budget")


def test_after_a_rejection_the_sender_still_owes_an_answer() -> None:
    buyer = act(Buyer(), "handoff.sent_back", "Thu 10:00")
    buyer.tell("contact", "change", "Thu 10:00:05", field="recycle_reason", new="No timeline")
    assert buyer.clock(SENT_BACK, "Thu 12:00", starts=Starts()).result.state == RUNNING


def test_who_never_counted_has_no_clock_to_keep() -> None:
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    event = buyer.records["contact"][-1]
    entry = Entered(
        "mql", Buyer.id_of("contact"), event, event.occurred_at, event.key, event.observed_at,
        exclusion="open_deal",
    )  # fmt: skip
    starts = Starts(entries={JOURNEY: {"mql": [entry]}})
    clock = buyer.clock(rule("touch"), "Thu 12:00", starts=starts)
    assert (clock.result.state, clock.result.cancelled_at) == (CANCELLED, clock.start.at)


def test_opting_out_calls_off_and_says_why() -> None:
    catalogue = Catalogue.from_spec({"person": {"opt_out": {"type": "boolean"}}})
    off = Conditions(cancel=parse({"field": "opt_out", "op": "is_true"}, catalogue, object="person"))
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    buyer.tell("contact", "change", "Thu 09:10", field="opt_out", new=True)
    clock = buyer.clock(rule("touch"), "Thu 12:00", conditions=off)
    assert (clock.result.state, clock.result.cancelled_at) == (CANCELLED, austin("Thu 09:10"))


# --- many at once ----------------------------------------------------------------------------------------------


def test_what_a_machine_did_to_many_is_measured_only() -> None:
    buyer = Buyer().owned_by("sasha", "Thu 08:40")
    buyer.tell("contact", "change", "Thu 09:00", field="status", new="open", data={"history": "1"})
    starts = Starts(is_bulk=lambda word, at: word == "person.status")
    clock = buyer.clock(STATUS, "Thu 12:00", starts=starts)
    assert (clock.is_measured_only, clock.result.state) == (True, "breached")


def test_before_go_live_nobody_could_act_in_gtmops() -> None:
    buyer = act(Buyer(go_live_at=None), "handoff.sent_back", "Thu 10:00")
    assert buyer.clocks([in_force(SENT_BACK)], "Thu 12:00", starts=Starts()) == []
