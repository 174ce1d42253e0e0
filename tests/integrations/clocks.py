"""The time of the one HTTP policy, moved on by whoever answers, so that no test waits for a deadline."""

from __future__ import annotations

import time


class PolicyClock:
    """Takes the place of ``time`` in ``integrations.http``."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_seconds
