"""Event kinds: each declares its sentence for timelines and whose court the ball is in after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Court = Literal["system", "sender", "receiver", "customer", ""]


@dataclass(frozen=True)
class EventKind:
    """``sentence`` may use {actor}, {field}, {old}, {new}; an empty ``court`` leaves the ball where it was."""

    name: str
    sentence: str
    court: Court = ""
    is_key: bool = True  # shown when a timeline shows key events only


BASELINE = "baseline"
CHANGE = "change"
DELETED = "deleted"
RESTORED = "restored"
MERGED = "merged"
FIELD_LOST = "field_lost"
VERIFIED = "verified"
TOUCH_WRITTEN = "touch.written"
"""A touch told here was created in a CRM, too. ``data``: ``touch`` (key of its event), ``activity`` (record id)."""
FIELD_ASKED = "field.asked"
FIELD_REFUSED = "field.refused"
JOINED = "link.joined"
SPLIT = "link.split"
LINK_UNDONE = "link.undone"
"""What people say of a record and another one. ``data``: ``link``, ``kind`` (buyer or account), ``other`` (record id or
null), ``why``; of what is taken back only ``link``."""
OWNER_GIVEN = "owner.given"
"""Somebody left, and it is another's from now, whatever the CRM shows until it changes. ``data``: ``person`` (id or
null), ``name``, ``was`` (id), ``left`` (id of the leaving)."""

_kinds: dict[str, EventKind] = {}


def register_kinds(kinds: Iterable[EventKind]) -> None:
    for kind in kinds:
        if kind.name in _kinds and _kinds[kind.name] != kind:
            raise ValueError(f"event kind {kind.name} is declared twice")
        _kinds[kind.name] = kind


def event_kind(name: str) -> EventKind:
    """Raises KeyError for a kind that nobody declared."""
    return _kinds[name]


def declared_kinds() -> dict[str, EventKind]:
    return dict(_kinds)


RECORD_KINDS = (
    EventKind(BASELINE, "First seen", is_key=False),
    EventKind(CHANGE, "{field}: {old} → {new}", is_key=False),
    EventKind(DELETED, "Deleted in the CRM"),
    EventKind(RESTORED, "Restored in the CRM"),
    EventKind(MERGED, "Merged into another record"),
    EventKind(FIELD_LOST, "{field} can no longer be read", is_key=False),
    EventKind(VERIFIED, "Read again in the CRM", is_key=False),
    EventKind(TOUCH_WRITTEN, "Logged in the CRM, as told here", is_key=False),
    EventKind(FIELD_ASKED, "{actor} asked for a change in the CRM"),
    EventKind(FIELD_REFUSED, "A change asked for was not made in the CRM"),
    EventKind(JOINED, "{actor} joined it with another record"),
    EventKind(SPLIT, "{actor} split it from another record"),
    EventKind(LINK_UNDONE, "{actor} took back what was said of another record"),
    EventKind(OWNER_GIVEN, "{actor} gave it to somebody else"),
)
