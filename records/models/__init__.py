"""What the CRMs say: connections, catalogue, records, events, journeys, and what we want written back."""

from __future__ import annotations

from records.matching.models import AccountDomain, AccountMatch, FreeDomain, ManualLink
from records.models.connections import CatalogueField, Connection, FieldMapping, SchemaField
from records.models.crm_fields import AskedChange, DesiredField, RefreshRequest
from records.models.log import Event, Touched
from records.models.rows import Journey, LinkKey, Record, RecordPayload
from records.owner_match import OwnerMatch

__all__ = [
    "AccountDomain",
    "AccountMatch",
    "AskedChange",
    "CatalogueField",
    "Connection",
    "DesiredField",
    "Event",
    "FieldMapping",
    "FreeDomain",
    "Journey",
    "LinkKey",
    "ManualLink",
    "OwnerMatch",
    "Record",
    "RecordPayload",
    "RefreshRequest",
    "SchemaField",
    "Touched",
]
