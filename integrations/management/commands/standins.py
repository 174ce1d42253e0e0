"""``python manage.py standins --port N [--fault SPEC] [--data DIR]``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.standins.command import StandinsError, add_arguments, run


class Command(BaseCommand):
    help = "Serve Demo Salesforce, Demo HubSpot and a mail sink (on the next port)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(argparse.Namespace(**options))
        except StandinsError as fault:
            raise CommandError(str(fault)) from fault
