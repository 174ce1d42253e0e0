"""What a push may send next, when it tries again and when it gives up: plain decisions, no clock and no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

LONGEST_PAUSE_SECONDS: Final = 900
AWAY_PAUSE_SECONDS: Final = 60
GIVE_UP_AFTER: Final = 12
"""Tries of one record sent alone, while others are taken."""
ALIVE: Final = timedelta(hours=1)
"""A CRM that took a batch within this time is not away: what fails alone fails by itself."""
BROKEN_PAUSE: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Standing:
    """How writing to a connection stands. ``cap`` and ``written`` in records a day, ``in_flight`` in records."""

    cap: int
    written: int
    in_flight: int
    failures: int = 0

    @property
    def left(self) -> int:
        """Records that may still be claimed today."""
        return max(0, self.cap - self.written - self.in_flight)

    @property
    def is_spent(self) -> bool:
        return self.written >= self.cap


def batch_size(full: int, *, attempts: int, failures: int, left: int | None = None) -> int:
    """How many records to send at once.

    A batch that failed as a whole, nobody knows by whose fault, is halved at each further attempt, so that one poisoned
    record ends up alone. While the last batch got no answer, one record finds out whether the CRM is back.
    ``left``: what the day's cap still allows; None where it does not count."""
    size = 1 if failures else max(1, full >> min(attempts, 16))
    return size if left is None else min(size, left)


def pause_after(attempts: int, jitter: float = 0.0) -> timedelta:
    """10, 20, 40 s … up to a quarter of an hour; ``jitter`` (0 to 1) shortens it by up to a fifth."""
    whole = min(LONGEST_PAUSE_SECONDS, 5 * 2 ** min(max(attempts, 1), 10))
    return timedelta(seconds=whole * (1 - jitter / 5))


def pause_while_away(failures: int, jitter: float = 0.0) -> timedelta:
    """Of a whole connection: one slip is soon tried again; whoever is away is asked once a minute at most."""
    shortest = timedelta(seconds=AWAY_PAUSE_SECONDS if failures > 1 else 0)
    return max(shortest, pause_after(failures, jitter))


def is_given_up(*, attempts: int, records: int, succeeded_at: datetime | None, now: datetime) -> bool:
    """Whether a record that fails alone becomes a dead letter; never while the CRM takes nothing from anybody."""
    is_alive = succeeded_at is not None and now - succeeded_at <= ALIVE
    return records == 1 and attempts >= GIVE_UP_AFTER and is_alive


def next_day(now: datetime) -> datetime:
    """When a day's cap begins anew: at midnight UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time.min, UTC)
