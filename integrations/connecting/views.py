"""The connections: how each fares, adding one, pausing, disconnecting."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from effects.tick import now_utc
from integrations.connecting import guide, services
from integrations.connecting.audit import changes_of
from integrations.connecting.forms import (
    DisconnectForm,
    NewConnectionForm,
    PauseForm,
    RenameForm,
    initial_address,
)
from integrations.connecting.health import health_of
from integrations.connecting.remapping import changed_fields
from integrations.connecting.steps import next_page, steps_of
from integrations.connecting.testing import last_found
from integrations.forgetting import waiting
from integrations.models import Credential
from integrations.registry import CONNECTORS
from records.models import Connection
from teams.access import person_of

SHOWN = (*CONNECTORS, Connection.Kind.CSV.value)


@require_GET
def connections(request: HttpRequest) -> HttpResponse:
    person_of(request)
    rows = list(Connection.objects.filter(kind__in=SHOWN).order_by("label"))
    found = health_of(rows, now_utc())
    context = {"all": found, "troubles": sum(len(one.troubles) or one.is_in_need for one in found)}
    return render(request, "integrations/connections/list.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose what to connect. Nothing is read before the last step."""
    person_of(request)
    form = NewConnectionForm(request.POST or None, initial={"base_url": initial_address()})
    if request.method == "POST" and form.is_valid():
        connection = form.save()
        return redirect("integrations:sign_in", connection.name)
    context = {
        "form": form,
        "kinds": guide.KINDS,
        "chosen": form["kind"].value() or "salesforce",
        "import_href": import_page(),
    }
    return render(request, "integrations/connections/new.html", context, status=422 if form.is_bound else 200)


@require_GET
def connection(request: HttpRequest, name: str) -> HttpResponse:
    """One connection: its health, what it reads, and every act on it."""
    person_of(request)
    row = crm_of(name)
    now = now_utc()
    (health,) = health_of([row], now)
    context = {
        "connection": row,
        "health": health,
        "credential": Credential.objects.filter(connection=row).select_related("entered_by").first(),
        "way": guide.way_of(row.kind, row.credential.method) if hasattr(row, "credential") else None,
        "found": last_found(row),
        "changed": changed_fields(row, now),
        "forgetting": waiting(row),
        "steps": steps_of(row) if row.setup is not None else [],
        "next_href": next_page(row) if row.setup is not None else "",
        "rename": RenameForm(initial={"label": row.label}),
        "history": changes_of(row),
    }
    return render(request, "integrations/connections/connection.html", context)


@require_POST
def pause(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    row = crm_of(name)
    form = PauseForm(request.POST)
    if form.is_valid() and form.cleaned_data["pause"]:
        if services.pause(row, person, now_utc()):
            messages.success(request, f"{row.label} is paused. Nothing is read or written.")
        else:
            messages.error(request, f"{row.label} is not running, so nothing was changed.")
    elif services.resume(row):
        messages.success(request, f"{row.label} goes on where it was paused.")
    else:
        messages.error(request, f"{row.label} can't go on: sign in again first.")
    return redirect("integrations:connection", row.name)


@require_POST
def rename(request: HttpRequest, name: str) -> HttpResponse:
    """Call it otherwise on pages; its name in addresses and files stays."""
    person_of(request)
    row = crm_of(name)
    form = RenameForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give it a name of at most 100 characters.")
    elif Connection.objects.exclude(pk=row.pk).filter(label__iexact=form.cleaned_data["label"]).exists():
        messages.error(request, "There is a connection of that name already.")
    else:
        row.label = form.cleaned_data["label"]
        row.save(update_fields=["label"])
        messages.success(request, f"It is called {row.label} from now on.")
    return redirect("integrations:connection", row.name)


@require_POST
def throw_away(request: HttpRequest, name: str) -> HttpResponse:
    """Give up a connection that was never finished."""
    person_of(request)
    row = crm_of(name)
    if services.throw_away(row):
        messages.success(request, f"{row.label} is gone. Nothing had been read.")
        return redirect("integrations:connections")
    messages.error(request, f"{row.label} has been read; disconnect it instead.")
    return redirect("integrations:connection", row.name)


@require_http_methods(["GET", "POST"])
def disconnect(request: HttpRequest, name: str) -> HttpResponse:
    """Says what stays and what goes; done when its name is typed."""
    person = person_of(request)
    row = crm_of(name)
    if row.disconnected_at is not None:
        messages.info(request, f"{row.label} is disconnected already.")
        return redirect("integrations:connection", row.name)
    form = DisconnectForm(row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.disconnect(row, person, now_utc())
        messages.success(request, f"{row.label} is disconnected. What was read is kept.")
        return redirect("integrations:connection", row.name)
    context = {"connection": row, "form": form, "stays": services.what_stays(row)}
    return render(
        request,
        "integrations/connections/disconnect.html",
        context,
        status=422 if form.is_bound else 200,
    )


def crm_of(name: str) -> Connection:
    return get_object_or_404(Connection, name=name, kind__in=CONNECTORS)


def import_page() -> str:
    try:
        return reverse("integrations:imports")
    except NoReverseMatch:
        return ""
