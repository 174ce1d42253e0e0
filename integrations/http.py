"""One policy for every call to a CRM or to Slack, with an adapter for each of the two libraries that make them.

Connect, read and total time limits, a size cap, no redirects, no proxy from the environment, hosts by allowlist,
a token bound to its host. Provider errors are turned into ours here, before a library trips over the body."""

from __future__ import annotations

import base64
import http.client
import io
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

import requests
import requests.adapters
import urllib3
from django.conf import settings

from integrations.budget import Budget
from integrations.errors import ConnectorError, Misconfigured, RetryLater

PROVIDER_HOSTS = {
    "salesforce": (".salesforce.com", ".salesforce.mil"),
    "hubspot": ("api.hubapi.com", "api-eu1.hubapi.com"),
    "slack": ("slack.com",),
}

SECRET_FIELDS = frozenset(
    {"client_secret", "refresh_token", "code", "code_verifier", "assertion", "password", "token"}
)
"""Of a sign-in's form."""
SHORTEST_SECRET = 6  # a shorter one would blot out ordinary words

Classify = Callable[[int, Mapping[str, str], bytes], None]
"""Raises one of our errors for an answer that is not the one hoped for."""


@dataclass(frozen=True)
class Limits:
    connect_seconds: float
    read_seconds: float
    total_seconds: float
    max_bytes: int

    @classmethod
    def from_settings(cls) -> Limits:
        tuning = settings.GTMOPS
        return cls(
            tuning.http_connect_seconds,
            tuning.http_read_seconds,
            tuning.http_total_seconds,
            tuning.http_max_bytes,
        )


LONGEST_WAIT_SECONDS = 86_400


def is_allowed(host: str, kind: str) -> bool:
    """Whether a connection of ``kind`` may talk to ``host``: the provider's own, or one the installation names."""
    host = host.lower().rstrip(".")
    own = urlsplit(settings.STANDINS_URL).hostname
    allowed = (*PROVIDER_HOSTS.get(kind, ()), *settings.CRM_HOSTS, *([own] if own else []))
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in allowed)


def _asked_until(headers: Mapping[str, str]) -> datetime | None:
    """Until when an answer asks us to wait: seconds or a date, whichever the server wrote."""
    told = (headers.get("Retry-After") or headers.get("retry-after") or "").strip()
    now, longest = datetime.now(UTC), timedelta(seconds=LONGEST_WAIT_SECONDS)
    try:
        if told.isdigit():
            return now + min(timedelta(seconds=int(told[:9])), longest)
        if not told:
            return None
        until = _date(told)
    except ValueError:
        return None
    try:
        # By the clock of who says it: ours may be ahead of it.
        wait = until - _date(headers.get("Date") or headers.get("date") or "")
    except ValueError:
        wait = until - now
    return now + min(max(wait, timedelta(0)), longest)


def _date(text: str) -> datetime:
    """Raises ValueError."""
    found = parsedate_to_datetime(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class Guard:
    """The policy for one connection. ``base_url`` takes the place of the provider's scheme and host."""

    def __init__(
        self,
        *,
        kind: str,
        base_url: str,
        classify: Classify,
        budget: Budget,
        limits: Limits | None = None,
        who: str = "The CRM",
    ) -> None:
        self.kind = kind
        self.who = who
        self.base_url = base_url.rstrip("/")
        self.classify = classify
        self.budget = budget
        self.limits = limits or Limits.from_settings()
        self.token_host: str | None = None
        self.calls = 0
        self.started = 0.0
        self._told: set[str] = set()
        self._date = ""
        if self.base_url:
            parts = urlsplit(self.base_url)
            if parts.scheme not in {"http", "https"} or not is_allowed(parts.hostname or "", kind):
                raise Misconfigured(
                    f"{self.base_url} is not an address this installation may send CRM data to; "
                    "name its host in GTMOPS_CRM_HOSTS if it is meant."
                )

    def admit(self, method: str, url: str, headers: Mapping[str, Any]) -> str:
        """The address to call instead of ``url``. Raises Misconfigured for a foreign host, RetryLater by budget."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if not self._is_base(url):
            if not is_allowed(host, self.kind):
                raise Misconfigured(f"The host {host} is not one of the CRM's; nothing was sent.")
            if parts.scheme != "https" and not self.base_url:
                raise Misconfigured(f"{host} would be called without encryption; nothing was sent.")
        bearer = str(next((v for k, v in headers.items() if k.lower() == "authorization"), ""))
        if bearer.lower().startswith("bearer ") and self.token_host and host != self.token_host:
            raise Misconfigured(f"The session of {self.token_host} is not shown to {host}; nothing was sent.")
        self.budget.take(method, parts.path)
        self.calls += 1
        self.started = time.monotonic()
        self._told |= secrets_in(headers, None)
        if not self.base_url or self._is_base(url):
            return url
        base = urlsplit(self.base_url)
        return urlunsplit((base.scheme, base.netloc, base.path + parts.path, parts.query, ""))

    def accept(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.budget.note(headers)
        self._date = headers.get("Date") or self._date
        if 300 <= status < 400 and status not in {300, 304}:
            raise Misconfigured(
                "The CRM's address answers with a redirect, which is not followed. Check the address."
            )
        try:
            self.classify(status, headers, body)
        except ConnectorError as error:
            # A CRM, or a proxy before it, may repeat what it was sent; errors are shown, stored and logged.
            error.args = tuple(redacted(a, self._told) if isinstance(a, str) else a for a in error.args)
            if isinstance(error, RetryLater):
                error.at = max(filter(None, (error.at, _asked_until(headers))), default=None)
                if error.is_for_all and error.at is not None:
                    self.budget.wait_until(error.at, str(error))
                elif error.is_for_all:
                    self.budget.fail(str(error))
            raise
        self.budget.answer()

    def without_answer(self, error: Exception) -> RetryLater:
        found = unreachable(error, self.who)
        self.budget.fail(str(found))
        return found

    def hush(self, body: Any) -> None:
        """Let no secret of a body that is about to be sent come back in an error."""
        self._told |= secrets_in({}, body)

    def server_now(self) -> datetime:
        """The CRM's clock as of its last answer; ours when it never said."""
        try:
            return _date(self._date).astimezone(UTC)
        except (ValueError, OverflowError):
            return datetime.now(UTC)

    def seconds_left(self) -> float:
        """Until the call that is under way has taken as long as one may; not above 0 when it has."""
        return self.started + self.limits.total_seconds - time.monotonic()

    def read(self, raw: Any) -> bytes:
        """The whole body, decoded. Raises RetryLater past the time or size allowed."""
        chunks: list[bytes] = []
        size = 0
        # read1 returns after one packet, so that a server sending a byte a second can't hold us.
        while chunk := raw.read1(65536, decode_content=True):
            size += len(chunk)
            if size > self.limits.max_bytes:
                raise RetryLater(
                    f"{self.who}'s answer is larger than {self.limits.max_bytes // 1_000_000} MB."
                )
            if self.seconds_left() <= 0:
                raise RetryLater(
                    f"{self.who} took longer than {self.limits.total_seconds:g} s to answer.", is_for_all=True
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _is_base(self, url: str) -> bool:
        return bool(self.base_url) and (
            url == self.base_url or url.startswith((self.base_url + "/", self.base_url + "?"))
        )


class _Timed(io.RawIOBase):
    """What a socket brings until the call's time is over, however it trickles in: a head or the seams between chunks
    are read byte by byte below us, where no single wait is ever long."""

    def __init__(self, sock: Any, guard: Guard) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._guard = guard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._guard.seconds_left()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(min(left, self._guard.limits.read_seconds))
        found: int | None = self._raw.readinto(buffer)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


def _timed_pools(guard: Guard) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Pools by scheme whose answers are read within the time of the guard's call."""

    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp.close()
            self.fp = io.BufferedReader(_Timed(sock, guard))

    class Plain(urllib3.connection.HTTPConnection):
        response_class = Answer

    class Encrypted(urllib3.connection.HTTPSConnection):
        response_class = Answer

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


class GuardedAdapter(requests.adapters.HTTPAdapter):
    """The policy for requests (simple-salesforce)."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(max_retries=0)
        self.guard = guard
        self.poolmanager.pool_classes_by_scheme = _timed_pools(guard)

    def send(  # type: ignore[override]  # the timeout of the policy holds, whatever the caller says
        self, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        guard, limits = self.guard, self.guard.limits
        url = guard.admit(request.method or "GET", request.url or "", request.headers)
        guard.hush(request.body)
        sent = request.copy()
        sent.url = url
        kwargs.update(stream=True, timeout=(limits.connect_seconds, limits.read_seconds), proxies={})
        try:
            response = super().send(sent, **kwargs)
            body = guard.read(response.raw)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise guard.without_answer(error) from error
        response.raw.release_conn()
        response._content = body  # requests has no public way to hand over a body that was read
        response._content_consumed = True  # type: ignore[attr-defined]  # as above
        response.url = request.url or url
        guard.accept(response.status_code, response.headers, body)
        return response


def guarded_session(guard: Guard) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    adapter = GuardedAdapter(guard)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class GuardedPool(urllib3.PoolManager):
    """The policy for urllib3 (hubspot-api-client): takes the place of its pool manager."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(num_pools=2, maxsize=2)
        self.guard = guard
        self.pool_classes_by_scheme = _timed_pools(guard)

    def request(  # type: ignore[override]  # the client passes these by name
        self, method: str, url: str, *, body: Any = None, fields: Any = None, headers: Any = None, **_: Any
    ) -> urllib3.BaseHTTPResponse:
        guard, limits = self.guard, self.guard.limits
        target = guard.admit(method, url, headers or {})
        guard.hush(body)
        try:
            response = super().request(
                method,
                target,
                body=body,
                fields=fields,
                headers=headers,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=limits.connect_seconds, read=limits.read_seconds),
            )
            data = guard.read(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise guard.without_answer(error) from error
        response.release_conn()
        guard.accept(response.status, response.headers, data)
        return urllib3.HTTPResponse(
            body=io.BytesIO(data),
            headers=_without_encoding(response.headers),
            status=response.status,
            reason=response.reason,
            preload_content=True,
        )


def secrets_in(headers: Mapping[str, Any], body: Any) -> set[str]:
    """What a call sends that nobody may read: the bearer's token or the login, and the secret fields of a sign-in."""
    found: set[str] = set()
    for name, value in headers.items():
        if name.lower() == "authorization":
            scheme, _, credentials = str(value).partition(" ")
            found.add(credentials)
            if scheme.lower() == "basic":
                with suppress(ValueError):
                    found.add(base64.b64decode(credentials).decode("utf-8", "replace").partition(":")[2])
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if isinstance(text, str) and "grant_type=" in text:
        for name, value in parse_qsl(text):
            if name in SECRET_FIELDS:
                found |= {value, quote_plus(value)}
    return {one for one in found if len(one) >= SHORTEST_SECRET}


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret blotted out, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "•••")
    return text


def unreachable(error: Exception, who: str = "The CRM") -> RetryLater:
    kind = "did not answer in time" if "timed out" in str(error).lower() else "can't be reached"
    return RetryLater(f"{who} {kind} ({type(error).__name__}).", is_for_all=True)


def _without_encoding(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        k: v
        for k, v in headers.items()
        if k.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
    }
