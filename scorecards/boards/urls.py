from __future__ import annotations

from django.urls import URLPattern, path

from scorecards.boards import views

urlpatterns: list[URLPattern] = [
    path("clocks/board/", views.board, name="board"),
    path("clocks/late/", views.late_list, name="late"),
    path("clocks/in-time/", views.in_time, name="attainment"),
    path("clocks/first-touch/", views.touched, name="first_touch"),
    path("clocks/speed/", views.speed_pays, name="speed"),
    path("clocks/black-hole/", views.hole, name="black_hole"),
    path("clocks/misrouted/", views.wrong, name="misrouted"),
    path("clocks/unowned/", views.nobodys, name="unowned"),
    path("clocks/boards/<slug:page>/export/", views.export, name="board_export"),
    path("clocks/views/", views.save_view, name="view_save"),
    path("clocks/views/<int:view_id>/<slug:act>/", views.act_on_view, name="view_act"),
]
