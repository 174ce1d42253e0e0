from __future__ import annotations

from django.urls import path

from slas.absences import views

urlpatterns = [
    path("people/absences/", views.absences, name="absences"),
    path("people/absences/add/", views.absence_add, name="absence_add"),
    path("people/absences/moves/", views.absence_moves, name="absence_moves"),
    path("people/absences/<int:absence_id>/edit/", views.absence_edit, name="absence_edit"),
    path("people/absences/<int:absence_id>/withdraw/", views.absence_withdraw, name="absence_withdraw"),
    path("people/absences/calendars/add/", views.feed_add, name="feed_add"),
    path("people/absences/calendars/<int:feed_id>/<slug:act>/", views.feed_act, name="feed_act"),
]
