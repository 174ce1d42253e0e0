"""Calling HubSpot: the token, renewed before it ends, the client library without its own habits, the limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import hubspot
import urllib3

from integrations.budget import Budget, Rate
from integrations.errors import Misconfigured, Reconnect
from integrations.http import Guard, GuardedPool
from integrations.hubspot import oauth
from integrations.hubspot.answers import instant
from integrations.hubspot.errors import SessionEnded, classify
from integrations.legible import Illegible, strict_json
from integrations.secrets import TOKEN, load_credential, refreshed
from records.models import Connection

HOST = "https://api.hubapi.com"
RATES = (
    Rate("search", "4/second", lambda method, path: path.endswith("/search")),
    Rate("burst", "95/10second"),
)
"""Below the smallest plan's allowance: search is 5 a second for the whole account, the rest 100 in ten seconds."""
OAUTH = "oauth"
RENEWED_BEFORE = timedelta(minutes=3)
"""Before a token of 30 minutes ends: longer than any one call may take."""


def allowance(headers: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        limit = int(headers["X-HubSpot-RateLimit-Daily"])
        return limit - int(headers["X-HubSpot-RateLimit-Daily-Remaining"]), limit
    except (KeyError, ValueError):
        return None


class HubspotSession:
    """``client`` is hubspot-api-client; every call goes through ``call``. Raises Misconfigured without a token."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        method, secret = load_credential(connection)
        self._is_oauth = method == OAUTH
        self._session: Mapping[str, Any] = (secret.get(TOKEN) or {}) if self._is_oauth else secret
        if not self._is_oauth and not secret.get("access_token"):
            raise Misconfigured("The credentials lack access_token.")
        self.host = connection.base_url.rstrip("/") or HOST
        self.guard = Guard(
            kind="hubspot",
            base_url=connection.base_url,
            classify=classify,
            budget=Budget(connection.name, RATES, allowance),
        )
        self.guard.token_host = urllib3.util.parse_url(self.host).host
        self._pool = _Pool(self)
        self._apis: dict[tuple[str, str], Any] = {}
        self.client = hubspot.HubSpot(host=self.host, api_factory=self._make_api)

    def token(self) -> str:
        """The access token to use now. One of OAuth is renewed by one process at a time, by the clock."""
        if self._is_oauth:
            until = self._session.get("expires_at")
            if not until or instant(until) - datetime.now(UTC) < RENEWED_BEFORE:
                self._renew()
        return str(self._session.get("access_token") or "")

    def call(self, method: Any, *arguments: Any, **options: Any) -> Any:
        """The answer's JSON, read without the client: it drops what it doesn't expect, such as a 207's errors."""
        return self._answered(lambda: method(*arguments, _preload_content=False, **options))

    def get(self, path: str) -> Any:
        """For what the client library doesn't know."""
        return self._answered(lambda: self._pool.request("GET", f"{self.host}{path}", headers={}))

    def _answered(self, send: Any) -> Any:
        self.token()  # before the call, whose own time limit a renewal must not use up
        try:
            return _json(send())
        except SessionEnded:
            if not self._is_oauth:
                raise
            # Ended before its time: somebody took it back, or their clock is not ours. Nothing was carried out.
            self._renew()
            return _json(send())

    def _renew(self) -> None:
        stale = str(self._session.get("access_token") or "")
        self._session = refreshed(self.connection, stale, oauth.refresh)
        if not self._session.get("access_token"):
            raise Reconnect("HubSpot gave no access token. Connect again.")

    def _make_api(self, package: Any, name: str, config: Mapping[str, Any]) -> Any:
        key = (package.__name__, name)
        if key not in self._apis:
            configuration = package.Configuration()
            configuration.host = config["host"]
            client = package.ApiClient(configuration=configuration)
            client.rest_client.pool_manager = self._pool
            self._apis[key] = getattr(package, name)(api_client=client)
        return self._apis[key]


class _Pool(GuardedPool):
    """Puts the token of the moment on every call."""

    def __init__(self, session: HubspotSession) -> None:
        super().__init__(session.guard)
        self._session = session

    def request(self, method: str, url: str, *, headers: Any = None, **options: Any) -> Any:  # type: ignore[override]  # as the policy's own
        signed = {**(headers or {}), "Authorization": f"Bearer {self._session.token()}"}
        return super().request(method, url, headers=signed, **options)


def _json(response: Any) -> Any:
    answer = strict_json(response.data, "HubSpot") if response.data else {}
    if not isinstance(answer, dict):
        raise Illegible("HubSpot's answer has another form than it should.")
    return answer
