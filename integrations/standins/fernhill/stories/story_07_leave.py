"""Story 7: leave without cover over a holiday and a clock change.

Priya Sundarel was away for two weeks (in spring: four) that hold a holiday and the night in which the clocks change.
Nobody covered for her, one campaign went on giving her leads, and the leave was written down only when she was back.
From two days before it until its end 17 of her leads became MQL and were followed up late: 15 while she was away, 2 on
the last days before, which she left lying. Whoever else was due to be hers then was given to a colleague.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import QUARTERS, WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.moments import at, local_day, next_open_day, nth_weekday
from integrations.standins.fernhill.people import PERSON, Person, team
from integrations.standins.fernhill.prospect import Prospect
from integrations.standins.world import World

NUMBER = "07"
AWAY: Final = PERSON["priya.sundarel"]
ORIGINS: Final = (("content", 6), ("pricing", 9))
OWN = 2
BEFORE_DAYS = 2
"""The last days before the leave, on which she left leads lying."""
SETTLED_DAYS = 6
"""How long ago the leave must have ended, so that all of it is done by the anchor."""


class Leave(NamedTuple):
    """Away in [begin, back), written down at ``entered_at``. ``holiday`` and ``changes`` (of the clocks) lie within."""

    person: Person
    begin: datetime
    back: datetime
    entered_at: datetime
    holiday: date
    changes: date


def leave(anchor: datetime) -> Leave:
    """The latest such leave that was over for some days at ``anchor``."""
    year = local_day(AWAY.office, anchor).year
    told = [one for y in (year, year - 1) for one in _leaves_of(y)]
    return max(one for one in told if one.back < anchor - timedelta(days=SETTLED_DAYS))


def _leaves_of(year: int) -> Iterator[Leave]:
    autumn, spring = nth_weekday(year, 11, 6, 1), nth_weekday(year, 3, 6, 2)
    yield _leave(autumn - timedelta(days=2), date(year, 11, 12), date(year, 11, 11), autumn)
    presidents = nth_weekday(year, 2, 0, 3)
    yield _leave(presidents - timedelta(days=3), spring + timedelta(days=1), presidents, spring)


def _leave(first: date, last: date, holiday: date, changes: date) -> Leave:
    back = at(AWAY.office, next_open_day(AWAY.office, last), 8 * 60 + 30)
    return Leave(
        AWAY,
        at(AWAY.office, first, 8 * 60 + 30),
        back,
        back + timedelta(hours=9, minutes=12),
        holiday,
        changes,
    )


def plant(builder: WorldBuilder) -> None:
    random = builder.random("story 7")
    away = leave(builder.anchor)
    days = [
        begin + timedelta(days=n)
        for begin in (local_day(AWAY.office, away.begin),)
        for n in range((away.holiday - begin).days + 1)
    ]
    # On the holiday, on the day of the clock change, and spread over the rest.
    chosen = sorted([away.holiday, away.changes, *(random.choice(days) for _ in range(13))])
    while_away = [p for origin, count in ORIGINS for p in _pick(builder, origin, count)]
    random.shuffle(while_away)
    for p, day in zip(while_away, chosen, strict=True):
        minute = random.uniform(9 * 60 + 10, 16 * 60)
        _plant_one(builder, p, at(AWAY.office, day, minute))
        p.touched_at = away.back + timedelta(minutes=random.uniform(70, 400))
    last_open = _open_before(local_day(AWAY.office, away.begin))
    for i, p in enumerate(_pick(builder, "event", OWN)):
        _plant_one(builder, p, at(AWAY.office, last_open, 10 * 60 + 7 + 95 * i))
        p.touched_at = away.back + timedelta(minutes=random.uniform(20, 60))


def _pick(builder: WorldBuilder, origin: str, count: int) -> list[Prospect]:
    return builder.pick(
        count, NUMBER, origin=origin, qualifies=False, where=lambda p: p.is_mql and p.quarter is None
    )


def _plant_one(builder: WorldBuilder, p: Prospect, mql_at: datetime) -> None:
    days_ago = (builder.anchor - mql_at).days
    p.quarter = next((i for i, (_, newest) in enumerate(QUARTERS) if days_ago >= newest), len(QUARTERS) - 1)
    p.region, p.unit, p.owner, p.pace = "NA", "fleet", AWAY, "late"
    p.mql_at = mql_at
    p.owned_at = mql_at + timedelta(minutes=2, seconds=20)


def _open_before(day: date) -> date:
    """The last open day before ``day``."""
    for n in range(1, 8):
        earlier = day - timedelta(days=n)
        if next_open_day(AWAY.office, earlier - timedelta(days=1)) == earlier:
            return earlier
    raise ValueError(f"a week without an open day before {day}")


def hand_over(builder: WorldBuilder) -> None:
    """Whoever life gave her around that time goes to a colleague."""
    away = leave(builder.anchor)
    begin = _open_before(local_day(AWAY.office, away.begin)) - timedelta(days=BEFORE_DAYS)
    since = at(AWAY.office, begin, 0)
    colleagues = [p for p in team("SDR", office=AWAY.office, unit="fleet") if p is not AWAY]
    for i, p in enumerate(builder.prospects):
        moments = (p.mql_at, p.owned_at, p.touched_at, p.qualified_at)
        is_around = any(moment and since <= moment < away.back for moment in moments)
        if p.owner is AWAY and p.story != NUMBER and is_around:
            p.owner = colleagues[i % len(colleagues)]


def late_leads(world: World) -> list[str]:
    """The contacts whose Lead is hers and became MQL around the leave."""
    anchor = counting.anchor_of(world)
    away = leave(anchor)
    since = at(AWAY.office, _open_before(local_day(AWAY.office, away.begin)), 0)
    leads = counting.leads_by_contact(world)
    return [
        contact
        for contact, entered in counting.mql_entries(world).items()
        if since <= entered < away.back
        and contact in leads
        and leads[contact]["fields"]["OwnerId"] == AWAY.user_id
    ]


def assert_numbers(world: World) -> None:
    away = leave(counting.anchor_of(world))
    entries, touches = counting.mql_entries(world), counting.first_touches(world)
    found = late_leads(world)
    counting.expect("leads around the leave", len(found), 17)
    counting.expect("of those that came while she was away", sum(entries[c] >= away.begin for c in found), 15)
    in_time = [c for c in found if c in touches and touches[c] < away.back]
    counting.expect("of those touched before she was back", len(in_time), 0)
    on_holiday = [c for c in found if local_day(AWAY.office, entries[c]) == away.holiday]
    counting.expect("of those that came on the holiday", bool(on_holiday), True)


def record(world: World) -> Record:
    """The lead that came on the holiday."""
    entries = counting.mql_entries(world)
    away = leave(counting.anchor_of(world))
    found = [c for c in late_leads(world) if local_day(AWAY.office, entries[c]) == away.holiday]
    return Record("hubspot", "contacts", min(found, key=lambda c: (entries[c], c)))
