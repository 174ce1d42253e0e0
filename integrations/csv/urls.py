from __future__ import annotations

from django.urls import URLPattern, path

from integrations.csv import views

urlpatterns: list[URLPattern] = [
    path("", views.imports, name="imports"),
    path("<uuid:pk>/", views.result, name="import_result"),
    path("<uuid:pk>/columns/", views.map_columns, name="import_map"),
    path("<uuid:pk>/preview/", views.preview, name="import_preview"),
    path("<uuid:pk>/refused.csv", views.refused, name="import_refused"),
    path("<uuid:pk>/<slug:what>/", views.act, name="import_act"),
]
