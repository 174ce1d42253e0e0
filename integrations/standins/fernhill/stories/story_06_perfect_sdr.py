"""Story 6: the "perfect" SDR.

Of the Leads that became MQL in the 150 days before the anchor Hanne Sørlund has pain notes in 38, and every field of
those that reached Qualified is filled, which nobody else manages. 23 of the 38 notes (61%) are one and the same text.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from integrations.standins.fernhill import counting
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.counting import Record
from integrations.standins.fernhill.notes import Notes
from integrations.standins.fernhill.people import PERSON, team
from integrations.standins.fernhill.prospect import Prospect
from integrations.standins.world import Row, World

NUMBER = "06"
PERFECT: Final = PERSON["hanne.sorlund"]
DAYS = 150
NOTES, COPIES = 38, 23
TEXT = "Customer has challenges with maintenance planning and would like to improve efficiency."
FILLED = ("Pain__c", "Impact__c", "Timeline__c", "Stakeholders__c")
CONFIRMED = ("Need_Confirmed__c", "Authority_Confirmed__c", "Timeline_Confirmed__c")


def plant(builder: WorldBuilder) -> None:
    """Nothing yet: what she wrote is decided once everybody has been described."""


def write_notes(builder: WorldBuilder) -> None:
    random = builder.random("story 6")
    notes = Notes(builder.random("story 6 notes"))
    hers = [p for p in builder.prospects if p.owner is PERFECT and _is_recent(builder, p)]
    qualified = [p for p in hers if p.qualified_at]
    others = [p for p in hers if p.touched_at and not p.qualified_at]
    # She writes in every lead she has touched before anybody else's are hers too.
    colleagues = [
        p
        for p in builder.prospects
        if p.owner in team("SDR", office=PERFECT.office, unit="yards")
        and not p.story
        and p.touched_at
        and not p.qualified_at
        and p.owner is not PERFECT
        and _is_recent(builder, p)
    ]
    chosen = [*qualified, *others, *colleagues][:NOTES]
    if len(chosen) < NOTES or len(qualified) > NOTES:
        raise ValueError(f"story 6 needs {NOTES} leads, {len(qualified)} qualified among {len(chosen)}")
    for p in others:
        p.pain = None
    for p in chosen:
        p.owner = PERFECT
        p.pain = notes.pain(p.unit or "yards", p.first_name)
    for p in qualified:
        p.impact = p.impact or notes.impact("yards")
        p.timeline = p.timeline or notes.timeline("yards")
        p.stakeholders = p.stakeholders or notes.stakeholders("yards")
        p.confirmed = (True, True, True)
    for p in random.sample(chosen, COPIES):
        p.pain = TEXT


def _is_recent(builder: WorldBuilder, p: Prospect) -> bool:
    return p.is_mql and p.mql_at is not None and p.mql_at >= builder.anchor - timedelta(days=DAYS)


def _hers(world: World) -> list[Row]:
    since = counting.anchor_of(world) - timedelta(days=DAYS)
    entries = counting.mql_entries(world)
    return [
        lead
        for contact, lead in counting.leads_by_contact(world).items()
        if lead["fields"]["OwnerId"] == PERFECT.user_id and contact in entries and entries[contact] >= since
    ]


def assert_numbers(world: World) -> None:
    hers = _hers(world)
    notes = Counter(lead["fields"]["Pain__c"] for lead in hers if lead["fields"]["Pain__c"])
    counting.expect("pain notes", notes.total(), NOTES)
    counting.expect("pain notes that are one text", notes.most_common(1)[0][1], COPIES)
    counting.expect("percent of them", round(100 * COPIES / NOTES), 61)
    qualified = [lead["fields"] for lead in hers if counting.is_qualified(lead)]
    full = [f for f in qualified if all(f[name] for name in (*FILLED, *CONFIRMED))]
    counting.expect("qualified leads with every field filled", len(full), len(qualified))


def record(world: World) -> Record:
    """The first Lead with the text."""
    same = [lead for lead in _hers(world) if lead["fields"]["Pain__c"] == TEXT]
    return Record("salesforce", "Lead", min(same, key=lambda lead: (lead["created"], lead["id"]))["id"])
