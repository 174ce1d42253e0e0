from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from records.incoming import HistoryEntry, IncomingRecord
from records.models import CatalogueField, Connection, FieldMapping

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

FIELDS = [
    # object, name, type, remote object, remote name, has_history, links_to
    ("person", "email", "text", "contacts", "email", False, ""),
    ("person", "first_name", "text", "contacts", "firstname", False, ""),
    ("person", "company", "text", "contacts", "company", False, ""),
    ("person", "fleet_size", "number", "contacts", "fleet_size", False, ""),
    ("person", "lifecycle_stage", "picklist", "contacts", "lifecyclestage", True, ""),
    ("person", "owner", "reference", "contacts", "hubspot_owner_id", True, ""),
    ("person", "lead_id", "reference", "contacts", "salesforceleadid", False, "salesforce:Lead"),
    ("activity", "occurred_at", "datetime", "calls", "hs_timestamp", False, ""),
    ("activity", "subject", "text", "calls", "hs_call_title", False, ""),
]


@pytest.fixture
def hubspot(db: None) -> Connection:
    connection = Connection.objects.create(name="hubspot", label="HubSpot", kind="hubspot")
    for object_name, name, kind, remote_object, remote_name, history, links in FIELDS:
        field, _ = CatalogueField.objects.get_or_create(
            object=object_name, name=name, defaults={"label": name, "type": kind}
        )
        FieldMapping.objects.create(
            connection=connection,
            field=field,
            remote_object=remote_object,
            remote_name=remote_name,
            has_history=history,
            links_to=links,
        )
    return connection


@pytest.fixture
def salesforce(db: None) -> Connection:
    connection = Connection.objects.create(name="salesforce", label="Salesforce", kind="salesforce")
    for object_name, name, kind, remote_object, remote_name, links in [
        ("person", "email", "text", "Lead", "Email", ""),
        ("person", "lead_status", "picklist", "Lead", "Status", ""),
        ("person", "deal_id", "reference", "Lead", "ConvertedOpportunityId", "salesforce:Opportunity"),
        ("deal", "name", "text", "Opportunity", "Name", ""),
        ("activity", "about", "reference", "Task", "WhoId", "salesforce:Lead,salesforce:Contact"),
        ("activity", "subject", "text", "Task", "Subject", ""),
    ]:
        field, _ = CatalogueField.objects.get_or_create(
            object=object_name, name=name, defaults={"label": name, "type": kind}
        )
        FieldMapping.objects.create(
            connection=connection,
            field=field,
            remote_object=remote_object,
            remote_name=remote_name,
            links_to=links,
        )
    return connection


@pytest.fixture
def contact() -> Callable[..., IncomingRecord]:
    def make(
        remote_id: str = "101",
        *,
        at: datetime = NOON,
        created: datetime | None = None,
        history: tuple[HistoryEntry, ...] = (),
        deleted: bool = False,
        **values: Any,
    ) -> IncomingRecord:
        all_values: Mapping[str, Any] = {
            "email": f"p{remote_id}@buyer.example",
            "firstname": "Mara",
            "company": "Kestrel Haulage",
            "fleet_size": "40",
            "lifecyclestage": "lead",
            "hubspot_owner_id": None,
            "salesforceleadid": None,
        } | values
        return IncomingRecord(
            "contacts",
            remote_id,
            all_values,
            modified_at=at,
            created_at=created,
            history=history,
            is_deleted=deleted,
            raw=all_values,
        )

    return make
