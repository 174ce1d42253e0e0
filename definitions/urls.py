from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from definitions import views

app_name = "definitions"
urlpatterns: list[URLPattern | URLResolver] = [
    path("model/", views.model, name="model"),
    path("model/<slug:section>/<slug:key>/", views.item, name="item"),
]
