"""Found by allauth, which puts them under /accounts/ beside its own."""

from __future__ import annotations

from django.urls import path

from teams.sso import views

urlpatterns = [
    path("oidc/login/", views.login, name="oidc_login"),
    path("oidc/callback/", views.callback, name="oidc_callback"),
    path("once/<str:token>/", views.once, name="sign_in_once"),
]
