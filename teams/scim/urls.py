"""Under /scim/v2/. Without a slash at the end, as providers ask."""

from __future__ import annotations

from django.urls import path

from teams.scim import views

app_name = "scim"
urlpatterns = [
    path("ServiceProviderConfig", views.config, name="config"),
    path("ResourceTypes", views.resource_types, name="resource_types"),
    path("ResourceTypes/<str:name>", views.resource_types, name="resource_type"),
    path("Schemas", views.schemas, name="schemas"),
    path("Schemas/<str:name>", views.schemas, name="schema"),
    path("Users", views.users, name="users"),
    path("Users/<str:number>", views.user, name="user"),
    path("Groups", views.all_groups, name="groups"),
    path("Groups/<str:number>", views.group, name="group"),
    path("<path:rest>", views.unknown, name="unknown"),
]
