"""The fields that are ours in a CRM: the only ones we write, and the two by which a rep answers there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class OwnField:
    """``name`` is the logical name; each connector derives its own (``Gtm_Stage__c``, ``gtm_stage``).

    ``direction`` out: we write it. In: a person in the CRM fills it and we read it as an answer.
    ``length`` is in characters, for text. ``read_by``: who looks at it there, in words."""

    name: str
    label: str
    type: Literal["text", "boolean", "datetime", "picklist", "url"]
    direction: Literal["out", "in"]
    objects: tuple[str, ...]
    help: str
    options: tuple[str, ...] = ()
    length: int = 255
    read_by: str = ""

    def fit(self, value: Any) -> Any:
        """The value as the CRM's field can hold it: a longer text is cut and ends with an ellipsis."""
        if self.type != "text" or not isinstance(value, str) or len(value) <= self.length:
            return value
        return value[: self.length - 1].rstrip() + "…"


OWN_FIELDS: tuple[OwnField, ...] = (
    OwnField(
        "gtm_stage",
        "Stage by the model",
        "text",
        "out",
        ("person",),
        "Furthest stage whose definition is met.",
        read_by="Marketing and sales in their lists and reports; gtmops, to see that it stands.",
    ),
    OwnField(
        "gtm_qualified",
        "Qualified",
        "text",
        "out",
        ("person",),
        "Whether the stage's definition is met, in words.",
        read_by="SDRs and AEs on the record; reports of who qualifies.",
    ),
    OwnField(
        "gtm_missing",
        "What is missing",
        "text",
        "out",
        ("person", "deal"),
        "Conditions not met, in words.",
        read_by="Whoever owns the record, to see what to ask next.",
    ),
    OwnField(
        "gtm_exception",
        "Exception granted",
        "text",
        "out",
        ("deal",),
        "Stages this deal may leave without their exit criteria.",
        read_by="AEs and their managers, and validation rules that let the deal pass.",
    ),
    OwnField(
        "gtm_trigger",
        "Expansion signal",
        "text",
        "out",
        ("person",),
        "What happened at this customer, when, and which team has it.",
        read_by="Customer success and AEs on the customer's people.",
    ),
    OwnField(
        "gtm_due",
        "Due",
        "datetime",
        "out",
        ("person", "deal"),
        "When the next step is due.",
        read_by="Whoever has the move; lists sorted by what is due.",
    ),
    OwnField(
        "gtm_late",
        "What is late",
        "text",
        "out",
        ("person", "deal"),
        "Steps whose due time has passed.",
        read_by="Whoever has the move, and their manager.",
    ),
    OwnField(
        "gtm_has_it",
        "Who has it",
        "text",
        "out",
        ("person", "deal"),
        "Whose move it is.",
        read_by="Everybody who asks whose move it is.",
    ),
    OwnField(
        "gtm_handoff_link",
        "Handoff",
        "url",
        "out",
        ("person",),
        "Opens the handoff in gtmops.",
        read_by="Whoever receives the handoff.",
    ),
    OwnField(
        "gtm_handoff_answer",
        "Handoff answer",
        "picklist",
        "in",
        ("person",),
        "Set it to accept the handoff or send it back.",
        ("Accept", "Send back"),
        read_by="gtmops: it is the receiver's answer. We never write it.",
    ),
    OwnField(
        "gtm_handoff_reason",
        "Handoff reason",
        "text",
        "in",
        ("person",),
        "Why it goes back; needed with Send back.",
        read_by="gtmops: why it goes back. We never write it.",
    ),
)

OWN_FIELD_BY_NAME = {f.name: f for f in OWN_FIELDS}
OWN_OBJECTS = tuple(dict.fromkeys(name for field in OWN_FIELDS for name in field.objects))
"""Logical objects that hold a field of ours."""
