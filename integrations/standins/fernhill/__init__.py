"""Fernhill, the demo company: what its Salesforce and its HubSpot hold, relative to any instant."""

from integrations.standins.fernhill.build import build_world
from integrations.standins.fernhill.people import BUSINESS_UNITS, DEMO_PEOPLE, PEOPLE, Person
from integrations.standins.fernhill.stories import STORIES
from integrations.standins.fernhill.stories.story_17_live_lead import LIVE_LEADS, live_change

__all__ = [
    "BUSINESS_UNITS",
    "DEMO_PEOPLE",
    "LIVE_LEADS",
    "PEOPLE",
    "STORIES",
    "Person",
    "build_world",
    "live_change",
]
