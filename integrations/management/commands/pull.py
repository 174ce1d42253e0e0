from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.pull import pull_to_the_end
from integrations.registry import CONNECTORS
from records.models import Connection


class Command(BaseCommand):
    help = "Read from the CRMs now: what changed, or with --full everything."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", metavar="NAME")
        parser.add_argument("--full", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = Connection.objects.filter(kind__in=CONNECTORS)
        if options["connection"]:
            connections = connections.filter(name=options["connection"])
        if not connections:
            raise CommandError("There is no such connection to a CRM.")
        faults = []
        for connection in connections:
            found = pull_to_the_end(connection, full=options["full"])
            run = connection.runs.filter(kind="pull").first()
            counts = run.counts if run else {}
            said = ", ".join(f"{counts.get(k, 0)} {k}" for k in ("read", "created", "changed", "deleted"))
            self.stdout.write(f"{connection.name}: {said}")
            faults += [f"{connection.name} {fault}" for fault in found]
        if faults:
            raise CommandError("\n".join(faults))
