"""What is being read and sent, how a CRM is read and how often, and whether its records are ours."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from effects.tick import now_utc
from integrations import comparison, pull
from integrations.compared import latest_comparisons
from integrations.models import Comparison, Run
from integrations.progress import notes_of, object_lines, pace_of, steps_of
from integrations.reading_forms import (
    SCHEDULES,
    ObjectForm,
    PauseReadingForm,
    ReadNowForm,
    ScheduleForm,
    usual_words,
)
from integrations.registry import CONNECTORS
from integrations.runs import paused_runs
from integrations.writing.undoing import undo_plan
from records.models import AskedChange, Connection, DesiredField, Record
from teams.access import person_of

LISTED = 50
COUNTS = {
    "rows": "Rows in the files",
    "read": "Records read",
    "created": "New",
    "changed": "Changed",
    "unchanged": "As before",
    "deleted": "Deleted there",
    "history": "Changes of history read",
    "missing_here": "Missing here",
    "missing_there": "Gone there",
    "stale": "Older here",
    "written": "Records written",
    "refused": "Refused by the CRM",
    "retry": "To be sent again",
    "gone": "No longer there",
    "calls": "Calls",
    "forgotten": "Values not known any longer",
}
READS = (Run.Kind.PULL, Run.Kind.HISTORY)


@require_GET
@vary_on_headers("HX-Request")
def runs(request: HttpRequest) -> HttpResponse:
    person_of(request)
    rows = list(Run.objects.select_related("connection")[:LISTED])
    paused = paused_runs(rows)
    context = {
        "runs": [
            {
                "run": row,
                "pace": pace_of(row.done, row.total, row.busy_seconds),
                "is_paused": row.pk in paused,
            }
            for row in rows
        ],
        "connections": _set_up().filter(disconnected_at=None),
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    template = "integrations/runs.html#rows" if _is_partial(request) else "integrations/runs.html"
    return render(request, template, context)


@require_GET
@vary_on_headers("HX-Request")
def run(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)
    row = get_object_or_404(Run.objects.select_related("connection"), pk=pk)
    context: dict[str, Any] = {
        "run": row,
        "pace": pace_of(row.done, row.total, row.busy_seconds),
        "is_paused": row.pk in paused_runs([row]),
        "facts": [
            {"label": label, "value": f"{row.counts[key]:,}"}
            for key, label in COUNTS.items()
            if row.counts.get(key)
        ],
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
        **_of_reading(row),
    }
    if _is_partial(request):
        return render(request, "integrations/run.html#progress", context)
    sent = DesiredField.objects.filter(sent_by=str(row.pk))
    asked = AskedChange.objects.filter(sent_by=str(row.pk)).select_related("record", "by")
    written = sent.filter(record__in=Record.objects.for_person(person)).select_related("record")[:LISTED]
    context |= {
        "notes": notes_of(row, now_utc(), person),
        "written": written,
        "is_overtaken": row.kind == Run.Kind.PUSH
        and not sent.exists()
        and row.attempts.filter(outcome="written").exists(),
        "asked": asked.filter(record__in=Record.objects.for_person(person))[:LISTED],
        "undo": undo_plan(row) if row.kind == Run.Kind.PUSH and row.state != Run.State.RUNNING else None,
    }
    return render(request, "integrations/run.html", context)


def _of_reading(row: Run) -> dict[str, Any]:
    if row.kind not in READS or row.connection is None:
        return {}
    lines = object_lines(row.connection, now_utc(), settings.GTMOPS.pull_seconds, row)
    touched = row.counts.get("by_object", {})
    if row.state != Run.State.RUNNING:
        lines = [line for line in lines if line.cursor.remote_object in touched]
    compared = Comparison.objects.filter(
        connection=row.connection, state=Comparison.State.DONE, started_at__gte=row.started_at
    ).values_list("remote_object", flat=True)
    is_first = row.kind == Run.Kind.PULL and bool(row.counts.get("totals"))
    return {"lines": lines, "steps": steps_of(lines, row, list(compared)) if is_first else []}


@require_GET
@vary_on_headers("HX-Request")
def reading(request: HttpRequest, name: str) -> HttpResponse:
    """How often each object of a CRM is read, what is paused, and the last comparison of its ids with ours."""
    person = person_of(request)
    connection = _connection(name)
    now = now_utc()
    running = Run.objects.filter(connection=connection, kind__in=READS, state=Run.State.RUNNING).first()
    compared = latest_comparisons(connection)
    named = {(d.remote_id, one.comparison.remote_object) for one in compared for d in one.named}
    seen = Record.objects.for_person(person).filter(
        connection=connection, remote_id__in={remote_id for remote_id, _ in named}
    )
    links = {(r.remote_object, r.remote_id): r for r in seen}
    lines = object_lines(connection, now, settings.GTMOPS.pull_seconds, running)
    context = {
        "connection": connection,
        "lines": lines,
        "is_any_paused": any(line.is_paused for line in lines),
        "is_all_paused": all(line.is_paused for line in lines),
        "schedules": SCHEDULES,
        "usual": usual_words(settings.GTMOPS.pull_seconds),
        "running": running,
        "pace": pace_of(running.done, running.total, running.busy_seconds) if running else None,
        "is_paused": running is not None and running.pk in paused_runs([running]),
        "compared": [
            {
                "of": one,
                "named": [(d, links.get((one.comparison.remote_object, d.remote_id))) for d in one.named],
            }
            for one in compared
        ],
        "is_comparing": any(one.comparison.state in comparison.OPEN for one in compared),
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    template = "integrations/reading.html#state" if _is_partial(request) else "integrations/reading.html"
    return render(request, template, context)


@require_POST
def read_now(request: HttpRequest, name: str) -> HttpResponse:
    """Read a CRM without waiting for the schedule: what changed, everything again, or the history again."""
    person_of(request)
    connection = _connection(name)
    form = ReadNowForm(request.POST)
    if not form.is_valid():
        return _refused(request, name)
    remote_object, what = form.cleaned_data["object"], form.cleaned_data["what"]
    if what == "history":
        pull.read_history_now(connection, remote_object, now_utc())
        text = f"The history of {remote_object} is read again."
    else:
        pull.pull_now(connection, full=what == "everything", remote_object=remote_object)
        text = f"{remote_object or connection.label} is being read."
    if pull.is_reading_paused(connection, remote_object):
        messages.warning(
            request, f"{remote_object or connection.label} is paused: it is read once somebody resumes it."
        )
        return redirect("integrations:reading", name)
    messages.success(request, text)
    return redirect("integrations:reading", name) if remote_object else redirect("integrations:runs")


@require_POST
def pause_reading(request: HttpRequest, name: str) -> HttpResponse:
    """Pause or resume the reading of one object, or of all."""
    person_of(request)
    connection = _connection(name)
    form = PauseReadingForm(request.POST)
    if not form.is_valid():
        return _refused(request, name)
    what = form.cleaned_data["object"] or connection.label
    if form.cleaned_data["pause"]:
        pull.pause_reading(connection, form.cleaned_data["object"], now_utc())
        messages.success(request, f"{what} is not read until it is resumed. What was read stays.")
    else:
        pull.resume_reading(connection, form.cleaned_data["object"], now_utc())
        messages.success(request, f"{what} is read on from where it was paused.")
    return redirect("integrations:reading", name)


@require_POST
def schedule(request: HttpRequest, name: str) -> HttpResponse:
    """How often an object is read."""
    person_of(request)
    connection = _connection(name)
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _refused(request, name)
    pull.set_schedule(connection, form.cleaned_data["object"], form.cleaned_data["every"] or None)
    chosen = dict(SCHEDULES)[form.cleaned_data["every"]]
    messages.success(request, f"{form.cleaned_data['object']} is read: {chosen.lower()}.")
    return redirect("integrations:reading", name)


@require_POST
def compare_now(request: HttpRequest, name: str) -> HttpResponse:
    """Compare ids and stamps with the CRM without waiting for the night."""
    person_of(request)
    connection = _connection(name)
    if comparison.compare_now(connection, now_utc()):
        messages.success(request, f"{connection.label} is being compared with what we hold.")
    else:
        messages.error(
            request, f"Nothing was compared: no object of {connection.label} is read to its end yet."
        )
    return redirect("integrations:reading", name)


@require_POST
def repair(request: HttpRequest, name: str) -> HttpResponse:
    """Say that the many records which a comparison missed are really gone."""
    person_of(request)
    connection = _connection(name)
    form = ObjectForm(request.POST)
    if not form.is_valid():
        return _refused(request, name)
    held = Comparison.objects.filter(
        connection=connection, remote_object=form.cleaned_data["object"], state=Comparison.State.HELD
    ).first()
    if held is not None:
        comparison.repair_held(held, now_utc())
        messages.success(request, "They are read again one by one, and those that are gone are deleted here.")
    return redirect("integrations:reading", name)


def _refused(request: HttpRequest, name: str) -> HttpResponse:
    messages.error(request, "Nothing was changed: the request could not be read.")
    return redirect("integrations:reading", name)


def _connection(name: str) -> Connection:
    return get_object_or_404(_set_up(), name=name)


def _set_up() -> QuerySet[Connection]:
    return Connection.objects.filter(kind__in=CONNECTORS, setup__isnull=True)


def _is_partial(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
