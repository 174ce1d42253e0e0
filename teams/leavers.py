"""Somebody was switched off elsewhere: rooms above hear of it and tell who has to act. gtmops/wiring.py registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from teams.models import Person

Listener = Callable[[Sequence[Person], str, datetime], None]
"""Takes who left, where they were switched off ("in the CRM"), and when; in the transaction that does it."""

_listeners: list[Listener] = []


def register_leaver_listener(listener: Listener) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def tell_of_leavers(people: Sequence[Person], where: str, now: datetime) -> None:
    for listener in _listeners if people else ():
        listener(people, where, now)
