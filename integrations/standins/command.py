"""The stand-ins as a process: ``python -m integrations.standins`` or ``python manage.py standins``."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from integrations.standins.app import DATABASE, serving
from integrations.standins.faults import FAULTS, FaultError, Faults
from integrations.standins.hubspot_faults import UNPLEASANT
from integrations.standins.load import is_loaded, load_world
from integrations.standins.store import Store
from integrations.standins.world import empty_world


class StandinsError(Exception):
    """The stand-ins cannot start; the text says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--smtp-port", type=int, help="port of the mail sink (default: port + 1)")
    parser.add_argument(
        "--fault",
        default=UNPLEASANT,
        help=f"e.g. 429:0.1,late:5; there are {', '.join(FAULTS)}; none for the pleasant side",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("var/standins"), help="folder of the stand-ins' own database"
    )
    parser.add_argument(
        "--empty", action="store_true", help="start with empty CRMs instead of the demo company"
    )


def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; raises StandinsError."""
    try:
        faults = Faults.parse("" if options.fault == "none" else options.fault)
    except FaultError as fault:
        raise StandinsError(str(fault)) from fault
    # From here on a stop is asked for, also while the demo company is being made.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    options.data.mkdir(parents=True, exist_ok=True)
    store = Store(options.data / DATABASE)
    smtp_port = options.smtp_port or options.port + 1
    try:
        _fill(store, empty=options.empty)
        with serving(
            store, host=options.host, port=options.port, faults=faults, smtp_port=smtp_port
        ) as running:
            print(  # noqa: T201  # the runner and a person at the terminal read it
                f"Demo Salesforce and Demo HubSpot at {running.base_url}, mail sink on port {smtp_port}",
                flush=True,
            )
            stop.wait()
    except OSError as taken:
        raise StandinsError(f"cannot listen on port {options.port} or {smtp_port}: {taken}") from taken
    finally:
        store.close()


def _fill(store: Store, *, empty: bool) -> None:
    if is_loaded(store):
        return
    if empty:
        load_world(store, empty_world())
        return
    from integrations.standins.fernhill import build_world

    load_world(store, build_world(store.clock()))
