"""Story 13: recycled and won.

Somebody asked a year ago, was called, and put back nine months ago for want of a budget. Three months ago they came
back by the pricing page on their own, became an MQL a second time, were qualified and bought for EUR 24,000.
The first time lies before the counted year, so that story 1 counts them neither time.
"""

from __future__ import annotations

from datetime import timedelta

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.deals import STAGES, WON
from integrations.standins.fernhill.moments import next_open
from integrations.standins.fernhill.people import PERSON
from integrations.standins.fernhill.prospect import EarlierPass
from integrations.standins.world import Row, World

NUMBER = "13"
AMOUNT, CURRENCY = 24_000, "EUR"
REASON = "No budget"
RECYCLED_DAYS, BACK_DAYS, WON_DAYS = 270, 95, 17


def plant(builder: WorldBuilder) -> None:
    moments = builder.moments
    p = builder.add(1, "pricing", "earlier", qualify=1, deals=1)[0]
    p.story, p.region, p.unit, p.pace = NUMBER, "EMEA", "fleet", "hour"
    p.owner, p.executive = PERSON["lukas.brandtner"], PERSON["camille.desrivaux"]
    p.created = next_open("Berlin", moments.ago(days=392))
    first = p.created + timedelta(days=3)
    p.earlier_pass = EarlierPass(
        mql_at=first,
        touched_at=next_open("Berlin", first + timedelta(hours=2)),
        recycled_at=next_open("Berlin", moments.ago(days=RECYCLED_DAYS)),
        reason=REASON,
    )
    p.mql_at = next_open("Berlin", moments.ago(days=BACK_DAYS))
    p.owned_at = p.created + timedelta(minutes=4)
    p.touched_at = p.mql_at + timedelta(minutes=25)
    p.qualified_at = next_open("Berlin", p.mql_at + timedelta(days=4))
    p.lead_status = "Converted"


def win(builder: WorldBuilder) -> None:
    """The deal took what is between the conversion and the win in equal steps."""
    deal = next(d for d in builder.deals if d.prospect.story == NUMBER)
    begin, end = deal.path[0][1], next_open("Berlin", builder.moments.ago(days=WON_DAYS, hours=6))
    step = (end - begin) / len(STAGES)
    deal.path = [(stage, begin + step * i) for i, stage in enumerate((*STAGES, WON))]
    deal.amount, deal.loss_reason, deal.close_date = AMOUNT, None, end.date()
    deal.prospect.closed_at = end


def _contact(world: World) -> Row:
    twice = [
        c
        for c in world["hubspot"]["contacts"]
        if sum(change["new"] == counting.MQL for change in c["history"]) == 2
    ]
    counting.expect("people who became MQL twice", len(twice), 1)
    return twice[0]


def assert_numbers(world: World) -> None:
    contact = _contact(world)
    lead = counting.leads_by_contact(world)[contact["id"]]
    ways = [c["new"] for c in lead["history"] if c["field"] == "Status"]
    counting.expect(
        "ways through the statuses",
        ways == ["Working", "Nurture", "Open", "Working", "Qualified", "Converted"],
        True,
    )
    reasons = [c["new"] for c in lead["history"] if c["field"] == "Recycle_Reason__c"]
    counting.expect("reasons", reasons == [REASON, None], True)
    (deal,) = (
        o for o in world["salesforce"]["Opportunity"] if o["id"] == lead["fields"]["ConvertedOpportunityId"]
    )
    won = deal["fields"]
    counting.expect(
        "amount won", (won["Amount"], won["CurrencyIsoCode"], won["IsWon"]) == (AMOUNT, CURRENCY, True), True
    )


def record(world: World) -> Record:
    return Record("hubspot", "contacts", _contact(world)["id"])
