"""Salesforce's web-server flow with PKCE, for one app that serves many organisations. Refresh tokens rotate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from integrations.budget import Budget
from integrations.errors import Misconfigured, RetryLater
from integrations.http import Guard, guarded_session, is_allowed
from integrations.oauth import OAuthApp
from integrations.salesforce.errors import classify

HOST = "https://login.salesforce.com"
SCOPES = ("api", "refresh_token")
KEEP_ALIVE_SECONDS = 86_400
"""A session that is always in use never ends, and the refresh token behind it would idle out after 30 days."""


def authorize_url(app: OAuthApp, state: str, challenge: str, redirect_uri: str) -> str:
    """Where the browser goes to sign in and allow the app; ``challenge`` is the S256 one of PKCE."""
    asked = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{_host(app.base_url)}/services/oauth2/authorize?{urlencode(asked)}"


def exchange(app: OAuthApp, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
    """The token answer for a code: access_token, refresh_token, host, renewed_at (epoch seconds)."""
    return _ask(
        app.base_url,
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
        },
    )


def refresh(secret: Mapping[str, Any]) -> dict[str, Any]:
    """A new token answer, with the refresh token that takes the old one's place. Raises Reconnect when it is dead."""
    if missing := [name for name in ("client_id", "refresh_token") if not secret.get(name)]:
        raise Misconfigured(f"The credentials lack {', '.join(missing)}.")
    return _ask(
        str(secret.get("base_url") or ""),
        {
            "grant_type": "refresh_token",
            "refresh_token": secret["refresh_token"],
            "client_id": secret["client_id"],
            "client_secret": secret.get("client_secret") or "",
        },
    )


def is_due(token: Mapping[str, Any]) -> bool:
    """Whether a session that still works should be renewed, so that its refresh token counts as used."""
    return time.time() - float(token.get("renewed_at") or 0) > KEEP_ALIVE_SECONDS


def _ask(base_url: str, form: Mapping[str, str]) -> dict[str, Any]:
    guard = Guard(
        kind="salesforce",
        base_url=base_url,
        classify=classify,
        budget=Budget(f"sign-in:{form['client_id']}", (), lambda headers: None),
        who="Salesforce",
    )
    given = {name: value for name, value in form.items() if value}
    with guarded_session(guard) as session:
        answer = session.post(f"{_host(base_url)}/services/oauth2/token", data=given)
    try:
        told = answer.json()
        host = (urlsplit(str(told["instance_url"])).hostname or "").lower()
        token = {"access_token": str(told["access_token"]), "host": host, "renewed_at": time.time()}
    except (ValueError, KeyError, TypeError) as error:
        raise RetryLater(
            f"Salesforce's answer to the sign-in can't be read ({type(error).__name__})."
        ) from error
    if not is_allowed(host, "salesforce"):
        raise Misconfigured(
            f"Salesforce named {host} as its host, which is not one of its own; nothing was stored."
        )
    if told.get("refresh_token"):
        token["refresh_token"] = str(told["refresh_token"])
    return token


def _host(base_url: str) -> str:
    return base_url.rstrip("/") or HOST
