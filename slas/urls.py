from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from slas import start_views, touch_views, views

app_name = "slas"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("slas.editor.urls")),
    path("clocks/", views.clocks, name="clocks"),
    path("clocks/export/", views.export, name="export"),
    path("clocks/<uuid:clock_id>/", views.clock, name="clock"),
    path("clocks/questions/", start_views.start_questions, name="start_questions"),
    path("clocks/questions/<int:pk>/", start_views.start_question, name="start_question"),
    path("touches/<uuid:record_id>/", touch_views.report, name="touch"),
    path("", include("slas.appeals.urls")),
    path("", include("slas.calendars.urls")),
    path("", include("slas.absences.urls")),
]
