from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from teams.access import ANONYMOUS, allowed_methods, allowed_principals, requires_totp
from teams.api_access import scope_allows, token_of
from teams.models import Person, Scope

NO_ACCESS = "You don't have access to this."


class AccessMiddleware:
    """Default deny: a view runs only if the policy table lists its route, method and the caller's role.

    Stands after the session, CSRF and authentication middleware. Nobody signed in: pages lead to the sign-in
    page, the API answers 401. Signed in: 403, or 405 for a method nobody may use on that route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        route = request.resolver_match.view_name if request.resolver_match else ""
        method = request.method or ""
        allowed = allowed_principals(route, method)
        door = door_of(request)
        if route in PASSWORD_ROUTES and not settings.PASSWORDS:
            return HttpResponseRedirect(resolve_url(settings.LOGIN_URL))
        if ANONYMOUS in allowed:
            return None
        person = door.person()
        if person is None:
            return door.ask_to_sign_in()
        if not allowed and allowed_methods(route):
            return door.refuse_method(allowed_methods(route))
        if person.role not in allowed or not door.may(method):
            return door.refuse(NO_ACCESS)
        if not is_part_of_totp_setup(route) and requires_totp(person):
            return door.ask_for_totp()
        timezone.activate(person.zone)
        return None


PASSWORD_ROUTES = {
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
}


def door_of(request: HttpRequest) -> PageDoor:
    if request.path.startswith(settings.ACCESS_API_PREFIX):
        return ApiDoor(request)
    if request.path.startswith(settings.ACCESS_SCIM_PREFIX):
        return ScimDoor(request)
    return PageDoor(request)


def is_part_of_totp_setup(route: str) -> bool:
    return route.startswith("mfa_") or route in {"account_logout", "account_reauthenticate"}


class PageDoor:
    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def person(self) -> Person | None:
        person = self.request.user
        return person if isinstance(person, Person) and person.is_active else None

    def may(self, method: str) -> bool:
        return True

    def ask_to_sign_in(self) -> HttpResponseBase:
        sign_in = resolve_url(settings.LOGIN_URL)
        if self.is_fragment():
            # A redirect would be followed out of sight and the sign-in page swapped into the fragment.
            return HttpResponse(status=401, headers={"HX-Redirect": sign_in})
        if not settings.PASSWORDS:
            # A page with one button would be a wall before every link in the CRM.
            sign_in = reverse("oidc_login")
        here = self.request.get_full_path() if self.request.method in {"GET", "HEAD"} else "/"
        return redirect_to_login(here, sign_in)

    def refuse(self, text: str) -> HttpResponseBase:
        raise PermissionDenied(text)

    def refuse_method(self, methods: list[str]) -> HttpResponseBase:
        return HttpResponseNotAllowed(methods)

    def ask_for_totp(self) -> HttpResponseBase:
        set_up = reverse("mfa_activate_totp")
        if self.is_fragment():
            return HttpResponse(status=403, headers={"HX-Redirect": set_up})
        return HttpResponseRedirect(set_up)

    def is_fragment(self) -> bool:
        return self.request.headers.get("HX-Request") == "true"


class ApiDoor(PageDoor):
    def person(self) -> Person | None:
        try:
            self.token = token_of(self.request)
        except AuthenticationFailed:
            return None
        return self.token.person if self.token else super().person()

    def may(self, method: str) -> bool:
        return self.token is None or scope_allows(self.token, method)

    def ask_to_sign_in(self) -> HttpResponseBase:
        text = "Sign in, or send a token that is known and has not expired."
        return JsonResponse({"detail": text}, status=401, headers={"WWW-Authenticate": "Bearer"})

    def refuse(self, text: str) -> HttpResponseBase:
        return JsonResponse({"detail": text}, status=403)

    def ask_for_totp(self) -> HttpResponseBase:
        return self.refuse("Set up an authenticator app first: your role needs it.")


class ScimDoor(ApiDoor):
    """Only for a token made for SCIM: no session opens it, so no other site can send a request in somebody's name."""

    def person(self) -> Person | None:
        try:
            self.token = token_of(self.request)
        except AuthenticationFailed:
            return None
        return self.token.person if self.token else None

    def may(self, method: str) -> bool:
        return self.token is not None and self.token.scope == Scope.SCIM

    def ask_to_sign_in(self) -> HttpResponseBase:
        answer = scim_error(401, "Send a token that is known and has not expired.")
        answer["WWW-Authenticate"] = "Bearer"
        return answer

    def refuse(self, text: str) -> HttpResponseBase:
        return scim_error(403, f"{text} It needs a token for SCIM that an admin made.")

    def ask_for_totp(self) -> HttpResponseBase:
        return scim_error(403, "Whoever made this token has to set up an authenticator app first.")

    def refuse_method(self, methods: list[str]) -> HttpResponseBase:
        answer = scim_error(405, "Nobody may do this here.")
        answer["Allow"] = ", ".join(methods)
        return answer


def scim_error(status: int, detail: str) -> JsonResponse:
    """An error in the shape of RFC 7644, without loading what speaks the rest of it."""
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(status),
        "detail": detail,
    }
    return JsonResponse(body, status=status, content_type="application/scim+json")
