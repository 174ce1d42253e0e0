"""What to do about a refusal, by the code that the CRM gave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_AUTOMATION = (
    "An automation of yours (a flow or a trigger) failed on this record. Show the words to whoever keeps it."
)
_ACCESS = "Our user may not edit this record: share it with our user, or wait until its approval has ended."
_FIELD = "Our user may not edit this field: assign it the permission set Gtmops_Integration."
_OURS = "Our field was changed there. Give it back the type and the options that “Everything we may ever write” names."
_OVERWRITTEN = "A workflow or another tool sets this field, too. Take our field out of it."

ADVICE: Final[Mapping[str, str]] = {
    # Salesforce.
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule refuses the record as it stands, whatever we write. "
    "Correct the record, or let the rule pass over our user.",
    "DUPLICATES_DETECTED": "A duplicate rule found a double. Merge the two there, or let the rule allow edits by our "
    "user.",
    "REQUIRED_FIELD_MISSING": "A field that must not be empty is empty on this record. Fill it in there.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _AUTOMATION,
    "CANNOT_EXECUTE_FLOW_TRIGGER": _AUTOMATION,
    "APEX_ERROR": _AUTOMATION,
    "INSUFFICIENT_ACCESS_OR_READONLY": _ACCESS,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _ACCESS,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _FIELD,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _OURS,
    "STRING_TOO_LONG": _OURS,
    "UNABLE_TO_LOCK_ROW": "Another process kept the record locked, each time we tried. Look for a job that edits its "
    "account all day.",
    # HubSpot.
    "INVALID_OPTION": _OURS,
    "READ_ONLY_VALUE": _OURS,
    "PROPERTY_DOESNT_EXIST": "Our property was archived there. Create our fields again on “What we write”.",
    "MISSING_SCOPES": "Give our app or key the scope that is named.",
    "KEPT_ITS_OWN": _OVERWRITTEN,
    # Any CRM, found when it was read again.
    "NOT_KEPT": _OVERWRITTEN,
}
UNKNOWN: Final = "Change the rule or the record in the CRM."

_CODE = re.compile(r"[A-Z]{2}[A-Z_]+")


def advice_on(refusal: str) -> str:
    """What to change before it is sent again; ``refusal`` is what the CRM said, with its code."""
    return next((ADVICE[code] for code in _CODE.findall(refusal) if code in ADVICE), UNKNOWN)
