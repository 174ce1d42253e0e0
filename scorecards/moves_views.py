"""Moving a deal from its page: the dialog of a move, the act, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from definitions.moves import acts
from definitions.moves.acts import MoveError, NeedsMore
from definitions.moves.planning import Plan
from effects.tick import now_utc
from records.asked import withdraw
from records.models import AskedChange, Record
from scorecards.moves_panel import MoveDialog, panel_of
from teams.access import person_of
from teams.models import Person

NOT_VALUES = frozenset({"csrfmiddlewaretoken", "act_key", "seen", "why", "go_on"})


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def moves(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    """What may be done, and what became of the last move; ``waiting``: the id of one that is on its way."""
    viewer, record = _found(request, record_id)
    if not _is_part(request):
        return redirect(_address(record))
    panel = panel_of(record, viewer, now_utc())
    waited = request.GET.get("waiting", "")
    has_ended = bool(waited) and not panel.is_waiting
    context: dict[str, Any] = {"panel": panel, "has_ended": has_ended, "record": record}
    status = panel.status
    if has_ended and status and status.kind == "refused" and status.to and status.ask.by_id == viewer.pk:
        context["dialog"] = _reopened(record, viewer, status.to)
    return render(request, "records/_moves.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@vary_on_headers("HX-Request")
def move(request: HttpRequest, record_id: uuid.UUID, stage: str) -> HttpResponse:
    """The dialog of one move, as a page without script; and the act."""
    viewer, record = _found(request, record_id)
    if request.method != "POST":
        try:
            dialog = _reopened(record, viewer, stage)
        except MoveError as error:
            return _told(request, record, error)
        return _show(request, dialog, 200)
    why, act_key = request.POST.get("why", "").strip(), request.POST.get("act_key") or str(uuid.uuid4())
    seen = request.POST.get("seen", "")
    try:
        acts.move(
            record, viewer, to=stage, seen=seen, typed=_typed(request), why=why,
            go_on=request.POST.get("go_on") == "1", act_key=act_key, now=now_utc(),
        )  # fmt: skip
    except NeedsMore as error:
        # The buttons on the page send nothing typed: then the dialog only opens.
        is_sent = bool(set(request.POST) - NOT_VALUES) or "why" in request.POST
        plan = error.plan if is_sent else acts.open_move(record, viewer, stage, {}, now_utc())
        dialog = MoveDialog(record, plan, seen, act_key, why, str(error) if is_sent else "", is_sent=is_sent)
        return _show(request, dialog, 422)
    except MoveError as error:
        return _told(request, record, error)
    if not _is_part(request):
        messages.success(request, f"It is being sent to {record.connection.label}.")
        return redirect(_address(record))
    return _section(request, record, viewer)


@require_POST
def withdraw_move(request: HttpRequest, record_id: uuid.UUID, ask_id: uuid.UUID) -> HttpResponse:
    """Take back what was not sent yet."""
    viewer, record = _found(request, record_id)
    asked = get_object_or_404(AskedChange, pk=ask_id, record=record)
    if not acts.may_move(viewer, record):
        messages.warning(request, "Its owner, their manager or RevOps can take it back.")
    elif not withdraw(asked, by=viewer, now=now_utc()):
        messages.warning(request, "It is too late: it was sent already.")
    return _section(request, record, viewer) if _is_part(request) else redirect(_address(record))


def _found(request: HttpRequest, record_id: uuid.UUID) -> tuple[Person, Record]:
    viewer = person_of(request)
    rows = Record.objects.for_person(viewer).select_related("connection", "owner")
    return viewer, get_object_or_404(rows, pk=record_id, object="deal")


def _typed(request: HttpRequest) -> dict[str, str | Sequence[str]]:
    return {
        name: values[-1] if len(values) == 1 else [str(v) for v in values]
        for name, values in request.POST.lists()
        if name not in NOT_VALUES
    }


def _reopened(record: Record, viewer: Person, stage: str) -> MoveDialog:
    """The dialog with what a refused try had typed. Raises MoveError."""
    now = now_utc()
    moves = acts.moves_of(record, viewer, now)
    latest = moves.latest
    is_again = latest is not None and latest.state == AskedChange.State.REFUSED and moves.place is not None
    typed: dict[str, str | Sequence[str]] = {}
    if is_again and latest is not None and moves.place is not None:
        typed = acts.typed_before(record, latest, moves.place, stage, viewer.zone)
    plan = acts.open_move(record, viewer, stage, typed, now)
    at = plan.place.stage
    words = latest.text if is_again and latest is not None and (typed or _is_about(latest, plan)) else ""
    return MoveDialog(record, plan, at.key if at else "", str(uuid.uuid4()), crm_words=words)


def _is_about(asked: AskedChange, plan: Plan) -> bool:
    return bool(asked.values.get(plan.body.stage_field) == plan.way.to.value)


def _show(request: HttpRequest, dialog: MoveDialog, status: int) -> HttpResponse:
    template = "records/_move_dialog.html" if _is_part(request) else "records/move.html"
    context = {"dialog": dialog, "record": dialog.record}
    return render(request, template, context, status=status)


def _told(request: HttpRequest, record: Record, error: MoveError) -> HttpResponse:
    messages.warning(request, error.text)
    if not _is_part(request):
        return redirect(_address(record))
    # Whatever changed, the page no longer shows it as it is.
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = _address(record)
    return answer


def _section(request: HttpRequest, record: Record, viewer: Person) -> HttpResponse:
    record.refresh_from_db()
    panel = panel_of(record, viewer, now_utc())
    answer = render(request, "records/_moves.html", {"panel": panel, "record": record})
    answer["HX-Retarget"], answer["HX-Reswap"] = "#moves", "outerHTML"
    return answer


def _address(record: Record) -> str:
    return reverse("records:record", args=[record.pk])


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
