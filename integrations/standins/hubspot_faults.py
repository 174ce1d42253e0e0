"""What HubSpot can do to whoever asks it, by the name of its ``--fault``. What it always does needs no switch: ties,
ten thousand results a search, one 207 entry for many ids, HTML for an unknown key, a lifecycle stage that stays where
it was with a 200, a last-modified that moves with our own writes and stays with associations."""

from __future__ import annotations

NAMED = {
    "lag": "a search of HubSpot hears of each record after up to so many seconds, of each after others",
    "empty": "a page of a list or search of HubSpot is empty and has a next one",
    "bare": "an error of HubSpot comes without its category",
    "wobble": "HubSpot's allowance changes at every look, and others use up to so many calls of the day",
    "searches": "more searches a second than so many are refused by HubSpot (5 in truth)",
    "burst": "more calls in ten seconds than so many are refused by HubSpot (100 in truth)",
    "partial": "HubSpot answers a batch update with 207 and a passing fault for a record",
    "traced": "HubSpot answers a bad value of a batch update with 207 for its record instead of refusing all",
    "keeps": "HubSpot answers 200 and keeps its own value of a property",
    "locked": "a record of HubSpot is locked (423)",
    "keepid": "records of HubSpot that are merged keep the id of the first instead of getting a new one",
    "inuse": "HubSpot will not archive a property, because a form or list uses it",
    "external": "a property of HubSpot whose options come from elsewhere lists none",
    "churn": "a record of a page of HubSpot changes just after the page was read",
}
"""Shares from 0 to 1, or a number where the sentence says “so many”."""
UNPLEASANT = "lag:2,empty:0.05,bare:0.5,wobble:1000"
"""On unless something else is asked for: what a correct client never notices."""
