from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from scorecards import views
from scorecards.boards.urls import urlpatterns as boards

app_name = "scorecards"
urlpatterns: list[URLPattern | URLResolver] = [
    path("map/", views.map_page, name="map"),
    path("scorecard/", views.monday, name="monday"),
    path("numbers/<slug:metric>/", views.number, name="number"),
    path("numbers/<slug:metric>/export/", views.number_export, name="number_export"),
    *boards,
]
