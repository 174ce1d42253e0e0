"""Which connector speaks for which kind of connection."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from integrations.errors import Misconfigured

if TYPE_CHECKING:
    from integrations.base import Connector
    from records.models import Connection

CONNECTORS = {
    "salesforce": "integrations.salesforce.connector:SalesforceConnector",
    "hubspot": "integrations.hubspot.connector:HubspotConnector",
}
"""Imported on first use: the CRM clients are heavy and most processes need neither."""

FILES = {"csv": "integrations.csv.connector:CsvConnector"}
"""Read when a person sends a file, by no schedule; never written to."""


def is_crm(kind: str) -> bool:
    return kind in CONNECTORS


def connector_class(kind: str) -> type[Connector]:
    """Raises Misconfigured for a kind that nothing can be pulled from or pushed to."""
    try:
        module, _, name = (CONNECTORS | FILES)[kind].partition(":")
    except KeyError:
        raise Misconfigured(f"A connection of kind {kind} has no CRM behind it.") from None
    found: type[Connector] = getattr(import_module(module), name)
    return found


def connector_for(connection: Connection) -> Connector:
    """Raises Misconfigured when the connection has no credentials yet."""
    return connector_class(connection.kind)(connection)  # type: ignore[call-arg]  # every connector takes one
