from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from effects import views

app_name = "effects"
urlpatterns: list[URLPattern | URLResolver] = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.read_all, name="read_all"),
    path("inbox/<int:message_id>/", views.open_message, name="open"),
    path("inbox/<int:message_id>/read/", views.read, name="read"),
]
