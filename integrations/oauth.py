"""Signing in to a CRM in the browser: a state bound to the session, a PKCE verifier, and the CRM's refusals in words.

What each provider says and is asked lies in ``salesforce/oauth.py`` and ``hubspot/oauth.py``:
``authorize_url(app, state, challenge, redirect_uri)``, ``exchange(app, code, verifier, redirect_uri)`` and
``refresh(secret)``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol, cast

from django.conf import settings
from django.urls import reverse

from integrations.errors import Misconfigured
from integrations.secrets import seal, unseal

METHOD = "oauth"
"""The credential's method; its secret: {client_id, client_secret, base_url, refresh_token}, the session beside it."""
LASTS_SECONDS = 900
SESSION_KEY = "crm_sign_in"

REFUSALS = {
    "access_denied": "Access was not granted there. Whoever signs in must be allowed to use the app, and allow it.",
    "invalid_client": "The CRM does not know this app. Copy its client id and secret once more.",
    "invalid_client_id": "The CRM does not know this client id. Copy it once more; a new app may need ten minutes.",
    "unauthorized_client": "The app may not sign in this way. Switch on the authorization code flow in its settings.",
    "redirect_uri_mismatch": "The app lacks our callback address. Copy it from this page into the app's settings.",
    "invalid_scope": "The app lacks a scope that we ask for. Add the scopes listed here to the app.",
    "invalid_grant": "The CRM no longer takes this sign-in: its code had expired or was used already. Sign in again.",
    "immediate_unsuccessful": "Nobody was signed in there. Sign in again.",
    "server_error": "The CRM had a fault of its own. Try again in a minute.",
    "temporarily_unavailable": "The CRM is busy. Try again in a minute.",
}


@dataclass(frozen=True)
class OAuthApp:
    """The app registered in the CRM. ``base_url``: scheme and host that answer its sign-in, empty for the provider's
    own; a stand-in's or a proxy's address takes their place."""

    client_id: str
    client_secret: str
    base_url: str = ""

    def __repr__(self) -> str:
        return f"OAuthApp({self.client_id!r}, base_url={self.base_url!r})"


class Provider(Protocol):
    """One provider's ``oauth`` module. Every function may raise a ConnectorError."""

    def authorize_url(self, app: OAuthApp, state: str, challenge: str, redirect_uri: str) -> str:
        """Where the browser goes to sign in and allow the app."""

    def exchange(self, app: OAuthApp, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """The token answer: access_token, refresh_token, and what the connector needs beside (kept as the session)."""

    def refresh(self, secret: Mapping[str, Any]) -> dict[str, Any]:
        """A new token answer for a stored secret; with a refresh_token where the provider rotates it."""


@dataclass(frozen=True)
class Pending:
    """A sign-in that was begun in this browser and has come back."""

    connection: str
    app: OAuthApp
    verifier: str


class NotOurs(Exception):
    """The answer belongs to no sign-in begun in this browser, or came too late. ``str`` is for the page."""


def provider_of(kind: str) -> Provider:
    """Raises Misconfigured for a kind that has no sign-in of its own."""
    if kind not in {"salesforce", "hubspot"}:
        raise Misconfigured(f"A connection of kind {kind} has no sign-in in the browser.")
    return cast("Provider", import_module(f"integrations.{kind}.oauth"))


def redirect_uri() -> str:
    """What the app in the CRM must name as its callback address; public, never from the Host header."""
    return f"{settings.SITE_URL}{reverse('integrations:oauth_callback')}"


def begin(session: MutableMapping[str, Any], connection: str, kind: str, app: OAuthApp, now: datetime) -> str:
    """Remember a sign-in in the session and give the address to send the browser to. Raises ConnectorError.

    A second one takes the place of the first. The app's secret and the verifier stand sealed in the session."""
    state, verifier = randomness.token_urlsafe(32), randomness.token_urlsafe(64)
    address = provider_of(kind).authorize_url(app, state, challenge_of(verifier), redirect_uri())
    session[SESSION_KEY] = {
        "state": state,
        "connection": connection,
        "until": (now + timedelta(seconds=LASTS_SECONDS)).isoformat(),
        "sealed": seal(
            {
                "verifier": verifier,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "base_url": app.base_url,
            }
        ).decode(),
    }
    return address


def finish(session: MutableMapping[str, Any], state: str, now: datetime) -> Pending:
    """Take the sign-in with that state out of the session; it can be used once. Raises NotOurs."""
    held = session.get(SESSION_KEY)
    if not isinstance(held, dict) or not hmac.compare_digest(str(held["state"]).encode(), state.encode()):
        raise NotOurs(
            "That answer belongs to no sign-in begun in this browser, so nothing was stored. Begin again from the "
            "connection's page."
        )
    del session[SESSION_KEY]
    if now > datetime.fromisoformat(held["until"]):
        raise NotOurs(f"The sign-in took longer than {LASTS_SECONDS // 60} minutes. Begin again.")
    try:
        opened = unseal(str(held["sealed"]).encode())
    except Misconfigured:
        raise NotOurs("The encryption keys changed while you were signing in. Begin again.") from None
    app = OAuthApp(opened["client_id"], opened["client_secret"], opened["base_url"])
    return Pending(held["connection"], app, opened["verifier"])


def refusal(error: str, description: str) -> str:
    """What a refused sign-in means and what to do, with the CRM's own words behind."""
    known = REFUSALS.get(error, "The CRM refused the sign-in.")
    said = ": ".join(part for part in (error[:80], " ".join(description.split())[:300]) if part)
    return f"{known} (It said “{said}”.)" if said else known


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def secret_of(app: OAuthApp, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The secret to store for a token answer. Raises Misconfigured when the session could not be renewed."""
    if not answer.get("refresh_token"):
        raise Misconfigured(
            "The CRM gave no refresh token, so the connection would end within hours. Allow the app to keep access "
            "(Salesforce: the scope “refresh_token, offline_access”), then sign in again."
        )
    return {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "base_url": app.base_url,
        "refresh_token": answer["refresh_token"],
    }
