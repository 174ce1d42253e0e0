from __future__ import annotations

from django.urls import path

from slas.calendars import views

urlpatterns = [
    path("hours/new/", views.hours_new, name="hours_new"),
    path("hours/preview/", views.hours_preview, name="hours_preview"),
    path("hours/moves/", views.hours_moves, name="hours_moves"),
    path("hours/<slug:key>/edit/", views.hours, name="hours"),
    path("hours/<slug:key>/moves/", views.hours_trial, name="hours_trial"),
]
