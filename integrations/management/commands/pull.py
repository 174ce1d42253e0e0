from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.management.choosing import add_connection_argument, chosen_connections
from integrations.pull import pull_to_the_end


class Command(BaseCommand):
    help = "Read from the CRMs now: what changed, or with --full everything."

    def add_arguments(self, parser: CommandParser) -> None:
        add_connection_argument(parser)
        parser.add_argument("--full", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = []
        for connection in chosen_connections(options["connection"]):
            found = pull_to_the_end(connection, full=options["full"])
            run = connection.runs.filter(kind="pull").first()
            counts = run.counts if run else {}
            said = ", ".join(f"{counts.get(k, 0)} {k}" for k in ("read", "created", "changed", "deleted"))
            self.stdout.write(f"{connection.name}: {said}")
            faults += [f"{connection.name} {fault}" for fault in found]
        if faults:
            raise CommandError("\n".join(faults))
