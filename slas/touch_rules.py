"""What counts as a human touch, as the model files say it (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

KINDS = ("call", "email", "meeting", "message")
"""What an activity may be to count at all. A task is an intention, so it never does."""

MOST_PATTERNS, LONGEST_PATTERN, MOST_STARS = 60, 80, 4
_READ_OF_SUBJECT = 300


@dataclass(frozen=True)
class TouchRules:
    """``inbound``: kinds that count although the buyer began them. ``auto_replies``: how subjects of automatic answers
    look. ``form_bookings``: a meeting that the buyer booked counts from the booking on. ``self_reported``: "I already
    called" counts. ``not_held``: outcomes of meetings that did not take place."""

    kinds: frozenset[str] = frozenset(KINDS)
    inbound: frozenset[str] = frozenset()
    auto_replies: tuple[str, ...] = (
        "Automatic reply", "Auto reply", "Auto-reply", "Out of office", "Automatische Antwort", "Abwesenheitsnotiz",
        "Réponse automatique", "Respuesta automática",
    )  # fmt: skip
    form_bookings: bool = True
    self_reported: bool = True
    not_held: frozenset[str] = frozenset({"NO_SHOW", "CANCELED"})

    def counts(self, values: Mapping[str, Any]) -> bool:
        """Whether a person did this themselves: the right kind, by one of ours, and no machine's work."""
        kind = values.get("kind")
        if kind not in self.kinds or values.get("is_automated") is True:
            return False
        if values.get("direction") == "inbound" and kind not in self.inbound:
            return False
        return self.was_held(values) and not self.is_auto_reply(values.get("subject"))

    def is_form_booking(self, values: Mapping[str, Any]) -> bool:
        """Whether the buyer booked this meeting with one of us."""
        is_theirs = values.get("kind") == "meeting" and values.get("direction") == "inbound"
        return self.form_bookings and is_theirs

    def is_auto_reply(self, subject: object) -> bool:
        told = str(subject or "").strip()[:_READ_OF_SUBJECT].casefold()
        return bool(told) and any(looks_like(pattern, told) for pattern in self.auto_replies)

    def was_held(self, values: Mapping[str, Any]) -> bool:
        """Whether nothing says that a meeting did not take place."""
        return str(values.get("outcome") or "") not in self.not_held


@dataclass(frozen=True)
class TouchHistory:
    """The versions over time, oldest first; the first one holds for the time before it too."""

    since: tuple[datetime, ...] = ()
    rules: tuple[TouchRules, ...] = ()
    default: TouchRules = field(default_factory=TouchRules)

    def at(self, moment: datetime) -> TouchRules:
        if not self.rules:
            return self.default
        return self.rules[max(0, bisect_right(self.since, moment) - 1)]


def looks_like(pattern: str, text: str) -> bool:
    """Whether ``text`` (casefolded) begins as the pattern says; ``*`` stands for any letters. Linear in both."""
    head, *rest = pattern.casefold().split("*")
    if not text.startswith(head):
        return False
    at = len(head)
    for part in rest:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def parse_touch_rules(body: Mapping[str, Any]) -> TouchRules:
    """The typed form of a body that ``slas.touch_sections`` found faultless."""
    usual = TouchRules()

    def texts(name: str, default: Sequence[str]) -> list[str]:
        told = body.get(name)
        return [str(one).strip() for one in told] if isinstance(told, list | tuple) else list(default)

    return TouchRules(
        kinds=frozenset(texts("kinds", KINDS)),
        inbound=frozenset(texts("inbound", ())),
        auto_replies=tuple(texts("auto_replies", usual.auto_replies)),
        form_bookings=bool(body.get("form_bookings", True)),
        self_reported=bool(body.get("self_reported", True)),
        not_held=frozenset(texts("not_held", sorted(usual.not_held))),
    )
