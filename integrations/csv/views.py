"""Import in steps: choose a file, say what its columns are, look at what it would do, take it in."""

from __future__ import annotations

import gzip
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from effects.tick import now_utc
from integrations.csv import uploads
from integrations.csv.errors import NotATable
from integrations.csv.forms import LettersForm, UploadForm, read_draft
from integrations.csv.guessing import guess
from integrations.csv.models import FileImport
from integrations.csv.pages import (
    REFUSED_SHOWN,
    is_nothing_new,
    map_context,
    numbers_of,
    refused_lines,
    steps_of,
)
from teams.access import person_of

State = FileImport.State
LISTED = 30


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def imports(request: HttpRequest) -> HttpResponse:
    """What was sent so far, and the door for another file."""
    person = person_of(request)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = uploads.take_upload(file.name or "file.csv", file.read(), person, now_utc())
        except NotATable as error:
            form.add_error("file", str(error))
        else:
            return redirect("integrations:import_map", row.pk)
    rows = FileImport.objects.select_related("connection", "run", "uploaded_by").defer("content", "refused")
    context = {"form": form, "rows": rows[:LISTED], "days": settings.GTMOPS.import_days}
    return render(request, "integrations/imports/list.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@never_cache
def map_columns(request: HttpRequest, pk: Any) -> HttpResponse:
    """What each column is; everything chosen is kept at once, so that a reload goes on."""
    person_of(request)
    row = _import(pk, with_content=request.method == "POST")
    if row.run_id is not None or row.state not in uploads.OPEN:
        return redirect("integrations:import_result", row.pk)
    template = "integrations/imports/map.html"
    if request.method != "POST":
        faults = uploads.plan(row)[1] if "missing" in request.GET else {}
        return render(request, template, map_context(row, uploads.draft_from(row), faults))
    here = reverse("integrations:import_map", args=[row.pk])
    do = request.POST.get("do", "look")
    if do == "letters":
        if faults := _read_letters(request, row):
            context = map_context(row, uploads.draft_from(row), faults)
            return render(request, template, context, status=422)
        return redirect(here)
    columns = uploads.columns_of(row)
    fresh = guess(row.file_name, columns).columns
    uploads.keep(row, read_draft(request.POST, uploads.draft_from(row), columns, fresh), now_utc())
    if do == "next":
        if uploads.start_check(row, now_utc()):
            # A page that can be reloaded: sending the form again would undo what is chosen after this.
            return redirect(f"{here}?missing=1")
        return redirect("integrations:import_preview", row.pk)
    if request.headers.get("HX-Request") != "true":
        return redirect(here)
    return render(request, f"{template}#form", map_context(row, uploads.draft_from(row), {}))


def _read_letters(request: HttpRequest, row: FileImport) -> dict[str, str]:
    form = LettersForm(request.POST)
    if not form.is_valid():
        return {"letters": "Choose how its letters are written and what stands between its cells."}
    # A tab in a form's value is stripped like any space.
    separator = form.cleaned_data["separator"] or "\t"
    try:
        uploads.look_again(row, form.cleaned_data["encoding"], separator, now_utc())
    except NotATable as error:
        return {"letters": str(error)}
    return {}


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@never_cache
def preview(request: HttpRequest, pk: Any) -> HttpResponse:
    """What the file would do; then let it."""
    person_of(request)
    row = _import(pk)
    if request.method == "POST":
        if not uploads.start_run(row, now_utc()):
            messages.error(request, "It was not started: it has to be looked at once more.")
            return redirect("integrations:import_map", row.pk)
        return redirect("integrations:import_result", row.pk)
    if row.run_id is not None or row.state in {State.RUNNING, State.DONE, State.CANCELLED}:
        return _moved(request, "integrations:import_result", row)
    if row.state == State.DRAFT:
        return _moved(request, "integrations:import_map", row)
    columns = [cell["label"] for cell in row.preview[0]["cells"]] if row.preview else []
    context = {
        "row": row,
        "columns": columns,
        "has_history": any(item["history"] for item in row.preview),
        "has_links": any(item["links"] for item in row.preview),
        "refused": refused_lines(row),
        "refused_more": max(0, row.counts.get("refused", 0) - REFUSED_SHOWN),
        "nothing_new": is_nothing_new(row),
        "steps": steps_of(row, "Look at what it would do"),
        "source": row.connection.label if row.connection else uploads.draft_from(row).source,
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    return render(request, _part_or_page(request, "integrations/imports/preview.html", "preview"), context)


@require_GET
@vary_on_headers("HX-Request")
@never_cache
def result(request: HttpRequest, pk: Any) -> HttpResponse:
    """What became of it, live while it runs."""
    person_of(request)
    row = _import(pk)
    if row.run_id is None and row.state in {State.DRAFT, State.CHECKING, State.CHECKED, State.FAILED}:
        name = "integrations:import_map" if row.state == State.DRAFT else "integrations:import_preview"
        return _moved(request, name, row)
    context = {
        "row": row,
        "run": row.run,
        "facts": numbers_of(row),
        "refused": refused_lines(row),
        "refused_more": max(0, row.counts.get("refused", 0) - REFUSED_SHOWN),
        "refused_count": row.counts.get("refused", 0),
        "nothing_new": is_nothing_new(row),
        "steps": steps_of(row, "Take it in"),
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    return render(request, _part_or_page(request, "integrations/imports/result.html", "progress"), context)


@require_GET
def refused(request: HttpRequest, pk: Any) -> HttpResponse:
    """The refused lines with their reasons, to be mended and sent again."""
    person_of(request)
    row = get_object_or_404(FileImport.objects.defer("content"), pk=pk, refused__isnull=False)
    answer = HttpResponse(gzip.decompress(bytes(row.refused or b"")), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="refused-lines.csv"'
    return answer


@require_POST
def act(request: HttpRequest, pk: Any, what: str) -> HttpResponse:
    """``cancel`` it, ``go-on`` after a failure, or take the same file ``again`` as another kind of record."""
    person = person_of(request)
    row = _import(pk, with_content=what == "again")
    if what == "cancel":
        uploads.cancel(row, now_utc())
        messages.success(
            request,
            "It was cancelled. What was stored until then stays."
            if row.run_id
            else "It was cancelled; the file is gone.",
        )
        return redirect("integrations:imports")
    if what == "go-on" and uploads.start_run(row, now_utc()):
        return redirect("integrations:import_result", row.pk)
    if what == "again" and row.content is not None:
        another = uploads.take_again(row, person, now_utc())
        return redirect("integrations:import_map", another.pk)
    messages.error(request, "Nothing was done: that is not possible any more.")
    return redirect("integrations:imports")


def _import(pk: Any, *, with_content: bool = False) -> FileImport:
    rows = FileImport.objects.select_related("connection", "run")
    return get_object_or_404(rows if with_content else rows.defer("content"), pk=pk)


def _part_or_page(request: HttpRequest, template: str, part: str) -> str:
    return f"{template}#{part}" if request.headers.get("HX-Request") == "true" else template


def _moved(request: HttpRequest, name: str, row: FileImport) -> HttpResponse:
    """To another step: a poll gets the whole page there, not that page inside this one."""
    answer = redirect(name, row.pk)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": answer.url})
    return answer
