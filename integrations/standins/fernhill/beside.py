"""What HubSpot holds beside people: a few companies, deals of the academy, leads, notes and tasks.

Fernhill sells in Salesforce, so that these are few; nothing that the stories count is among them."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.notes import Notes
from integrations.standins.fernhill.prospect import Prospect
from integrations.standins.hubspot_schema import PRIMARY_OF, association_type
from integrations.standins.world import Association, Row, Value

COMPANIES, DEALS, LEADS, NOTES, TASKS = 12, 4, 8, 10, 10
_SEATS = (3, 5, 8, 12)
_LEAD_STAGES = ("new-stage-id", "attempting-stage-id", "connected-stage-id", "qualified-stage-id")


def rows(builder: WorldBuilder) -> dict[str, list[Row]]:
    """By plural type; each hangs at a contact that was there before it."""
    customers = [p for p in builder.prospects if p.closed_at and p.company and p.owner]
    open_ones = [p for p in builder.prospects if p.mql_at and not p.qualified_at and p.company and p.owner]
    firms = {p.company.name: p for p in customers if p.company}
    notes = Notes(builder.random("notes in HubSpot"))
    return {
        "companies": [_company(n, p) for n, p in enumerate([*firms.values()][:COMPANIES])],
        "deals": [_deal(builder, n, p) for n, p in enumerate(customers[:DEALS])],
        "leads": [_lead(builder, n, p) for n, p in enumerate(open_ones[:LEADS])],
        "notes": [_note(builder, n, p, notes) for n, p in enumerate(customers[-NOTES:])],
        "tasks": [_task(builder, n, p) for n, p in enumerate(customers[:TASKS])],
    }


def _row(remote_id: int, at: datetime, fields: dict[str, Value], links: list[Association]) -> Row:
    at = at.replace(microsecond=0)
    return {"id": str(remote_id), "created": at, "modified": at, "fields": fields, "associations": links}


def _to_contact(kind: str, p: Prospect) -> Association:
    type_id = PRIMARY_OF.get((kind, "contacts")) or association_type(kind, "contacts")
    return {"to_type": "contacts", "to_id": p.contact_id, "type_id": type_id}


def _owner(p: Prospect) -> str | None:
    return p.owner.owner_id if p.owner else None


def _since(builder: WorldBuilder, p: Prospect, share: float) -> datetime:
    """A moment between what last mattered to the person and an hour ago."""
    begin = p.closed_at or p.mql_at or builder.anchor
    return begin + (builder.moments.ago(hours=1) - begin) * share


def _company(n: int, p: Prospect) -> Row:
    if p.company is None or p.created is None:
        raise ValueError(f"person {p.n} works nowhere")
    fields: dict[str, Value] = {
        "name": p.company.name,
        "domain": p.email.rpartition("@")[2],
        "industry": p.company.industry,
        "country": p.company.country,
        "lifecyclestage": "customer",
        "hubspot_owner_id": _owner(p),
    }
    return _row(71_000_000_003 + 17 * n, p.created, fields, [_to_contact("companies", p)])


def _deal(builder: WorldBuilder, n: int, p: Prospect) -> Row:
    at = _since(builder, p, 0.3 + 0.1 * n)
    fields: dict[str, Value] = {
        "dealname": f"Academy seats for {p.company.name if p.company else p.last_name}",
        "pipeline": "default",
        "dealstage": "closedwon" if n == 0 else "qualifiedtobuy",
        "amount": 180 * _SEATS[n % len(_SEATS)],
        "hubspot_owner_id": _owner(p),
    }
    return _row(72_000_000_007 + 19 * n, at, fields, [_to_contact("deals", p)])


def _lead(builder: WorldBuilder, n: int, p: Prospect) -> Row:
    fields: dict[str, Value] = {
        "hs_lead_name": f"{p.first_name} {p.last_name}",
        "hs_lead_type": "NEW_BUSINESS",
        "hs_lead_label": ("WARM", "HOT", "COLD")[n % 3],
        "hs_pipeline": "lead-pipeline-id",
        "hs_pipeline_stage": _LEAD_STAGES[n % len(_LEAD_STAGES)],
        "hubspot_owner_id": _owner(p),
    }
    return _row(73_000_000_011 + 23 * n, _since(builder, p, 0.01), fields, [_to_contact("leads", p)])


def _note(builder: WorldBuilder, n: int, p: Prospect, notes: Notes) -> Row:
    at = _since(builder, p, 0.2 + 0.05 * n).replace(microsecond=0)
    fields: dict[str, Value] = {
        "hs_timestamp": at,
        "hs_note_body": notes.call(p.unit or "fleet"),
        "hubspot_owner_id": _owner(p),
    }
    return _row(74_000_000_013 + 29 * n, at, fields, [_to_contact("notes", p)])


def _task(builder: WorldBuilder, n: int, p: Prospect) -> Row:
    at = _since(builder, p, 0.2 + 0.07 * n).replace(microsecond=0)
    fields: dict[str, Value] = {
        "hs_timestamp": at + timedelta(days=2),
        "hs_task_subject": f"Ask {p.first_name} {p.last_name} how the first weeks went",
        "hs_task_status": "COMPLETED" if n % 2 else "NOT_STARTED",
        "hs_task_priority": "MEDIUM",
        "hs_task_type": "CALL",
        "hubspot_owner_id": _owner(p),
    }
    return _row(75_000_000_017 + 31 * n, at, fields, [_to_contact("tasks", p)])
