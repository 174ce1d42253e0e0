"""``manage.py seed FILE.json``: people, teams, connections, mappings, calendars and model, for a check."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from definitions.files.model_files import ModelFaults
from gtmops.seeding import seed
from integrations.setup import SetupError


class Command(BaseCommand):
    help = (
        "Make people, teams, connections and the operating model exist as a JSON file says. Safe to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            data = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} can't be read as JSON: {error}") from error
        if not isinstance(data, dict):
            raise CommandError(f"{file} must hold one JSON object.")
        try:
            for line in seed(data, datetime.now(UTC)):
                self.stdout.write(line)
        except ModelFaults as error:
            raise CommandError("\n".join(str(fault) for fault in error.faults)) from error
        except (ValueError, SetupError, ValidationError) as error:
            raise CommandError(str(error)) from error
