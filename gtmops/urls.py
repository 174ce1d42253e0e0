from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from gtmops import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    # Those of allauth that are used here: not the pages on which people tie accounts of others to theirs.
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("accounts/", include("teams.sso.urls")),
    path("api/", include("gtmops.api_urls")),
    path(
        "", include("scorecards.people_urls")
    ),  # before the rest of people: /people/leavers/ is nobody's page
    path("scim/v2/", include("teams.scim.urls")),
    path("", include("teams.urls")),
    path("", include("effects.urls")),
    path("", include("definitions.urls")),
    path("", include("slas.urls")),
    path("", include("handoffs.urls")),
    path("", include("scorecards.records_urls")),  # the pages of records; see there why
    path("", include("scorecards.urls")),
    path("", include("integrations.urls")),
]
