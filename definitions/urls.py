from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from definitions import views
from definitions.agreement import act_views, draft_views, whom_views
from definitions.agreement.promote_views import promotion
from definitions.builder import views as builder_views
from definitions.evidence import exception_views, health_views
from definitions.files import setup_views
from definitions.lint.views import check, remarks
from definitions.signals import views as signal_views
from definitions.triggers import views as trigger_views

app_name = "definitions"
urlpatterns: list[URLPattern | URLResolver] = [
    path("model/", views.model, name="model"),
    path("model/set-up/", setup_views.set_up, name="set_up"),
    path("model/promote/", promotion, name="promote"),
    path("model/remarks/", remarks, name="remarks"),
    path("model/remarks/check/", check, name="check_model"),
    path("model/exceptions/", exception_views.exceptions, name="exceptions"),
    path("model/exceptions/export/", exception_views.export, name="export_exceptions"),
    path("model/exceptions/ask/<uuid:record_id>/", exception_views.ask, name="ask_exception"),
    path("model/exceptions/<uuid:exception_id>/<slug:act>/", exception_views.decide, name="decide_exception"),
    path("model/checks/", health_views.checks, name="checks"),
    path("model/checks/export/", health_views.export, name="export_checks"),
    path("model/checks/records/", health_views.behind, name="checks_behind"),
    path("model/try/", builder_views.try_conditions, name="try_conditions"),
    path("model/builder/catalogue/", builder_views.catalogue, name="builder_catalogue"),
    path("model/builder/preview/", builder_views.preview, name="builder_preview"),
    path("model/builder/text/", builder_views.text, name="builder_text"),
    path("model/new/<slug:section>/", draft_views.new, name="new"),
    path("model/<slug:section>/<slug:key>/", views.item, name="item"),
    path("model/<slug:section>/<slug:key>/compare/", views.compare, name="compare"),
    path("model/<slug:section>/<slug:key>/impact/", views.impact, name="impact"),
    path("model/<slug:section>/<slug:key>/edit/", draft_views.edit, name="edit"),
    path("model/<slug:section>/<slug:key>/changes/", whom_views.changes, name="changes"),
    path("model/<slug:section>/<slug:key>/changes/export/", whom_views.export_changes, name="export_changes"),
    path("model/<slug:section>/<slug:key>/watched/", whom_views.watched, name="watched"),
    path("model/<slug:section>/<slug:key>/watched/export/", whom_views.export_watched, name="export_watched"),
    path("model/<slug:section>/<slug:key>/act/<slug:act>/", act_views.act, name="act"),
    path("signals/", signal_views.signals, name="signals"),
    path("triggers/", trigger_views.triggers, name="triggers"),
    path("triggers/export/", trigger_views.export, name="export_triggers"),
    path("triggers/<uuid:firing_id>/handled/", trigger_views.handled, name="handle_trigger"),
]
