"""``manage.py rebuild``: conclude everything again from the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from gtmops.pipeline import rebuild
from records.models import Journey


class Command(BaseCommand):
    help = "Recalculate every conclusion from history. Safe to stop and to run twice."

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        total = Journey.objects.count()
        for done in rebuild(now):
            self.stdout.write(f"{done:,} of {total:,} journeys", ending="\r")
            self.stdout.flush()
        self.stdout.write(f"\nRecalculated {Journey.objects.count():,} journeys.")
