"""Why a clock was late, in one word, and whose time most of it was (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from slas.split import CLOSED, CUSTOMER, SENDER, SYSTEM

UNREADABLE, AWAY, NO_OWNER, ON_CUSTOMER, OTHER_SIDE, NOT_WORKED = (
    "unreadable", "away", "no_owner", "on_customer", "other_side", "not_worked",
)  # fmt: skip
REASONS: Final = (NO_OWNER, AWAY, NOT_WORKED, OTHER_SIDE, ON_CUSTOMER, UNREADABLE)
"""As pages list them; their words are ``late_reason.…`` of gtmops/words.py."""

Segments = Sequence[Mapping[str, Any]]
Span = tuple[datetime, datetime]


def longest_party(segments: Segments, until: datetime | None = None) -> str:
    """The party that had it longest, closed hours apart, up to ``until``; '' when nobody had a second of it."""
    held: dict[str, float] = defaultdict(float)
    for segment in segments:
        if segment["party"] == CLOSED:
            continue
        begin, end = _instant(segment["from"]), _instant(segment["to"])
        if until is not None:
            end = min(end, until)
        if end > begin:
            held[str(segment["party"])] += (end - begin).total_seconds()
    return max(sorted(held), key=lambda party: held[party], default="")


def why_late(
    *,
    is_verified: bool,
    acts: str,
    segments: Segments,
    has_it: str,
    started_at: datetime,
    due_at: datetime | None,
    absences: Iterable[Span] = (),
) -> str:
    """One of REASONS for a clock that is late. ``acts`` is the side that must act; ``absences`` those of its owner.

    What was so until the time was up counts; what came after made it later, but did not make it late."""
    if not is_verified:
        return UNREADABLE
    end = due_at or max((_instant(s["to"]) for s in segments), default=started_at)
    if any(begin < end and until > started_at for begin, until in absences):
        return AWAY
    party = longest_party(segments, end) or has_it
    if party == SYSTEM:
        return NO_OWNER
    if party == CUSTOMER:
        return ON_CUSTOMER
    return OTHER_SIDE if (party == SENDER) != (acts == "sender") else NOT_WORKED


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
