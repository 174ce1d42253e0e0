"""The last two days: what each demo sign-in opens on.

Moments are distances from the anchor, whatever day of the week it is; meetings are on the next open day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.moments import at, local_day, next_open_day
from integrations.standins.fernhill.people import DEMO_AE, DEMO_SDR, Person, team
from integrations.standins.fernhill.prospect import Answer, Note, Prospect

STORY = "present"
QUALIFIED = "present-qualified"


class Fresh(NamedTuple):
    origin: str
    minutes_ago: int
    touched_after_minutes: int | None = None


DEMO_SDR_FRESH = (
    Fresh("demo_request", 14),
    Fresh("pricing", 43),
    Fresh("demo_request", 172),
    Fresh("content", 305),
    Fresh("pricing", 430, 36),
    Fresh("event", 1570),
)
OTHERS_FRESH = (
    Fresh("demo_request", 27),
    Fresh("content", 96),
    Fresh("pricing", 184, 22),
    Fresh("demo_request", 351),
    Fresh("pricing", 640, 75),
    Fresh("content", 905),
    Fresh("demo_request", 1330),
    Fresh("event", 1705, 48),
    Fresh("content", 2210),
    Fresh("pricing", 2540, 240),
)


def plant(builder: WorldBuilder) -> None:
    colleagues = [p for p in team("SDR") if p is not DEMO_SDR]
    for i, fresh in enumerate(DEMO_SDR_FRESH):
        _plant_fresh(builder, fresh, DEMO_SDR, f"{STORY}-{i}")
    for i, fresh in enumerate(OTHERS_FRESH):
        _plant_fresh(builder, fresh, colleagues[i % len(colleagues)], f"{STORY}-other-{i}")
    _plant_qualified(builder)


def _plant_fresh(builder: WorldBuilder, fresh: Fresh, owner: Person, area: str) -> None:
    p = builder.pick(1, area, origin=fresh.origin, group="both", qualifies=False)[0]
    p.story = STORY
    p.quarter = 3
    p.owner = owner
    p.region = "EMEA" if owner.office == "Berlin" else "NA"
    p.unit = owner.units[0]
    p.mql_at = builder.moments.ago(minutes=fresh.minutes_ago)
    p.created = p.mql_at - timedelta(seconds=50 if fresh.origin == "demo_request" else 260_000)
    p.owned_at = p.mql_at + timedelta(minutes=2, seconds=10)
    p.pace = "never"
    if fresh.touched_after_minutes is not None:
        p.pace = "hour" if fresh.touched_after_minutes < 60 else "day"
        p.touched_at = p.mql_at + timedelta(minutes=fresh.touched_after_minutes)
        p.lead_status = "Working"


class Answered(NamedTuple):
    """What the account executive said to a handoff, and when they called the buyer after it."""

    said: Literal["Accept", "Send back"]
    hours_ago: float
    reason: str = ""
    called_hours_ago: float | None = None


class Handover(NamedTuple):
    """A lead at Qualified: its SDR, when it came and was qualified, and what the notes hold so far."""

    origin: str
    sdr: Person
    mql_days_ago: float
    qualified_hours_ago: float
    meeting_minute: int
    pain: str | None
    impact: str | None
    timeline: str | None
    stakeholders: str | None
    confirmed: tuple[bool, bool, bool]
    buyer_words: str
    answered: Answered | None = None


def _handovers() -> tuple[Handover, ...]:
    berlin = team("SDR", office="Berlin", unit="fleet")
    return (
        Handover(
            "pricing", DEMO_SDR, 6.2, 5.5, 10 * 60 + 30,
            '"Every Monday I find out which trucks are not going anywhere." No plan for services, drivers phone in.',
            "About 3 trucks standing per week, roughly $1,900 each.",
            None,
            None,
            (True, True, False),
            "One list of what is due this week, that the workshop and the dispatcher both believe.",
        ),
        Handover(
            "content", DEMO_SDR, 9.1, 27.0, 14 * 60,
            "Inspections on paper, defects reach the workshop 2 days late. She said they failed an audit in spring.",
            None,
            "Wants to decide before the new leasing contracts, so end of next quarter",
            None,
            (True, False, True),
            "Our next audit must not be about paper again.",
        ),
        Handover(
            "pricing", berlin[0], 8.4, 3.2, 11 * 60,
            "Werkstatt and dispatch plan in two Excel files, a van was booked for service and for a tour 6x last month",
            "6 missed tours in a month, he says 700 EUR penalty each",
            "Budget round closes in 7 weeks, wants a decision before that",
            "Operations lead (him), workshop foreman; CFO signs above 20k",
            (True, True, True),
            "I don't want to choose between a repaired van and a delivered tour.",
        ),
        Handover(
            "event", berlin[1], 11.6, 22.0, 15 * 60 + 15,
            "Three depots, three ways of tracking tyres and TÜV dates. Two vehicles were driven with expired dates.",
            "Fined once (2.4k EUR), insurance asked questions. Worst case they lose the framework contract",
            "Pilot in one depot this quarter, the others after the summer season",
            "Fleet lead, depot heads (sceptical: \"another tool\"), procurement late in the process",
            (True, True, True),
            "Tell me eight weeks before a date expires, in all three depots the same way.",
        ),
        *_answered(berlin),
    )  # fmt: skip


def _answered(berlin: Sequence[Person]) -> tuple[Handover, ...]:
    """What Felix has answered in Salesforce: worked at once, still to be worked, forgotten, and sent back."""
    return (
        Handover(
            "pricing", berlin[0], 7.3, 30.0, 9 * 60 + 30,
            "Tacho downloads by hand, every four weeks somebody drives to 11 depots with a laptop",
            "Two working days a month, plus 1.1k EUR fines last year",
            "Contract of the old system ends in 10 weeks",
            "Head of fleet (him), data protection must look at it",
            (True, True, True),
            "Nobody should have to drive to a truck to read a file.",
            Answered("Accept", 26.0, called_hours_ago=24.5),
        ),
        Handover(
            "event", berlin[1], 5.9, 12.0, 13 * 60,
            "Rental company bills damages weeks late because the photos are in six phones",
            "About 4k EUR a month that nobody can claim any more",
            "Wants it before the winter rentals",
            "Operations (her), the owner signs everything above 10k",
            (True, True, True),
            "I want to see the damage on the day it happens.",
            Answered("Accept", 3.0),
        ),
        Handover(
            "pricing", berlin[0], 10.2, 46.0, 15 * 60,
            "Workshop orders the same brake pads twice, stock list is from 2019",
            "30k EUR of parts on the shelf that fit no vehicle of theirs",
            "New workshop manager starts next month and should start with it",
            "Workshop manager, purchasing, CFO for anything with a licence",
            (True, True, True),
            "I would like to know what lies on our own shelves.",
            Answered("Accept", 43.0),
        ),
        Handover(
            "content", DEMO_SDR, 8.8, 20.0, 11 * 60 + 30,
            "Drivers report defects by voice message. Dispatcher plays them back at the end of the week.",
            "A trailer ran nine days with a known brake fault",
            "Some time next year, he says it depends",
            "Talks for himself only so far, there is a COO",
            (True, False, True),
            "Just something our drivers will really use.",
            Answered("Send back", 2.0, reason="No budget owner named"),
        ),
    )  # fmt: skip


def _plant_qualified(builder: WorldBuilder) -> None:
    for i, h in enumerate(_handovers()):
        p = builder.pick(1, f"{QUALIFIED}-{i}", origin=h.origin, group="both", qualifies=True, deal=False)[0]
        p.story = QUALIFIED
        p.quarter, p.pace = 3, "hour"
        p.owner, p.executive = h.sdr, DEMO_AE
        p.region = "EMEA" if h.sdr.office == "Berlin" else "NA"
        p.unit = "fleet"
        p.mql_at = builder.moments.ago(days=h.mql_days_ago)
        p.created = p.mql_at - timedelta(days=4, minutes=37)
        p.owned_at = p.mql_at + timedelta(minutes=3)
        p.touched_at = p.mql_at + timedelta(minutes=41)
        p.qualified_at = builder.moments.ago(hours=h.qualified_hours_ago)
        p.lead_status = "Qualified"
        p.pain, p.impact, p.timeline, p.stakeholders = h.pain, h.impact, h.timeline, h.stakeholders
        p.confirmed, p.buyer_words = h.confirmed, h.buyer_words
        _book_meeting(builder, p, h)
        _answer(builder, p, h.answered)


def _book_meeting(builder: WorldBuilder, p: Prospect, h: Handover) -> None:
    office = h.sdr.office
    day = next_open_day(office, local_day(office, builder.anchor))
    start: datetime = at(office, day, h.meeting_minute)
    p.notes.append(
        Note(
            "meeting",
            start,
            h.sdr,
            f"Intro with {DEMO_AE.first_name}: current workshop planning, who decides, next step",
            booked_at=builder.moments.ago(hours=h.qualified_hours_ago, minutes=-4),
        )
    )


def _answer(builder: WorldBuilder, p: Prospect, answered: Answered | None) -> None:
    if answered is None:
        return
    p.answer = Answer(builder.moments.ago(hours=answered.hours_ago), answered.said, answered.reason)
    if answered.called_hours_ago is not None:
        called_at = builder.moments.ago(hours=answered.called_hours_ago)
        p.notes.append(
            Note(
                "call",
                called_at,
                DEMO_AE,
                "Went through the notes together, sends the contract of the old system",
            )
        )
