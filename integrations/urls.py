from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from integrations import asks_views, reading_views, views
from integrations.enforcement import views as enforcement
from integrations.people import views as people
from integrations.reporting import views as reporting
from integrations.writing import record_views, settings_views
from integrations.writing import views as writing_views

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/hubspot/<slug:name>/", views.hubspot_webhook, name="hubspot_webhook"),
    path("connections/", include("integrations.connecting.urls")),
    path("crm/", writing_views.writing, name="writing"),
    path("crm/pause/", writing_views.pause_all, name="pause"),
    path("crm/switches/<int:pk>/", writing_views.switch, name="switch"),
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
    path("crm/<slug:name>/reports/", reporting.reports, name="reports"),
    path("crm/<slug:name>/reports/<slug:what>/", reporting.act, name="reports_act"),
    path("crm/<slug:name>/preview/", writing_views.preview, name="preview"),
    path("crm/every-field/", writing_views.possible, name="possible"),
    path("crm/every-field.csv", writing_views.possible_export, name="possible_export"),
    path("crm/<slug:name>/preview.csv", writing_views.preview_export, name="preview_export"),
    path("crm/<slug:name>/start/", writing_views.start_or_stop, name="start_or_stop"),
    path("crm/<slug:name>/limits/", settings_views.limits, name="limits"),
    path("crm/<slug:name>/not-written/", record_views.not_written, name="dead"),
    path("crm/<slug:name>/not-written/<slug:what>/", record_views.settle_refused, name="settle_refused"),
    path("crm/<slug:name>/log/", record_views.write_log, name="write_log"),
    path("crm/<slug:name>/hold/", record_views.hold, name="hold"),
    path("crm/<slug:name>/uninstall/", settings_views.uninstall, name="uninstall"),
    path("crm/<slug:name>/activities/", writing_views.switch_activities, name="switch_activities"),
    path("crm/<slug:name>/fields/", writing_views.provision, name="provision"),
    path("crm/<slug:name>/lift-hold/", writing_views.lift_hold, name="lift_hold"),
    path("people/from-crms/", people.people, name="people"),
    path("people/from-crms/export.csv", people.export, name="people_export"),
    path("people/from-crms/rules/", people.rules, name="people_rules"),
    path("import/", include("integrations.csv.urls")),
    path("runs/", reading_views.runs, name="runs"),
    path("runs/<uuid:pk>/", reading_views.run, name="run"),
    path("runs/<uuid:pk>/undo/", writing_views.undo, name="undo"),
    path("runs/read/<slug:name>/", reading_views.read_now, name="read_now"),
    path("runs/reading/<slug:name>/", reading_views.reading, name="reading"),
    path("runs/reading/<slug:name>/pause/", reading_views.pause_reading, name="pause_reading"),
    path("runs/reading/<slug:name>/schedule/", reading_views.schedule, name="schedule"),
    path("runs/reading/<slug:name>/compare/", reading_views.compare_now, name="compare_now"),
    path("runs/reading/<slug:name>/repair/", reading_views.repair, name="repair"),
]
