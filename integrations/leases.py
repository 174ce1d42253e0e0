"""Work by piece: who holds a lease, for how long, and when it is another's turn."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

PIECE_SECONDS = 20.0  # then the lease is given back, so that another gets its turn


class LeaseLost(Exception):
    """Not a fault: another worker has taken over."""


@dataclass(kw_only=True)
class Piece:
    """What one worker does under one lease."""

    token: uuid.UUID
    started: datetime
    started_clock: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """`started` and what has passed since, whatever the machine's clock does meanwhile."""
        return self.started + timedelta(seconds=time.monotonic() - self.started_clock)

    def is_over(self) -> bool:
        return time.monotonic() - self.started_clock > PIECE_SECONDS

    def lease_until(self) -> datetime:
        return self.now() + settings.GTMOPS.lease
