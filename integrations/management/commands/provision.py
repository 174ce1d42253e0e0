from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.errors import ConnectorError
from integrations.provision import apply, plan
from integrations.registry import CONNECTORS
from records.models import Connection


class Command(BaseCommand):
    help = "Create our own fields in the CRMs where they are missing; with --dry-run only say which."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", metavar="NAME")
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = Connection.objects.filter(kind__in=CONNECTORS)
        if options["connection"]:
            connections = connections.filter(name=options["connection"])
        if not connections:
            raise CommandError("There is no such connection to a CRM.")
        for connection in connections:
            try:
                for item in plan(connection):
                    state = "is there" if item.is_there else "will be created"
                    self.stdout.write(f"{connection.name} {item.remote_object}.{item.remote_name}: {state}")
            except ConnectorError as error:
                raise CommandError(f"{connection.name}: {error}") from error
            if not options["dry_run"] and (error_text := apply(connection, datetime.now(UTC)).error):
                raise CommandError(f"{connection.name}: {error_text}")
