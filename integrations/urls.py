from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from integrations import asks_views, views
from integrations.enforcement import views as enforcement

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/hubspot/<slug:name>/", views.hubspot_webhook, name="hubspot_webhook"),
    path("crm/", views.writing, name="writing"),
    path("crm/pause/", views.pause_all, name="pause"),
    path("crm/switches/<int:pk>/", views.switch, name="switch"),
    path("crm/<slug:name>/switches/<slug:what>/", asks_views.switch_crm_fields, name="switch_crm_fields"),
    path("crm/rules/", enforcement.rules, name="rules"),
    path("crm/rules/made.csv", enforcement.export, name="rules_export"),
    path("crm/rules/<int:pk>/put-back/", enforcement.put_back, name="rule_put_back"),
    path("crm/rules/<int:pk>/accept/", enforcement.accept, name="rule_accept"),
    path("crm/rules/<slug:name>/<slug:what>/", enforcement.act, name="rules_act"),
    path(
        "crm/rules/<slug:name>/<slug:pipeline>/<slug:stage>/<slug:remote_object>/",
        enforcement.refused,
        name="rules_refused",
    ),
    path("crm/<slug:name>/preview/", views.preview, name="preview"),
    path("crm/<slug:name>/activities/", views.switch_activities, name="switch_activities"),
    path("crm/<slug:name>/fields/", views.provision, name="provision"),
    path("crm/<slug:name>/retry/", views.retry, name="retry"),
    path("crm/<slug:name>/lift-hold/", views.lift_hold, name="lift_hold"),
    path("runs/", views.runs, name="runs"),
    path("runs/<uuid:pk>/", views.run, name="run"),
    path("runs/<uuid:pk>/undo/", views.undo, name="undo"),
    path("runs/read/<slug:name>/", views.read_now, name="read_now"),
]
