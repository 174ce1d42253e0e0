from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from integrations.csv.errors import ImportRefused
from integrations.csv.importing import import_files
from integrations.csv.mapping import MappingError, load_mapping
from records.models import Connection

SHOWN = 50


class Command(BaseCommand):
    help = "Import CSV files by a mapping file: all or nothing; the same files again change nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", metavar="NAME", required=True, help="made when it is new")
        parser.add_argument("--mapping", metavar="FILE.yaml", type=Path, required=True)
        parser.add_argument("files", metavar="CSV", nargs="+", type=Path, help="CSV files, gzipped or not")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["connection"]
        connection, _ = Connection.objects.get_or_create(
            name=name, defaults={"label": name.replace("-", " ").capitalize(), "kind": Connection.Kind.CSV}
        )
        if connection.kind != Connection.Kind.CSV:
            raise CommandError(
                f"{name} is a connection to {connection.kind}; files go into one of their own."
            )
        columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            mapping = load_mapping(options["mapping"])
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("records", total=None)
                run = import_files(
                    connection,
                    mapping,
                    options["files"],
                    datetime.now(UTC),
                    lambda done, total: progress.update(task, completed=done, total=total),
                )
        except MappingError as error:
            raise CommandError(f"{options['mapping']}: {error}") from error
        except ImportRefused as refused:
            lines = [str(fault) for fault in refused.faults[:SHOWN]]
            if len(refused.faults) > SHOWN:
                lines.append(f"… and {len(refused.faults) - SHOWN} more")
            raise CommandError("\n".join([*lines, str(refused)])) from refused
        counts = run.counts
        self.stdout.write(
            f"{counts['rows']:,} rows, {counts['read']:,} records: {counts['created']:,} new, "
            f"{counts['changed']:,} changed, {counts['unchanged']:,} as before."
        )
