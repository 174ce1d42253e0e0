"""Owner changes, absences, covers, pauses and edited hours, with answers worked out by hand.

Times are Austin's (UTC-6), where the team works 08:30 to 17:30. Lena's own hours are Berlin's 09:00 to 17:00, which is
02:00 to 10:00 in Austin. The rule is one business hour unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.criteria import Catalogue, parse
from slas.calendars.business_time import Calendar
from slas.conditions import Conditions
from slas.fold import BREACHED, CANCELLED, MET, PAUSED, RUNNING
from slas.hands import Hand, due_time
from slas.rules import Rule
from slas.staff import Away, Staff
from tests.slas.builders import AUSTIN, LENA, LONG_AGO, ODD, SASHA, STAFF, Buyer, austin, rule

WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
BERLIN = Calendar.from_spec({"tz": "Europe/Berlin", "week": WEEK})
OFFICES = replace(STAFF, own={LENA: [(LONG_AGO, 9, BERLIN)]}, names={ODD: "Odd Moe", LENA: "Lena Ruhrig"})
TOUCH = rule("touch")
STATUS = Catalogue.from_spec({"person": {"status": {"type": "picklist"}}})


def when(value: str, op: str = "is") -> Conditions:
    tree = {"field": "status", "op": op, "value": value}
    return Conditions(pause=parse(tree, STATUS, object="person"))


def away(
    who: int,
    begin: str,
    end: str,
    *,
    cover: int | None = None,
    entered: str | None = None,
    withdrawn: str | None = None,
) -> Staff:
    absence = Away(
        austin(begin), austin(end), cover, austin(entered) if entered else LONG_AGO,
        austin(withdrawn) if withdrawn else None,
    )  # fmt: skip
    return replace(OFFICES, away={**OFFICES.away, who: [absence]})


def due(
    buyer: Buyer, now: str, staff: Staff = OFFICES, which: Rule = TOUCH, conditions: Conditions | None = None
) -> datetime | None:
    return buyer.clock(which, now, staff, conditions or Conditions()).due_at


# --- whose hours -----------------------------------------------------------------------------------------------


def test_the_hours_of_the_owner_count() -> None:
    lead = Buyer().owned_by("lena", "Thu 02:00").became_mql("Thu 02:00")
    assert due(lead, "Thu 02:10") == austin("Thu 03:00")
    assert due(Buyer().owned_by("sasha", "Thu 02:00").became_mql("Thu 02:00"), "Thu 02:10") == austin(
        "Thu 09:30"
    )


def test_the_teams_hours_count_where_the_rule_says_so_and_where_nobody_of_the_team_has_it() -> None:
    lead = Buyer().owned_by("lena", "Thu 02:00").became_mql("Thu 02:00")
    assert due(lead, "Thu 02:10", which=rule("touch", hours="team")) == austin("Thu 09:30")
    assert due(Buyer().owned_by("queue", "Thu 02:00").became_mql("Thu 02:00"), "Thu 02:10") == austin(
        "Thu 09:30"
    )


def test_the_hours_of_the_buyers_region_count_where_the_rule_says_so() -> None:
    staff = replace(STAFF, regional={"EMEA": [(LONG_AGO, 9, BERLIN)]})
    lead = Buyer()
    lead.tell("contact", "change", "Thu 01:00", field="region", new="EMEA")
    lead.owned_by("sasha", "Thu 02:00").became_mql("Thu 02:00")
    assert due(lead, "Thu 02:10", staff, rule("touch", hours="region")) == austin("Thu 03:00")


def test_another_owner_takes_over_what_is_left_by_their_own_hours() -> None:
    lead = Buyer().owned_by("lena", "Thu 02:00").became_mql("Thu 02:30").owned_by("sasha", "Thu 03:00")
    clock = lead.clock(TOUCH, "Thu 08:00", OFFICES)
    # Half an hour was used in Berlin; the other half begins when Austin opens.
    assert clock.due_at == austin("Thu 09:00")
    assert [(r.old, r.new) for r in clock.retargets] == [(austin("Thu 03:30"), austin("Thu 09:00"))]
    assert clock.calendar_version_id == 7


def test_a_change_of_owner_that_is_learned_after_it_was_announced_late_moves_nothing() -> None:
    lead = Buyer().owned_by("lena", "Thu 02:00").became_mql("Thu 02:30").read_again(TOUCH, "Thu 03:31")
    lead.owned_by("sasha", "Thu 03:00", learned="Thu 04:00")
    clock = lead.clock(TOUCH, "Thu 08:00", OFFICES)
    assert (clock.result.state, clock.due_at, clock.retargets) == (BREACHED, austin("Thu 03:30"), ())


# --- absences --------------------------------------------------------------------------------------------------


def test_without_cover_no_time_counts_while_the_owner_is_away() -> None:
    lead = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    assert due(lead, "Thu 09:01", away(SASHA, "Thu 08:00", "Fri 12:00")) == austin("Fri 13:00")


def test_with_cover_ball_and_hours_pass_to_the_cover() -> None:
    lead = (
        Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00").activity("call", "Thu 09:40", by="odd")
    )
    clock = lead.clock(TOUCH, "Thu 11:00", away(SASHA, "Thu 08:00", "Fri 12:00", cover=ODD))
    assert (clock.result.state, clock.due_at) == (MET, austin("Thu 10:00"))
    assert [(s.who, s.party, s.seconds) for s in clock.segments] == [("Odd Moe", "receiver", 2400)]
    in_berlin = away(SASHA, "Thu 00:00", "Fri 12:00", cover=LENA)
    assert due(
        Buyer().owned_by("sasha", "Thu 01:00").became_mql("Thu 02:00"), "Thu 02:01", in_berlin
    ) == austin("Thu 03:00")


def test_a_cover_who_is_away_too_covers_nothing() -> None:
    staff = away(SASHA, "Thu 08:00", "Fri 12:00", cover=ODD)
    both = replace(
        staff, away={**staff.away, ODD: [Away(austin("Thu 00:00"), austin("Sat 00:00"), None, LONG_AGO)]}
    )
    lead = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    assert due(lead, "Thu 09:01", both) == austin("Fri 13:00")


def test_an_absence_written_down_meanwhile_moves_the_due_time_from_then_on() -> None:
    lead = Buyer().owned_by("sasha", "Thu 16:00").became_mql("Thu 16:45")
    staff = away(SASHA, "Fri 00:00", "Sat 00:00", entered="Thu 18:00")
    assert due(lead, "Thu 17:59", staff) == austin("Fri 08:45")
    clock = lead.clock(TOUCH, "Thu 18:01", staff)
    assert clock.due_at == austin("16 Mon 08:45")
    assert [r.at for r in clock.retargets] == [austin("Thu 18:00")]


def test_an_absence_that_is_taken_back_moves_it_again() -> None:
    lead = Buyer().owned_by("sasha", "Thu 16:00").became_mql("Thu 16:45")
    staff = away(SASHA, "Fri 00:00", "Sat 00:00", entered="Thu 17:00", withdrawn="Thu 20:00")
    assert due(lead, "Thu 19:00", staff) == austin("16 Mon 08:45")
    assert due(lead, "Thu 20:01", staff) == austin("Fri 08:45")


def test_an_absence_written_down_afterwards_moves_no_clock_that_is_done() -> None:
    lead = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00").activity("call", "Thu 09:30")
    staff = away(SASHA, "Thu 08:00", "Fri 12:00", entered="Thu 15:00")
    clock = lead.clock(TOUCH, "Fri 15:00", staff)
    assert (clock.result.state, clock.due_at, clock.retargets) == (MET, austin("Thu 10:00"), ())
    assert [(s.party, s.seconds) for s in clock.segments] == [("receiver", 1800)]


# --- edited hours ----------------------------------------------------------------------------------------------


def test_hours_edited_mid_clock_count_from_the_edit_on() -> None:
    later = Calendar.from_spec({"tz": "America/Chicago", "week": {"fri": [["12:00", "18:00"]]}})
    staff = replace(STAFF, calendars={"sdr": [(LONG_AGO, 7, AUSTIN), (austin("Thu 20:00"), 8, later)]})
    lead = Buyer().owned_by("sasha", "Thu 16:00").became_mql("Thu 16:45")
    assert due(lead, "Thu 19:00", staff) == austin("Fri 08:45")
    clock = lead.clock(TOUCH, "Thu 21:00", staff)
    assert (clock.due_at, clock.calendar_version_id) == (austin("Fri 12:15"), 8)
    done = Buyer().owned_by("sasha", "Thu 16:00").became_mql("Thu 16:45").activity("call", "Thu 17:00")
    assert done.clock(TOUCH, "Fri 21:00", staff).due_at == austin("Fri 08:45")


# --- pauses ----------------------------------------------------------------------------------------------------


def waiting(at: str, until: str | None = None) -> Buyer:
    lead = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    lead.tell("contact", "change", at, field="status", new="waiting")
    if until:
        lead.tell("contact", "change", until, field="status", new="open")
    return lead


def test_while_it_is_paused_it_has_no_due_time_and_the_customer_has_it() -> None:
    clock = waiting("Thu 09:20").clock(TOUCH, "Thu 11:00", OFFICES, when("waiting"))
    assert (clock.result.state, clock.due_at, clock.has_it) == (PAUSED, None, "customer")


def test_what_was_left_counts_after_the_pause() -> None:
    lead = waiting("Thu 09:20", "Thu 14:00").activity("call", "Thu 14:30")
    clock = lead.clock(TOUCH, "Thu 15:00", OFFICES, when("waiting"))
    assert (clock.result.state, clock.due_at) == (MET, austin("Thu 14:40"))
    assert [(s.party, s.seconds) for s in clock.segments] == [
        ("receiver", 20 * 60), ("customer", 280 * 60), ("receiver", 30 * 60),
    ]  # fmt: skip


def test_a_pause_that_begins_after_the_due_time_is_too_late() -> None:
    lead = waiting("Thu 10:30").read_again(TOUCH, "Thu 10:01")
    assert lead.clock(TOUCH, "Thu 11:00", OFFICES, when("waiting")).result.state == BREACHED


def test_time_on_the_wall_is_paused_too() -> None:
    wall = rule("touch", target={"elapsed": "2h"})
    lead = waiting("Thu 09:20", "Thu 14:00")
    assert due(lead, "Thu 14:01", which=wall, conditions=when("waiting")) == austin("Thu 15:40")


# --- called off ------------------------------------------------------------------------------------------------


def off(value: str) -> Conditions:
    tree = {"field": "status", "op": "is", "value": value}
    return Conditions(cancel=parse(tree, STATUS, object="person"))


def test_recycling_calls_the_clock_off_and_coming_back_does_not_wake_it() -> None:
    lead = waiting("Thu 09:30", "Thu 13:00")
    clock = lead.clock(TOUCH, "Thu 15:00", OFFICES, off("waiting"))
    assert (clock.result.state, clock.result.cancelled_at) == (CANCELLED, austin("Thu 09:30"))


def test_who_is_excluded_from_the_start_has_no_clock_to_keep() -> None:
    lead = Buyer()
    lead.tell("contact", "change", "Thu 08:00", field="status", new="customer")
    lead.owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    clock = lead.clock(TOUCH, "Thu 15:00", OFFICES, off("customer"))
    assert (clock.result.state, clock.result.cancelled_at) == (CANCELLED, austin("Thu 09:00"))


def test_what_was_late_before_it_was_called_off_stays_late() -> None:
    lead = waiting("Thu 12:00").read_again(TOUCH, "Thu 10:01")
    assert lead.clock(TOUCH, "Thu 15:00", OFFICES, off("waiting")).result.state == BREACHED


def test_an_earlier_spell_that_is_over_calls_nothing_off() -> None:
    lead = Buyer()
    lead.tell("contact", "change", "Wed 08:00", field="status", new="waiting")
    lead.tell("contact", "change", "Wed 09:00", field="status", new="open")
    lead.owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    assert lead.clock(TOUCH, "Thu 09:30", OFFICES, off("waiting")).result.state == RUNNING


# --- working days ----------------------------------------------------------------------------------------------


def test_working_days_are_counted_in_whosever_hands_it_is() -> None:
    days = rule("touch", target={"business_days": 2})
    lead = Buyer().owned_by("lena", "Thu 02:00").became_mql("Thu 03:00")
    assert due(lead, "Thu 03:01", which=days) == austin("16 Mon 10:00")  # 17:00 in Berlin
    assert due(lead.owned_by("sasha", "Fri 12:00"), "Fri 12:01", which=days) == austin("16 Mon 17:30")


def test_a_day_away_without_cover_is_no_working_day() -> None:
    days = rule("touch", target={"business_days": 1})
    lead = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    assert due(lead, "Thu 09:01", which=days) == austin("Fri 17:30")
    assert due(lead, "Thu 09:01", away(SASHA, "Fri 00:00", "Sat 00:00"), days) == austin("16 Mon 17:30")


@pytest.mark.parametrize("calendar", [AUSTIN, BERLIN])
@given(minutes=st.integers(0, 60 * 24 * 60), amount=st.integers(1, 40))
def test_in_one_pair_of_hands_it_is_what_the_calendar_says(
    calendar: Calendar, minutes: int, amount: int
) -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    hand = [Hand(start, SASHA, 1, calendar)]
    hours = rule("touch", target={"business": f"{amount}h"})
    days = rule("touch", target={"business_days": amount})
    assert due_time(hours, start, hand, []) == calendar.add(start, amount * 3600)
    assert due_time(days, start, hand, []) == calendar.add_days(start, amount)


@given(minutes=st.integers(0, 14 * 24 * 60), cuts=st.lists(st.integers(1, 5000), max_size=4))
def test_passing_it_on_among_people_of_the_same_hours_changes_nothing(minutes: int, cuts: list[int]) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    many = [Hand(start, SASHA, 1, AUSTIN)]
    for cut in cuts:
        many.append(Hand(many[-1].begin + timedelta(minutes=cut), ODD, 1, AUSTIN))
    for target in ({"business": "7h"}, {"business_days": 3}):
        assert due_time(rule("touch", target=target), start, many, []) == due_time(
            rule("touch", target=target), start, many[:1], []
        )
