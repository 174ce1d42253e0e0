"""The ten hard cases, each with its answer worked out by hand.

Weeks are those of November 2026 in Austin (UTC-6, 08:30 to 17:30) unless a case says otherwise. Times elsewhere are
written in UTC, beside what the clock on the wall says there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from definitions.criteria import Catalogue, parse
from slas.calendars.business_time import Calendar
from slas.conditions import Conditions
from slas.fold import BREACHED, MET, WITHDRAWN
from slas.rules import RuleHistory, RuleVersion
from slas.staff import Away, Staff
from tests.slas.builders import LONG_AGO, ODD, SASHA, STAFF, Buyer, austin, rule

HOUR = rule("touch")
WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def by(calendar: Calendar) -> Staff:
    return replace(STAFF, calendars={"sdr": [(LONG_AGO, 9, calendar)]})


def lead(start: datetime) -> Buyer:
    buyer = Buyer()
    buyer.tell("contact", "change", start, field="stage", new="mql")
    return buyer


def due(start: datetime, which: dict[str, object], staff: Staff) -> datetime | None:
    return lead(start).clock(rule("touch", target=which), start, staff).due_at


NIGHT = Calendar.from_spec({"tz": "Europe/Berlin", "week": {"sat": [["22:00", "06:00"]], **WEEK}})


def test_1_the_clock_goes_forward_in_a_shift() -> None:
    """Berlin, 28 March 2026: from 23:00 (22:00 UTC) to 06:00 (04:00 UTC) are 6 hours, because 02:00 becomes 03:00.
    Four hours after 23:00 the wall says 04:00."""
    staff = by(NIGHT)
    assert due(utc("2026-03-28 22:00"), {"business": "4h"}, staff) == utc("2026-03-29 02:00")
    # Six hours fill the shift; the seventh is the first of Monday, which opens at 09:00 (07:00 UTC).
    assert due(utc("2026-03-28 22:00"), {"business": "7h"}, staff) == utc("2026-03-30 08:00")
    # By the wall it says 23:00 again after 23 hours, and 24 hours are 24 hours.
    assert due(utc("2026-03-28 22:00"), {"elapsed": "24h"}, staff) == utc("2026-03-29 22:00")


def test_1_the_clock_goes_back_in_a_shift() -> None:
    """Berlin, 24 October 2026: from 23:00 (21:00 UTC) to 06:00 (05:00 UTC) are 8 hours, because 03:00 becomes 02:00.
    Four hours after 23:00 the wall says 02:00 for the second time."""
    staff = by(NIGHT)
    assert due(utc("2026-10-24 21:00"), {"business": "4h"}, staff) == utc("2026-10-25 01:00")
    assert due(utc("2026-10-24 21:00"), {"business": "8h"}, staff) == utc("2026-10-25 05:00")


def test_2_a_holiday_is_between() -> None:
    """Thanksgiving is Thursday the 26th: an hour from Wednesday 17:00 is half on Wednesday and half on Friday."""
    clock = Buyer().became_mql("25 Wed 17:00").clock(HOUR, "25 Wed 17:00")
    assert clock.due_at == austin("27 Fri 09:00")
    days = rule("touch", target={"business_days": 1})
    assert Buyer().became_mql("25 Wed 10:00").clock(days, "25 Wed 10:00").due_at == austin("27 Fri 17:30")


def test_3_half_a_day() -> None:
    """Berlin closes at 12:00 on 24 December, the 25th and 26th are holidays, the 27th is a Sunday. From 11:00 (10:00
    UTC) two hours are one on the 24th and one on Monday the 28th, from 09:00 (08:00 UTC)."""
    half = {"2026-12-24": [["09:00", "12:00"]]}
    holidays = ["2026-12-25", "2026-12-26"]
    calendar = Calendar.from_spec(
        {"tz": "Europe/Berlin", "week": WEEK, "exceptions": half, "holidays": holidays}
    )
    assert due(utc("2026-12-24 10:00"), {"business": "2h"}, by(calendar)) == utc("2026-12-28 09:00")
    assert due(utc("2026-12-23 10:00"), {"business_days": 1}, by(calendar)) == utc("2026-12-24 11:00")


def test_4_a_shift_over_midnight() -> None:
    """22:00 to 06:00 in Austin: Thursday 23:30 plus three hours is Friday 02:30, and 05:00 plus three is 02:00 of the
    next shift later. A working day ends when its shift does, on the next morning."""
    shifts = {day: [["22:00", "06:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    staff = by(Calendar.from_spec({"tz": "America/Chicago", "week": shifts}))
    assert due(austin("Thu 23:30"), {"business": "3h"}, staff) == austin("Fri 02:30")
    assert due(austin("Thu 05:00"), {"business": "3h"}, staff) == austin("Fri 00:00")
    assert due(austin("Tue 10:00"), {"business_days": 1}, staff) == austin("Thu 06:00")


def test_5_away_without_and_with_somebody_in_place() -> None:
    """Sasha is away from Thursday 08:00 to Friday 12:00. Alone, her hour is Friday 12:00 to 13:00; Odd's is at once."""
    absence = Away(austin("Thu 08:00"), austin("Fri 12:00"), None, LONG_AGO)
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    alone = replace(STAFF, away={SASHA: [absence]})
    assert buyer.clock(HOUR, "Thu 09:01", alone).due_at == austin("Fri 13:00")
    covered = replace(STAFF, away={SASHA: [replace(absence, cover=ODD)]})
    assert buyer.clock(HOUR, "Thu 09:01", covered).due_at == austin("Thu 10:00")


def test_6_another_owner_takes_over_what_is_left() -> None:
    """Lena works 09:00 to 17:00 in Berlin, 02:00 to 10:00 in Austin. From 09:30 she uses half an hour; Sasha has the
    other half from 12:00 on, when it becomes hers, and not from her own morning."""
    berlin = Calendar.from_spec({"tz": "Europe/Berlin", "week": WEEK})
    staff = replace(STAFF, own={6: [(LONG_AGO, 9, berlin)]})
    buyer = Buyer().owned_by("lena", "Thu 09:00").became_mql("Thu 09:30").owned_by("sasha", "Thu 12:00")
    clock = buyer.clock(HOUR, "Thu 12:01", staff)
    assert clock.due_at == austin("Thu 12:30")
    assert [(r.old, r.new) for r in clock.retargets] == [(austin("Fri 02:30"), austin("Thu 12:30"))]


def test_7_the_buyer_asked_us_to_wait() -> None:
    """20 minutes are used when the pause begins at 09:20; after it ends at 14:00 the other 40 run to 14:40."""
    catalogue = Catalogue.from_spec({"person": {"status": {"type": "picklist"}}})
    waiting = parse({"field": "status", "op": "is", "value": "waiting"}, catalogue, object="person")
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00")
    buyer.tell("contact", "change", "Thu 09:20", field="status", new="waiting")
    buyer.tell("contact", "change", "Thu 14:00", field="status", new="open")
    clock = buyer.activity("c", "Thu 14:30").clock(HOUR, "Thu 15:00", conditions=Conditions(pause=waiting))
    assert (clock.result.state, clock.due_at) == (MET, austin("Thu 14:40"))
    assert sum(s.seconds for s in clock.segments if s.party == "customer") == 280 * 60


def test_8_a_call_in_time_that_we_hear_of_after_it_was_announced_late() -> None:
    """The breach stays in the record; the clock says withdrawn, with the cause of the correction."""
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 09:00").read_again(HOUR, "Thu 10:00:02")
    assert buyer.clock(HOUR, "Thu 10:01").result.state == BREACHED
    clock = buyer.activity("c", "Thu 09:50", "Thu 13:00").clock(HOUR, "Thu 14:00")
    (correction,) = clock.corrections
    assert (clock.result.state, clock.due_at) == (WITHDRAWN, austin("Thu 10:00"))
    assert (correction.old["state"], correction.new["state"]) == (BREACHED, WITHDRAWN)


@pytest.mark.parametrize(
    ("hours", "at"), [([["10:00", "12:00"]], "Sat 10:30"), ([], "16 Mon 09:00")], ids=["open", "closed"]
)
def test_9_a_day_that_is_an_exception(hours: list[list[str]], at: str) -> None:
    """Friday 17:00 plus one hour is half an hour on Friday; the other half is Saturday's, if that one is opened."""
    spec = {
        "tz": "America/Chicago",
        "week": {day: [["08:30", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "exceptions": {"2026-11-14": hours},
    }
    assert due(austin("Fri 17:00"), {"business": "1h"}, by(Calendar.from_spec(spec))) == austin(at)


def test_10_the_rule_is_changed_while_a_clock_runs() -> None:
    """The clock of 10:00 keeps its hour; the one of 10:40 starts under four hours."""
    longer = rule("touch", target={"business": "4h"})
    history = RuleHistory((RuleVersion(1, HOUR, LONG_AGO), RuleVersion(2, longer, austin("Thu 10:30"))))
    buyer = Buyer().owned_by("sasha", "Thu 08:40").became_mql("Thu 10:00").became_mql("Thu 10:40")
    first, second = buyer.clocks([history], "Thu 10:50")
    assert (first.rule_version_id, first.due_at) == (1, austin("Thu 11:00"))
    assert (second.rule_version_id, second.due_at) == (2, austin("Thu 14:40"))
