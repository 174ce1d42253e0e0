"""``manage.py dump``: everything as JSON lines, sorted by natural key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gtmops.dump import dump_lines


class Command(BaseCommand):
    help = "Print records, events, judgements, clocks, handoffs, desired fields and the outbox as JSON lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--derived", action="store_true", help="Only what is concluded from the log.")

    def handle(self, *args: Any, derived: bool, **options: Any) -> None:
        for line in dump_lines(derived_only=derived):
            self.stdout.write(line)
