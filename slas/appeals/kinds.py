"""What people do about a late clock that is not on them, as events of its record."""

from __future__ import annotations

from records.kinds import EventKind

OPENED = "appeal.opened"
"""``data``: ``appeal``, ``clock``, ``person`` (against whom it counts), ``team`` (whose manager decides), ``reason``,
``note``."""
GRANTED = "appeal.granted"
"""``data``: ``appeal``, ``because``, ``proved``: by the data itself, and then without an actor."""
REFUSED = "appeal.refused"
WITHDRAWN = "appeal.withdrawn"
NOT_MINE = "appeal.not_mine"
"""Said of a clock that is not late, to the manager. ``data``: ``clock``, ``note``."""

KINDS = (
    EventKind(OPENED, "{actor} said that a late clock is not on them"),
    EventKind(GRANTED, "A late clock was left out of the count"),
    EventKind(REFUSED, "{actor} let a late clock count"),
    EventKind(WITHDRAWN, "{actor} took back what they said about a late clock"),
    EventKind(NOT_MINE, "{actor} said that it is not theirs"),
)
NAMES = frozenset({OPENED, GRANTED, REFUSED, WITHDRAWN})
