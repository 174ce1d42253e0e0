"""The kinds of events of expansion triggers."""

from __future__ import annotations

from records.kinds import EventKind

FIRED = "trigger.fired"
HANDLED = "trigger.handled"

KINDS = (
    EventKind(FIRED, "Expansion signal"),
    EventKind(HANDLED, "{actor} handled the expansion signal"),
)
