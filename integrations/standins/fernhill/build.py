"""Builds the world: stories first, ordinary life around them, rows last, and every number checked at the end."""

from __future__ import annotations

from datetime import datetime
from types import ModuleType

from integrations.standins.fernhill import (
    accounts,
    activities,
    beside,
    campaigns,
    deals,
    leads,
    life,
    present,
    relationships,
)
from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.fields import schema
from integrations.standins.fernhill.people import owners, queues, users
from integrations.standins.fernhill.stories import (
    STORIES,
    story_01_two_mqls,
    story_02_another_definition,
    story_06_perfect_sdr,
    story_07_leave,
    story_10_two_pipelines,
    story_11_wrong_fit,
    story_12_upstream,
    story_13_recycled_and_won,
    story_14_leaver,
    story_17_live_lead,
    story_18_sales_disagrees,
)
from integrations.standins.world import World


def build_world(anchor: datetime, seed: int = 17) -> World:
    """Fernhill as both its CRMs hold it at ``anchor`` (any aware instant); the same world for the same arguments.

    Nothing in it was created or changed after the anchor; only meetings, close dates and next steps lie ahead.
    Raises ValueError for a naive anchor, AssertionError when a story's number doesn't come out.
    """
    builder = WorldBuilder(anchor, seed)
    for plant in _planters():
        plant.plant(builder)
    life.populate(builder)
    life.spread_over_quarters(builder)
    story_02_another_definition.exchange(builder)
    life.settle(builder)
    story_07_leave.hand_over(builder)
    leads.describe(builder)
    story_18_sales_disagrees.move_to_customers(builder)
    story_06_perfect_sdr.write_notes(builder)
    relationships.settle(builder)
    leads.number(builder)
    story_11_wrong_fit.lose(builder)
    deals.plan(builder)
    story_13_recycled_and_won.win(builder)
    story_14_leaver.leave_deals(builder)
    story_12_upstream.enlarge(builder)
    story_11_wrong_fit.fit(builder)
    story_10_two_pipelines.muddle(builder)
    accounts.number(builder)
    activities.plan(builder)
    world = _write(builder)
    for story in STORIES:
        story.assert_numbers(world)
    return world


def _planters() -> list[ModuleType]:
    """Story 1 makes the people; the present takes its share before the stories that divide up all the rest."""
    others = [story for story in STORIES if story is not story_01_two_mqls]
    return [story_01_two_mqls, present, *others]


def _write(builder: WorldBuilder) -> World:
    return {
        "salesforce": {
            "Account": accounts.account_rows(builder),
            "Contact": accounts.sales_contact_rows(builder),
            "Lead": leads.lead_rows(builder),
            "Opportunity": deals.opportunity_rows(builder),
            "OpportunityContactRole": accounts.contact_role_rows(builder),
            "Task": activities.task_rows(builder),
            "Event": activities.event_rows(builder),
            "Campaign": campaigns.campaign_rows(builder),
            "CampaignMember": campaigns.member_rows(builder),
        },
        "hubspot": {
            "contacts": leads.contact_rows(builder),
            **activities.hubspot_rows(builder),
            **beside.rows(builder),
        },
        "schema": schema(),
        "users": users(),
        "owners": owners(),
        "queues": queues(),
        "pipelines": [],
        "live_leads": story_17_live_lead.live_leads(builder.anchor),
    }
