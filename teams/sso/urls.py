"""Under /accounts/, beside those of allauth, which finds them by their names."""

from __future__ import annotations

from django.urls import path

from teams.sso import views

urlpatterns = [
    path("oidc/login/", views.login, name="oidc_login"),
    path("oidc/callback/", views.callback, name="oidc_callback"),
    path("once/<str:token>/", views.once, name="sign_in_once"),
]
