from __future__ import annotations

from django.urls import URLPattern, path

from integrations.connecting import mapping_views, setup_views, views

urlpatterns: list[URLPattern] = [
    path("", views.connections, name="connections"),
    path("new/", views.new, name="connection_new"),
    path("oauth/callback/", setup_views.oauth_callback, name="oauth_callback"),
    path("<slug:name>/", views.connection, name="connection"),
    path("<slug:name>/pause/", views.pause, name="connection_pause"),
    path("<slug:name>/rename/", views.rename, name="connection_rename"),
    path("<slug:name>/give-up/", views.throw_away, name="connection_throw_away"),
    path("<slug:name>/disconnect/", views.disconnect, name="connection_disconnect"),
    path("<slug:name>/sign-in/", setup_views.sign_in, name="sign_in"),
    path("<slug:name>/sign-in/go/", setup_views.oauth_go, name="oauth_go"),
    path("<slug:name>/sign-in/<slug:method>/", setup_views.credentials, name="credentials"),
    path("<slug:name>/test/", setup_views.test, name="connection_test"),
    path("<slug:name>/objects/", setup_views.objects, name="connection_objects"),
    path("<slug:name>/fields/", mapping_views.fields, name="connection_fields"),
    path("<slug:name>/fields/<str:remote_object>/", mapping_views.mapping, name="connection_mapping"),
    path("<slug:name>/fields/<str:remote_object>/sample/", mapping_views.sample, name="connection_sample"),
    path("<slug:name>/changed/", mapping_views.changed, name="changed_fields"),
    path("<slug:name>/go-live/", setup_views.go_live, name="connection_go_live"),
]
