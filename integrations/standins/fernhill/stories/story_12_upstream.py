"""Story 12: upstream.

Among buyers of 500 vehicles and more, 71% of MQLs were answered in time half a year ago and 93% since, and more of them
reach Qualified. The win rate stays where it was: 14% of 96 closed deals. 41% of the lost ones say "No SAP integration".
In time: within an hour of the MQL entry or, if that was outside office hours, of the next opening.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from random import Random
from typing import Final, NamedTuple, TypeVar

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.deals import LOSS_REASONS, LOST, WON, Deal
from integrations.standins.fernhill.moments import next_open
from integrations.standins.fernhill.prospect import Prospect
from integrations.standins.world import Row, World

NUMBER = "12"
T = TypeVar("T")
LARGE, LARGEST = 500, 900
HOUR = timedelta(hours=1)
REASON = "No SAP integration"
LOST_FOR_IT = 34


class Half(NamedTuple):
    """Large buyers of half a year: MQLs by whether they were answered in time, how many of all are to qualify; closed
    deals and how many of them won."""

    in_time: int
    late: int
    qualified: int
    closed: int
    won: int


HALVES: Final = (Half(71, 29, 36, 50, 7), Half(93, 7, 47, 46, 6))


def plant(builder: WorldBuilder) -> None:
    """Nothing yet: who is large is decided once everything else about people and deals is."""


def enlarge(builder: WorldBuilder) -> None:
    """Only sizes change, and only of companies past 20 vehicles: no rule of story 1 asks for more."""
    random = builder.random("story 12")
    for p in builder.prospects:
        if p.company and (p.company.fleet or 0) >= LARGE:
            p.company.fleet = random.randint(120, LARGE - 1)
    lost: list[Deal] = []
    for half, (begin, end) in zip(HALVES, _halves(builder.anchor), strict=True):
        deals = [
            d for d in builder.deals
            if d.pipeline == "New business" and d.is_closed and d.close_date and _fits(d.prospect)
            and begin.date() <= d.close_date < end.date()
        ]  # fmt: skip
        random.shuffle(deals)
        # First those that leave the MQLs alone: of people who never were one, or were answered.
        deals.sort(key=lambda d: (d.prospect.is_mql, not _is_answered(d.prospect)))
        won = _take(half.won, "won deals", (d for d in deals if d.stage == WON))
        gone = _take(half.closed - half.won, "lost deals", (d for d in deals if d.stage == LOST))
        lost += gone
        for deal in (*won, *gone):
            _grow(deal.prospect, random)
    for half, (begin, end) in zip(HALVES, _halves(builder.anchor), strict=True):
        mqls = [
            p for p in builder.prospects if p.is_mql and p.mql_at and begin <= p.mql_at < end and _fits(p)
        ]
        random.shuffle(mqls)
        _enlarge_mqls(mqls, half, random)
    _give_reasons(builder, lost, random)


def _halves(anchor: datetime) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
    end = anchor + timedelta(days=1)
    middle, begin = end - timedelta(days=182), end - timedelta(days=364)
    return (begin, middle), (middle, end)


def _fits(p: Prospect) -> bool:
    return (
        p.company is not None
        and (p.company.fleet or 0) >= 20
        and p.story != "18"
        and p.group in ("both", "marketing", "sales", "earlier")
    )


def _is_large(p: Prospect) -> bool:
    return p.company is not None and (p.company.fleet or 0) >= LARGE


def _is_answered(p: Prospect) -> bool:
    if p.touched_at is None or p.mql_at is None or p.owner is None or not p.owner.active:
        return False
    return p.touched_at - next_open(p.office, p.mql_at) <= HOUR


def _grow(p: Prospect, random: Random) -> None:
    if p.company and not _is_large(p):
        p.company.fleet = random.randint(LARGE, LARGEST)


def _take(count: int, what: str, candidates: Iterable[T]) -> list[T]:
    found = [one for _, one in zip(range(count), candidates, strict=False)]
    if len(found) < count:
        raise ValueError(f"story 12 needs {count} {what}, there are {len(found)}")
    return found


def _enlarge_mqls(mqls: list[Prospect], half: Half, random: Random) -> None:
    """Add to those who are large by their deals what is missing: first the qualified, then the others."""
    large = [p for p in mqls if _is_large(p)]
    answered = sum(map(_is_answered, large))
    qualified = sum(p.qualifies for p in large)
    in_time, late = half.in_time - answered, half.late - (len(large) - answered)
    if min(in_time, late) < 0:
        raise ValueError(f"story 12 has {answered} of {len(large)} large MQLs in time, which is too many")
    free = [p for p in mqls if not _is_large(p) and not p.deal]
    able = [p for p in free if p.qualifies and _is_answered(p)]
    first = able[: max(0, min(half.qualified - qualified, in_time))]
    chosen = [
        *first,
        *_take(in_time - len(first), "answered", (p for p in free if not p.qualifies and _is_answered(p))),
        *_take(late, "late", (p for p in free if not p.qualifies and not _is_answered(p))),
    ]
    for p in chosen:
        _grow(p, random)


def _give_reasons(builder: WorldBuilder, lost: list[Deal], random: Random) -> None:
    others = [reason for reason in LOSS_REASONS if reason != REASON]
    for_it = set(map(id, random.sample(lost, LOST_FOR_IT)))
    for deal in lost:
        deal.loss_reason = REASON if id(deal) in for_it else random.choice(others)


def _large_accounts(world: World) -> set[str]:
    return {
        a["id"]
        for a in world["salesforce"]["Account"]
        if isinstance(fleet := a["fields"]["Fleet_Size__c"], int) and fleet >= LARGE
    }


def _closed(world: World, begin: datetime, end: datetime) -> list[Row]:
    large = _large_accounts(world)
    return [
        d
        for d in world["salesforce"]["Opportunity"]
        if d["fields"]["IsClosed"]
        and d["fields"]["Type"] == "New business"
        and d["fields"]["AccountId"] in large
        and isinstance(day := d["fields"]["CloseDate"], date)
        and begin.date() <= day < end.date()
    ]


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole)


def assert_numbers(world: World) -> None:
    entries, touches = counting.mql_entries(world), counting.first_touches(world)
    qualified = counting.qualified_contacts(world)
    regions = {c["id"]: c["fields"]["region"] for c in counting.contacts_of_the_year(world)}
    fleets = {c["id"]: c["fields"]["fleet_size"] for c in counting.contacts_of_the_year(world)}
    rates: list[int] = []
    closed: list[Row] = []
    for half, (begin, end), percent in zip(HALVES, _halves(counting.anchor_of(world)), (71, 93), strict=True):
        large = [
            c for c, at in entries.items()
            if begin <= at < end and isinstance(fleet := fleets[c], int) and fleet >= LARGE
        ]  # fmt: skip
        in_time = [
            c
            for c in large
            if c in touches
            and touches[c] - next_open("Berlin" if regions[c] == "EMEA" else "Austin", entries[c]) <= HOUR
        ]
        counting.expect("large MQLs answered in time, percent", _percent(len(in_time), len(large)), percent)
        rates.append(counting.percent(large, qualified))
        deals = _closed(world, begin, end)
        counting.expect("large deals closed", len(deals), half.closed)
        closed += deals
    counting.expect("more of them qualify", rates[1] > rates[0], True)
    won = [d for d in closed if d["fields"]["IsWon"]]
    counting.expect("win rate in percent", _percent(len(won), len(closed)), 14)
    reasons = [d["fields"]["Loss_Reason__c"] for d in closed if not d["fields"]["IsWon"]]
    counting.expect("lost for want of it, percent", _percent(reasons.count(REASON), len(reasons)), 41)


def record(world: World) -> Record:
    """The largest that was lost for it."""
    (begin, _), (_, end) = _halves(counting.anchor_of(world))
    lost = [d for d in _closed(world, begin, end) if d["fields"]["Loss_Reason__c"] == REASON]
    return Record(
        "salesforce", "Opportunity", max(lost, key=lambda d: (d["fields"]["Amount"], d["id"]))["id"]
    )
