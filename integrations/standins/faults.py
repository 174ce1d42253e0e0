"""Unpleasantness on request: ``429:0.1,500:0.05,slow:2,expire:50,late:5``. What a CRM always does needs no switch.

Each word is one entry of ``FAULTS``; a new one is a class with the hooks it needs and a line there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from integrations.standins.http import Request, Response, json_response
from integrations.standins.hubspot_faults import NAMED as HUBSPOT
from integrations.standins.store import Store


class FaultError(ValueError):
    """A fault that does not exist or a value it cannot take."""


class Fault:
    """Does nothing; a fault overrides what it needs."""

    def __init__(self, value: float) -> None:
        self.value = value

    def prepare(self, store: Store) -> None:
        """Called once, before the first request."""

    def before(self, request: Request) -> Response | None:
        """An answer here takes the place of the real one; the request is not carried out."""
        return None

    def calls_per_session(self) -> int:
        """After so many calls a session is over; 0 = never."""
        return 0

    def webhook_copies(self) -> int:
        """How often an event is sent; 1 is pleasant."""
        return 1

    def hits(self, name: str) -> bool:
        """Whether the fault of that name strikes now."""
        return False

    def value_of(self, name: str) -> float:
        """The number given to the fault of that name; 0 when it is off."""
        return 0.0

    def after(self, request: Request, response: Response) -> None:
        """Called with the real answer, before it is sent."""


class Named(Fault):
    """Asked for by its name where it matters; ``value`` is the share of times that it strikes, 0 to 1."""

    def __init__(self, name: str, value: float) -> None:
        super().__init__(value)
        self.name = name

    def hits(self, name: str) -> bool:
        return name == self.name and random.random() < self.value

    def value_of(self, name: str) -> float:
        return self.value if name == self.name else 0.0

    def prepare(self, store: Store) -> None:
        if self.name == "lag":
            store.spread_seconds = self.value


class Cut(Fault):
    """The connection breaks after the request was carried out, in ``value`` of the writes."""

    def after(self, request: Request, response: Response) -> None:
        if request.method != "GET" and random.random() < self.value:
            response.is_cut = True


class PageSize(Fault):
    """Query pages of Salesforce hold at most ``value`` rows, less than was asked for."""

    def prepare(self, store: Store) -> None:
        store.page_rows = int(self.value)


class Hidden(Fault):
    """Salesforce hides ``value`` of the fields that are not required from our user; always the same ones."""

    def prepare(self, store: Store) -> None:
        store.hidden_share = self.value


class HistorySince(Fault):
    """Salesforce's field history begins ``value`` days ago: it was switched on then."""

    def prepare(self, store: Store) -> None:
        store.history_days = self.value


class Forgets(Fault):
    """Salesforce's log of deleted ids reaches back ``value`` days only, and what is older is purged."""

    def prepare(self, store: Store) -> None:
        store.deleted_days = self.value


class _Sometimes(Fault):
    """``value`` is the share of API requests that is hit, 0 to 1."""

    def before(self, request: Request) -> Response | None:
        return self.answer(request) if random.random() < self.value else None

    def answer(self, request: Request) -> Response:
        raise NotImplementedError


class RateLimit(_Sometimes):
    """HubSpot answers 429; Salesforce has no such status and answers 403 for too many calls at once."""

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/services"):
            text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            return json_response([{"message": text, "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)
        if request.path.startswith("/api/"):
            return json_response({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "1"})
        if request.path.endswith("/search"):
            return json_response(
                {
                    "status": "error",
                    "message": "You have reached your secondly limit.",
                    "category": "RATE_LIMITS",
                },
                429,
            )
        body = {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
            "groupName": "standin",
        }
        return json_response(body, 429, {"Retry-After": "1"})


class DailyLimit(_Sometimes):
    def answer(self, request: Request) -> Response:
        if request.path.startswith("/services"):
            text = "TotalRequests Limit exceeded."
            return json_response([{"message": text, "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)
        body = {
            "status": "error",
            "message": "You have reached your daily limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "DAILY",
            "requestId": "0",
        }
        return json_response(body, 429)


class ServerError(_Sometimes):
    """One of the shapes a failing CRM answers in: empty, HTML, JSON."""

    def answer(self, request: Request) -> Response:
        status = random.choice(
            [500, 502, 503, 504, *((406, 420) if request.path.startswith("/services") else ())]
        )
        if status == 500 and random.random() < 0.5:
            return Response(500, b"", "text/plain")
        if request.path.startswith("/services") and random.random() < 0.5:
            return json_response([{"message": "Server unavailable", "errorCode": "SERVER_UNAVAILABLE"}], 503)
        return Response(status, b"<html><body><h1>Down for maintenance</h1></body></html>")


class Slow(Fault):
    """Each API answer takes up to ``value`` seconds."""

    def before(self, request: Request) -> Response | None:
        time.sleep(random.uniform(0, self.value))
        return None


class Expire(Fault):
    """Sessions end after ``value`` calls."""

    def calls_per_session(self) -> int:
        return int(self.value)


class Late(Fault):
    """Searches and queries see a write only ``value`` seconds after it."""

    def prepare(self, store: Store) -> None:
        store.lag_seconds = self.value


class Duplicates(Fault):
    """Webhook events arrive up to ``value`` times and in no order."""

    def webhook_copies(self) -> int:
        return random.randint(1, max(1, int(self.value)))


NAMED = {
    "401object": "an ended session of Salesforce answers with an object instead of a list",
    "401html": "… or with a page",
    "lasting401": "even a new session of Salesforce is refused",
    "notrest": "a session that is not valid for Salesforce's REST API",
    "locator": "Salesforce has closed the query whose next page is asked for",
    "timeout": "a query of Salesforce takes more than its two minutes",
    "lock": "another process holds the parent of a Salesforce record",
    "dupes": "a duplicate rule of Salesforce refuses a record",
    "bulkfail": "a Bulk job of Salesforce fails",
    "bulkshort": "a Bulk job of Salesforce gives fewer rows than it counted",
    "bulkgone": "Salesforce has deleted a Bulk job",
    "deployfail": "Salesforce does not take a deploy",
}
FAULTS: dict[str, Callable[[float], Fault]] = {
    **{name: partial(Named, name) for name in (*NAMED, *HUBSPOT)},
    "cut": Cut,
    "pages": PageSize,
    "hidden": Hidden,
    "history": HistorySince,
    "forgets": Forgets,
    "429": RateLimit,
    "daily": DailyLimit,
    "500": ServerError,
    "slow": Slow,
    "expire": Expire,
    "late": Late,
    "duplicates": Duplicates,
}


class Faults:
    """Those switched on, asked in the order they were written."""

    def __init__(self, faults: list[Fault] | None = None) -> None:
        self.faults = faults or []

    @classmethod
    def parse(cls, spec: str) -> Faults:
        """Raises FaultError for an unknown name or a value that is no number."""
        faults = []
        for part in filter(None, (p.strip() for p in spec.split(","))):
            name, _, value = part.partition(":")
            if name not in FAULTS:
                raise FaultError(f"no such fault: {name!r}; there are {', '.join(FAULTS)}")
            try:
                number = float(value or 1)
            except ValueError:
                raise FaultError(f"{part!r}: {value!r} is no number") from None
            faults.append(FAULTS[name](number))
        return cls(faults)

    def prepare(self, store: Store) -> None:
        for fault in self.faults:
            fault.prepare(store)

    def before(self, request: Request) -> Response | None:
        for fault in self.faults:
            response = fault.before(request)
            if response is not None:
                return response
        return None

    def calls_per_session(self) -> int:
        return max((f.calls_per_session() for f in self.faults), default=0)

    def webhook_copies(self) -> int:
        return max((f.webhook_copies() for f in self.faults), default=1)

    def hits(self, name: str) -> bool:
        return any(f.hits(name) for f in self.faults)

    def value_of(self, name: str) -> float:
        return max((f.value_of(name) for f in self.faults), default=0.0)

    def after(self, request: Request, response: Response) -> None:
        for fault in self.faults:
            fault.after(request, response)

    @property
    def shuffle_webhooks(self) -> bool:
        return any(isinstance(f, Duplicates) for f in self.faults)
