from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "effects"
urlpatterns: list[URLPattern | URLResolver] = []
