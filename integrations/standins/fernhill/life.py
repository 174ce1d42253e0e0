"""Ordinary life: fills in whatever no story has decided about a person: quarter, place, owner and the moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from integrations.standins.fernhill.builder import FLOOD_QUARTER, QUARTERS, WorldBuilder
from integrations.standins.fernhill.moments import next_open
from integrations.standins.fernhill.people import Person, team
from integrations.standins.fernhill.prospect import Pace, Prospect

MQLS_PER_QUARTER = ((458, 84), (420, 77), (450, 81), (470, 87))
"""MQLs outside the webinar flood, and how many of them reach Qualified: 18-19% in each quarter."""

NEITHER, EARLIER, EARLIER_QUALIFIED, EARLIER_DEALS, CUSTOMERS = 1316, 479, 299, 249, 500
CUSTOMER_COMPANIES, PURSUED_COMPANIES = 300, 130
"""The first customers bought, the next are pursued on old accounts, the last are colleagues of the first."""
EARLIER_DAYS = (800, 385)
CUSTOMER_DAYS = (930, 400)
LEAVERS_UNTIL_QUARTER = 2
APAC_MQLS = 3
"""Of those that reach Qualified and of those that don't: too few for anyone to draw a conclusion."""

MORNING = (9 * 60 + 15, 13 * 60)
_NEITHER_ORIGINS = (
    "content",
    "content",
    "content",
    "webinar",
    "webinar",
    "event",
    "pricing",
    "demo_request",
    "outbound",
)
_EARLIER_ORIGINS = (
    "demo_request",
    "demo_request",
    "pricing",
    "content",
    "webinar",
    "event",
    "partner",
    "outbound",
)
_PACES_QUALIFIED: tuple[Pace, ...] = ("hour", "hour", "day", "day", "late")
_PACES_OTHER: tuple[Pace, ...] = ("hour", "hour", "day", "day", "day", "late", "late", "never")


def settle(builder: WorldBuilder) -> None:
    """Once everybody is there and has a quarter, decide everything that is still open about everyone.

    Raises ValueError when the stories leave no room."""
    _place(builder)
    random = builder.random("life")
    for p in builder.prospects:
        if p.group in ("neither", "customer"):
            _settle_created(builder, p, random)
        elif p.group != "live":
            _settle_entry(builder, p, random)
            _settle_touch(builder, p, random)
            _settle_outcome(builder, p, random)


def populate(builder: WorldBuilder) -> None:
    """Add everybody whom no story brought."""
    random = builder.random("population")
    builder.add(NEITHER, "content", "neither")
    builder.add(EARLIER, "content", "earlier", qualify=EARLIER_QUALIFIED, deals=EARLIER_DEALS)
    builder.add(CUSTOMERS, "content", "customer")
    for p in builder.prospects:
        if p.group == "neither":
            p.origin = random.choice(_NEITHER_ORIGINS)
        elif p.group in ("earlier", "customer") and not p.story:
            p.origin = random.choice(_EARLIER_ORIGINS)


def spread_over_quarters(builder: WorldBuilder) -> None:
    """Give every MQL of the year a quarter; raises ValueError when the stories have filled one too much."""
    random = builder.random("quarters")
    for qualifies in (True, False):
        flood = {p.n for p in builder.prospects if p.story == "03"}
        of = [p for p in builder.prospects if p.is_mql and p.qualifies == qualifies and p.n not in flood]
        pool = [p for p in of if p.quarter is None]
        random.shuffle(pool)
        # Demo requests last: the flood's quarter has all of its own already.
        pool.sort(key=lambda p: p.origin == "demo_request")
        for quarter in (FLOOD_QUARTER, 0, 2, 3):
            people, qualified = MQLS_PER_QUARTER[quarter]
            wanted = qualified if qualifies else people - qualified
            missing = wanted - sum(p.quarter == quarter for p in of)
            if missing < 0:
                raise ValueError(f"the stories put too many MQLs into quarter {quarter}")
            for p in pool[:missing]:
                p.quarter = quarter
            pool = pool[missing:]
            if quarter == FLOOD_QUARTER:
                random.shuffle(pool)
    for p in builder.prospects:
        if p.group == "sales":
            p.quarter = random.randrange(len(QUARTERS))


def _place(builder: WorldBuilder) -> None:
    random = builder.random("places")
    for qualifies in (True, False):
        pool = [p for p in builder.free(qualifies=qualifies) if p.is_mql and not p.deal and p.quarter != 3]
        for p in builder.sample(APAC_MQLS, f"apac {qualifies}", pool):
            p.region, p.story = "APAC", "apac"
    for p in builder.prospects:
        if p.region is None:
            far = p.group == "neither" and random.random() < 0.05
            p.region = (
                "APAC" if far else random.choice(("NA", "NA", "NA", "EMEA", "EMEA", "EMEA", "EMEA", "NA"))
            )
        if p.unit is None:
            p.unit = "yards" if random.random() < 0.24 else "fleet"
        if p.owner is None and p.group not in ("neither", "customer"):
            p.owner = _choose_sdr(p, random)
        if p.executive is None:
            p.executive = random.choice(team("AE", office=p.office, unit=p.unit))


def _choose_sdr(p: Prospect, random: Random) -> Person:
    leavers = team("SDR", active=False, unit=p.unit)
    old = p.group == "earlier" or (p.quarter is not None and p.quarter < LEAVERS_UNTIL_QUARTER)
    if (
        old
        and not p.story
        and leavers
        and p.office == "Berlin"
        and p.origin != "partner"
        and random.random() < 0.12
    ):
        return random.choice(leavers)
    # Those who cover both units are there for the yards first.
    people = team("SDR", office=p.office, unit=p.unit)
    weights = [0.3 if p.unit == "fleet" and len(person.units) > 1 else 1.0 for person in people]
    return random.choices(people, weights)[0]


def _settle_created(builder: WorldBuilder, p: Prospect, random: Random) -> None:
    oldest, newest = CUSTOMER_DAYS if p.group == "customer" else (362, 1)
    p.created = builder.moments.any_time(random, p.office, oldest, newest)
    if p.group == "customer":
        p.closed_at = p.created + timedelta(days=random.uniform(45, 130))


def _settle_entry(builder: WorldBuilder, p: Prospect, random: Random) -> None:
    """When the person came, became an MQL (a Lead without MQL: began to be worked) and got an owner."""
    if p.pace is None:
        p.pace = random.choice(_PACES_QUALIFIED if p.qualifies else _PACES_OTHER)
    if p.mql_at is None:
        oldest, newest = EARLIER_DAYS if p.group == "earlier" else QUARTERS[p.quarter or 0]
        if p.group != "earlier":
            newest = max(newest, _days_needed(p))
        if p.origin in ("demo_request", "partner"):
            p.mql_at = builder.moments.in_hours(random, p.office, oldest, newest, minutes=MORNING)
        else:
            p.mql_at = builder.moments.any_time(random, p.office, oldest, newest)
    if p.created is None:
        p.created = p.mql_at - _time_before_mql(p, random)
        if p.group != "earlier":
            p.created = max(p.created, builder.moments.ago(days=364))
    if p.owned_at is None and not p.queued:
        p.owned_at = p.mql_at + _time_to_owner(p, random)


def _days_needed(p: Prospect) -> int:
    """How old an entry must be for its later moments to lie in the past."""
    if p.deal:
        return 46
    if p.qualifies:
        return 33
    return {"late": 13, "day": 6, "hour": 6, "never": 3}[p.pace or "late"]


def _time_before_mql(p: Prospect, random: Random) -> timedelta:
    if p.group == "sales" or (p.origin == "demo_request" and random.random() < 0.7):
        return timedelta(seconds=random.randint(20, 170))
    return timedelta(days=random.uniform(0.01, 20))


def _time_to_owner(p: Prospect, random: Random) -> timedelta:
    chance = random.random()
    if p.pace == "hour" or p.origin == "demo_request" or chance < 0.82:
        return timedelta(seconds=random.randint(65, 240))
    if chance < 0.93:
        return timedelta(minutes=random.uniform(6, 70))
    return timedelta(hours=random.uniform(1.5, 20))


def _settle_touch(builder: WorldBuilder, p: Prospect, random: Random) -> None:
    if p.touched_at is not None or p.pace == "never":
        return
    if p.mql_at is None or p.owned_at is None:
        raise ValueError(f"person {p.n} is touched before anybody has it")
    ready = next_open(p.office, p.mql_at)
    if p.pace == "hour":
        p.touched_at = ready + timedelta(minutes=random.triangular(5, 55, 18))
    elif p.pace == "day":
        p.touched_at = max(ready, p.owned_at) + timedelta(minutes=random.uniform(75, 290))
    else:
        later = next_open(p.office, p.mql_at + timedelta(hours=random.uniform(26, 98)))
        p.touched_at = max(later, p.owned_at) + timedelta(minutes=random.uniform(1, 280))
    p.owned_at = min(p.owned_at, p.touched_at - timedelta(seconds=40))


def _settle_outcome(builder: WorldBuilder, p: Prospect, random: Random) -> None:
    if p.qualifies and p.touched_at and p.qualified_at is None:
        day = p.touched_at + timedelta(days=random.uniform(0.2, 11))
        p.qualified_at = next_open(p.office, day) + timedelta(minutes=random.uniform(10, 200))
    if p.deal and p.qualified_at:
        day = p.qualified_at + timedelta(days=random.uniform(0.2, 7))
        p.converted_at = next_open(p.office, day) + timedelta(minutes=random.uniform(10, 200))
    last = p.converted_at or p.qualified_at or p.touched_at
    if last and last >= builder.anchor:
        raise ValueError(f"person {p.n} has a future: {last}")
    if p.lead_status is None:
        p.lead_status = _final_status(p, builder.anchor, random)


def _final_status(p: Prospect, anchor: datetime, random: Random) -> str:
    if p.deal:
        return "Converted"
    if p.qualified_at:
        fresh = anchor - p.qualified_at < timedelta(days=25)
        return (
            "Qualified"
            if fresh
            else random.choice(("Qualified", "Nurture", "Nurture", "Nurture", "Disqualified"))
        )
    if p.touched_at:
        fresh = anchor - p.touched_at < timedelta(days=30)
        if fresh and random.random() < 0.7:
            return "Working"
        return random.choice(
            ("Nurture", "Nurture", "Disqualified", "Disqualified", "Disqualified", "Working")
        )
    if p.queued:
        return "Open"
    old = p.mql_at is not None and anchor - p.mql_at > timedelta(days=5)
    written_off = p.origin == "demo_request" or random.random() < 0.4
    return "Disqualified" if old and written_off else "Open"
