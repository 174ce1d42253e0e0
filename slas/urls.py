from __future__ import annotations

from django.urls import path

from slas import views

app_name = "slas"
urlpatterns = [
    path("clocks/", views.clocks, name="clocks"),
    path("clocks/export/", views.export, name="export"),
    path("clocks/<uuid:clock_id>/", views.clock, name="clock"),
]
