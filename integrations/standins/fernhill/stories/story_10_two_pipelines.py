"""Story 10: two pipeline numbers.

The report adds up what is open to 4.82 million, the weekly sheet says 4.31. The 0.51 between them: 11 deals that stand
twice on one account (0.27), 5 whose amount is in another currency than their account's or whose close date is past the
end of the next fiscal year (0.14), and 7 that belong to the integration user, which is nobody (0.10).
Amounts are added up as they stand, as the report does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.deals import Deal
from integrations.standins.fernhill.people import PERSON
from integrations.standins.load import INTEGRATION_USER_ID
from integrations.standins.world import Row, World

NUMBER = "10"
REPORT, SHEET = 4_820_000, 4_310_000
TWICE = (34_000, 31_500, 29_000, 27_500, 26_000, 24_500, 23_000, 21_500, 20_000, 18_000, 15_000)
ELSEWHERE = (38_000, 31_000, 27_000, 24_000, 20_000)
"""The first three by currency, the others by date."""
NOBODYS = (21_000, 18_500, 16_000, 14_000, 12_500, 10_000, 8_000)
BY_CURRENCY = 3
FAR = timedelta(days=730)
SMALLEST = 4_000


def plant(builder: WorldBuilder) -> None:
    """Nothing yet: there are no deals before ordinary life."""


def muddle(builder: WorldBuilder) -> None:
    """Once it is decided who has which deal. Nobody's deal is taken away."""
    random = builder.random("story 10")
    sure = [d for d in builder.deals if not d.is_closed and d.owner.active]
    count = len(TWICE) + len(ELSEWHERE) + len(NOBODYS)
    if len(sure) < count:
        raise ValueError(f"story 10 has {len(sure)} open deals to muddle, and needs {count}")
    chosen = iter(random.sample(sure, count))
    for number, (amount, first) in enumerate(
        zip(TWICE, _next(chosen, len(TWICE)), strict=True), start=30_001
    ):
        first.amount = amount
        entered = first.path[0][1] + (builder.moments.ago(hours=5) - first.path[0][1]) * 0.6
        path = [(first.stage, max(entered, first.path[-1][1]))]
        builder.deals.append(replace(first, number=number, path=path))
    for i, (amount, deal) in enumerate(zip(ELSEWHERE, _next(chosen, len(ELSEWHERE)), strict=True)):
        deal.amount = amount
        if i < BY_CURRENCY:
            deal.currency = (
                "EUR" if deal.prospect.company and deal.prospect.company.currency == "USD" else "USD"
            )
        else:
            deal.close_date = builder.anchor.date() + FAR + timedelta(days=17 * i)
    for amount, deal in zip(NOBODYS, _next(chosen, len(NOBODYS)), strict=True):
        deal.amount, deal.is_nobodys = amount, True
    _scale(builder)


def _next(chosen: Iterator[Deal], count: int) -> list[Deal]:
    return [next(chosen) for _ in range(count)]


def _scale(builder: WorldBuilder) -> None:
    """Bring all the other open deals to what is left of the total, in proportion."""
    muddled = {*TWICE, *ELSEWHERE, *NOBODYS}
    open_deals = [d for d in builder.deals if not d.is_closed]
    rest = [d for d in open_deals if d.amount not in muddled]
    wanted = REPORT - sum(d.amount for d in open_deals if d.amount in muddled)
    factor = wanted / sum(d.amount for d in rest)
    for deal in rest:
        deal.amount = max(SMALLEST, round(deal.amount * factor / 10) * 10)
        if deal.amount in muddled:
            deal.amount += 10
    largest = max(rest, key=lambda d: (d.amount, d.number))
    largest.amount += wanted - sum(d.amount for d in rest)


def _open(world: World) -> list[Row]:
    return [d for d in world["salesforce"]["Opportunity"] if not d["fields"]["IsClosed"]]


def _amount(deal: Row) -> int:
    amount = deal["fields"]["Amount"]
    if not isinstance(amount, int):
        raise TypeError(f"{deal['id']} has no amount")
    return amount


def _twice(world: World) -> list[Row]:
    """Of two open deals of one name, account and amount the one that came later."""
    seen: dict[tuple[object, ...], Row] = {}
    later = []
    for deal in sorted(_open(world), key=lambda d: (d["created"], d["id"])):
        f = deal["fields"]
        key = (f["AccountId"], f["Name"], f["Amount"])
        if key in seen:
            later.append(deal)
        seen.setdefault(key, deal)
    return later


def _elsewhere(world: World) -> list[Row]:
    currencies = {a["id"]: a["fields"]["CurrencyIsoCode"] for a in world["salesforce"]["Account"]}
    horizon = counting.anchor_of(world).date() + FAR
    return [
        d
        for d in _open(world)
        if d["fields"]["CurrencyIsoCode"] != currencies[str(d["fields"]["AccountId"])]
        or (isinstance(day := d["fields"]["CloseDate"], date) and day >= horizon)
    ]


def _nobodys(world: World) -> list[Row]:
    return [d for d in _open(world) if d["fields"]["OwnerId"] == INTEGRATION_USER_ID]


def assert_numbers(world: World) -> None:
    report = sum(map(_amount, _open(world)))
    counting.expect("the report", report, REPORT)
    for what, deals, number, amount in (
        ("counted twice", _twice(world), 11, 270_000),
        ("by currency or date", _elsewhere(world), 5, 140_000),
        ("owned by nobody", _nobodys(world), 7, 100_000),
    ):
        counting.expect(f"deals {what}", len(deals), number)
        counting.expect(f"amount {what}", sum(map(_amount, deals)), amount)
        report -= amount
    counting.expect("the sheet", report, SHEET)
    his = PERSON["ronan.ashgrove"].user_id
    counting.expect("the leaver's among them", sum(d["fields"]["OwnerId"] == his for d in _twice(world)), 0)


def record(world: World) -> Record:
    """The largest that stands twice."""
    largest = max(_twice(world), key=lambda d: (_amount(d), d["id"]))
    return Record("salesforce", "Opportunity", largest["id"])
