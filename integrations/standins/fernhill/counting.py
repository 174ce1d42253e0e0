"""Counting from the rows alone, as the stories assert their numbers; nothing here knows how they were planted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from integrations.standins.fernhill.people import PEOPLE
from integrations.standins.world import Row, World

MQL = "marketingqualifiedlead"
_ACTIVE_SDR_USERS = frozenset(p.user_id for p in PEOPLE if p.team == "SDR" and p.active)
_ACTIVE_SDR_OWNERS = frozenset(p.owner_id for p in PEOPLE if p.team == "SDR" and p.active)
ACTIVE_USERS = frozenset(p.user_id for p in PEOPLE if p.active)


class Record(NamedTuple):
    """A record to click: ``system`` is salesforce or hubspot, ``object`` its object or plural type name."""

    system: str
    object: str
    id: str


def expect(what: str, found: float, wanted: float) -> None:
    """Raises AssertionError with both numbers when they differ."""
    if found != wanted:
        raise AssertionError(f"{what}: {found}, not {wanted}")


def percent(of: Iterable[str], among: Iterable[str]) -> int:
    """The whole percentage of ``of`` that is in ``among``."""
    whole = set(of)
    return round(100 * len(whole & set(among)) / len(whole))


def anchor_of(world: World) -> datetime:
    """The anchor, as the live leads carry it."""
    moments = [lead["properties"]["demo_requested_at"] for lead in world["live_leads"]]
    anchor = moments[0]
    if not isinstance(anchor, datetime):
        raise TypeError("the live leads say no moment")
    return anchor


def contacts_of_the_year(world: World) -> list[Row]:
    since = anchor_of(world) - timedelta(days=365)
    return [c for c in world["hubspot"]["contacts"] if c["created"] >= since]


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def meets_marketing_rule(contact: Row) -> bool:
    f = contact["fields"]
    return _number(f["fleet_size"]) >= 10 and (
        f["demo_requested_at"] is not None
        or _number(f["pricing_page_views"]) >= 2
        or _number(f["content_downloads"]) >= 3
        or f["webinar_attended_at"] is not None
    )


def meets_sales_rule(contact: Row) -> bool:
    f = contact["fields"]
    return (
        _number(f["fleet_size"]) >= 20
        and f["role_level"] in ("decision_maker", "influencer")
        and (
            f["demo_requested_at"] is not None
            or _number(f["pricing_page_views"]) >= 3
            or f["lead_origin"] in ("partner", "outbound")
        )
    )


def mql_entry(contact: Row, *, within_year_of: World | None = None) -> datetime | None:
    """When the contact's lifecycle stage entered MQL; with a world only if that was in its last 365 days."""
    for change in contact.get("history", []):
        if change["field"] == "lifecyclestage" and change["new"] == MQL:
            if within_year_of and change["at"] < anchor_of(within_year_of) - timedelta(days=365):
                return None
            return change["at"]
    return None


def mql_entries(world: World) -> dict[str, datetime]:
    """Contact id to the moment of its MQL entry, for the contacts of the year."""
    entries = ((c["id"], mql_entry(c)) for c in contacts_of_the_year(world))
    return {contact_id: at for contact_id, at in entries if at}


def leads_by_contact(world: World) -> dict[str, Row]:
    return {str(lead["fields"]["HubSpot_Contact_Id__c"]): lead for lead in world["salesforce"]["Lead"]}


def contacts_with_deals(world: World) -> set[str]:
    return {c for c, lead in leads_by_contact(world).items() if lead["fields"]["ConvertedOpportunityId"]}


def is_qualified(lead: Row) -> bool:
    """Whether the Lead ever entered Qualified."""
    return any(c["field"] == "Status" and c["new"] == "Qualified" for c in lead.get("history", []))


def qualified_contacts(world: World) -> set[str]:
    return {c for c, lead in leads_by_contact(world).items() if is_qualified(lead)}


def first_touches(world: World) -> dict[str, datetime]:
    """Contact id to the first Task, Event or HubSpot call by an active SDR at or after the MQL entry."""
    contact_of = {lead["id"]: contact for contact, lead in leads_by_contact(world).items()}
    entries = mql_entries(world)
    touches: list[tuple[str, datetime]] = []
    for name in ("Task", "Event"):
        for row in world["salesforce"][name]:
            who = contact_of.get(str(row["fields"]["WhoId"]))
            if who in entries and row["fields"]["OwnerId"] in _ACTIVE_SDR_USERS:
                touches.append((who, row["created"]))
    for row in world["hubspot"]["calls"]:
        if row["fields"]["hubspot_owner_id"] in _ACTIVE_SDR_OWNERS:
            touches += [
                (link["to_id"], row["created"]) for link in row["associations"] if link["to_id"] in entries
            ]
    first: dict[str, datetime] = {}
    for who, moment in touches:
        if moment >= entries[who] and (who not in first or moment < first[who]):
            first[who] = moment
    return first


def hours_to_owner(lead: Row, since: datetime) -> float | None:
    """Hours from ``since`` until an active person owns the Lead; None when nobody does."""
    changes = [c for c in lead.get("history", []) if c["field"] == "OwnerId"]
    first = changes[0]["old"] if changes else lead["fields"]["OwnerId"]
    if first in ACTIVE_USERS:
        return 0.0
    for change in changes:
        if change["new"] in ACTIVE_USERS:
            return (change["at"] - since) / timedelta(hours=1)
    return None


def whole_median(values: Iterable[float]) -> int:
    return round(median(values))
