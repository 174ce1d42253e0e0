"""HubSpot's v3 webhook signature, on raw bytes. Not the client library's: it takes any future time and trips over
signatures that are not ASCII. https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
"""The only escapes that HubSpot undoes in the address before it signs."""


def sign_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """``uri``: the full public address as HubSpot called it; ``timestamp``: milliseconds, as in the header."""
    for code, plain in DECODED.items():
        uri = uri.replace(code, plain)
    text = method.encode() + uri.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def is_signed_v3(
    *,
    secret: str,
    method: str,
    uri: str,
    body: bytes,
    timestamp: str,
    signature: str,
    now: datetime,
    tolerance_seconds: int,
) -> bool:
    """Whether the request is HubSpot's and of now, to either side of our clock."""
    if not secret or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 15:
        return False
    if abs(now.timestamp() - int(timestamp) / 1000) > tolerance_seconds:
        return False
    expected = sign_v3(secret, method, uri, body, timestamp)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape"))
