"""A second way to the same numbers: flat facts per contact, drawn from the rows and nothing else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.standins.world import Row, World


@dataclass
class Facts:
    contact: Row
    lead: Row | None
    mql_at: datetime | None
    first_touch: datetime | None
    reached_qualified: bool
    has_deal: bool

    def __getitem__(self, name: str) -> object:
        return self.contact["fields"][name]

    @property
    def wait(self) -> timedelta | None:
        return self.first_touch - self.mql_at if self.first_touch and self.mql_at else None


def active_sdrs(world: World) -> set[str]:
    """User ids and owner ids of the SDR team."""
    users = [u for u in world["users"] if u["department"] == "SDR" and u["active"]]
    emails = {u["email"] for u in users}
    return {u["id"] for u in users} | {o["id"] for o in world["owners"] if o["email"] in emails}


def facts_of_the_year(world: World, anchor: datetime) -> list[Facts]:
    sdrs = active_sdrs(world)
    touches: dict[str, list[datetime]] = {}
    for row in [*world["salesforce"]["Task"], *world["salesforce"]["Event"]]:
        if row["fields"]["OwnerId"] in sdrs:
            touches.setdefault(str(row["fields"]["WhoId"]), []).append(row["created"])
    for kind in ("calls", "meetings", "emails"):
        for row in world["hubspot"][kind]:
            if row["fields"]["hubspot_owner_id"] in sdrs:
                for link in row["associations"]:
                    touches.setdefault(link["to_id"], []).append(row["created"])
    lead_of = {lead["fields"]["Email"]: lead for lead in world["salesforce"]["Lead"]}
    found = []
    for contact in world["hubspot"]["contacts"]:
        if contact["created"] < anchor - timedelta(days=365):
            continue
        lead = lead_of.get(contact["fields"]["email"])
        entries = [c["at"] for c in contact["history"] if c["new"] == "marketingqualifiedlead"]
        mql_at = min(entries, default=None)
        both = [*touches.get(contact["id"], []), *touches.get(lead["id"] if lead else "", [])]
        found.append(
            Facts(
                contact,
                lead,
                mql_at,
                min((t for t in both if mql_at and t >= mql_at), default=None),
                any(c["new"] == "Qualified" for c in (lead["history"] if lead else [])),
                bool(lead and lead["fields"]["IsConverted"] and lead["fields"]["ConvertedOpportunityId"]),
            )
        )
    return found


def share(facts: list[Facts], attribute: str) -> float:
    return 100 * sum(bool(getattr(f, attribute)) for f in facts) / len(facts)
