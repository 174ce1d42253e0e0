"""Why an act on a handoff can't be done."""

from __future__ import annotations

from collections.abc import Mapping


class HandoffError(Exception):
    """The act can't be done; ``text`` says why and what to do, ``fields`` which fields are wrong (key -> text)."""

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class NotYours(HandoffError):
    """The move belongs to somebody else."""


class Stale(HandoffError):
    """The handoff has moved on since the page was shown."""


class KeyReused(HandoffError):
    """The idempotency key stands for another act."""
