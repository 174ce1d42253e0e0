"""The pages of records. Their route names are `records:…`, where people and other rooms look for them; their views
stand in this room, because a record's page shows judgements, clocks and handoffs, which records may not import."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from scorecards import moves_views, records_views
from scorecards.matching import views as matching

app_name = "records"
urlpatterns: list[URLPattern | URLResolver] = [
    path("records/", records_views.record_list, name="list"),
    path("records/export/", records_views.export, name="export"),
    path("records/matches/", matching.matches, name="matches"),
    path("records/matches/export.csv", matching.export, name="matches_export"),
    path("records/matches/domains/", matching.domains, name="match_domains"),
    path("records/<uuid:record_id>/", records_views.record, name="record"),
    path("records/<uuid:record_id>/belongs/", matching.belongs, name="belongs"),
    path("records/<uuid:record_id>/moves/", moves_views.moves, name="moves"),
    path("records/<uuid:record_id>/moves/<slug:stage>/", moves_views.move, name="move"),
    path(
        "records/<uuid:record_id>/moves/<uuid:ask_id>/withdraw/",
        moves_views.withdraw_move,
        name="withdraw_move",
    ),
    path("search/", records_views.search, name="search"),
]
