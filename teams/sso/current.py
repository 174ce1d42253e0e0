from __future__ import annotations

from django.conf import settings

from teams.sso.configured import SingleSignOn


def single_sign_on() -> SingleSignOn:
    """The provider of this installation. Raises LookupError without one; the routes answer 404 before."""
    provider: SingleSignOn | None = settings.SINGLE_SIGN_ON
    if provider is None:
        raise LookupError("no identity provider is configured")
    return provider
