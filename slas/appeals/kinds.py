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

# Without names: a record's timeline is read by everyone, who was late is not.
KINDS = (
    EventKind(OPENED, "Said that a late clock is not on them", is_key=False),
    EventKind(GRANTED, "A late clock was left out of the count", is_key=False),
    EventKind(REFUSED, "A late clock counts after all", is_key=False),
    EventKind(WITHDRAWN, "Took back that a late clock is not on them", is_key=False),
    EventKind(NOT_MINE, "Said that this is somebody else’s", is_key=False),
)
NAMES = frozenset({OPENED, GRANTED, REFUSED, WITHDRAWN})
