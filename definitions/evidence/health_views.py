"""Which conditions earn their keep? For admins: counts without names; who failed what is a list of records."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from definitions.bodies import PIPELINES
from definitions.evidence.health import (
    LEAST_JUDGED,
    WINDOW,
    CheckHealth,
    ConditionLine,
    definitions_health,
    exits_health,
    findings,
)
from definitions.in_force import load_typed_model
from definitions.models import Passage
from effects.tick import now_utc
from records.csv_files import csv_answer
from teams.access import business_units_of, person_of
from teams.models import Person
from teams.querysets import border

MOST_SHOWN: Final = 200
FLAGS: Final = {
    "never_fails": ("Never fails", "soon", "Useless? Take it out, or ask for more."),
    "mostly_filler": (
        "Mostly filler",
        "late",
        "Harmful? Ask for less, or for something people know by then.",
    ),
    "never_holds": ("Never holds", "soon", "Impossible? Look at what people write instead."),
    "rarely_known": ("Rarely known", "neutral", "Connect the field, or don't decide by it."),
}


@require_safe
def checks(request: HttpRequest) -> HttpResponse:
    now, viewer = now_utc(), person_of(request)
    typed = load_typed_model()
    tab = "definitions" if request.GET.get("show") == "definitions" else "exits"
    found = (
        definitions_health(viewer, typed, now) if tab == "definitions" else exits_health(viewer, typed, now)
    )
    only = request.GET.get("only") == "findings"
    shown = [c for c in found if c.has_finding] if only else found
    context = {
        "tab": tab,
        "only": only,
        "checks": [(check, _rows(check, only=only)) for check in shown],
        "judged": sum(check.judged for check in found),
        "findings": findings(found),
        "any": bool(found),
        "days": WINDOW.days,
        "least_judged": LEAST_JUDGED,
        "updated_at": now,
    }
    return render(request, "definitions/checks.html", context)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Both tables as one file; counts, not shares."""
    now, viewer = now_utc(), person_of(request)
    typed = load_typed_model()
    header = ["check", "condition", "variant", "judged", "failed", "on_paper", "unknown", "excepted", "finding",
              "is_sampled"]  # fmt: skip
    rows = [
        [
            f"{check.section}/{check.key}", line.text, line.group, line.judged, line.failed, line.on_paper,
            line.unknown, line.excepted, line.flag, check.is_sampled,
        ]
        for check in (*exits_health(viewer, typed, now), *definitions_health(viewer, typed, now))
        for line in check.lines
    ]  # fmt: skip
    return csv_answer(f"conditions-{now:%Y-%m-%d}", header, rows)


@require_safe
def behind(request: HttpRequest) -> HttpResponse:
    """The records that left a stage without a condition, newest first."""
    now, viewer = now_utc(), person_of(request)
    pipeline, _, stage = request.GET.get("check", "").replace("\x00", "").partition("/")
    text = request.GET.get("condition", "").replace("\x00", "")[:2000]
    found = _behind(viewer, pipeline, stage, text, now)
    rows = list(found.select_related("record__owner")[: MOST_SHOWN + 1])
    name = next(
        (c.name for c in exits_health(viewer, load_typed_model(), now) if c.key == f"{pipeline}/{stage}"), ""
    )
    context = {
        "rows": rows[:MOST_SHOWN],
        "is_cut": len(rows) > MOST_SHOWN,
        "most": MOST_SHOWN,
        "condition": text,
        "name": name or "A stage",
        "days": WINDOW.days,
    }
    return render(request, "definitions/checks_behind.html", context)


def _behind(viewer: Person, pipeline: str, stage: str, text: str, now: Any) -> Any:
    inside = border(business_units_of(viewer), "record__business_unit")
    return Passage.objects.filter(
        inside,
        pipeline=pipeline,
        stage=stage,
        left_at__gte=now - WINDOW,
        left_at__lte=now,
        missing__contains=[text],
    ).order_by("-left_at", "pk")


def _rows(check: CheckHealth, *, only: bool) -> list[dict[str, Any]]:
    return [
        {
            "line": line,
            "flag": FLAGS.get(line.flag),
            "href": _href(check, line),
            "begins": i == 0 or check.lines[i - 1].group != line.group,
        }
        for i, line in enumerate(check.lines)
        if line.flag or not only
    ]


def _href(check: CheckHealth, line: ConditionLine) -> str:
    """Where the records are that it failed for; '' when there are none."""
    if not line.failed:
        return ""
    if check.section == PIPELINES:
        query = urlencode({"check": check.key, "condition": line.text})
        return f"{reverse('definitions:checks_behind')}?{query}"
    query = urlencode({"object": check.object, "definition": check.key, "state": "missing"})
    return f"{reverse('records:list')}?{query}"
