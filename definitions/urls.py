from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "definitions"
urlpatterns: list[URLPattern | URLResolver] = []
