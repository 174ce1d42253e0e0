from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from slas import touch_views, views

app_name = "slas"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("slas.editor.urls")),
    path("clocks/", views.clocks, name="clocks"),
    path("clocks/export/", views.export, name="export"),
    path("clocks/<uuid:clock_id>/", views.clock, name="clock"),
    path("touches/<uuid:record_id>/", touch_views.report, name="touch"),
    path("", include("slas.appeals.urls")),
    path("", include("slas.calendars.urls")),
    path("", include("slas.absences.urls")),
]
