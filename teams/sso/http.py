"""Calls to the identity provider: in time, no redirects, and every failure is one that allauth expects."""

from __future__ import annotations

from typing import Any

import requests
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings

MAX_BYTES = 2_000_000


class ProviderSession(requests.Session):
    """Raises OAuth2Error, never with what was sent: that may hold the secret or a code."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        tuning = settings.GTMOPS
        kwargs |= {
            "timeout": (tuning.http_connect_seconds, tuning.http_read_seconds),
            "allow_redirects": False,
            "stream": True,
        }
        try:
            response = super().request(method, url, *args, **kwargs)
            body = response.raw.read(MAX_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError, ValueError) as fault:
            raise OAuth2Error(f"the identity provider could not be asked: {type(fault).__name__}") from None
        if len(body) > MAX_BYTES:
            raise OAuth2Error("the identity provider answered far too much")
        response._content = body
        if not 200 <= response.status_code < 300:
            raise OAuth2Error(f"the identity provider answered {response.status_code}")
        return response
