"""What slas writes into the log, because a conclusion must remember it."""

from __future__ import annotations

from records.kinds import EventKind

CLOCK_DUE = "clock.due"
"""A clock fell due and its evidence was asked for. ``data``: ``clock``, ``requests`` {record id: request key}."""

CLOCK_SIGNAL = "clock.signal"
"""A product signal started a clock: signals are kept for a time, clocks for good. ``data``: ``name``, ``source``."""

TOUCH_REPORTED = "touch.reported"
"""A person says that they called, which no CRM has told. ``data``: ``team``, ``person``, ``kind``, ``at``, ``note``."""

CLOCK_REASSIGNED = "clock.reassigned"
"""A step of a clock's rule had the CRM asked to give the record to the next person. ``data``: ``clock``, ``step``,
``team`` (key), ``person`` (id), ``name``, ``was`` (name of who had it, or null)."""

CLOCK_STARTED = "clock.started"
"""Somebody of RevOps said that a clock which was only measured shall run. ``data``: ``clock``, ``question`` (id)."""

KINDS = (
    EventKind(CLOCK_DUE, "A clock fell due; reading the CRM once more", is_key=False),
    EventKind(CLOCK_SIGNAL, "A product signal started a clock"),
    EventKind(TOUCH_REPORTED, "{actor} reached the buyer (self-reported)"),
    EventKind(CLOCK_STARTED, "{actor} started its clock, which was only measured"),
    EventKind(CLOCK_REASSIGNED, "Taking too long; the CRM is asked to give it to the next person"),
)
