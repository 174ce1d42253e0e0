"""Records: the list, one record, search. Why they are in this room: see records_urls."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from definitions.versions import load_model
from effects.tick import now_utc
from handoffs.models import Handoff
from records.csv_files import csv_streamed
from records.models import Connection, Record
from scorecards import record_list as listing
from scorecards.fact_words import narrowing_words
from scorecards.links import handoff_href
from scorecards.matching.belonging import account_of
from scorecards.moves_panel import add_next_moves, panel_of
from scorecards.record_page import load_page, page_address
from teams.access import person_of
from teams.models import Person

FOUND_PER_GROUP = 6
NOUNS = {"person": "people", "deal": "deals", "account": "accounts"}
ICONS = {"person": "person", "deal": "briefcase", "account": "building"}


@require_safe
@vary_on_headers("HX-Request")
def record_list(request: HttpRequest) -> HttpResponse:
    """A page of records; to htmx only the part below the filters."""
    viewer = person_of(request)
    now = now_utc()
    wanted = listing.read_wanted(request.GET)
    model = load_model()
    stages = listing.stages_in_force(model, now)
    page = listing.page_of(viewer, wanted, listing.read_page(wanted, request.GET.get("page")))
    query = listing.query_of(wanted)
    context: dict[str, Any] = {
        "page": page,
        "rows": listing.rows_of(viewer, page.rows, stages, wanted.definition),
        "has_moves": add_next_moves(viewer, page.rows, now),
        "wanted": wanted,
        "noun": NOUNS[wanted.object],
        "limits": _limits(wanted, {s.key: s.short for s in stages}),
        "clear_href": f"?{urlencode({'object': wanted.object})}",
        "all_href": listing.without_narrowing(wanted),
        "is_too_short": bool(wanted.search)
        and max(map(len, wanted.search.split())) < listing.SHORTEST_SEARCH,
        "previous": f"?{urlencode({**query, 'page': page.previous})}" if page.previous else "",
        "next": f"?{urlencode({**query, 'page': page.next})}" if page.next else "",
        "export_href": f"{reverse('records:export')}?{urlencode(query)}",
        "has_stages": wanted.object != "account",
        "sort": wanted.sort,
    }
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        return render(request, "records/list.html#rows", context)
    connections = list(Connection.objects.exclude(kind=Connection.Kind.GTMOPS))
    context |= {
        "tabs": [
            (f"?{urlencode({'object': key})}", label, key == wanted.object)
            for key, label in listing.OBJECTS.items()
        ],
        "filter_bar": listing.filters_of(wanted, viewer, model, stages, connections, now),
        "hidden": [
            (k, v)
            for k, v in query.items()
            if k
            in {
                "object",
                "metric",
                "from",
                "to",
                "slice",
                "value",
                "region",
                "unit",
                "pipeline",
                "open",
                "sort",
            }
            or (wanted.facts is not None and k in wanted.facts.query)
        ],
    }
    return render(request, "records/list.html", context)


def _limits(wanted: listing.Wanted, stage_names: dict[str, str]) -> list[dict[str, str]]:
    """What the address narrows beyond the filters shown, in words."""
    found = []
    if wanted.facts is not None:
        metric = wanted.facts.declared
        side = {"1": f", {metric.yes.lower()}", "0": f", {metric.no.lower()}"}.get(wanted.facts.value, "")
        narrow = [text for text in (wanted.facts.slice, *narrowing_words(wanted.facts)) if text]
        part = "".join(f", {text}" for text in narrow)
        found.append(
            {
                "text": f"Behind the number “{metric.name}”{part}{side}: {wanted.facts.period.words}.",
                "href": wanted.facts.href,
                "action": "Where does this number come from?",
            }
        )
    if wanted.period is not None and wanted.stage:
        name = stage_names.get(wanted.stage, wanted.stage)
        found.append({"text": f"Became {name}: {wanted.period.words}.", "href": "", "action": ""})
    places = ", ".join(value for value in (wanted.unit, wanted.region, wanted.pipeline) if value)
    if places:
        found.append({"text": f"Only {places}.", "href": "", "action": ""})
    if wanted.is_open:
        found.append({"text": "Only open deals.", "href": "", "action": ""})
    return found


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """The same records as the list, all of them, as CSV."""
    viewer = person_of(request)
    wanted = listing.read_wanted(request.GET)
    order = listing.ORDERS[wanted.sort]
    sign = "-" if order.is_descending else ""
    found = listing.find(viewer, wanted).order_by(f"{sign}{order.column}", f"{sign}pk")
    header = [
        "Record",
        "Company or name",
        "Person",
        "E-mail",
        "Owner",
        "Read from",
        "CRM id",
        "Changed",
        "gtmops",
    ]
    return csv_streamed(
        f"gtmops-{NOUNS[wanted.object]}", header, _csv_rows(request, found.iterator(chunk_size=2000))
    )


def _csv_rows(request: HttpRequest, records: Iterator[Record]) -> Iterator[list[Any]]:
    for record in records:
        company, who = listing.title_parts(record)
        yield [
            record.object,
            company,
            who,
            record.values.get("email"),
            record.owner.name if record.owner else "",
            record.connection.label,
            record.remote_id,
            record.modified_at_remote,
            request.build_absolute_uri(page_address(record.pk)),
        ]


@require_safe
def record(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    """Why is it (not) an MQL?"""
    key_only = request.GET.get("events") != "all"
    viewer, now = person_of(request), now_utc()
    page = load_page(viewer, record_id, now, key_only=key_only)
    context = {
        "page": page,
        "key_only": key_only,
        "panel": panel_of(page.record, viewer, now),
        "account": account_of(viewer, page.record) if page.record.object == "person" else None,
    }
    return render(request, "records/record.html", context)


@require_safe
@vary_on_headers("HX-Request")
def search(request: HttpRequest) -> HttpResponse:
    """What the command menu asks for, and a page of the same."""
    viewer = person_of(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    is_part = bool(request.headers.get("HX-Request"))
    groups = search_groups(viewer, text, FOUND_PER_GROUP if is_part else 25)
    context = {"groups": groups, "query": text, "is_too_short": 0 < len(text) < listing.SHORTEST_SEARCH}
    return render(request, "components/search_results.html" if is_part else "records/search.html", context)


def search_groups(viewer: Person, text: str, limit: int) -> list[dict[str, Any]]:
    """Records by object, then handoffs of the buyers found; at most four queries."""
    if len(text) < listing.SHORTEST_SEARCH:
        return []
    inside = Record.objects.for_person(viewer).present().filter(object__in=listing.OBJECTS)
    found = list(
        listing.search(inside, listing.OBJECTS, text)
        .select_related("connection", "owner")
        .order_by("title", "pk")[: limit * len(listing.OBJECTS)]
    )
    groups = []
    for object_name, label in listing.OBJECTS.items():
        rows = [
            {
                "href": page_address(r.pk),
                "text": str(r),
                "detail": " · ".join(filter(None, [r.connection.label, r.owner.name if r.owner else ""])),
                "icon": ICONS[object_name],
            }
            for r in found
            if r.object == object_name
        ][:limit]
        if rows:
            groups.append({"label": label, "rows": rows})
    journeys = {r.journey_id for r in found if r.journey_id}
    handoffs = (
        Handoff.objects.for_person(viewer)
        .filter(journey_id__in=journeys)
        .with_people()
        .order_by("-opened_at", "pk")[:limit]
    )
    rows = [
        {
            "href": handoff_href(h.pk),
            "text": f"{h.template.body.get('name') or h.template_key}: {h.record}",
            "detail": "Done" if h.state == Handoff.State.COMPLETED else "",
            "icon": "arrow-left-right",
        }
        for h in handoffs
    ]
    if rows:
        groups.append({"label": "Handoffs", "rows": rows})
    return groups
