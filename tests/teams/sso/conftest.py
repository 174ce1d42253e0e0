"""The stand-in identity provider on a port of its own, and a browser's way through it without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from integrations.standins.app import Running, running_standins
from integrations.standins.identity_api import CLIENT_ID, CLIENT_SECRET, PREFIX
from teams.sso.configured import SingleSignOn

DANA = "dana@fernhill.example"
NEW = "nora@fernhill.example"
NOTHING: Any = {"users": [], "owners": [], "queues": [], "salesforce": {}, "hubspot": {}}

SignIn = Callable[..., HttpResponse]


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running_standins(NOTHING) as running:
        yield running


@pytest.fixture
def single_sign_on(provider: Running, settings: Any) -> SingleSignOn:
    settings.SINGLE_SIGN_ON = SingleSignOn(
        url=provider.base_url + PREFIX,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        domains=frozenset({"fernhill.example"}),
        label="Sign in with Fernhill ID",
    )
    chosen: SingleSignOn = settings.SINGLE_SIGN_ON
    return chosen


@pytest.fixture
def sign_in(provider: Running, single_sign_on: SingleSignOn) -> SignIn:
    """`sign_in(client, account, to=…, **claims)`: all redirects there and back; the answer to the last of ours."""

    def through(client: Client, account: str, /, *, to: str = "", **claims: Any) -> HttpResponse:
        provider.application.identity.set_claims(account, **claims)
        query = "?" + urlencode({"next": to}) if to else ""
        out = client.get(reverse("oidc_login") + query)
        assert out.status_code == 302, out.content[:300]
        return client.get(come_back(out["Location"], account))

    return through


def come_back(authorize: str, email: str) -> str:
    """What the provider sends the browser back to, once `email` is chosen there; "" cancels."""
    assert requests.get(authorize, timeout=10).status_code == 200
    chosen = authorize.replace("/authorize?", "/choose?") + "&" + urlencode({"as": email})
    back = requests.get(chosen, timeout=10, allow_redirects=False).headers["Location"]
    parts = urlsplit(back)
    assert parts.path == reverse("oidc_callback")
    return f"{parts.path}?{parts.query}"
