"""Pages about people that show every room, and so stand in this one. Their route names are `people:…`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from scorecards import people_export
from scorecards.leaving import views as leaving

app_name = "people"
urlpatterns: list[URLPattern | URLResolver] = [
    path("people/export.csv", people_export.export, name="export"),
    path("people/leavers/", leaving.leavers, name="leavers"),
    path("people/<int:person_id>/leaver/", leaving.leaver, name="leaver"),
    path("people/<int:person_id>/leaver/records.csv", leaving.export, name="leaver_export"),
]
