from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from handoffs import snooze_views, views

app_name = "handoffs"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.my_day, name="my_day"),
    path("my-day/snooze/<uuid:record_id>/", snooze_views.snooze_until, name="snooze_until"),
    path("my-day/snooze/<uuid:record_id>/<slug:until>/", snooze_views.snooze, name="snooze"),
    path("handoffs/", views.handoff_list, name="list"),
    path("handoffs/export/", views.export, name="export"),
    path("handoffs/<uuid:handoff_id>/", views.handoff, name="handoff"),
    path("handoffs/<uuid:handoff_id>/draft/", views.draft, name="draft"),
    path("handoffs/<uuid:handoff_id>/<slug:act>/", views.act, name="act"),
]
