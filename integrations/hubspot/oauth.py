"""Signing in to HubSpot with an app: the address to go to, the code for a token, and a new token every 30 minutes.

HubSpot's sign-in takes no PKCE challenge: the app's secret is what proves that the code is redeemed by the app."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from integrations.budget import Budget
from integrations.errors import Misconfigured, Reconnect, RetryLater
from integrations.http import Guard, GuardedPool
from integrations.hubspot.errors import details
from integrations.oauth import OAuthApp

PAGES = "https://app.hubspot.com"
TOKEN_HOST = "https://api.hubapi.com"  # noqa: S105  # an address
TOKEN_PATH = "/oauth/v3/token"  # noqa: S105  # an address
LASTS_SECONDS = 1800
SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.companies.read",
    "crm.objects.deals.read",
    "crm.objects.owners.read",
)
"""Without these nothing works, so the sign-in fails without them."""
OPTIONAL_SCOPES = (
    "crm.objects.leads.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.write",
    "crm.objects.deals.write",
    "crm.objects.leads.write",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.write",
    "crm.schemas.deals.write",
    "crm.schemas.custom.read",
    "sales-email-read",
)
"""Asked for and given where the plan and the person signing in have them."""


def authorize_url(app: OAuthApp, state: str, challenge: str, redirect_uri: str) -> str:
    """Where the browser goes; ``challenge`` is not sent, because HubSpot has no place for it."""
    asked = {
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(SCOPES),
        "optional_scope": " ".join(OPTIONAL_SCOPES),
        "state": state,
    }
    return f"{app.base_url.rstrip('/') or PAGES}/oauth/authorize?{urlencode(asked)}"


def exchange(app: OAuthApp, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
    """{access_token, refresh_token, expires_at (ISO), hub_id, scopes}. Raises Reconnect for a code it won't take."""
    return _ask(
        app.base_url,
        {
            "grant_type": "authorization_code",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uri": redirect_uri,
            "code": code,
        },
    )


def refresh(secret: Mapping[str, Any]) -> dict[str, Any]:
    """As ``exchange``, for a stored secret {client_id, client_secret, base_url, refresh_token}.

    Raises Reconnect when the app was removed or its access taken back."""
    if missing := [k for k in ("client_id", "client_secret", "refresh_token") if not secret.get(k)]:
        raise Misconfigured(f"The credentials lack {', '.join(missing)}.")
    return _ask(
        str(secret.get("base_url") or ""),
        {
            "grant_type": "refresh_token",
            "client_id": str(secret["client_id"]),
            "client_secret": str(secret["client_secret"]),
            "refresh_token": str(secret["refresh_token"]),
        },
    )


def _ask(base_url: str, form: Mapping[str, str]) -> dict[str, Any]:
    guard = Guard(
        kind="hubspot", base_url=base_url, classify=_classify, budget=Budget("hubspot-sign-in", (), _nobody)
    )
    answer = GuardedPool(guard).request(
        "POST",
        f"{base_url.rstrip('/') or TOKEN_HOST}{TOKEN_PATH}",
        body=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    said = details(answer.data)
    token = said.get("access_token")
    if not isinstance(token, str) or not token:
        raise RetryLater("HubSpot's answer to the sign-in has no token in it.")
    try:
        lasts = int(said.get("expires_in") or LASTS_SECONDS)
    except (TypeError, ValueError):
        lasts = LASTS_SECONDS
    return {
        "access_token": token,
        "refresh_token": said.get("refresh_token"),
        "expires_at": (datetime.now(UTC) + timedelta(seconds=lasts)).isoformat(),
        "hub_id": said.get("hub_id"),
        "scopes": said.get("scopes") or [],
    }


def _nobody(headers: Mapping[str, str]) -> None:
    """No answer of the sign-in speaks of the day's calls."""


def _classify(status: int, headers: Mapping[str, str], body: bytes) -> None:
    if 200 <= status < 300:
        return
    said = details(body)
    code = str(said.get("error") or said.get("status") or status)
    words = f"HubSpot: {code}: {str(said.get('error_description') or said.get('message') or '')[:500]}"
    if status == 429 or status >= 500:
        raise RetryLater(words.rstrip(": "), is_for_all=True)
    if code in {"invalid_client", "unauthorized_client", "redirect_uri_mismatch"}:
        raise Misconfigured(words.rstrip(": "))
    raise Reconnect(words.rstrip(": "))
