"""Suggested matches, what one record belongs to, and which domains say nothing."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from effects.tick import now_utc
from records.csv_files import csv_answer
from records.matching import matching
from records.matching.domains import domain_of_site
from records.matching.known_domains import FREE
from records.matching.linking import LinkError
from records.models import AccountDomain, FreeDomain, Record
from scorecards.matching import belonging, listing
from teams.access import person_of

MOST_ROWS_OF_A_FILE = 10_000


@require_safe
def matches(request: HttpRequest) -> HttpResponse:
    viewer = person_of(request)
    show, text = request.GET.get("show", ""), request.GET.get("q", "")
    number = request.GET.get("page", "1")
    page = max(1, min(int(number), 10_000)) if number.isdecimal() and len(number) < 6 else 1
    start = (page - 1) * listing.PER_PAGE
    rows = list(listing.matches_for(viewer, show, text)[start : start + listing.PER_PAGE + 1])
    context: dict[str, Any] = {
        "lines": listing.lines_of(viewer, rows[: listing.PER_PAGE]),
        "filter_bar": [
            {"name": "show", "label": "Show", "value": show, "choices": list(listing.SHOWS.items())}
        ],
        "search": text,
        "show": show,
        "previous": f"?{urlencode({'show': show, 'q': text, 'page': page - 1})}" if page > 1 else "",
        "next": f"?{urlencode({'show': show, 'q': text, 'page': page + 1})}"
        if len(rows) > listing.PER_PAGE
        else "",
        "token": uuid.uuid4().hex,
        "has_domains": bool(rows) or AccountDomain.objects.exists(),
    }
    return render(request, "records/matching/matches.html", context)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The list as it is filtered, as CSV."""
    viewer = person_of(request)
    rows = listing.matches_for(viewer, request.GET.get("show", ""), request.GET.get("q", ""))
    header, lines = listing.table(viewer, rows[:MOST_ROWS_OF_A_FILE])
    return csv_answer("matches", header, lines)


@require_http_methods(["GET", "HEAD", "POST"])
def belongs(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    viewer = person_of(request)
    record = get_object_or_404(
        Record.objects.for_person(viewer).select_related("connection", "owner").exclude(object="activity"),
        pk=record_id,
    )
    if request.method == "POST":
        try:
            messages.success(request, belonging.act(viewer, record, request.POST.dict(), now_utc()))
        except LinkError as error:
            messages.error(request, error.text)
        if request.POST.get("from") == "matches":
            return redirect("records:matches")
        return redirect("records:belongs", record_id=record.pk)
    find_account, find_record = request.GET.get("account", ""), request.GET.get("record", "")
    context = {
        "record": record,
        "belonging": belonging.belonging_of(viewer, record),
        "find_account": find_account,
        "find_record": find_record,
        "accounts": belonging.find_records(viewer, find_account, record, accounts=True),
        "records": belonging.find_records(viewer, find_record, record, accounts=False),
        "token": uuid.uuid4().hex,
        "poll_seconds": settings.GTMOPS.progress_poll_seconds,
    }
    return render(request, "records/matching/belongs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def domains(request: HttpRequest) -> HttpResponse:
    """Which domains everybody can have an address at: ours, and what this installation adds or says against them."""
    viewer, now = person_of(request), now_utc()
    if request.method == "POST":
        return _say_domain(request, viewer, now)
    asked = domain_of_site(request.GET.get("q", ""))
    context = {
        "rows": FreeDomain.objects.select_related("by"),
        "known": len(FREE),
        "asked": asked,
        "is_free": asked in matching.freemail() if asked else None,
    }
    return render(request, "records/matching/domains.html", context)


def _say_domain(request: HttpRequest, viewer: Any, now: Any) -> HttpResponse:
    if "forget" in request.POST:
        told = request.POST["forget"]
        row = FreeDomain.objects.filter(pk=int(told)).first() if told.isdecimal() and len(told) < 12 else None
        if row is None:
            raise Http404
        n = matching.forget_domain(row, now)
        messages.success(request, f"Taken back: {row.domain}. {n:,} people are matched again.")
        return redirect("records:match_domains")
    try:
        is_free = request.POST.get("is_free") == "1"
        n = matching.say_domain(request.POST.get("domain", ""), is_free=is_free, by=viewer, now=now)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Saved. {n:,} people are matched again.")
    return redirect("records:match_domains")
