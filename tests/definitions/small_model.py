"""A model of a few lines, for tests of what is shown of judgements; not the starter model, which changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from definitions.models import Version
from records.models import CatalogueField
from tests.definitions.conftest import LONG_AGO

PERSON: Mapping[str, str] = {
    "email": "text", "fleet_size": "number", "demo_requested_at": "datetime", "pain": "text",
    "relationship": "picklist",
    "lifecycle_stage": "picklist",
}  # fmt: skip
DEAL: Mapping[str, str] = {
    "name": "text", "stage": "picklist", "pipeline": "picklist", "amount": "money", "currency": "picklist",
    "close_date": "date", "success_criteria": "text", "next_step": "text",
}  # fmt: skip

MQL: Mapping[str, Any] = {
    "name": "Marketing qualified lead",
    "owner": "marketing",
    "agreed_by": ["marketing", "sdr"],
    "object": "person",
    "play": "Call within the hour, then book.",
    "exclusions": [
        {
            "key": "customer",
            "name": "Existing customer",
            "when": {"field": "relationship", "op": "is", "value": "customer"},
            "text": "Goes to Customer Success.",
        }
    ],
    "variants": [
        {
            "key": "enterprise",
            "name": "Enterprise",
            "when": {"field": "fleet_size", "op": "at_least", "value": 500},
            "criteria": {"field": "demo_requested_at", "op": "is_not_empty"},
        },
        {
            "key": "everyone",
            "name": "Everyone else",
            "criteria": {
                "all": [
                    {"field": "fleet_size", "op": "at_least", "value": 20},
                    {"field": "demo_requested_at", "op": "is_not_empty"},
                    {"field": "pain", "op": "is_not_empty"},
                ]
            },
        },
    ],
}
NEW_BUSINESS: Mapping[str, Any] = {
    "name": "New business",
    "object": "deal",
    "connection": "salesforce",
    "stage_field": "stage",
    "when": {"field": "pipeline", "op": "is", "value": "New business"},
    "owner": "sales",
    "agreed_by": ["sales", "cs"],
    "stages": [
        {"key": "discovery", "name": "Discovery", "value": "Discovery"},
        {"key": "evaluation", "name": "Evaluation", "value": "Evaluation"},
        {
            "key": "negotiation",
            "name": "Negotiation",
            "value": "Negotiation",
            "guidance": "Write down what the customer must achieve in the first 90 days.",
            "key_fields": ["amount", "close_date", "success_criteria"],
            "exit_criteria": {
                "all": [
                    {"field": "success_criteria", "op": "is_not_empty"},
                    {"field": "amount", "op": "more_than", "value": 0},
                ]
            },
        },
        {"key": "won", "name": "Closed won", "value": "Closed Won"},
    ],
}
STAGE: Mapping[str, Any] = {
    "name": "Marketing qualified lead",
    "short": "MQL",
    "order": 20,
    "owner": "marketing",
    "agreed_by": ["marketing", "sdr"],
    "sentence": "Ready for a call.",
    "definition": "mql",
    "claimed_when": {
        "connection": "hubspot",
        "object": "person",
        "field": "lifecycle_stage",
        "values": ["marketingqualifiedlead"],
    },
    "guidance": "Call within the hour.",
    "key_fields": ["fleet_size", "pain"],
}


def put_in_force(section: str, key: str, body: Mapping[str, Any], at: datetime = LONG_AGO) -> Version:
    number = Version.objects.filter(section=section, key=key).count() + 1
    return Version.objects.create(
        section=section, key=key, number=number, body=dict(body), state="signed", effective_from=at,
        population_done_at=at,
    )  # fmt: skip


def make_small_model() -> None:
    """One definition with an exclusion and two variants, its stage, and a pipeline with exit criteria."""
    CatalogueField.objects.bulk_create(
        CatalogueField(object=o, name=n, type=t, label=n.replace("_", " ").capitalize())
        for o, fields in (("person", PERSON), ("deal", DEAL))
        for n, t in fields.items()
    )
    put_in_force("definitions", "mql", MQL)
    put_in_force("stages", "mql", STAGE)
    put_in_force("pipelines", "new_business", NEW_BUSINESS)
