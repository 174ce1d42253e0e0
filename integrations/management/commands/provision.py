from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.errors import ConnectorError
from integrations.management.choosing import add_connection_argument, chosen_connections
from integrations.provision import apply, plan


class Command(BaseCommand):
    help = "Create our own fields in the CRMs where they are missing; with --dry-run only say which."

    def add_arguments(self, parser: CommandParser) -> None:
        add_connection_argument(parser)
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        for connection in chosen_connections(options["connection"]):
            try:
                for item in plan(connection):
                    state = "is there" if item.is_there else "will be created"
                    self.stdout.write(f"{connection.name} {item.remote_object}.{item.remote_name}: {state}")
            except ConnectorError as error:
                raise CommandError(f"{connection.name}: {error}") from error
            if not options["dry_run"] and (error_text := apply(connection, datetime.now(UTC)).error):
                raise CommandError(f"{connection.name}: {error_text}")
