from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from effects.tick import now_utc
from records.csv_files import csv_streamed
from scorecards.boards import (
    attainment,
    black_hole,
    first_touch,
    late,
    misrouted,
    saved_views,
    speed,
    team_board,
    unowned,
)
from scorecards.boards.asked import read_asked
from scorecards.boards.frame import SEGMENT_LABELS, TOO_FEW, Frame, tabs
from scorecards.metrics.first_touch import NEVER
from scorecards.models import SavedView
from teams.access import person_of

POLL_SECONDS = 10
PLACES = ("lead_origin", "lead_source", "region", "size")
FILTERS: Mapping[str, tuple[str, ...]] = {
    "board": ("team", "rule", "unit"),
    "late": ("period", "rule", "team", "owner", "reason", "party", "appeal", "region", "unit"),
    "attainment": ("period", "rule", "team", "lead_origin", "region", "tier", "unit"),
    "first_touch": ("period", *PLACES, "unit"),
    "speed": ("period", *PLACES, "unit"),
    "black_hole": ("period", *PLACES, "unit"),
    "misrouted": ("period", *PLACES, "unit"),
    "unowned": ("team", "lead_origin", "lead_source", "region", "unit"),
}
Exporter = Callable[[Frame], tuple[list[str], Iterable[list[Any]]]]
EXPORTS: Mapping[str, Exporter] = {
    "board": team_board.export,
    "late": late.export,
    "attainment": lambda frame: attainment.table(attainment.load(frame)),
    "first_touch": lambda frame: first_touch.table(first_touch.load(frame)),
    "speed": lambda frame: speed.table(speed.load(frame)),
    "black_hole": lambda frame: black_hole.table(black_hole.load(frame)),
    "misrouted": misrouted.export,
    "unowned": unowned.export,
}


def read_frame(request: HttpRequest) -> Frame:
    """What the address asks for. Of people whose figures the viewer may not read it asks for nothing."""
    now, viewer = now_utc(), person_of(request)
    asked = read_asked(request.GET, now.date())
    frame = Frame(viewer, asked, now)
    if asked.owner and not frame.figures.may_see(asked.owner):
        frame.asked = asked.without("owner")
    return frame


def _show(request: HttpRequest, name: str, load: Callable[[Frame], Any], **more: Any) -> HttpResponse:
    if not request.GET and (query := saved_views.default_query(person_of(request), name)):
        return redirect(f"{request.path}?{query}")
    frame = read_frame(request)
    page = load(frame)
    shown = FILTERS[name]
    context = {
        "page": page,
        "frame": frame,
        "asked": frame.asked,
        "here": name,
        "tabs": tabs(name),
        "filter_bar": frame.filter_bar(*shown),
        "hidden": frame.hidden(*shown),
        "views": saved_views.choices(frame.viewer, name, frame.asked.query),
        "view_query": urlencode(frame.asked.query),
        "all_href": f"?{saved_views.SHOW_ALL}=1",
        "export_href": f"{reverse('scorecards:board_export', args=[name])}{frame.asked.href()}",
        "too_few": TOO_FEW,
        "updated_at": frame.now,
        **more,
    }
    return render(request, f"scorecards/boards/{name}.html", context)


def _paged(
    request: HttpRequest, name: str, load: Callable[[Frame, str | None], Any], noun: str
) -> HttpResponse:
    """With links to the page before and the next."""
    cursor = request.GET.get("page")
    frames: list[tuple[Frame, Any]] = []

    def kept(frame: Frame) -> Any:
        frames.append((frame, load(frame, cursor)))
        return frames[-1][1]

    def pages() -> dict[str, str]:
        frame, page = frames[-1]
        query = frame.asked.query
        return {
            side: f"?{urlencode({**query, 'page': at})}"
            for side in ("previous", "next")
            if page.page is not None and (at := getattr(page.page, side))
        }

    return _show(request, name, kept, pages=pages, noun=noun)


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """What does my team owe, most urgent first?"""
    return _paged(request, "board", team_board.load, "clocks")


@require_safe
def late_list(request: HttpRequest) -> HttpResponse:
    """What was late, and why?"""
    return _paged(request, "late", late.load, "late clocks")


@require_safe
def in_time(request: HttpRequest) -> HttpResponse:
    """How much is done in time?"""
    by = [(key, attainment.BY_LABELS[key]) for key in attainment.BY]
    return _show(request, "attainment", attainment.load, by_choices=by)


@require_safe
def touched(request: HttpRequest) -> HttpResponse:
    """How fast is the first touch?"""
    by = [(key, SEGMENT_LABELS[key]) for key in first_touch.BY]
    within = [name for name, _ in first_touch.WITHIN]
    return _show(request, "first_touch", first_touch.load, by_choices=by, within=within)


@require_safe
def speed_pays(request: HttpRequest) -> HttpResponse:
    """Does a fast answer pay?"""
    return _show(request, "speed", speed.load, never=NEVER)


@require_safe
def hole(request: HttpRequest) -> HttpResponse:
    """Where do leads disappear?"""
    by = [(key, SEGMENT_LABELS.get(key, "Queue")) for key in black_hole.BY]
    return _show(request, "black_hole", black_hole.load, by_choices=by)


@require_safe
def wrong(request: HttpRequest) -> HttpResponse:
    """Which leads went to the wrong person?"""
    return _paged(request, "misrouted", misrouted.load, "misrouted leads")


@require_safe
def nobodys(request: HttpRequest) -> HttpResponse:
    """What does nobody own?"""
    return _paged(request, "unowned", unowned.load, "leads")


@require_safe
def export(request: HttpRequest, page: str) -> HttpResponseBase:
    """The same as a file, all of it."""
    if page not in EXPORTS:
        raise Http404
    header, rows = EXPORTS[page](read_frame(request))
    return csv_streamed(f"gtmops-{page.replace('_', '-')}", header, rows)


# --- saved views ---------------------------------------------------------------------------------------------------


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    viewer, told = person_of(request), request.POST
    page = told.get("page", "")
    if page not in FILTERS:
        raise Http404
    query = dict(parse_qsl(told.get("query", "")[:4000]))
    try:
        view = saved_views.save_view(
            viewer, page, told.get("name", ""), query,
            is_shared="shared" in told, is_default="default" in told, now=now_utc(),
        )  # fmt: skip
    except saved_views.ViewError as error:
        messages.warning(request, str(error))
        return redirect(f"{reverse(f'scorecards:{page}')}?{urlencode(query)}")
    messages.success(request, f"Saved as “{view.name}”.")
    return redirect(f"{reverse(f'scorecards:{page}')}?{view.query}")


@require_POST
def act_on_view(request: HttpRequest, view_id: int, act: str) -> HttpResponse:
    """``delete`` (its owner's), ``default`` or ``forget`` (anybody's who sees it)."""
    viewer = person_of(request)
    view = get_object_or_404(SavedView, pk=view_id)
    if view not in saved_views.visible_views(viewer, view.page):
        raise Http404
    if act == "default":
        saved_views.set_default(viewer, view)
        messages.success(request, f"This page opens with “{view.name}” from now on.")
    elif act == "forget":
        saved_views.forget_default(viewer, view.page)
        messages.success(request, "This page opens with everything again.")
    elif act == "delete" and view.owner_id == viewer.pk:
        view.delete()
        messages.success(request, f"Deleted the view “{view.name}”.")
    else:
        raise Http404
    return redirect(f"{reverse(f'scorecards:{view.page}')}?{saved_views.SHOW_ALL}=1")
