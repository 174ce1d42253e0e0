from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from effects import views

app_name = "effects"
urlpatterns: list[URLPattern | URLResolver] = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.read_all, name="read_all"),
    path("inbox/undelivered/", views.undelivered, name="undelivered"),
    path("inbox/undelivered/retry/", views.retry, name="retry"),
    path("profile/notifications/", views.preferences, name="preferences"),
    path("profile/notifications/test/", views.send_test, name="send_test"),
    path("inbox/<int:message_id>/", views.open_message, name="open"),
    path("inbox/<int:message_id>/read/", views.read, name="read"),
]
