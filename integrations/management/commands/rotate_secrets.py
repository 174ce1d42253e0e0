from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.errors import Misconfigured
from integrations.secrets import rotate


class Command(BaseCommand):
    help = "Encrypt all that is kept secret with the first key of GTMOPS_ENCRYPTION_KEYS; then the others may go."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many are still under an older key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rotate(is_dry=options["dry_run"])
        except Misconfigured as error:
            raise CommandError(str(error)) from error
        if options["dry_run"]:
            self.stdout.write(f"{done.rotated} secrets are under an older key; {done.fresh} under the first.")
            return
        self.stdout.write(
            f"{done.rotated} secrets are encrypted with the first key now; {done.fresh} were already. "
            "The other keys may go."
        )
