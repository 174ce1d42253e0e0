from __future__ import annotations

from typing import Any

from allauth.account.utils import perform_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from teams.sso.once import person_of_link
from teams.sso.provider import PROVIDER, OidcAdapter


@require_safe
def login(request: HttpRequest) -> HttpResponse:
    """Off to the identity provider, at once: a form's redirects would be held to our own content policy, and a
    provider's tile (its initiate-login address) is a plain link."""
    return _through(request, OAuth2LoginView)


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    return _through(request, OAuth2CallbackView)


def _through(request: HttpRequest, view: Any) -> HttpResponse:
    if settings.SINGLE_SIGN_ON is None:
        raise Http404
    try:
        answer: HttpResponse = view.adapter_view(OidcAdapter)(request)
    except OAuth2Error as fault:
        # On the way out allauth expects no failure.
        provider = get_adapter().get_provider(request, PROVIDER)
        answer = render_authentication_error(request, provider, exception=fault)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def once(request: HttpRequest, token: str) -> HttpResponse:
    """A link made by `manage.py sign_in_link`; a person presses the button, so that no preview uses it up."""
    person = person_of_link(token)
    if person is None:
        return render(request, "teams/sign_in_once.html", {"person": None}, status=404)
    if request.method == "POST":
        try:
            answer: HttpResponse = perform_login(request, person, email_verification="none")
        except ImmediateHttpResponse as immediate:
            answer = immediate.response
        return answer
    return render(request, "teams/sign_in_once.html", {"person": person})
