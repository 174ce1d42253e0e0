from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.errors import Misconfigured
from integrations.secrets import rotate


class Command(BaseCommand):
    help = "Encrypt all that is kept secret with the first key of GTMOPS_ENCRYPTION_KEYS; then the others may go."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = rotate()
        except Misconfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} credentials are encrypted with the first key.")
