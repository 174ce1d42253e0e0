"""Salesforce's names: of objects, history tables, our own fields; and the forms values take in SOQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from integrations.errors import Misconfigured
from integrations.legible import Illegible
from records.own_fields import OwnField

OURS = "Kept by gtmops."
"""Every description of ours begins with it; what has another is somebody else's."""

API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
RECORD_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
"""Each of the last three characters of a long id says which of five others are capitals."""

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
    "ownerAssignment": "OwnerId",
    "ownerAccepted": "OwnerId",
}
"""What a history row calls a field, where that is not its API name."""

ACTIVITIES = ("Task", "Event")
STANDARD = (
    "Lead", "Contact", "Account", "Opportunity", "Task", "Event", "Campaign", "CampaignMember",
    "OpportunityContactRole", "User", "Case", "Contract", "Order", "Quote",
)  # fmt: skip
"""Of hundreds of standard objects those that people map, in the order they think of them."""

ABOUT_WHO = {"Lead", "Contact"}


def own_field_name(field: OwnField) -> str:
    return "_".join(part.capitalize() for part in field.name.split("_")) + "__c"


def own_field_metadata(field: OwnField) -> dict[str, Any]:
    """The Metadata part of a Tooling CustomField."""
    common: dict[str, Any] = {
        "label": field.label,
        "inlineHelpText": field.help,
        "description": OURS,
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


def history_of(remote_object: str) -> tuple[str, str]:
    """(table of its field history, column with the record's id)."""
    if remote_object in HISTORY:
        return HISTORY[remote_object]
    if remote_object.endswith("__c"):
        return f"{remote_object.removesuffix('c')}History", "ParentId"
    return f"{api_name(remote_object)}History", f"{remote_object}Id"


def instant(text: Any) -> datetime:
    """Raises Illegible, so that a page with a stamp that can't be read is refused whole."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Illegible(f"Salesforce sent a time that can't be read: {str(text)[:40]!r}.") from error


def soql_instant(at: datetime) -> str:
    """Whole seconds: SystemModstamp has no finer ones."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def soql_ids(ids: list[str]) -> str:
    """Raises ValueError for anything that is no Salesforce id, so that nothing else gets into a query."""
    for remote_id in ids:
        if not RECORD_ID.fullmatch(remote_id):
            raise ValueError(f"not a Salesforce id: {remote_id!r}")
    return ", ".join(f"'{remote_id}'" for remote_id in ids)


def record_id(told: Any) -> str:
    """The one id of 18 characters that a record has; the short one means the same. Raises Illegible for another."""
    if not isinstance(told, str) or not RECORD_ID.fullmatch(told):
        raise Illegible(f"Salesforce sent an id that can't be read: {str(told)[:40]!r}.")
    if len(told) == 18:
        return told
    parts = (told[start : start + 5] for start in (0, 5, 10))
    return told + "".join(
        _SUFFIX[sum(1 << n for n, letter in enumerate(part) if "A" <= letter <= "Z")] for part in parts
    )


def api_name(name: str) -> str:
    """Raises Misconfigured for anything that is no name of an object, so that nothing else gets into a query."""
    if not API_NAME.fullmatch(name):
        raise Misconfigured(f"{name!r} is not the name of a Salesforce object.")
    return name
