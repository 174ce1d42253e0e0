"""The pages of records. Their route names are `records:…`, where people and other rooms look for them; their views
stand in this room, because a record's page shows judgements, clocks and handoffs, which records may not import."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from scorecards import records_views

app_name = "records"
urlpatterns: list[URLPattern | URLResolver] = [
    path("records/", records_views.record_list, name="list"),
    path("records/export/", records_views.export, name="export"),
    path("records/<uuid:record_id>/", records_views.record, name="record"),
    path("search/", records_views.search, name="search"),
]
