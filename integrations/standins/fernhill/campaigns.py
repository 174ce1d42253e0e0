"""Two campaigns in Salesforce, the webinar and the advertisements, with the leads they brought as members."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.prospect import Prospect
from integrations.standins.world import Row, salesforce_id

WEBINAR, ADVERTISEMENT = salesforce_id("701", 1), salesforce_id("701", 2)


def campaign_rows(builder: WorldBuilder) -> list[Row]:
    attended = [p.webinar_at for p in _attended(builder) if p.webinar_at]
    arrived = [p.created for p in _advertised(builder) if p.created]
    rows = []
    if attended:
        rows.append(
            _campaign(
                WEBINAR, "Shorter queues at the gate", "Webinar", "Completed", min(attended), max(attended)
            )
        )
    if arrived:
        rows.append(
            _campaign(
                ADVERTISEMENT, "Fleet managers, paid social", "Advertisement", "In Progress", min(arrived)
            )
        )
    return rows


def member_rows(builder: WorldBuilder) -> list[Row]:
    """Of converted leads both ids: Salesforce keeps the lead's and adds the contact's."""
    found = [(WEBINAR, p, p.webinar_at, "Attended") for p in _attended(builder)]
    found += [(ADVERTISEMENT, p, p.created, "Responded") for p in _advertised(builder)]
    rows: list[Row] = []
    for campaign, p, at, status in found:
        if at is None or p.created is None:
            continue
        created = max(at, p.created).replace(microsecond=0)
        modified = max(created, p.converted_at.replace(microsecond=0)) if p.converted_at else created
        rows.append(
            {
                "id": salesforce_id("00v", len(rows) + 1),
                "created": created,
                "modified": modified,
                "fields": {
                    "CampaignId": campaign, "LeadId": p.lead_id, "Status": status, "HasResponded": True,
                    "ContactId": p.sales_contact_id if p.converted_at else None, "FirstRespondedDate": created.date(),
                },
            }
        )  # fmt: skip
    return rows


def _campaign(
    remote_id: str, name: str, kind: str, status: str, starts: datetime, ends: datetime | None = None
) -> Row:
    created = (starts - timedelta(days=21)).replace(microsecond=0)
    return {
        "id": remote_id,
        "created": created,
        "modified": created,
        "fields": {
            "Name": name, "Type": kind, "Status": status, "StartDate": starts.date(),
            "EndDate": ends.date() if ends else None, "IsActive": status == "In Progress",
        },
    }  # fmt: skip


def _attended(builder: WorldBuilder) -> list[Prospect]:
    return [p for p in builder.prospects if p.webinar_at and p.synced]


def _advertised(builder: WorldBuilder) -> list[Prospect]:
    return [p for p in builder.prospects if p.origin == "paid_social" and p.synced]
