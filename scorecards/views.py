"""The map, the Monday page, and where a number comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from definitions.versions import load_model
from effects.tick import now_utc
from records.csv_files import csv_streamed
from records.models import CatalogueField
from scorecards.fact_words import narrowing_words
from scorecards.facts import FactSet, count_of, facts_of
from scorecards.keyset import Order, keyset_page, read_cursor
from scorecards.map_page import MapFilter, load_findings, load_map
from scorecards.metrics import METRICS
from scorecards.models import MetricFact
from scorecards.monday import TOO_FEW, definition_notes, load_monday, percent
from scorecards.periods import CHOICES, Period, read_period
from scorecards.record_page import page_address
from teams.access import business_units_of, person_of
from teams.models import BusinessUnit

FACTS_PER_PAGE = 50
DIMENSIONS = {"lead_origin": "Where they came from", "region": "Region"}
"""Name -> label of what is shown beside each fact."""
BY_ANCHOR = Order("anchor_at", is_descending=True)


@require_safe
def map_page(request: HttpRequest) -> HttpResponse:
    """Where do leads get stuck?"""
    viewer = person_of(request)
    units = list(business_units_of(viewer))
    now = now_utc()
    period = read_period(request.GET, now.date())
    chosen = MapFilter(period, **{name: _text(request, name) for name in ("unit", "region", "pipeline")})
    context = {
        "map": load_map([unit.pk for unit in units], chosen, now),
        "findings": load_findings(viewer, chosen),
        "period": period,
        "filter_bar": [_period_filter(period), *_place_filters(units, chosen)],
        "hidden": [] if period.choice else list(period.query.items()),
        "updated_at": now,
    }
    return render(request, "scorecards/map.html", context)


@require_safe
def monday(request: HttpRequest) -> HttpResponse:
    """Two numbers, and what to talk about."""
    viewer = person_of(request)
    now = now_utc()
    period = read_period(request.GET, now.date())
    unit = _text(request, "unit")
    units = [(u.key, u.name) for u in business_units_of(viewer)]
    context = {
        "page": load_monday(viewer, period, unit, now),
        "period": period,
        "choices": [
            (f"?{urlencode({'period': key, **({'unit': unit} if unit else {})})}", label, key == period.choice)
            for key, (label, _) in CHOICES.items()
        ],
        "unit": unit,
        "unit_choices": [
            (f"?{urlencode({**_period_query(period), **({'unit': key} if key else {})})}", name, key == unit)
            for key, name in [("", "All business units"), *units]
        ] if len(units) > 1 else [],
        "too_few": TOO_FEW,
        "updated_at": now,
    }  # fmt: skip
    return render(request, "scorecards/monday.html", context)


@require_safe
def number(request: HttpRequest, metric: str) -> HttpResponse:
    """Where does this number come from?"""
    viewer = person_of(request)
    now = now_utc()
    wanted = _wanted(request, metric, now)
    both = count_of(viewer, wanted)
    shown = {"1": both.yes, "0": both.no}.get(wanted.value, both.n)
    page = keyset_page(
        facts_of(viewer, wanted).select_related("record__connection", "record__owner"),
        BY_ANCHOR,
        read_cursor(request.GET.get("page"), BY_ANCHOR),
        size=FACTS_PER_PAGE,
        count=(shown, False),
    )
    query = {name: value for name, value in wanted.query.items() if name != "metric"}
    model = load_model()
    notes = [
        note
        for key in wanted.declared.definitions
        for note in definition_notes(model, key, wanted.period, now)
    ]
    context: dict[str, Any] = {
        "wanted": wanted,
        "metric": wanted.declared,
        "part": ", ".join(filter(None, (_part_name(model, wanted, now), *narrowing_words(wanted)))),
        "both": both,
        "value": percent(both.share) if both.n >= TOO_FEW else "Too few to say",
        "shown": shown,
        "page": page,
        "rows": [
            {
                "fact": fact,
                "href": page_address(fact.record_id),
                "dimensions": [
                    (label, str(fact.dimensions.get(name) or "").replace("_", " "))
                    for name, label in DIMENSIONS.items()
                ],
            }
            for fact in page.rows
        ],
        "previous": f"?{urlencode({**query, 'page': page.previous})}" if page.previous else "",
        "next": f"?{urlencode({**query, 'page': page.next})}" if page.next else "",
        "sides": [
            (_side(wanted, value), label, n, value == wanted.value)
            for value, label, n in (
                ("", "All", both.n), ("1", wanted.declared.yes, both.yes), ("0", wanted.declared.no, both.no),
            )
        ],
        "notes": notes,
        "dimensions": DIMENSIONS,
        "permanent": request.build_absolute_uri(wanted.href),
        "export_href": f"{reverse('scorecards:number_export', args=[metric])}?{urlencode(query)}",
        "updated_at": now,
    }  # fmt: skip
    return render(request, "scorecards/number.html", context)


@require_safe
def number_export(request: HttpRequest, metric: str) -> HttpResponseBase:
    """The facts of a number, as many as it says, as CSV."""
    viewer = person_of(request)
    wanted = _wanted(request, metric, now_utc())
    facts = (
        facts_of(viewer, wanted)
        .select_related("record__connection", "record__owner")
        .order_by("-anchor_at", "-pk")
        .iterator(chunk_size=2000)
    )
    header = [
        "Record",
        "Counted at",
        "Value",
        "Part",
        *DIMENSIONS.values(),
        "Owner",
        "Read from",
        "CRM id",
        "gtmops",
    ]
    return csv_streamed(f"gtmops-{metric}", header, _csv_rows(request, facts))


def _csv_rows(request: HttpRequest, facts: Iterator[MetricFact]) -> Iterator[list[Any]]:
    for fact in facts:
        record = fact.record
        yield [
            str(record),
            fact.anchor_at,
            int(fact.value),
            fact.slice,
            *(fact.dimensions.get(name) for name in DIMENSIONS),
            record.owner.name if record.owner else "",
            record.connection.label,
            record.remote_id,
            request.build_absolute_uri(page_address(record.pk)),
        ]


def _wanted(request: HttpRequest, metric: str, now: datetime) -> FactSet:
    """The set the address says; without days, the last 90. Raises Http404 for an unknown metric."""
    if metric not in METRICS:
        raise Http404
    told = FactSet.read(request.GET, metric)
    if told is not None:
        return told
    period = read_period(request.GET, now.date())
    query = {**request.GET.dict(), **Period(period.first, period.last).query}
    return FactSet.read(query, metric) or FactSet(metric, Period(period.first, period.last))


def _part_name(model: Any, wanted: FactSet, now: datetime) -> str:
    """The slice in words: a rule's or handoff's name, else the value itself."""
    for section in ("sla_rules", "handoffs"):
        version = model.at(section, wanted.slice, now) if wanted.slice else None
        if version is not None and wanted.declared.slice_by in {"rule", "handoff"}:
            return str(version.body.get("name") or wanted.slice)
    return wanted.slice


def _side(wanted: FactSet, value: str) -> str:
    return replace(wanted, value=value).href


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()[:100]


def _period_query(period: Period) -> dict[str, str]:
    return {"period": period.choice} if period.choice else period.query


def _period_filter(period: Period) -> dict[str, Any]:
    choices = [(key, label) for key, (label, _) in CHOICES.items()]
    if not period.choice:
        choices.insert(0, ("", period.words))
    return {"name": "period", "label": "Period", "value": period.choice, "choices": choices}


def _place_filters(units: Sequence[BusinessUnit], chosen: MapFilter) -> list[dict[str, Any]]:
    """Business unit, region and pipeline, where there is something to choose."""
    options: dict[tuple[str, str], list[str]] = {
        (object_name, name): [str(o.get("value") if isinstance(o, dict) else o) for o in values]
        for object_name, name, values in CatalogueField.objects.filter(
            name__in=["region", "pipeline"], object__in=["person", "deal"]
        ).values_list("object", "name", "options")
    }
    bars = [
        ("unit", "Business unit", [(u.key, u.name) for u in units], "All"),
        ("region", "Region", [(o, o) for o in options.get(("person", "region"), [])], "All regions"),
        (
            "pipeline",
            "Pipeline of deals",
            [(o, o) for o in options.get(("deal", "pipeline"), [])],
            "All pipelines",
        ),
    ]
    return [
        {"name": name, "label": label, "value": getattr(chosen, name), "choices": [("", every), *choices]}
        for name, label, choices, every in bars
        if len(choices) > 1
    ]
