"""The API's door: who asks (token or session), and whether the policy lets them.

Apart from the views, because DRF loads these while it loads its own."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from teams.access import ANONYMOUS, allowed_principals
from teams.models import ApiToken, Person, Scope
from teams.tokens import PREFIX, find_token

if TYPE_CHECKING:
    from rest_framework.views import APIView


def token_of(request: HttpRequest) -> ApiToken | None:
    """The token a request carries, None without one. Raises AuthenticationFailed for one that is no good."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        # Tools that send events know no other way: the token as user name, no password.
        secret = _user_name_of(secret)
        if not secret.startswith(PREFIX):
            return None
    elif scheme.lower() not in {"bearer", "token"}:
        return None
    if not hasattr(request, "_api_token"):
        request._api_token = find_token(secret.strip(), timezone.now())  # type: ignore[attr-defined]  # once a request
    token: ApiToken | None = request._api_token  # type: ignore[attr-defined]  # set above
    if token is None:
        raise AuthenticationFailed("This token is unknown, expired or revoked.")
    return token


def _user_name_of(credentials: str) -> str:
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode("ascii").partition(":")[0]
    except ValueError:
        return ""


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <secret>` (or `Token <secret>`, or Basic with the secret as user name)."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken] | None:
        token = token_of(request._request)
        return (token.person, token) if token else None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PolicyPermission(BasePermission):
    """The policy table, and read-only tokens only read."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        match = request.resolver_match
        if match is None:
            return False
        if isinstance(request.auth, ApiToken) and not scope_allows(request.auth, request.method or ""):
            return False
        principal = request.user.role if isinstance(request.user, Person) else ANONYMOUS
        return principal in allowed_principals(match.view_name, request.method or "")


def scope_allows(token: ApiToken, method: str) -> bool:
    """A token for SCIM opens nothing else."""
    return token.scope == Scope.WRITE or (token.scope == Scope.READ and method in SAFE_METHODS)
