"""Opportunities: those that Leads became, and those that were always on the account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.life import CUSTOMER_COMPANIES, PURSUED_COMPANIES
from integrations.standins.fernhill.moments import next_open
from integrations.standins.fernhill.notes import Notes
from integrations.standins.fernhill.people import PERSON, Person
from integrations.standins.fernhill.prospect import ORIGINS, Prospect
from integrations.standins.load import INTEGRATION_USER_ID
from integrations.standins.world import Change, Row, salesforce_id

OPPORTUNITIES = 1489
"""With those that story 10 enters twice 1,500."""
STAGES = ("Discovery", "Evaluation", "Proposal", "Negotiation")
WON, LOST = "Closed Won", "Closed Lost"
LOSS_REASONS = (
    "No decision",
    "No decision",
    "Price",
    "No SAP integration",
    "Competitor",
    "Timing",
    "Champion left",
    "No telematics connector",
)
_DAYS_IN_STAGE = {"Discovery": (3, 20), "Evaluation": (6, 34), "Proposal": (5, 28), "Negotiation": (4, 24)}
_LOSS_CHANCE = {"Discovery": 0.22, "Evaluation": 0.3, "Proposal": 0.3, "Negotiation": 0.27}


@dataclass(slots=True, eq=False)
class Deal:
    """What is decided about an Opportunity; ``path`` is its stages, the first at its creation."""

    number: int
    prospect: Prospect
    name: str
    pipeline: str
    owner: Person
    amount: int
    source: str
    path: list[tuple[str, datetime]] = field(default_factory=list)
    close_date: date | None = None
    loss_reason: str | None = None
    next_step: str | None = None
    next_step_date: date | None = None
    success_criteria: str | None = None
    currency: str = ""
    """Empty: the account's."""
    is_nobodys: bool = False

    @property
    def id(self) -> str:
        return salesforce_id("006", self.number)

    @property
    def stage(self) -> str:
        return self.path[-1][0]

    @property
    def is_closed(self) -> bool:
        return self.stage in (WON, LOST)


def plan(builder: WorldBuilder) -> None:
    """Decide all Opportunities; whoever bought became a customer."""
    random = builder.random("deals")
    numbers = iter(range(20_001, 30_000))
    for p in builder.prospects:
        if p.deal:
            builder.deals.append(_from_lead(builder, p, random))
    customers = [p for p in builder.prospects if p.group == "customer"]
    bought = customers[:CUSTOMER_COMPANIES]
    others = customers[CUSTOMER_COMPANIES : CUSTOMER_COMPANIES + PURSUED_COMPANIES]
    for p in bought:
        builder.deals.append(_first_purchase(builder, p, next(numbers), random))
    for p in others:
        p.closed_at = None
        builder.deals.append(_old_pursuit(builder, p, next(numbers), random))
    stayed = [p for p in bought if not p.churned_at]
    for p in stayed:
        builder.deals.extend(_renewals(builder, p, numbers, random))
    while len(builder.deals) < OPPORTUNITIES:
        builder.deals.append(_expansion(builder, random.choice(stayed), next(numbers), random))
    del builder.deals[OPPORTUNITIES:]
    _close_two_now(builder)
    notes = Notes(builder.random("deal notes"))
    for deal in builder.deals:
        _complete(builder, deal, notes, random)
    kick_offs = builder.random("kick-offs")
    for deal in builder.deals:
        if deal.stage == WON and kick_offs.random() < 0.7:
            deal.next_step = "Kick-off with Customer Success"
            deal.next_step_date = deal.path[-1][1].date() + timedelta(days=kick_offs.randint(5, 15))


def _amount(p: Prospect, random: Random, share: float = 1.0) -> int:
    fleet = p.company.fleet if p.company and p.company.fleet else 15
    return max(4000, round(fleet * random.uniform(420, 820) * share / 10) * 10)


def _company_name(p: Prospect) -> str:
    return p.company.name if p.company else ""


def _walk(
    builder: WorldBuilder, office: str, start: datetime, random: Random, *, patience: float = 1.0
) -> list[tuple[str, datetime]]:
    """A deal's way from Discovery on, as far as it has come by now."""
    path = [(STAGES[0], start)]
    moment = start
    for i, stage in enumerate(STAGES):
        low, high = _DAYS_IN_STAGE[stage]
        days = random.uniform(low, high) * patience
        moment = next_open(office, moment + timedelta(days=days)) + timedelta(minutes=random.uniform(0, 300))
        if moment >= builder.moments.ago(hours=4):
            return path
        if random.random() < _LOSS_CHANCE[stage]:
            return [*path, (LOST, moment)]
        last = i + 1 == len(STAGES)
        path.append((WON, moment) if last else (STAGES[i + 1], moment))
    return path


def _from_lead(builder: WorldBuilder, p: Prospect, random: Random) -> Deal:
    if p.converted_at is None or p.executive is None:
        raise ValueError(f"person {p.n} is a deal that was never converted")
    owner = p.executive
    if p.group == "earlier" and p.office == "Austin" and p.unit == "fleet" and random.random() < 0.12:
        owner = PERSON["ronan.ashgrove"]
    patience = 1.9 if owner.title.startswith("Enterprise") else 1.25
    path = _walk(builder, p.office, p.converted_at, random, patience=patience)
    if p.group == "earlier" and path[-1][0] in STAGES:
        path.append((LOST, path[-1][1] + timedelta(days=random.uniform(20, 60))))
    deal = Deal(
        p.n + 1, p, _company_name(p), "New business", owner, _amount(p, random), ORIGINS[p.origin], path
    )
    if deal.stage == WON:
        p.closed_at = path[-1][1]
    return deal


def _first_purchase(builder: WorldBuilder, p: Prospect, number: int, random: Random) -> Deal:
    if p.created is None or p.closed_at is None or p.executive is None:
        raise ValueError(f"customer {p.n} never bought")
    days = (p.closed_at - p.created) / 5
    steps = [*STAGES, WON]
    path = [(stage, p.created + days * (i + 1)) for i, stage in enumerate(steps)]
    path[-1] = (WON, p.closed_at)
    source = ORIGINS[p.origin]
    return Deal(
        number,
        p,
        f"{_company_name(p)} - first contract",
        "New business",
        p.executive,
        _amount(p, random),
        source,
        path,
    )


def _old_pursuit(builder: WorldBuilder, p: Prospect, number: int, random: Random) -> Deal:
    """Somebody a representative knew: mostly lost, a few still somewhere."""
    if p.created is None or p.executive is None:
        raise ValueError(f"person {p.n} was never created")
    start = p.created + timedelta(days=random.uniform(10, 300))
    path = _walk(builder, p.office, start, random, patience=1.6)
    if path[-1][0] == WON:
        path[-1] = (LOST, path[-1][1])
    return Deal(
        number, p, _company_name(p), "New business", p.executive, _amount(p, random), ORIGINS[p.origin], path
    )


def _renewals(builder: WorldBuilder, p: Prospect, numbers: Iterator[int], random: Random) -> list[Deal]:
    """One a year, opened 90 days before the contract ends."""
    if p.closed_at is None or p.executive is None:
        return []
    found = []
    for year in (1, 2):
        ends = p.closed_at + timedelta(days=365 * year)
        start = next_open(p.office, ends - timedelta(days=90)) + timedelta(minutes=random.uniform(0, 400))
        if start >= builder.moments.ago(days=1):
            break
        path = [("Evaluation", start)]
        for stage, at in (
            ("Proposal", ends - timedelta(days=40)),
            ("Negotiation", ends - timedelta(days=15)),
        ):
            if at < builder.moments.ago(hours=5):
                path.append((stage, at))
        decided = next_open(p.office, ends - timedelta(days=random.uniform(1, 9)))
        kept = random.random() < 0.9
        if decided < builder.moments.ago(hours=5):
            path.append((WON if kept else LOST, decided))
        name = f"{_company_name(p)} - renewal {ends.year}"
        amount = _amount(p, random, 1.04)
        deal = Deal(next(numbers), p, name, "Renewal", p.executive, amount, "Existing customer", path)
        deal.close_date = ends.date()
        found.append(deal)
        if not kept:
            break
    return found


def _expansion(builder: WorldBuilder, p: Prospect, number: int, random: Random) -> Deal:
    if p.closed_at is None or p.executive is None:
        raise ValueError(f"customer {p.n} never bought")
    room = (builder.moments.ago(days=3) - p.closed_at).total_seconds()
    start = next_open(p.office, p.closed_at + timedelta(seconds=random.uniform(0.15, 0.97) * room))
    start = min(start, builder.moments.ago(days=1))
    path = _walk(builder, p.office, start, random, patience=0.8)
    what = random.choice(
        (
            "more vehicles",
            "inspections module",
            "second depot",
            "yard slots",
            "parts stock",
            "telematics connector",
        )
    )
    name = f"{_company_name(p)} - {what}"
    return Deal(
        number, p, name, "Expansion", p.executive, _amount(p, random, 0.35), "Existing customer", path
    )


def _close_two_now(builder: WorldBuilder) -> None:
    """Two deals were won in the last two days: Customer Success has something to receive."""
    open_deals = [
        d
        for d in builder.deals
        if d.pipeline == "New business" and d.stage in ("Negotiation", "Proposal") and d.prospect.deal
    ]
    for office, hours in (("Berlin", 5.4), ("Austin", 26.0)):
        deal = next(
            d
            for d in open_deals
            if d.prospect.office == office and d.path[-1][1] < builder.moments.ago(days=3)
        )
        deal.path.append((WON, builder.moments.ago(hours=hours)))
        deal.prospect.closed_at = deal.path[-1][1]


def _complete(builder: WorldBuilder, deal: Deal, notes: Notes, random: Random) -> None:
    unit = deal.prospect.unit or "fleet"
    today = builder.anchor.date()
    if deal.is_closed:
        deal.close_date = deal.path[-1][1].date()
    elif deal.close_date is None:
        # One in nine stands in the past: somebody forgot.
        days = -random.randint(3, 40) if random.random() < 0.11 else random.randint(4, 75)
        deal.close_date = today + timedelta(days=days)
    if deal.stage == LOST:
        deal.loss_reason = random.choice(LOSS_REASONS)
    reached = {stage for stage, _ in deal.path}
    if reached & {"Proposal", WON} and random.random() < 0.68:
        deal.success_criteria = notes.criteria(unit)
    if not deal.is_closed and random.random() < 0.88:
        deal.next_step = notes.next_step(unit)
        deal.next_step_date = today + timedelta(days=random.randint(-4, 16))


def opportunity_rows(builder: WorldBuilder) -> list[Row]:
    return [_opportunity_row(deal) for deal in builder.deals]


def _opportunity_row(deal: Deal) -> Row:
    p = deal.prospect
    if p.company is None:
        raise ValueError(f"deal {deal.number} has no account")
    changes: list[Change] = []
    for (old, _), (new, moment) in zip(deal.path, deal.path[1:], strict=False):
        at = moment.replace(microsecond=0)
        changes.append({"field": "StageName", "old": old, "new": new, "at": at, "by": deal.owner.user_id})
    created = deal.path[0][1].replace(microsecond=0)
    return {
        "id": deal.id,
        "created": created,
        "modified": max([created, *(c["at"] for c in changes)]),
        "history": changes,
        "fields": {
            "Name": deal.name[:120],
            "AccountId": p.company.account_id,
            "ContactId": p.sales_contact_id,
            "StageName": deal.stage,
            "Amount": deal.amount,
            "CurrencyIsoCode": deal.currency or p.company.currency,
            "CloseDate": deal.close_date,
            "OwnerId": INTEGRATION_USER_ID if deal.is_nobodys else deal.owner.user_id,
            "IsClosed": deal.is_closed,
            "IsWon": deal.stage == WON,
            "LeadSource": deal.source,
            "Type": deal.pipeline,
            "LastStageChangeDate": changes[-1]["at"] if changes else created,
            "Pipeline__c": deal.pipeline,
            "Business_Unit__c": p.unit,
            "Region__c": p.company.region,
            "Success_Criteria__c": deal.success_criteria,
            "NextStep": deal.next_step,
            "Next_Step_Date__c": deal.next_step_date,
            "Loss_Reason__c": deal.loss_reason,
        },
    }
