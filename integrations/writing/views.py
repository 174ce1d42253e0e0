"""What we write to your CRM, and the switches of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from effects.tick import now_utc, ring
from integrations import provision as provisioning
from integrations.asks import waiting_asks
from integrations.forms import ActivitySwitchForm, PauseForm
from integrations.models import ActivitySwitches, Run, WriteSwitch
from integrations.overview import overview_of
from integrations.registry import CONNECTORS
from integrations.writing import dead
from integrations.writing.forms import OUT_FIELDS, SEARCH_LENGTH
from integrations.writing.pausing import pause_writing, resume_writing
from integrations.writing.possible import HEADER, possible_writes
from integrations.writing.preview import as_planned, planned_rows
from integrations.writing.rows import outside_pilot
from integrations.writing.undoing import undo_run
from records.csv_files import csv_answer
from records.models import Connection, DesiredField, Record
from teams.access import person_of
from teams.paging import page_of

PER_PAGE = 50


@require_GET
def writing(request: HttpRequest) -> HttpResponse:
    person_of(request)
    overviews = [overview_of(c, now_utc()) for c in crms()]
    context = {
        "overviews": overviews,
        "is_any_writing": any(o.state == "writing" for o in overviews),
        "is_any_paused": any(o.state == "paused" for o in overviews),
    }
    return render(request, "integrations/writing.html", context)


@require_GET
def possible(request: HttpRequest) -> HttpResponse:
    """Every field we may ever write, whether it is switched on or not."""
    person_of(request)
    context = {"lists": [(connection, possible_writes(connection)) for connection in crms()]}
    return render(request, "integrations/writing/possible.html", context)


@require_GET
def possible_export(request: HttpRequest) -> HttpResponse:
    person_of(request)
    rows = [line.row() for connection in crms() for line in possible_writes(connection)]
    return csv_answer("what-gtmops-may-write", HEADER, rows)


# --- preview ---------------------------------------------------------------------------------------------------


@require_GET
def preview(request: HttpRequest, name: str) -> HttpResponse:
    """What the next push would change, before and after; nothing is sent."""
    person = person_of(request)
    connection = crm_named(name)
    field = chosen_field(request)
    rows = planned_rows(connection, now_utc(), field)
    inside = Record.objects.for_person(person)
    rows_inside = rows.filter(record__in=inside.values("pk"))
    page = page_of(request, rows_inside, PER_PAGE)
    asked = waiting_asks(connection).filter(record__in=inside)[:PER_PAGE]
    count = rows.select_related(None).order_by().count()
    overview = overview_of(connection, now_utc())
    context = {
        "connection": connection,
        "overview": overview,
        "kept_back": outside_pilot(connection, now_utc()).count() if overview.pilot_text else 0,
        "page": page,
        "planned": as_planned(connection, page.object_list),
        "count": count,
        "outside": count - rows_inside.select_related(None).order_by().count(),
        "asked": asked if not field else [],
        "field": field,
        "filters": [field_filter(field)],
    }
    return render(request, "integrations/writing/preview.html", context)


@require_GET
def preview_export(request: HttpRequest, name: str) -> HttpResponse:
    """The same as a file, inside the viewer's border."""
    person = person_of(request)
    connection = crm_named(name)
    rows = planned_rows(connection, now_utc(), chosen_field(request))
    rows = rows.filter(record__in=Record.objects.for_person(person).values("pk"))
    lines = [
        [
            write.row.record.remote_object,
            write.row.record.remote_id,
            write.row.record.title,
            write.remote_name,
            write.label,
            write.before if write.row.is_known else "not read yet",
            write.after,
            "undo" if write.is_undo else "",
        ]
        for write in as_planned(connection, rows)
    ]
    header = ["Object", "Id there", "Record", "Name there", "Field", "Before", "After", "Why"]
    return csv_answer(f"next-run-{connection.name}", header, lines)


# --- switches --------------------------------------------------------------------------------------------------


@require_POST
def start_or_stop(request: HttpRequest, name: str) -> HttpResponse:
    """Let gtmops write to one CRM at all, or read only."""
    person_of(request)
    connection = crm_named(name)
    is_on = request.POST.get("is_on") == "1"
    Connection.objects.filter(pk=connection.pk).update(is_writing=is_on, writing_paused_at=None)
    if is_on:
        ring("push")
        messages.success(
            request, f"Fields that are switched on are written to {connection.label} from now on."
        )
    else:
        messages.success(request, f"{connection.label} is read only: nothing is written.")
    return redirect("integrations:writing")


@require_POST
def pause_all(request: HttpRequest) -> HttpResponse:
    """Pause or resume all writing, of one connection or of all."""
    person_of(request)
    form = PauseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the request could not be read.")
        return redirect("integrations:writing")
    name = form.cleaned_data["connection"]
    if form.cleaned_data["pause"]:
        pause_writing(now_utc(), name)
        messages.success(request, "Writing is paused. Nothing is sent until it is resumed.")
    else:
        resume_writing(name)
        messages.success(request, "Writing goes on.")
    return redirect("integrations:writing")


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Turn the writing of one field on or off."""
    person_of(request)
    row = get_object_or_404(WriteSwitch, pk=pk)
    row.is_on = not row.is_on
    row.save(update_fields=["is_on"])
    ring("push")
    return redirect(f"{reverse('integrations:writing')}#switch-{row.pk}")


@require_POST
def switch_activities(request: HttpRequest, name: str) -> HttpResponse:
    """Turn the creating of tasks, or the logging of told touches, on or off in one CRM."""
    person_of(request)
    form = ActivitySwitchForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the request could not be read.")
        return redirect("integrations:writing")
    row, _ = ActivitySwitches.objects.get_or_create(connection=crm_named(name))
    setattr(row, form.cleaned_data["what"], form.cleaned_data["is_on"])
    row.save()
    return redirect("integrations:writing")


@require_POST
def provision(request: HttpRequest, name: str) -> HttpResponse:
    """Create our fields in the CRM."""
    person_of(request)
    run = provisioning.apply(crm_named(name), now_utc())
    if run.error:
        messages.error(request, run.error)
    else:
        count = run.counts.get("created", 0)
        messages.success(request, f"{count:,} field{' was' if count == 1 else 's were'} created.")
    return redirect("integrations:writing")


@require_POST
def lift_hold(request: HttpRequest, name: str) -> HttpResponse:
    """Let held fields of a connection be written again."""
    inside = Record.objects.for_person(person_of(request)).filter(connection=crm_named(name))
    count = dead.lift_hold(DesiredField.objects.filter(record__in=inside.values("pk")))
    messages.success(request, f"{count:,} field{' is' if count == 1 else 's are'} written again.")
    return redirect("integrations:writing")


@require_POST
def undo(request: HttpRequest, pk: Any) -> HttpResponse:
    """Write back what stood before a run, and hold those fields."""
    person = person_of(request)
    row = get_object_or_404(Run, pk=pk, kind=Run.Kind.PUSH)
    count = undo_run(row, person)
    fields = f"{count:,} field{'' if count == 1 else 's'}"
    is_paused = row.connection is not None and row.connection.writing_paused_at is not None
    messages.success(
        request,
        f"{fields} {'gets its' if count == 1 else 'get their'} earlier value back and "
        f"{'is' if count == 1 else 'are'} held until someone lifts it."
        f"{' It goes out when the writing is resumed.' if is_paused else ''}",
    )
    return redirect(reverse("integrations:run", args=[row.pk]))


# --- what these pages share --------------------------------------------------------------------------------------


def crms() -> list[Connection]:
    """Those that are set up."""
    return list(Connection.objects.filter(kind__in=CONNECTORS, setup__isnull=True))


def crm_named(name: str) -> Connection:
    return get_object_or_404(Connection, name=name, kind__in=CONNECTORS)


def chosen_field(request: HttpRequest) -> str:
    """The field of ours that a list is narrowed to; '' for any."""
    field = request.GET.get("field", "")
    return field if field in dict(OUT_FIELDS) else ""


def searched(request: HttpRequest) -> str:
    """The words that a list is narrowed to."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_LENGTH]


def field_filter(field: str) -> dict[str, Any]:
    return {
        "name": "field",
        "label": "Field",
        "value": field,
        "choices": [("", "All fields"), *OUT_FIELDS],
    }
