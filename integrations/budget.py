"""How fast and how much we may ask of one CRM, shared by all processes through the cache.

Losing the cache forgets the counts and harms nothing: the CRM's own 429 is the truth."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache as remember
from typing import TypeVar

import limits
import redis
from django.conf import settings
from django.core.cache import cache
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from integrations.errors import RetryLater

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 3.0
AWAY_AFTER = 3
"""Calls in a row without an answer, by whomever: then the CRM is away."""
AWAY_SECONDS = 60
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Rate:
    """``text`` as the limits library reads it; ``applies(method, path)``."""

    bucket: str
    text: str
    applies: Callable[[str, str], bool] = lambda method, path: True


@dataclass(frozen=True)
class ApiUse:
    """Calls of today: ours, everyone's and the allowance, as far as the CRM says."""

    ours: int
    used: int | None
    limit: int | None


class Budget:
    def __init__(
        self,
        connection: str,
        rates: tuple[Rate, ...],
        allowance: Callable[[Mapping[str, str]], tuple[int, int] | None],
    ) -> None:
        """``allowance(headers)`` is (used, limit) of the day, where the answer says it."""
        self.connection = connection
        self.rates = rates
        self.allowance = allowance
        self._failures = 0

    def take(self, method: str, path: str) -> None:
        """Wait for our turn. Raises RetryLater when that would take long, the day's share is spent, or the CRM told
        one of us to wait."""
        self._keep_waiting()
        use = api_use(self.connection)
        if use.used is not None and use.limit:
            share = settings.GTMOPS.api_budget_percent / 100
            free_for_us = share * (use.limit - max(0, use.used - use.ours))
            if use.ours >= free_for_us:
                at = datetime.now(UTC) + timedelta(minutes=30)
                raise RetryLater(
                    f"Our share of the CRM's daily calls is used up ({use.ours:,} of {use.limit:,}).",
                    at=at,
                    is_for_all=True,
                    is_untouched=True,
                )
        for rate in self.rates:
            if rate.applies(method, path):
                self._wait(rate)
        _count(self.connection)

    def note(self, headers: Mapping[str, str]) -> None:
        found = self.allowance(headers)
        if found is not None:
            _safely(lambda: cache.set(_key(self.connection, "allowance"), found, _DAY_SECONDS))

    def wait_until(self, at: datetime, text: str) -> None:
        """Nobody of us asks before; ``text``: what the CRM said."""
        seconds = (at - datetime.now(UTC)).total_seconds()
        if seconds > 0:
            told = _safely(lambda: cache.get(_waiting(self.connection)))
            if told is None or told[0] < at:
                _safely(lambda: cache.set(_waiting(self.connection), (at, text), math.ceil(seconds)))

    def fail(self, text: str) -> None:
        """A call got no answer, for the reason in ``text``. After several in a row one a minute finds out more."""
        self._failures += 1
        key, count = _failing(self.connection), self._failures
        _safely(lambda: cache.set(key, count, AWAY_SECONDS * 10))
        if count >= AWAY_AFTER:
            self.wait_until(datetime.now(UTC) + timedelta(seconds=AWAY_SECONDS), text)

    def answer(self) -> None:
        """It is there."""
        if self._failures:
            self._failures = 0
            _safely(lambda: cache.delete(_failing(self.connection)))

    def _keep_waiting(self) -> None:
        keys = _waiting(self.connection), _failing(self.connection)
        found = _safely(lambda: cache.get_many(keys)) or {}
        self._failures = int(found.get(keys[1], 0))
        told = found.get(keys[0])
        if told is None:
            return
        at, text = told
        left = (at - datetime.now(UTC)).total_seconds()
        if left > LONGEST_WAIT_SECONDS:
            raise RetryLater(text, at=at, is_for_all=True, is_untouched=True)
        time.sleep(max(0.0, left))

    def _wait(self, rate: Rate) -> None:
        item = limits.parse(rate.text)
        waited = 0.0
        while not _hit(item, self.connection, rate.bucket):
            pause = 0.1
            if waited > LONGEST_WAIT_SECONDS:
                raise RetryLater(
                    "Too many calls at once.",
                    at=datetime.now(UTC) + timedelta(seconds=5),
                    is_for_all=True,
                    is_untouched=True,
                )
            time.sleep(pause)
            waited += pause


def api_use(connection: str) -> ApiUse:
    found = _safely(lambda: cache.get_many([_key(connection, "ours"), _key(connection, "allowance")])) or {}
    ours = int(found.get(_key(connection, "ours"), 0))
    allowance = found.get(_key(connection, "allowance"))
    return ApiUse(ours, *(allowance or (None, None)))


def _count(connection: str) -> None:
    key = _key(connection, "ours")

    def add() -> None:
        cache.add(key, 0, _DAY_SECONDS)
        cache.incr(key)

    _safely(add)


def _key(connection: str, what: str) -> str:
    return f"crm-use:{connection}:{what}:{datetime.now(UTC):%Y%m%d}"


def _waiting(connection: str) -> str:
    return f"crm-use:{connection}:waiting"


def _failing(connection: str) -> str:
    return f"crm-use:{connection}:failing"


def _safely(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except (redis.RedisError, ValueError, OSError):
        return None


def _hit(item: limits.RateLimitItem, *names: str) -> bool:
    try:
        return MovingWindowRateLimiter(_shared()).hit(item, *names)
    except (redis.RedisError, OSError):
        return MovingWindowRateLimiter(_own()).hit(item, *names)


@remember
def _own() -> Storage:
    return MemoryStorage()


@remember
def _shared() -> Storage:
    shared = settings.CACHES["default"]
    location = shared.get("LOCATION", "")
    if not isinstance(location, str) or not re.match(r"(unix|rediss?)://", location):
        return _own()
    # Two installations on one Redis may both have a connection “hubspot”, each with its own allowance.
    return RedisStorage(
        location.replace("unix://", "redis+unix://", 1),
        key_prefix=f"{shared.get('KEY_PREFIX', '')}:limits",
        **shared.get("OPTIONS", {}),
    )
