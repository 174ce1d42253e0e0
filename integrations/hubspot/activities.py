"""Tasks and engagements that we create in HubSpot, and finding them again."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from integrations.base import NewActivity, Wanted
from integrations.errors import Misconfigured
from integrations.hubspot.reading import Reading
from integrations.hubspot.session import HubspotSession

MEETING = timedelta(minutes=30)
OBJECTS = {"task": "tasks", "call": "calls", "email": "emails", "meeting": "meetings", "message": "notes"}
"""A message without its channel is no communication that HubSpot knows: it is kept as a note."""
_BODY = {
    "tasks": "hs_task_body",
    "calls": "hs_call_body",
    "emails": "hs_email_text",
    "meetings": "hs_meeting_body",
    "notes": "hs_note_body",
}


def find(reading: Reading, activity: NewActivity) -> tuple[str, str] | None:
    """By the record's associations and reads by id: search may not know yet what was created a moment ago."""
    name = OBJECTS[activity.kind]
    body = _BODY[name]
    about = reading.associated(activity.remote_object, name, [activity.remote_id])
    rows = reading.batch_read(name, about.get(activity.remote_id, []), Wanted(fields=(body,)), archived=False)
    for row in rows:
        if activity.mark in str((row.get("properties") or {}).get(body) or ""):
            return name, str(row["id"])
    return None


def create(session: HubspotSession, activity: NewActivity) -> tuple[str, str]:
    name = OBJECTS[activity.kind]
    link = {
        "to": {"id": activity.remote_id},
        "types": [
            {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": _type_id(session, name, activity.remote_object),
            }
        ],
    }
    answer = session.call(
        session.client.crm.objects.basic_api.create,
        name,
        {"properties": _properties(name, activity), "associations": [link]},
    )
    return name, str(answer["id"])


def _type_id(session: HubspotSession, from_type: str, to_type: str) -> int:
    answer = session.call(
        session.client.crm.associations.v4.schema.definitions_api.get_all, from_type, to_type
    )
    for row in answer.get("results") or []:
        if row.get("category") == "HUBSPOT_DEFINED" and row.get("label") is None:
            return int(row["typeId"])
    raise Misconfigured(f"HubSpot knows no association of {from_type} with {to_type}.")


def _properties(name: str, activity: NewActivity) -> dict[str, Any]:
    at = activity.at.astimezone(UTC)
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}Z"
    found: dict[str, Any] = {
        "hs_timestamp": stamp,
        "hubspot_owner_id": activity.owner,
        _BODY[name]: activity.text,
    }
    match name:
        case "tasks":
            return found | {
                "hs_task_subject": activity.subject,
                "hs_task_status": "NOT_STARTED",
                "hs_task_priority": "HIGH",
                "hs_task_type": "TODO",
            }
        case "calls":
            return found | {
                "hs_call_title": activity.subject,
                "hs_call_direction": "OUTBOUND",
                "hs_call_status": "COMPLETED",
            }
        case "emails":
            return found | {
                "hs_email_subject": activity.subject,
                "hs_email_direction": "EMAIL",
                "hs_email_status": "SENT",
            }
        case "meetings":
            return found | {
                "hs_meeting_title": activity.subject,
                "hs_meeting_start_time": stamp,
                "hs_meeting_end_time": f"{at + MEETING:%Y-%m-%dT%H:%M:%S}Z",
                "hs_meeting_outcome": "COMPLETED",
            }
    return found | {"hs_note_body": f"{activity.subject}\n{activity.text}"}
