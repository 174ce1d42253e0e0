"""The cache of the whole installation: it may be lost, and while its server is away it is simply empty."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# A server that hangs costs a timeout for each question, so one answer holds for a while.
PAUSE_SECONDS = 5.0
WARN_SECONDS = 60.0

T = TypeVar("T")


@dataclass(slots=True)
class Outage:
    """Of one server, in this process; by the monotonic clock."""

    ask_again_at: float = 0.0
    warn_again_at: float = 0.0


_outages: dict[str, Outage] = {}


class ForgivingCache(RedisCache):
    """RedisCache that says what an empty cache would while Redis can't be asked; what is set then is lost.

    ``ping`` alone raises."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._outage = _outages.setdefault(str(server), Outage())

    def ping(self) -> None:
        """Ask the server now. Raises redis.exceptions.RedisError."""
        self._cache.get_client(write=True).ping()

    def _ask(self, call: Callable[[], T], when_empty: T) -> T:
        if time.monotonic() < self._outage.ask_again_at:
            return when_empty
        try:
            return call()
        except RedisError as fault:
            now = time.monotonic()
            self._outage.ask_again_at = now + PAUSE_SECONDS
            if now >= self._outage.warn_again_at:
                self._outage.warn_again_at = now + WARN_SECONDS
                log.warning("cache_away", fault=type(fault).__name__)
            return when_empty

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda: bool(super(ForgivingCache, self).add(key, value, timeout, version)), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._ask(lambda: super(ForgivingCache, self).get(key, default, version), default)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._ask(lambda: super(ForgivingCache, self).set(key, value, timeout, version), None)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda: bool(super(ForgivingCache, self).touch(key, timeout, version)), False)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._ask(lambda: bool(super(ForgivingCache, self).delete(key, version)), False)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._ask(lambda: bool(super(ForgivingCache, self).has_key(key, version)), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError for a key that is not there, so always while the server is away."""
        found = self._ask(lambda: super(ForgivingCache, self).incr(key, delta, version), None)
        if found is None:
            raise ValueError(f"Key {key!r} not found.")
        return found

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        return self._ask(lambda: super(ForgivingCache, self).get_many(keys, version), {})

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        """The keys that could not be set: all of them while the server is away."""
        return self._ask(
            lambda: super(ForgivingCache, self).set_many(data, timeout, version), [*data] if data else []
        )

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        self._ask(lambda: super(ForgivingCache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        """Forget what is ours: several installations may share the server, each with its prefix."""
        self._ask(self._forget_ours, None)

    def _forget_ours(self) -> None:
        client = self._cache.get_client(write=True)
        ours = re.sub(r"([*?\[\]\\])", r"\\\1", self.key_prefix) + ":*"
        for key in client.scan_iter(match=ours, count=1000):
            client.delete(key)
