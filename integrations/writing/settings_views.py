"""Who is written and how much a day; taking everything of ours out again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from definitions.builder.tree_text import read_tree
from definitions.files.model_yaml import Unreadable
from effects.tick import now_utc, ring
from integrations.writing import pilot as pilots
from integrations.writing import uninstall as uninstalling
from integrations.writing.forms import CapForm, PilotForm, UninstallForm
from integrations.writing.models import PilotRecord, WriteLimits
from integrations.writing.views import crm_named
from records.models import Connection
from teams.access import person_of
from teams.models import Person

OBJECTS = (("person", "People"), ("deal", "Deals"))
LISTED = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def limits(request: HttpRequest, name: str) -> HttpResponse:
    """The pilot and the daily cap; 422 with what is wrong beside it."""
    person = person_of(request)
    connection = crm_named(name)
    if request.method != "POST":
        return _limits_page(request, connection)
    if request.POST.get("what") == "cap":
        return _cap(request, connection)
    form = PilotForm(request.POST)
    if not form.is_valid():
        faults = _faults(form)
        return _limits_page(request, connection, faults=faults)
    try:
        said = _pilot(connection, form.cleaned_data, request.POST.get("criteria", ""), person)
    except pilots.PilotError as error:
        return _limits_page(request, connection, faults={error.field: error.text})
    messages.success(request, said)
    return redirect("integrations:limits", connection.name)


def _cap(request: HttpRequest, connection: Connection) -> HttpResponse:
    form = CapForm(request.POST)
    if not form.is_valid():
        faults = _faults(form)
        return _limits_page(request, connection, faults=faults)
    WriteLimits.objects.update_or_create(
        connection=connection, defaults={"records_a_day": form.cleaned_data["records_a_day"]}
    )
    ring("push")
    messages.success(request, "The daily cap is saved.")
    return redirect("integrations:limits", connection.name)


def _pilot(connection: Connection, told: dict[str, Any], text: str, person: Person) -> str:
    """What was saved, in words. Raises PilotError."""
    now = now_utc()
    if told["pilot"] == WriteLimits.Pilot.EVERYBODY:
        pilots.write_everybody(connection, person)
        return "The pilot is over: everybody is written."
    if told["pilot"] == WriteLimits.Pilot.LIST:
        records = pilots.read_list(connection, person, told["records"])
        count = pilots.pilot_by_list(connection, records, person, now)
        return f"Pilot: only these {count:,} records are written, until you say everybody."
    try:
        tree, _ = read_tree(text)
    except Unreadable as error:
        raise pilots.PilotError(str(error), "criteria") from error
    pilots.pilot_by_condition(connection, told["object"], tree, person, now)
    count = pilots.pilot_of(connection, now).count
    return f"Pilot: only records that meet the conditions are written, {count:,} just now, until you say everybody."


def _limits_page(
    request: HttpRequest, connection: Connection, *, faults: dict[str, str] | None = None
) -> HttpResponse:
    view = pilots.pilot_of(connection, now_utc())
    typed = request.POST if faults is not None else {}
    listed = PilotRecord.objects.filter(connection=connection).select_related("record")
    tree: Any = view.limits.pilot_criteria
    if "criteria" in typed:
        tree = _as_typed(typed["criteria"])
    cap = view.limits.records_a_day
    context = {
        "connection": connection,
        "connections": [connection.name],
        "pilot": view,
        "chosen": typed.get("pilot", view.limits.pilot),
        "objects": OBJECTS,
        "object": typed.get("object") or view.limits.pilot_object or "person",
        "tree": tree,
        "records": typed.get("records", "\n".join(p.record.remote_id for p in listed)),
        "listed": [p.record for p in listed.order_by("record__title")[:LISTED]],
        "cap": typed.get("records_a_day", "" if cap is None else cap),
        "default_cap": settings.GTMOPS.push_records_a_day,
        "wrong": faults or {},
        "criteria_faults": [faults["criteria"]] if faults and "criteria" in faults else [],
    }
    status = 422 if faults else 200
    return render(request, "integrations/writing/limits.html", context, status=status)


def _faults(form: Form) -> dict[str, str]:
    return {field: " ".join(str(text) for text in texts) for field, texts in form.errors.items()}


def _as_typed(text: str) -> Any:
    try:
        return read_tree(text)[0]
    except Unreadable:
        return text


# --- uninstall -------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def uninstall(request: HttpRequest, name: str) -> HttpResponse:
    """What goes and what stays; confirmed by typing the name."""
    person = person_of(request)
    connection = crm_named(name)
    fault = ""
    if request.method == "POST":
        form = UninstallForm(request.POST)
        form.is_valid()
        told = form.cleaned_data
        try:
            row = uninstalling.start(
                connection,
                told.get("typed_name", ""),
                person,
                now_utc(),
                leaves_ours=told.get("leaves_ours", False),
            )
        except uninstalling.WrongName as error:
            fault = str(error)
        else:
            messages.success(request, f"gtmops is being taken out of {connection.label}.")
            return redirect(reverse("integrations:run", args=[row.run_id]))
    context = {
        "connection": connection,
        "plan": uninstalling.plan(connection),
        "last": uninstalling.last_of(connection),
        "fault": fault,
        "leaves_ours": request.POST.get("leaves_ours") == "on",
    }
    status = 422 if fault else 200
    return render(request, "integrations/writing/uninstall.html", context, status=status)
