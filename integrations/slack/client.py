"""Slack's Web API, with slack-sdk as transport under the one HTTP policy."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from integrations.budget import Budget, Rate
from integrations.errors import Misconfigured, Rejected, RetryLater
from integrations.http import Guard, GuardedPool

OWN_URL = "https://slack.com/api"
RATES = (Rate("calls", "20/second"),)
LONGEST_PAUSE_SECONDS = 3600

_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"}
)
"""Error codes of Slack that say nothing about what was asked."""
_TOKEN = frozenset(
    {
        "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope",
        "no_permission", "org_login_required", "ekm_access_denied", "not_allowed_token_type",
    }
)  # fmt: skip


class Slack:
    """One workspace, by its bot token. Every method may raise RetryLater, Misconfigured or Rejected (its ``code`` is
    Slack's own word)."""

    def __init__(self, token: str, base_url: str) -> None:
        url = base_url.rstrip("/")
        self._guard = Guard(
            kind="slack",
            base_url="" if url == OWN_URL else url,
            classify=_classify,
            budget=Budget("slack", RATES, lambda headers: None),
            who="Slack",
        )
        self._guard.token_host = urlsplit(url).hostname
        self._client = _GuardedClient(token, url, self._guard)

    def user_of(self, email: str) -> str:
        """The id of the member with this address."""
        answer = self._call("users.lookupByEmail", email=email)
        user = answer.get("user")
        if not isinstance(user, dict) or user.get("deleted") or not user.get("id"):
            raise Rejected(f"{email} is no active member there.", code="users_not_found")
        return str(user["id"])

    def post(self, to: str, text: str) -> str:
        """Post to a member's or channel's id, or a channel's name; the message's stamp."""
        answer = self._call("chat.postMessage", channel=to, text=text, unfurl_links=False, unfurl_media=False)
        return str(answer.get("ts", ""))

    def _call(self, method: str, **values: Any) -> Mapping[str, Any]:
        try:
            answer = (
                self._client.api_call(method, json=values)
                if method.startswith("chat.")
                else (self._client.api_call(method, params=values))
            )
        except SlackApiError as error:
            code = str(_body_of(error).get("error", "unknown"))
            if code in _PASSING:
                raise RetryLater(f"Slack says {code}.") from error
            if code in _TOKEN:
                raise Misconfigured(_about_token(code, str(_body_of(error).get("needed", "")))) from error
            raise Rejected(f"Slack says {code}.", code=code) from error
        found = answer.data
        return found if isinstance(found, dict) else {}


class _GuardedClient(WebClient):
    """slack-sdk opens addresses with urllib, redirects and proxies included, and never gives up on a slow answer."""

    def __init__(self, token: str, base_url: str, guard: Guard) -> None:
        quiet = logging.getLogger("integrations.slack")
        super().__init__(token=token, base_url=f"{base_url}/", retry_handlers=[], logger=quiet)
        self.proxy = None
        self._pool = GuardedPool(guard)

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        answer = self._pool.request("POST", url, body=req.data, headers=dict(req.header_items()))
        return {
            "status": answer.status,
            "headers": answer.headers,
            "body": answer.data.decode("utf-8", "replace"),
        }


def slack() -> Slack:
    """The workspace of this installation. Raises Misconfigured where it has none."""
    if not settings.SLACK_TOKEN:
        raise Misconfigured("Slack is not set up here: an administrator sets GTMOPS_SLACK_TOKEN.")
    return Slack(settings.SLACK_TOKEN, settings.SLACK_URL)


def _body_of(error: SlackApiError) -> Mapping[str, Any]:
    data = getattr(error.response, "data", error.response)
    return data if isinstance(data, dict) else {}


def _about_token(code: str, needed: str) -> str:
    if code == "missing_scope":
        return f"gtmops' Slack app lacks the scope {needed or 'it needs'}: add it and install the app again."
    return f"Slack does not take gtmops' token ({code}): install the app again and set GTMOPS_SLACK_TOKEN."


def _classify(status: int, headers: Mapping[str, str], body: bytes) -> None:
    if status == 429:
        try:
            seconds = min(LONGEST_PAUSE_SECONDS, max(1, int(headers.get("Retry-After", "30"))))
        except ValueError:
            seconds = 30
        raise RetryLater(
            f"Slack asks for a pause of {seconds} s.",
            at=datetime.now(UTC) + timedelta(seconds=seconds),
            is_for_all=True,
        )
    if status >= 500:
        raise RetryLater(f"Slack answers with {status}.", is_for_all=True)
    if status >= 400:
        raise Misconfigured(f"Slack answers with {status}; nothing was sent.")
    try:
        json.loads(body)
    except ValueError as error:
        raise RetryLater("Slack's answer can't be read.") from error
