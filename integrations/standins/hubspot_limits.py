"""HubSpot's limits: what its answers say of them, and what happens beyond."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from integrations.standins.faults import Faults
from integrations.standins.http import Request, Response, json_response

BURST = 190
DAILY = 1_000_000
_PLANS = (100, 110, 190, 150, 250)


class Limits:
    """Not enforced unless the faults ``searches`` (a second) or ``burst`` (in ten seconds) name a number."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.clock: Callable[[], float] = time.monotonic
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._searches: deque[float] = deque()
        self._used = 0

    def refuse(self, request: Request) -> Response | None:
        """The 429 of the bucket that is full; the two say it differently."""
        now = self.clock()
        if request.path.endswith("/search"):
            most = int(self.faults.value_of("searches"))
            if most and not self._fits(self._searches, now, 1.0, most):
                return json_response(
                    {
                        "status": "error",
                        "message": "You have reached your secondly limit.",
                        "category": "RATE_LIMITS",
                    },
                    429,
                )
            return None
        most = int(self.faults.value_of("burst"))
        if most and not self._fits(self._recent, now, 10.0, most):
            return json_response(
                {
                    "status": "error",
                    "message": "You have reached your ten_secondly_rolling limit.",
                    "errorType": "RATE_LIMIT",
                    "policyName": "TEN_SECONDLY_ROLLING",
                    "groupName": "standin",
                },
                429,
            )
        return None

    def note(self, request: Request, response: Response) -> None:
        """Count the call and say how many are left; with ``wobble`` plan and use by others change at every look."""
        wobble = int(self.faults.value_of("wobble"))
        with self._lock:
            self._used += 1
            used, most = self._used, BURST
            if wobble:
                most = _PLANS[used % len(_PLANS)]
                used += (used * 7919) % wobble
            if not self.faults.value_of("burst"):
                self._trim(self._recent, self.clock(), 10.0)
                self._recent.append(self.clock())
            left = max(0, most - len(self._recent))
        if not request.path.endswith("/search"):
            response.headers |= {
                "X-HubSpot-RateLimit-Daily": str(DAILY),
                "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, DAILY - used)),
                "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
                "X-HubSpot-RateLimit-Max": str(most),
                "X-HubSpot-RateLimit-Remaining": str(left),
            }

    def _fits(self, recent: deque[float], now: float, seconds: float, most: int) -> bool:
        with self._lock:
            self._trim(recent, now, seconds)
            if len(recent) >= most:
                return False
            recent.append(now)
            return True

    @staticmethod
    def _trim(recent: deque[float], now: float, seconds: float) -> None:
        while recent and recent[0] < now - seconds:
            recent.popleft()
