"""The page with the reports we make inside a CRM."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from effects.tick import now_utc
from integrations.enforcement.acting import Refused
from integrations.models import Run
from integrations.reporting import services
from records.models import Connection
from teams.access import person_of

Act = Callable[[Connection, datetime, str], Run]
ACTS: dict[str, tuple[Act, str]] = {
    "check": (services.check, "Salesforce would take them. Nothing was changed there."),
    "create": (services.create, "The reports are in Salesforce, in the folder gtmops."),
    "remove": (services.remove, "Our reports and the dashboard were removed from Salesforce."),
}


@require_GET
def reports(request: HttpRequest, name: str) -> HttpResponse:
    person_of(request)
    return render(
        request, "integrations/reporting/reports.html", {"view": services.view_of(_connection(name))}
    )


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
