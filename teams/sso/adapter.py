"""Where allauth asks us: which provider there is, and who somebody is that comes from it."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from teams.sso.arriving import Reason, Refused, arrive
from teams.sso.current import single_sign_on
from teams.sso.http import ProviderSession
from teams.sso.provider import PROVIDER

log = structlog.get_logger(__name__)


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The one of the environment, or none."""
        if settings.SINGLE_SIGN_ON is None or provider not in (None, PROVIDER):
            return []
        sign_on = single_sign_on()
        return [
            SocialApp(
                provider=PROVIDER,
                name=sign_on.label,
                client_id=sign_on.client_id,
                secret=sign_on.client_secret,
            )
        ]

    def get_requests_session(self) -> ProviderSession:
        return ProviderSession()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never by allauth's form: whoever is welcome was made before it asks."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        sociallogin.state["process"] = "login"  # a link can ask for others; there are none here
        claims = sociallogin.claims
        known = sociallogin.user if sociallogin.is_existing else None
        try:
            with transaction.atomic():
                person = arrive(
                    claims,
                    known,
                    provider=single_sign_on(),
                    rules=settings.GROUP_RULES,
                    now=timezone.now(),
                )
                if known is None:
                    # One account for each person: an account made anew at the provider takes the place of the old one.
                    SocialAccount.objects.filter(user=person).delete()
                    sociallogin.connect(request, person)
                else:
                    sociallogin.user = person
        except Refused as refused:
            log.info("sign-in refused", reason=refused.reason.value)
            raise ImmediateHttpResponse(refusal(request, refused.reason, claims.email)) from None

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        log.warning(
            "sign-in with the identity provider failed", error=str(error), reason=str(exception or "")
        )
        reason = Reason.CANCELLED if error == AuthError.CANCELLED else Reason.FAILED
        raise ImmediateHttpResponse(refusal(request, reason))


def refusal(request: HttpRequest, reason: Reason, email: str = "") -> HttpResponse:
    """The page that says what to do."""
    context = {"reason": reason.value, "email": email, "domains": sorted(single_sign_on().domains)}
    return render(request, "teams/sign_in_refused.html", context, status=403)
