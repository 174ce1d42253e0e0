"""The leaver dialog, what became of it, and who else left with work that is still open."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from effects.tick import now_utc
from records.csv_files import csv_answer
from records.models import Record
from scorecards.leaving.giving import LEAVE, LeavingError, leave, options_for, progress_of, still_theirs
from scorecards.leaving.open_work import Kind, OpenWork, leavers_with_work, open_work_of
from teams.access import person_of
from teams.models import Leaving, Person

SHOWN = 100
WORDS = {
    Kind.DEALS: "open deals", Kind.BUYERS: "leads and contacts", Kind.ACCOUNTS: "accounts", Kind.HANDOFFS: "handoffs",
    Kind.REPORTS: "people", Kind.COVERS: "absences to cover",
}  # fmt: skip


@require_safe
def leavers(request: HttpRequest) -> HttpResponse:
    return render(
        request, "scorecards/leaving/leavers.html", {"leavers": leavers_with_work(person_of(request))}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def leaver(request: HttpRequest, person_id: int) -> HttpResponse:
    viewer, now = person_of(request), now_utc()
    person = get_object_or_404(Person.objects.visible_to(viewer).select_related("manager"), pk=person_id)
    fault = ""
    if request.method == "POST":
        chosen = {
            kind: request.POST[kind.value] for kind in Kind if request.POST.get(kind.value, LEAVE) != LEAVE
        }
        try:
            leave(person, chosen, by=viewer, now=now, token=request.POST.get("token", "")[:64])
        except LeavingError as error:
            fault = error.text
        else:
            messages.success(
                request, f"{person.name} has left. What is open goes to whom you chose, from now."
            )
            return redirect("people:leaver", person_id=person.pk)
    work = open_work_of(viewer, person, now)
    told = list(Leaving.objects.filter(person=person).select_related("by")[:5])
    theirs = [_linked(record) for record in still_theirs(viewer, person, now)] if not person.is_active else []
    context = {
        "person": person,
        "work": work,
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
        "sentence": sentence_of(person, work),
        "options": options_for(viewer, person),
        "default": f"p{person.manager_id}" if person.manager and person.manager.is_active else LEAVE,
        "token": uuid.uuid4().hex,
        "fault": fault,
        "leavings": [_told(one) for one in told],
        "theirs": theirs[:SHOWN],
        "theirs_count": len(theirs),
    }
    return render(request, "scorecards/leaving/leaver.html", context, status=422 if fault else 200)


def sentence_of(person: Person, work: OpenWork) -> str:
    """ "37 open deals and 4 open handoffs are still Ronan Ashgrove's."."""
    parts = [line.text for line in work.lines if line.kind not in (Kind.REPORTS, Kind.COVERS)]
    if not parts:
        return "" if work.on_its_way else f"Nothing open is {person.name}’s."
    told = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{told} {'is' if told.startswith('1 ') and len(parts) == 1 else 'are'} still {person.name}’s."


def _told(leaving: Leaving) -> dict[str, Any]:
    kinds = leaving.given.get("kinds", {})
    by_hand: dict[str, int] = {}
    for told in kinds.values():
        for reason, n in (told.get("by_hand") or {}).items():
            by_hand[reason] = by_hand.get(reason, 0) + n
    return {
        "row": leaving,
        "lines": [f"{told['n']:,} {WORDS[Kind(kind)]} to {told['name']}" for kind, told in kinds.items()],
        "by_hand": by_hand,
        "progress": progress_of(leaving),
    }


def _linked(record: Record) -> dict[str, Any]:
    url = record.connection.record_url.replace("{object}", record.remote_object).replace(
        "{id}", record.remote_id
    )
    return {"record": record, "crm": record.connection.label, "url": url}


@require_safe
def export(request: HttpRequest, person_id: int) -> HttpResponse:
    """What the CRMs still show as theirs, as a list to work off there."""
    viewer = person_of(request)
    person = get_object_or_404(Person.objects.visible_to(viewer), pk=person_id)
    rows = [_linked(record) for record in still_theirs(viewer, person, now_utc())]
    return csv_answer(
        "still-theirs",
        ["Record", "Object", "CRM", "Id there", "Link"],
        (
            [r["record"].title, r["record"].remote_object, r["crm"], r["record"].remote_id, r["url"]]
            for r in rows
        ),
    )
