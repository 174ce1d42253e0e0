"""The page with the reports we make inside a CRM."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from effects.tick import now_utc
from integrations.enforcement.acting import Refused
from integrations.hubspot.saved_views import SAVED_VIEWS, list_address
from integrations.models import Run
from integrations.reporting import services
from records.models import Connection
from records.own_fields import OWN_FIELD_BY_NAME
from teams.access import person_of

Act = Callable[[Connection, datetime, str], Run]
ACTS: dict[str, tuple[Act, str]] = {
    "check": (services.check, "Salesforce would take them. Nothing was changed there."),
    "create": (services.create, "The reports are in Salesforce, in the folder gtmops."),
    "remove": (services.remove, "Our reports and the dashboard were removed from Salesforce."),
}


@require_GET
def reports(request: HttpRequest, name: str) -> HttpResponse:
    """The reports of a CRM that takes them; for HubSpot, which doesn't, the views that can be made by hand."""
    person_of(request)
    hubspot = Connection.objects.filter(name=name, kind=Connection.Kind.HUBSPOT).first()
    if hubspot is not None:
        return render(request, "integrations/reporting/saved_views.html", _saved_views(hubspot))
    return render(
        request, "integrations/reporting/reports.html", {"view": services.view_of(_connection(name))}
    )


def _saved_views(connection: Connection) -> dict[str, Any]:
    there = services.fields_there(connection)
    lines = [
        {
            "view": view,
            "missing": [
                OWN_FIELD_BY_NAME[n].label for n in sorted(view.fields - there.get(view.remote_object, set()))
            ],
            "address": list_address(connection.record_url, view.remote_object),
        }
        for view in SAVED_VIEWS
    ]
    return {"connection": connection, "lines": lines}


@require_POST
def act(request: HttpRequest, name: str, what: str) -> HttpResponse:
    """Check, create or remove the reports in the CRM."""
    person = person_of(request)
    connection = _connection(name)
    if what not in ACTS:
        raise Http404
    make, said = ACTS[what]
    try:
        run = make(connection, now_utc(), person.name)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        if run.error:
            messages.error(request, run.error)
        else:
            messages.success(request, said)
    return redirect("integrations:reports", connection.name)


def _connection(name: str) -> Connection:
    found = get_object_or_404(Connection, name=name)
    if not services.takes_reports(found):
        raise Http404
    return found
