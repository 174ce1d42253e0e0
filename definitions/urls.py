from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from definitions import views
from definitions.lint.views import check, remarks
from definitions.promote_views import promotion

app_name = "definitions"
urlpatterns: list[URLPattern | URLResolver] = [
    path("model/", views.model, name="model"),
    path("model/promote/", promotion, name="promote"),
    path("model/remarks/", remarks, name="remarks"),
    path("model/remarks/check/", check, name="check_model"),
    path("model/<slug:section>/<slug:key>/", views.item, name="item"),
]
