"""``python manage.py standins --port N [--fault SPEC] [--data DIR]``."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.standins.app import DATABASE, serving
from integrations.standins.faults import FAULTS, FaultError, Faults
from integrations.standins.load import is_loaded, load_world
from integrations.standins.store import Store


class Command(BaseCommand):
    help = "Serve Demo Salesforce, Demo HubSpot and a mail sink (on the next port)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--smtp-port", type=int, help="default: port + 1")
        parser.add_argument("--fault", default="", help=f"e.g. 429:0.1,late:5; there are {', '.join(FAULTS)}")
        parser.add_argument(
            "--data", type=Path, default=Path("var/standins"), help="folder of the stand-ins' own database"
        )
        parser.add_argument(
            "--empty", action="store_true", help="start with empty CRMs instead of the demo company"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            faults = Faults.parse(options["fault"])
        except FaultError as fault:
            raise CommandError(str(fault)) from fault
        folder: Path = options["data"]
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder / DATABASE)
        self._fill(store, empty=options["empty"])
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        smtp_port = options["smtp_port"] or options["port"] + 1
        try:
            with serving(
                store, host=options["host"], port=options["port"], faults=faults, smtp_port=smtp_port
            ) as running:
                self.stdout.write(
                    f"Demo Salesforce and Demo HubSpot at {running.base_url}, mail sink on port {smtp_port}"
                )
                self.stdout.flush()
                stop.wait()
        except OSError as taken:
            raise CommandError(f"cannot listen on port {options['port']} or {smtp_port}: {taken}") from taken
        finally:
            store.close()

    def _fill(self, store: Store, *, empty: bool) -> None:
        if is_loaded(store):
            return
        if empty:
            from integrations.standins.world import empty_world

            load_world(store, empty_world())
            return
        from integrations.standins.fernhill import build_world

        load_world(store, build_world(store.clock()))
