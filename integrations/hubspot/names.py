"""HubSpot's names: cursor properties, which associations join a buyer's history, our own properties and their forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from records.own_fields import OwnField

GROUP = "gtmops"
OBJECTS: Mapping[str, str] = {
    "contacts": "Contacts",
    "companies": "Companies",
    "deals": "Deals",
    "leads": "Leads",
    "calls": "Calls",
    "meetings": "Meetings",
    "emails": "E-mails",
    "tasks": "Tasks",
    "notes": "Notes",
}
"""HubSpot's own kinds of records that can be read here."""
STAGES: Mapping[str, tuple[str, str]] = {
    "deals": ("pipeline", "dealstage"),
    "leads": ("hs_pipeline", "hs_pipeline_stage"),
}
"""The properties that hold a record's pipeline and its stage there."""
ACTIVITIES = ("calls", "meetings", "emails", "notes", "tasks")
LINKS: Mapping[str, tuple[str, ...]] = {
    "deals": ("contacts",),
    "leads": ("contacts",),
    **dict.fromkeys(ACTIVITIES, ("contacts", "deals")),
}
"""Associations that say whose history a record belongs to. A company is shared context and joins nobody."""


def cursor_property(object_type: str) -> str:
    """The wrong one finds nothing and says nothing."""
    return "lastmodifieddate" if object_type == "contacts" else "hs_lastmodifieddate"


def own_field_name(field: OwnField) -> str:
    return field.name


OWN_FIELD_TYPES = {
    "text": "string",
    "url": "string",
    "boolean": "bool",
    "datetime": "datetime",
    "picklist": "enumeration",
}
_FIELD_TYPES = {
    "text": "text",
    "url": "text",
    "boolean": "booleancheckbox",
    "datetime": "date",
    "picklist": "select",
}


def own_field_property(field: OwnField) -> dict[str, Any]:
    """The body that creates the property."""
    body: dict[str, Any] = {
        "name": own_field_name(field),
        "label": field.label,
        "type": OWN_FIELD_TYPES[field.type],
        "fieldType": "textarea" if field.type == "text" and field.length > 255 else _FIELD_TYPES[field.type],
        "groupName": GROUP,
        "description": field.help,
    }
    options = ("true", "false") if field.type == "boolean" else field.options
    if options:
        labels = {"true": "Yes", "false": "No"}
        body["options"] = [
            {"label": labels.get(o, o), "value": o, "displayOrder": n, "hidden": False}
            for n, o in enumerate(options)
        ]
    return body


def group() -> dict[str, Any]:
    """The body that creates our property group."""
    return {"name": GROUP, "label": "GTM Ops", "displayOrder": -1}


def is_ours(field: OwnField, there: Mapping[str, Any]) -> bool:
    """Whether the property of our name is the one we made: in our group, of our type."""
    return there.get("groupName") == GROUP and there.get("type") == OWN_FIELD_TYPES[field.type]


def options_to_add(field: OwnField, there: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The whole list to send when one of ours is missing, else nothing. HubSpot drops what a list leaves out, so
    options that people added stay in it."""
    held = [dict(option) for option in there.get("options") or []]
    missing = [o for o in field.options if o not in {str(h.get("value")) for h in held}]
    added = [
        {"label": o, "value": o, "displayOrder": len(held) + n, "hidden": False}
        for n, o in enumerate(missing)
    ]
    return [*held, *added] if added else []


def outgoing(value: Any) -> str:
    """A logical value as HubSpot takes it; empty clears."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(str(part) for part in value)
    return str(value)


def is_same(sent: str, answered: Any) -> bool:
    """Whether the answer holds what was sent, in whichever form."""
    found = "" if answered is None else str(answered)
    if found == sent:
        return True
    try:
        return datetime.fromisoformat(found) == datetime.fromisoformat(sent)
    except (ValueError, TypeError):
        return False
