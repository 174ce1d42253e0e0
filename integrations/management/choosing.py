"""What the commands that talk to CRMs have in common: which connections they are about."""

from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from integrations.registry import CONNECTORS
from records.models import Connection


def add_connection_argument(parser: CommandParser) -> None:
    parser.add_argument("--connection", metavar="NAME", help="Only this one; without it, every CRM.")


def chosen_connections(name: str | None) -> list[Connection]:
    """Every connection to a CRM, or the named one. Raises CommandError when there is none."""
    connections = Connection.objects.filter(kind__in=CONNECTORS).order_by("name")
    if name:
        connections = connections.filter(name=name)
    if not connections:
        raise CommandError("There is no such connection to a CRM.")
    return list(connections)
