"""Story 11: wrong fit.

22% of all first purchases were made by companies of fewer than 20 vehicles. 14 customers left within 90 days of their
purchase, and 9 of those have fewer than 20.
"""

from __future__ import annotations

from datetime import date, timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.deals import WON, Deal
from integrations.standins.fernhill.life import CUSTOMER_COMPANIES
from integrations.standins.world import Row, World

NUMBER = "11"
SMALL = 20
CHURNED, SMALL_CHURNED = 14, 9
DAYS = 90
PERCENT = 22


def plant(builder: WorldBuilder) -> None:
    """Nothing yet: there are no customers before ordinary life."""


def lose(builder: WorldBuilder) -> None:
    """Before their deals are decided: who has left renews nothing and buys no more."""
    random = builder.random("story 11")
    customers = [p for p in builder.prospects if p.group == "customer"][:CUSTOMER_COMPANIES]
    counted = _where_mqls_work(builder)
    able = [p for p in customers if p.company and p.company.domain not in counted]
    for i, p in enumerate(random.sample(able, CHURNED)):
        if p.company is None or p.closed_at is None:
            raise ValueError(f"customer {p.n} never bought")
        p.churned_at = p.closed_at + timedelta(days=random.randint(21, DAYS - 4))
        p.company.fleet = random.randint(8, SMALL - 1) if i < SMALL_CHURNED else random.randint(24, 90)


def fit(builder: WorldBuilder) -> None:
    """Grow or shrink old customers until the share is right; their purchases lie before the counted year."""
    random = builder.random("story 11 fleets")
    wins = _wins(builder)
    wanted = round(len(wins) * PERCENT / 100)
    small = [d for d in wins if d.prospect.company and (d.prospect.company.fleet or 0) < SMALL]
    grows = len(small) > wanted
    counted = _where_mqls_work(builder)
    able = [
        d.prospect.company
        for d in wins
        if d.prospect.group == "customer"
        and d.prospect.company
        and not d.prospect.churned_at
        and d.prospect.company.domain not in counted
        and ((d.prospect.company.fleet or 0) < SMALL) == grows
    ]
    for company in random.sample(able, abs(len(small) - wanted)):
        company.fleet = random.randint(SMALL, 60) if grows else random.randint(8, SMALL - 1)


def _where_mqls_work(builder: WorldBuilder) -> set[str]:
    """Domains of companies whose size the rules of story 1 read."""
    return {p.company.domain for p in builder.prospects if p.is_mql and p.company}


def _wins(builder: WorldBuilder) -> list[Deal]:
    return [d for d in builder.deals if d.pipeline == "New business" and d.stage == WON]


def _bought(world: World) -> dict[str, tuple[Row, date]]:
    """Account id to the account and the day of its first purchase."""
    accounts = {a["id"]: a for a in world["salesforce"]["Account"]}
    first: dict[str, tuple[Row, date]] = {}
    for deal in world["salesforce"]["Opportunity"]:
        f = deal["fields"]
        if f["IsWon"] and f["Type"] == "New business" and isinstance(f["CloseDate"], date):
            first[str(f["AccountId"])] = (accounts[str(f["AccountId"])], f["CloseDate"])
    return first


def _lost_soon(world: World) -> list[Row]:
    return [
        account
        for account, day in _bought(world).values()
        if isinstance(left := account["fields"]["Churned_On__c"], date) and (left - day).days <= DAYS
    ]


def _is_small(account: Row) -> bool:
    fleet = account["fields"]["Fleet_Size__c"]
    return isinstance(fleet, int) and fleet < SMALL


def assert_numbers(world: World) -> None:
    lost = _lost_soon(world)
    counting.expect("customers lost within 90 days", len(lost), CHURNED)
    counting.expect("of them small", sum(map(_is_small, lost)), SMALL_CHURNED)
    bought = [account for account, _ in _bought(world).values()]
    counting.expect(
        "percent of purchases by small ones",
        round(100 * sum(map(_is_small, bought)) / len(bought)),
        PERCENT,
    )


def record(world: World) -> Record:
    """The small customer who left last."""
    small = [a for a in _lost_soon(world) if _is_small(a)]
    return Record(
        "salesforce", "Account", max(small, key=lambda a: (str(a["fields"]["Churned_On__c"]), a["id"]))["id"]
    )
