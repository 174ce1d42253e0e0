from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from definitions.versions import load_model
from effects.tick import now_utc
from handoffs.errors import HandoffError, NotYours, Stale
from handoffs.forms import ACTS, TABS, HandoffFilter, do_act, posted_values
from handoffs.models import Handoff
from handoffs.my_day import load_day
from handoffs.page import FormRow, HandoffPage, is_receiver, load_page, local_input
from handoffs.services import fill, see
from handoffs.templates import template_of
from records.csv_files import csv_streamed
from teams.access import person_of
from teams.models import Person
from teams.paging import page_of

POLL_SECONDS = 3
PER_PAGE = 50


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def my_day(request: HttpRequest) -> HttpResponse:
    """The page, and its poll: while nothing changed only "Updated …" is swapped, so that nothing flickers."""
    day = load_day(person_of(request), now_utc())
    context = {"day": day, "poll_seconds": POLL_SECONDS}
    if request.headers.get("HX-Request") != "true":
        return render(request, "handoffs/my_day.html", context)
    if request.GET.get("mark") == day.mark:
        answer = render(request, "handoffs/my_day.html#updated", context | {"is_beside": True})
        answer["HX-Reswap"] = "none"
        return answer
    return render(request, "handoffs/my_day.html#day", context)


# --- one handoff ---------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def handoff(request: HttpRequest, handoff_id: uuid.UUID) -> HttpResponse:
    viewer = person_of(request)
    found = get_handoff(handoff_id, viewer)
    if request.method == "GET" and found.state == Handoff.State.SENT and is_receiver(found, viewer):
        found = see(found, viewer, now=now_utc())
    return render(request, "handoffs/handoff.html", page_context(load_page(found, viewer, now_utc())))


@require_POST
def act(request: HttpRequest, handoff_id: uuid.UUID, act: str) -> HttpResponse:
    viewer = person_of(request)
    found = get_handoff(handoff_id, viewer)
    if act not in ACTS:
        raise Http404
    try:
        messages.success(request, do_act(act, found, viewer, request.POST, now_utc()))
    except (Stale, NotYours) as error:
        messages.warning(request, error.text)
    except HandoffError as error:
        page = load_page(found, viewer, now_utc())
        context = page_context(with_input(page, request, viewer, error), error, act, request.POST.dict())
        return render(request, "handoffs/handoff.html", context, status=422)
    return redirect("handoffs:handoff", found.pk)


@require_POST
def draft(request: HttpRequest, handoff_id: uuid.UUID) -> HttpResponse:
    """Saves what is in the form so far, as it is typed; what can't be saved yet is said when it is sent."""
    viewer = person_of(request)
    found = get_handoff(handoff_id, viewer)
    try:
        fill(
            found,
            viewer,
            posted_values(found, request.POST, viewer),
            key=f"draft:{uuid.uuid4()}",
            now=now_utc(),
        )
    except HandoffError as error:
        return render(request, "handoffs/_saved.html", {"fault": error.text})
    return render(request, "handoffs/_saved.html", {"at": now_utc()})


def get_handoff(handoff_id: uuid.UUID, viewer: Person) -> Handoff:
    """Inside the viewer's border, with all the page shows of it. Raises Http404."""
    return get_object_or_404(Handoff.objects.for_person(viewer).with_people(), pk=handoff_id)


def page_context(
    page: HandoffPage,
    error: HandoffError | None = None,
    act: str = "",
    posted: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "page": page,
        "error": error,
        "failed_act": act,
        "posted": posted or {},
        # One key for all forms of this showing: whatever is sent twice from it is one act.
        "keys": {
            name: str(uuid.uuid4()) for name in ("send", "accept", "send_back", "ask", "answer", "confirm")
        },
    }


def with_input(page: HandoffPage, request: HttpRequest, viewer: Person, error: HandoffError) -> HandoffPage:
    """The page with what was typed, and what is wrong beside each field."""

    def kept(row: FormRow) -> FormRow:
        value = request.POST.get(row.key, row.value)
        return replace(
            row,
            value=local_input(value, viewer.zone) if row.kind == "datetime" else value,
            error=error.fields.get(row.key, ""),
        )

    rows = [kept(row) for row in page.rows]
    return replace(
        page,
        missing=[row for row in rows if row.is_missing or row.error],
        filled=[row for row in rows if not (row.is_missing or row.error)],
        step=kept(page.step),
        step_at=kept(page.step_at),
    )


# --- the list ------------------------------------------------------------------------------------------------------


@require_safe
@vary_on_headers("HX-Request")
def handoff_list(request: HttpRequest) -> HttpResponse:
    viewer = person_of(request)
    filters = HandoffFilter(request.GET)
    chosen = filters.chosen()
    rows = filters.apply(Handoff.objects.for_person(viewer), viewer).with_people()
    page = page_of(request, rows, PER_PAGE)
    model = load_model()
    templates = {key: template_of(model.history("handoffs", key)[-1]).name for key in model.keys("handoffs")}
    query = request.GET.copy()
    query.pop("page", None)
    export_query = query.urlencode()
    query.pop("tab", None)
    context = {
        "page": page,
        "rows": [(row, template_of(row.template).name) for row in page.object_list],
        "tab": chosen.get("tab") or "all",
        "tabs": [(key, label, _tab_href(key, query.urlencode())) for key, label in TABS],
        "filter_bar": filters.bar(templates),
        "hidden": [("tab", chosen.get("tab") or "all")],
        "search": chosen.get("q", ""),
        "is_filtered": any(chosen.get(name) for name in ("q", "template", "state", "team")),
        "export_query": export_query,
    }
    return render(request, "handoffs/list.html", context)


def _tab_href(key: str, query: str) -> str:
    return f"?tab={key}{'&' if query else ''}{query}"


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as it is filtered, all of it, as CSV."""
    viewer = person_of(request)
    rows = HandoffFilter(request.GET).apply(Handoff.objects.for_person(viewer), viewer).with_people()
    return csv_streamed("handoffs", HEADINGS, _cells(rows.iterator(chunk_size=500)))


HEADINGS = (
    "Buyer", "Handoff", "State", "From", "To", "Opened", "Sent", "Answered", "Answered in", "Reason", "Reason text",
    "Next step", "Next step at", "Completed", "Id",
)  # fmt: skip


def _cells(rows: Iterator[Handoff]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        template = template_of(row.template)
        reason = template.reason(row.reason) if row.reason else None
        yield (
            row.record.title, template.name, row.get_state_display(), row.sender or "", row.receiver or "",
            row.opened_at, row.sent_at, row.answered_at, row.answered_in, reason.label if reason else row.reason,
            row.reason_text, row.next_step, row.next_step_at, row.completed_at, row.pk,
        )  # fmt: skip
