"""``manage.py tick [--loop]``: find what is due by time."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from effects.tick import tick_forever, tick_once


class Command(BaseCommand):
    help = "Do everything that is due; with --loop, go on until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="Go on until SIGINT or SIGTERM.")

    def handle(self, *args: Any, loop: bool, **options: Any) -> None:
        if not loop:
            for name, units in tick_once().items():
                self.stdout.write(f"{name}: {units}")
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        tick_forever(stop)
