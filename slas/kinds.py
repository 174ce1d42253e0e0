"""What slas writes into the log, because a conclusion must remember it."""

from __future__ import annotations

from records.kinds import EventKind

CLOCK_DUE = "clock.due"
"""A clock fell due and its evidence was asked for. ``data``: ``clock``, ``requests`` {record id: request key}."""

KINDS = (EventKind(CLOCK_DUE, "A clock fell due; reading the CRM once more", is_key=False),)
