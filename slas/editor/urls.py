from __future__ import annotations

from django.urls import path

from slas.editor import trial_views, views

urlpatterns = [
    path("clocks/rules/new/", views.new_rule, name="new_rule"),
    path("clocks/rules/look/", views.look, name="look_at_rule"),
    path("clocks/rules/try/", trial_views.try_typed, name="try_typed"),
    path("clocks/rules/<slug:key>/edit/", views.edit_rule, name="edit_rule"),
    path("clocks/rules/<slug:key>/try/", trial_views.try_draft, name="try_rule"),
    path("clocks/rules/<slug:key>/watched/", trial_views.watched_rule, name="watched_rule"),
    path(
        "clocks/rules/<slug:key>/watched/export/", trial_views.export_watched_rule, name="export_watched_rule"
    ),
]
