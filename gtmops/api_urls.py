"""Everything under /api/: the schema, and one include per room's api.py under v1/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import definitions.api
import definitions.signals.api
import handoffs.api
import integrations.writing.api
import scorecards.api
import scorecards.moves_api
import slas.api
import slas.appeals.api
import slas.touch_views
from teams.api import MeView

v1: list[URLPattern | URLResolver] = [
    path("me/", MeView.as_view(), name="me"),
    *definitions.api.urlpatterns,
    *definitions.signals.api.urlpatterns,
    *slas.api.urlpatterns,
    *slas.touch_views.api_urlpatterns,
    *slas.appeals.api.urlpatterns,
    *handoffs.api.urlpatterns,
    *integrations.writing.api.urlpatterns,
    *scorecards.api.urlpatterns,
    *scorecards.moves_api.urlpatterns,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    # The split view: a script file of its own, so that the page keeps the strict CSP.
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("v1/", include((v1, "api"))),
]
