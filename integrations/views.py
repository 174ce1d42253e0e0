"""What we write to your CRM, runs, and the door for HubSpot's webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from effects.tick import now_utc
from integrations import provision as provisioning
from integrations.asks import waiting_asks
from integrations.forms import ActivitySwitchForm, PauseForm
from integrations.models import ActivitySwitches, Run, WriteSwitch
from integrations.overview import overview_of
from integrations.pull import pull_now
from integrations.registry import CONNECTORS
from integrations.signatures import is_signed_v3
from integrations.webhooks import store_events, webhook_secret
from integrations.writing import dead
from integrations.writing.preview import preview as preview_of
from integrations.writing.undoing import undo_run
from records.models import AskedChange, Connection, DesiredField, Record
from teams.access import person_of

PREVIEWED = 200
LISTED = 50
COUNTS = {
    "rows": "Rows in the files",
    "read": "Records read",
    "created": "New",
    "changed": "Changed",
    "unchanged": "As before",
    "deleted": "Deleted there",
    "written": "Records written",
    "refused": "Refused by the CRM",
    "retry": "To be sent again",
    "gone": "No longer there",
    "calls": "Calls",
}


@csrf_exempt
@require_POST
def hubspot_webhook(request: HttpRequest, name: str) -> HttpResponse:
    """204 once the events are stored, 401 for anything not signed by HubSpot now, 503 when they could not be stored."""
    try:
        found = webhook_secret(name)
        body = request.body
        now = datetime.now(UTC)
        if found is None or not is_signed_v3(
            secret=found[1],
            method=request.method or "",
            # The public address, not the Host header, which anyone can set.
            uri=f"{settings.SITE_URL}{request.get_full_path()}",
            body=body,
            timestamp=request.headers.get("X-HubSpot-Request-Timestamp", ""),
            signature=request.headers.get("X-HubSpot-Signature-v3", ""),
            now=now,
            tolerance_seconds=settings.GTMOPS.webhook_tolerance_seconds,
        ):
            return HttpResponse(status=401)
        try:
            events = json.loads(body)
        except (ValueError, RecursionError):
            return HttpResponse(status=400)
        store_events(found[0], events if isinstance(events, list) else [events], now)
    except OperationalError:
        return HttpResponse(status=503)
    return HttpResponse(status=204)


@require_GET
def writing(request: HttpRequest) -> HttpResponse:
    person_of(request)
    overviews = [overview_of(c, now_utc()) for c in Connection.objects.filter(kind__in=CONNECTORS)]
    context = {
        "overviews": overviews,
        "is_any_writing": any(o.state == "writing" for o in overviews),
        "is_any_paused": any(o.state == "paused" for o in overviews),
    }
    return render(request, "integrations/writing.html", context)


@require_GET
def preview(request: HttpRequest, name: str) -> HttpResponse:
    """What the next push would change, before and after; nothing is sent."""
    person = person_of(request)
    connection = _connection(name)
    planned = preview_of(connection)
    ids = {write.row.record_id for write in planned}
    seen = set(Record.objects.for_person(person).filter(pk__in=ids).values_list("pk", flat=True))
    shown = [write for write in planned if write.row.record_id in seen][:PREVIEWED]
    asked = waiting_asks(connection).filter(record__in=Record.objects.for_person(person))[:PREVIEWED]
    context = {"connection": connection, "planned": shown, "count": len(planned), "asked": asked}
    return render(request, "integrations/preview.html", context)


@require_POST
def pause_all(request: HttpRequest) -> HttpResponse:
    """Pause or resume all writing, of one connection or of all."""
    person_of(request)
    form = PauseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the request could not be read.")
        return redirect("integrations:writing")
    rows = Connection.objects.filter(kind__in=CONNECTORS, is_writing=True)
    if form.cleaned_data["connection"]:
        rows = rows.filter(name=form.cleaned_data["connection"])
    if form.cleaned_data["pause"]:
        rows.filter(writing_paused_at=None).update(writing_paused_at=now_utc())
        messages.success(request, "Writing is paused. Nothing is sent until it is resumed.")
    else:
        rows.update(writing_paused_at=None)
        messages.success(request, "Writing goes on.")
    return redirect("integrations:writing")


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Turn the writing of one field on or off."""
    person_of(request)
    row = get_object_or_404(WriteSwitch, pk=pk)
    row.is_on = not row.is_on
    row.save(update_fields=["is_on"])
    return redirect("integrations:writing")


@require_POST
def switch_activities(request: HttpRequest, name: str) -> HttpResponse:
    """Turn the creating of tasks, or the logging of told touches, on or off in one CRM."""
    person_of(request)
    form = ActivitySwitchForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the request could not be read.")
        return redirect("integrations:writing")
    row, _ = ActivitySwitches.objects.get_or_create(connection=_connection(name))
    setattr(row, form.cleaned_data["what"], form.cleaned_data["is_on"])
    row.save()
    return redirect("integrations:writing")


@require_POST
def provision(request: HttpRequest, name: str) -> HttpResponse:
    """Create our fields in the CRM."""
    person_of(request)
    run = provisioning.apply(_connection(name), now_utc())
    if run.error:
        messages.error(request, run.error)
    else:
        messages.success(request, f"{run.counts.get('created', 0)} fields were created.")
    return redirect("integrations:writing")


@require_POST
def retry(request: HttpRequest, name: str) -> HttpResponse:
    """Send again what the CRM refused."""
    person_of(request)
    count = dead.retry_refused(_connection(name))
    messages.success(request, f"{count} fields will be sent again.")
    return redirect("integrations:writing")


@require_POST
def lift_hold(request: HttpRequest, name: str) -> HttpResponse:
    """Let held fields of a connection be written again."""
    person_of(request)
    count = dead.lift_hold(DesiredField.objects.filter(record__connection=_connection(name)))
    messages.success(request, f"{count} fields are written again.")
    return redirect("integrations:writing")


@require_GET
@vary_on_headers("HX-Request")
def runs(request: HttpRequest) -> HttpResponse:
    person_of(request)
    rows = list(Run.objects.select_related("connection")[:LISTED])
    context = {
        "runs": rows,
        "connections": Connection.objects.filter(kind__in=CONNECTORS),
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    template = "integrations/runs.html#rows" if _is_partial(request) else "integrations/runs.html"
    return render(request, template, context)


@require_GET
@vary_on_headers("HX-Request")
def run(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)
    row = get_object_or_404(Run.objects.select_related("connection"), pk=pk)
    sent = DesiredField.objects.filter(sent_by=str(row.pk))
    asked = AskedChange.objects.filter(sent_by=str(row.pk)).select_related("record", "by")
    written = sent.filter(record__in=Record.objects.for_person(person)).select_related("record")[:LISTED]
    context = {
        "run": row,
        "facts": [
            {"label": label, "value": f"{row.counts[key]:,}"}
            for key, label in COUNTS.items()
            if row.counts.get(key)
        ],
        "written": written,
        "asked": asked.filter(record__in=Record.objects.for_person(person))[:LISTED],
        "can_undo": row.kind == Run.Kind.PUSH
        and row.state != Run.State.RUNNING
        and (sent.exists() or asked.filter(state=AskedChange.State.DONE).exists()),
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    template = "integrations/run.html#progress" if _is_partial(request) else "integrations/run.html"
    return render(request, template, context)


@require_POST
def read_now(request: HttpRequest, name: str) -> HttpResponse:
    """Read what changed in a CRM without waiting for the schedule."""
    person_of(request)
    connection = _connection(name)
    pull_now(connection)
    messages.success(request, f"{connection.label} is being read.")
    return redirect("integrations:runs")


@require_POST
def undo(request: HttpRequest, pk: Any) -> HttpResponse:
    """Write back what stood before a run, and hold those fields."""
    person = person_of(request)
    row = get_object_or_404(Run, pk=pk, kind=Run.Kind.PUSH)
    count = undo_run(row, person)
    messages.success(
        request, f"{count} fields get their earlier value back and are held until someone lifts it."
    )
    return redirect(reverse("integrations:run", args=[row.pk]))


def _connection(name: str) -> Connection:
    return get_object_or_404(Connection, name=name, kind__in=CONNECTORS)


def _is_partial(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
