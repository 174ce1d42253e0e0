"""Who wants to know that much came in at once: a first load, an import. Upper rooms register here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from records.models import Connection

FIRST_LOAD, IMPORT = "first_load", "import"

LoadListener = Callable[[Connection, str, datetime, datetime], object]
"""(connection, FIRST_LOAD or IMPORT, when it began, when it ended)"""

_listeners: dict[str, LoadListener] = {}


def register_load_listener(name: str, listen: LoadListener) -> None:
    """``listen`` is called in the transaction that ends the load."""
    _listeners[name] = listen


def tell_loaded(connection: Connection, what: str, began: datetime, ended: datetime) -> None:
    for listen in _listeners.values():
        listen(connection, what, began, ended)
