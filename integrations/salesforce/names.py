"""Salesforce's names: of objects, history tables, our own fields; and the forms values take in SOQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from records.own_fields import OwnField

API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
RECORD_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")

HISTORY = {
    "Lead": ("LeadHistory", "LeadId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Account": ("AccountHistory", "AccountId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
}
SNAPSHOT_FIELDS = ("StageName", "Amount", "Probability", "CloseDate")
"""Of Opportunity: OpportunityHistory has them, tracked or not."""

HISTORY_FIELD = {
    "Owner": "OwnerId",
    "Account": "AccountId",
    "Contact": "ContactId",
    "RecordType": "RecordTypeId",
}
"""What a history row calls a field, where that is not its API name."""

ACTIVITIES = ("Task", "Event")
ABOUT_WHO = {"Lead", "Contact"}


def own_field_name(field: OwnField) -> str:
    return "_".join(part.capitalize() for part in field.name.split("_")) + "__c"


def own_field_metadata(field: OwnField) -> dict[str, Any]:
    """The Metadata part of a Tooling CustomField."""
    common: dict[str, Any] = {
        "label": field.label,
        "inlineHelpText": field.help,
        "description": "Kept by gtmops.",
    }
    match field.type:
        case "text" if field.length <= 255:
            return {**common, "type": "Text", "length": field.length}
        case "text":
            return {**common, "type": "LongTextArea", "length": field.length, "visibleLines": 3}
        case "boolean":
            return {**common, "type": "Checkbox", "defaultValue": False}
        case "datetime":
            return {**common, "type": "DateTime"}
        case "url":
            return {**common, "type": "Url"}
        case "picklist":
            values = [{"fullName": o, "label": o, "default": False} for o in field.options]
            return {
                **common,
                "type": "Picklist",
                "valueSet": {"restricted": False, "valueSetDefinition": {"sorted": False, "value": values}},
            }
    raise AssertionError(field.type)


OWN_FIELD_TYPES = {
    "text": {"string", "textarea"},
    "boolean": {"boolean"},
    "datetime": {"datetime"},
    "picklist": {"picklist"},
    "url": {"url", "string"},
}
"""What describe may call a field of ours."""


def soql_instant(at: datetime) -> str:
    """Whole seconds: SystemModstamp has no finer ones."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def soql_ids(ids: list[str]) -> str:
    """Raises ValueError for anything that is no Salesforce id, so that nothing else gets into a query."""
    for remote_id in ids:
        if not RECORD_ID.fullmatch(remote_id):
            raise ValueError(f"not a Salesforce id: {remote_id!r}")
    return ", ".join(f"'{remote_id}'" for remote_id in ids)
