"""Tasks and events that we create in Salesforce, and finding them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from typing import Any

from integrations.base import NewActivity
from integrations.salesforce import names

Row = Mapping[str, Any]

LONGEST_SUBJECT = 255
LOOKED_AT = 200
MEETING_MINUTES = 30
_SUBTYPES = {"call": "Call", "email": "Email"}


def body_of(activity: NewActivity) -> tuple[str, dict[str, Any]]:
    """(object, its fields). A meeting is an Event, all else a Task; what happened is a closed one."""
    about = "WhoId" if activity.remote_object in names.ABOUT_WHO else "WhatId"
    values: dict[str, Any] = {
        "Subject": activity.subject[:LONGEST_SUBJECT],
        "Description": activity.text,
        about: activity.remote_id,
        "OwnerId": activity.owner,
    }
    at = activity.at.astimezone(UTC)
    if activity.kind == "meeting":
        return "Event", values | {
            "StartDateTime": f"{at:%Y-%m-%dT%H:%M:%S}Z",
            "DurationInMinutes": MEETING_MINUTES,
        }
    is_done = activity.kind != "task"
    values |= {
        "Status": "Completed" if is_done else "Not Started",
        "Priority": "Normal" if is_done else "High",
        "ActivityDate": at.date().isoformat(),
    }
    if activity.kind in _SUBTYPES:
        values["TaskSubtype"] = _SUBTYPES[activity.kind]
    return "Task", values


def find(rows: Callable[[str], Iterator[Row]], activity: NewActivity) -> tuple[str, str] | None:
    """Description is no field that a query can filter by, so the latest of the record are looked at."""
    name, values = body_of(activity)
    about = "WhoId" if "WhoId" in values else "WhatId"
    soql = (
        f"SELECT Id, Description FROM {name} WHERE {about} = {names.soql_ids([activity.remote_id])} "  # noqa: S608 (ours)
        f"ORDER BY CreatedDate DESC LIMIT {LOOKED_AT}"
    )
    for row in rows(soql):
        if activity.mark in str(row.get("Description") or ""):
            return name, str(row["Id"])
    return None
