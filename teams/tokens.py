"""API tokens: made once, kept as a hash, good until they expire or are revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from teams.models import ApiToken, Person, Scope

PREFIX = "gtm_"
HINT_LENGTH = 8
# Often enough to tell a token in use from a forgotten one, without a write for each request.
USE_NOTED_EVERY = timedelta(minutes=1)


def hash_secret(secret: str) -> str:
    # A plain digest is enough: the secret is 256 random bits, nothing that could be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(
    person: Person, *, name: str, scope: str = Scope.READ, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret. The secret can't be had again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        person=person,
        name=name,
        scope=scope,
        expires_at=expires_at,
        secret_hash=hash_secret(secret),
        hint=secret[:HINT_LENGTH],
    )
    return token, secret


def find_token(secret: str, now: datetime) -> ApiToken | None:
    """The usable token with this secret, its person loaded; None if unknown, expired, revoked, or if its
    person was deactivated."""
    token: ApiToken | None = (
        ApiToken.objects.usable(now).select_related("person").filter(secret_hash=hash_secret(secret)).first()
    )
    if token and (token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke_token(token: ApiToken, now: datetime) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)
