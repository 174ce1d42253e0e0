from __future__ import annotations

from django.urls import path

from slas.appeals import views

urlpatterns = [
    path("clocks/<uuid:clock_id>/not-on-me/", views.appeal, name="appeal"),
    path("appeals/", views.appeals, name="appeals"),
    path("appeals/<uuid:appeal_id>/<slug:act>/", views.decide, name="decide_appeal"),
]
