"""Whom a version of the model concerns: records that would change, and what differed while it was only watched."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from definitions.agreement import watching
from definitions.agreement.drafts import Line
from definitions.agreement.impact import judges_records, records_that_change
from definitions.builder.outcomes import TooSlow
from definitions.in_force import load_typed_model
from definitions.model_list import sentence_of
from definitions.models import Version
from definitions.views import draft_address, get_line, get_version
from effects.tick import now_utc
from records.csv_files import csv_streamed
from records.models import Record
from teams.access import person_of
from teams.paging import page_of

PER_PAGE = 50


@require_safe
def changes(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """The named records behind "+196 new" and "−1,190 gone"."""
    told, line = get_line(section, key)
    version, which = _changing(request, line)
    try:
        rows = records_that_change(version, version.based_on, person_of(request), now_utc(), which)
        is_too_slow = False
    except TooSlow:
        rows, is_too_slow = Record.objects.none(), True
    context = {
        "is_too_slow": is_too_slow,
        "section": told,
        "key": key,
        "title": told.title(version.body) or key,
        "version": version,
        "which": which,
        "page": page_of(request, rows, PER_PAGE),
        "tabs": [
            (name, label, f"?version={version.number}&which={name}")
            for name, label in (("gained", "New"), ("lost", "Gone"))
        ],
        "draft_href": draft_address(version),
    }
    return render(request, "definitions/changes.html", context)


@require_safe
def export_changes(request: HttpRequest, section: str, key: str) -> StreamingHttpResponse:
    """The same records as a file."""
    _, line = get_line(section, key)
    version, which = _changing(request, line)
    try:
        rows = records_that_change(version, version.based_on, person_of(request), now_utc(), which)
    except TooSlow:
        raise Http404 from None
    cells = (
        (r.title, r.connection.label, r.remote_object, r.remote_id, r.owner.name if r.owner else "")
        for r in rows.iterator(chunk_size=500)
    )
    return csv_streamed(f"{key}-{which}", ("Record", "CRM", "Object", "Id there", "Owner"), cells)


def _changing(request: HttpRequest, line: Line) -> tuple[Version, str]:
    """The version and way asked for. Raises Http404 where nothing is judged."""
    version = get_version(line, request.GET.get("version", ""), line.draft)
    if not judges_records(version.section):
        raise Http404
    return version, "lost" if request.GET.get("which") == "lost" else "gained"


@require_safe
@never_cache
def watched(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """What would have differed while a version was only watched."""
    told, line = get_line(section, key)
    viewer = person_of(request)
    version = _watched_version(request, line)
    if told.pages.watched:
        return redirect(f"{reverse(told.pages.watched, args=[key])}?version={version.number}")
    now_state, state = request.GET.get("now", ""), request.GET.get("then", "")
    found = watching.watched(version, viewer, now_state=now_state[:10], state=state[:10])
    context = {
        "section": told,
        "key": key,
        "title": told.title(version.body) or key,
        "sentence": sentence_of(told, version, load_typed_model()),
        "version": version,
        "report": watching.report(version, viewer),
        "is_running": bool(version.watch_until and version.watch_until > now_utc()),
        "page": page_of(request, found, PER_PAGE),
        "now_state": now_state,
        "then_state": state,
        "query": request.GET.urlencode(),
        "draft_href": draft_address(version),
        "updated_at": now_utc(),
    }
    return render(request, "definitions/watched.html", context)


@require_safe
def export_watched(request: HttpRequest, section: str, key: str) -> StreamingHttpResponse:
    """The same differences as a file."""
    _, line = get_line(section, key)
    version = _watched_version(request, line)
    found = watching.watched(
        version, person_of(request), now_state=request.GET.get("now", "")[:10], state=request.GET.get("then", "")[:10]
    )  # fmt: skip
    cells = (
        (
            w.record.title, w.record.connection.label, w.record.remote_id, w.key, w.now_state, w.state,
            w.first_seen_at,
        )
        for w in found.iterator(chunk_size=500)
    )  # fmt: skip
    names = ("Record", "CRM", "Id there", "Judged", "Now", "By this version", "First seen")
    return csv_streamed(f"{key}-version-{version.number}-watched", names, cells)


def _watched_version(request: HttpRequest, line: Line) -> Version:
    version = get_version(line, request.GET.get("version", ""), line.draft)
    if version.watch_from is None:
        raise Http404
    return version
