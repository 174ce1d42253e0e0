from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from effects.tick import now_utc
from handoffs import snoozing
from records.models import Record
from teams.access import person_of


@require_POST
def snooze(request: HttpRequest, record_id: uuid.UUID, until: str) -> HttpResponse:
    """Put a row off for an hour or until the morning, or show it again (``wake``)."""
    viewer, now = person_of(request), now_utc()
    record = get_object_or_404(Record.objects.for_person(viewer), pk=record_id)
    if until == snoozing.WAKE:
        snoozing.wake(viewer, record)
        messages.success(request, f"{record} is back.")
        return redirect("handoffs:my_day")
    try:
        at = snoozing.until_of(viewer, until, now)
    except snoozing.SnoozeError as error:
        raise Http404 from error
    snoozing.snooze(viewer, record, at, now)
    messages.success(request, _told(record, at))
    return redirect("handoffs:my_day")


@require_http_methods(["GET", "HEAD", "POST"])
def snooze_until(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    """Until when?"""
    viewer, now = person_of(request), now_utc()
    record = get_object_or_404(Record.objects.for_person(viewer), pk=record_id)
    value = request.POST.get("until", "")
    error = ""
    if request.method == "POST":
        try:
            at = snoozing.read_until(value, viewer.zone, now)
        except snoozing.SnoozeError as fault:
            error = str(fault)
        else:
            snoozing.snooze(viewer, record, at, now)
            messages.success(request, _told(record, at))
            return redirect("handoffs:my_day")
    context = {"record": record, "zone": viewer.time_zone, "value": value, "error": error}
    return render(request, "handoffs/snooze.html", context, status=422 if error else 200)


def _told(record: Record, at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{record} is snoozed until {local:%a %d %b %H:%M}, or until it becomes late."
