from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from integrations.management.choosing import add_connection_argument, chosen_connections
from integrations.push import push_due
from integrations.writing.preview import preview
from records.models import Connection


class Command(BaseCommand):
    help = "Send our own fields to the CRMs now; with --dry-run only say what would change."

    def add_arguments(self, parser: CommandParser) -> None:
        add_connection_argument(parser)
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        for connection in chosen_connections(options["connection"]):
            if options["dry_run"]:
                self._show(connection)
                continue
            if not connection.is_writing or connection.writing_paused_at:
                self.stdout.write(f"{connection.name}: reading only, nothing is written")
                continue
            done = push_due(datetime.now(UTC), only=connection.name)
            self.stdout.write(f"{connection.name}: {done} records sent")

    def _show(self, connection: Connection) -> None:
        planned = preview(connection)
        for write in planned:
            record = write.row.record
            self.stdout.write(
                f"{connection.name} {record.remote_object} {record.remote_id} {write.remote_name}: "
                f"{write.before!r} -> {write.after!r}"
            )
        self.stdout.write(f"{connection.name}: {len(planned)} changes, nothing was sent")
