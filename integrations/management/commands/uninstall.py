from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.management.choosing import chosen_connections
from integrations.writing.uninstall import WrongName, plan, start, uninstall_due
from records.models import Connection


class Command(BaseCommand):
    help = "Take everything of ours out of a CRM; without --confirm only say what goes and what stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", metavar="NAME", required=True)
        parser.add_argument("--confirm", metavar="NAME", help="The connection's name again: do it.")
        parser.add_argument(
            "--leave-ours",
            action="store_true",
            help="Leave our fields and rules there; only forget the credentials.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection = chosen_connections(options["connection"])[0]
        if options["confirm"] is None:
            self._show(connection)
            return
        now = datetime.now(UTC)
        try:
            row = start(connection, options["confirm"], None, now, leaves_ours=options["leave_ours"])
        except WrongName as error:
            raise CommandError(str(error)) from error
        uninstall_due(now)
        row.run.refresh_from_db()
        for step in row.run.steps:
            self.stdout.write(step["text"])
        if row.run.error:
            raise CommandError(f"{row.run.error} What was done is kept: the same command goes on from there.")

    def _show(self, connection: Connection) -> None:
        found = plan(connection)
        for title, lines in (("Goes", found.goes), ("Stays", found.stays), ("By hand there", found.by_hand)):
            self.stdout.write(f"{title}:")
            for line in lines:
                self.stdout.write(f"  {line.what}{f': {line.detail}' if line.detail else ''}")
        self.stdout.write(f"Nothing was done. Add --confirm {connection.name} to do it.")
