"""Which exceptions are there? Asked for, in force, over; and how often managers grant them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from definitions.evidence import exception_acts as acts
from definitions.evidence.exceptions import REQUESTED, Waiver
from definitions.models import Judgement
from definitions.versions import Model, load_model
from effects.tick import now_utc
from records.csv_files import csv_answer
from records.models import Event, Record
from teams.access import person_of
from teams.models import Person, Role
from teams.paging import page_of

PER_PAGE: Final = 50
SHOWN = timedelta(days=365)
TABS: Final = {
    "open": ("Waiting for a decision", {"open"}),
    "in_force": ("In force", {"granted"}),
    "over": ("Over or refused", {"expired", "ended", "refused"}),
    "went_on": ("Went on anyway", {"went_on"}),
}
STATE_WORDS: Final = {
    "open": ("Waiting", "soon", "hourglass-split"),
    "granted": ("In force", "info", "patch-check-fill"),
    "refused": ("Refused", "neutral", "x-circle"),
    "ended": ("Ended early", "neutral", "stop-circle"),
    "expired": ("Over", "neutral", "clock-history"),
    "went_on": ("Went on", "soon", "exclamation-triangle"),
}


@dataclass(frozen=True)
class Line:
    """One exception as the page shows it. ``may_decide``: grant or refuse it, or end it."""

    waiver: Waiver
    state: str
    record: Record
    check: str
    asked_by: str
    decided_by: str
    may_decide: bool

    @property
    def words(self) -> tuple[str, str, str]:
        return STATE_WORDS[self.state]


@dataclass(frozen=True)
class Granting:
    """How one manager decided. ``share`` None below the number that says something."""

    name: str
    granted: int
    refused: int

    @property
    def decided(self) -> int:
        return self.granted + self.refused

    @property
    def share(self) -> float | None:
        return self.granted / self.decided if self.decided >= LEAST_DECIDED else None


LEAST_DECIDED: Final = 5


@require_safe
def exceptions(request: HttpRequest) -> HttpResponse:
    now, viewer = now_utc(), person_of(request)
    lines = _lines(viewer, now)
    tab = request.GET.get("show", "")
    counts = Counter(_tab_of(line.state) for line in lines)
    if tab not in TABS:
        tab = "open" if counts["open"] else "in_force" if counts["in_force"] else "open"
    shown = _narrowed([line for line in lines if line.state in TABS[tab][1]], request.GET)
    page = page_of(request, shown, PER_PAGE)
    context = {
        "tab": tab,
        "tabs": [(name, label, counts[name]) for name, (label, _) in TABS.items()],
        "page": page,
        "filter_bar": _filters(lines, request.GET),
        "hidden": [("show", tab)],
        "is_filtered": bool(request.GET.get("check") or request.GET.get("asked")),
        "grantings": _grantings(lines, viewer),
        "any": bool(lines),
        "query": request.GET.urlencode(),
        "least_decided": LEAST_DECIDED,
        "most_days": acts.MOST_DAYS,
        "act_key": str(uuid.uuid4()),
        "today": now.astimezone(viewer.zone).date(),
        "latest": (now + timedelta(days=acts.MOST_DAYS)).astimezone(viewer.zone).date(),
    }
    return render(request, "definitions/exceptions.html", context)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The same exceptions as a file, of all three tabs unless one is named."""
    now, viewer = now_utc(), person_of(request)
    tab = request.GET.get("show", "")
    lines = [x for x in _lines(viewer, now) if tab not in TABS or x.state in TABS[tab][1]]
    header = [
        "record",
        "check",
        "state",
        "asked_by",
        "asked_at",
        "reason",
        "until",
        "decided_by",
        "decided_at",
        "note",
    ]
    rows = [
        [
            str(x.record), x.check, x.state, x.asked_by, x.waiver.requested_at, x.waiver.reason, x.waiver.until,
            x.decided_by, x.waiver.decided_at, x.waiver.note,
        ]
        for x in _narrowed(lines, request.GET)
    ]  # fmt: skip
    return csv_answer(f"exceptions-{now:%Y-%m-%d}", header, rows)


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    """The form by itself, for whoever has no script or made a mistake in the dialog; and what it sends."""
    now, viewer = now_utc(), person_of(request)
    record = get_object_or_404(
        Record.objects.for_person(viewer).select_related("owner", "connection"), pk=record_id
    )
    told = request.POST if request.method == "POST" else request.GET
    section, key = told.get("section", ""), told.get("check", "")
    judgement = (
        Judgement.objects.filter(record=record, section=section, key=key).select_related("version").first()
    )
    back = reverse("records:record", args=[record.pk])
    if judgement is None:
        nothing = {"record": record, "back": back, "is_nothing": True}
        status = 422 if request.method == "POST" else 200
        return render(request, "definitions/exception_ask.html", nothing, status=status)
    context: dict[str, Any] = {
        "record": record,
        "section": section,
        "check": key,
        "check_name": acts.check_name(section, key, judgement.version.body),
        "reason": told.get("reason", ""),
        "until": told.get("until", ""),
        "act_key": told.get("act_key") or str(uuid.uuid4()),
        "today": now.astimezone(viewer.zone).date(),
        "latest": (now + timedelta(days=acts.MOST_DAYS)).astimezone(viewer.zone).date(),
        "back": back,
    }
    if request.method != "POST":
        return render(request, "definitions/exception_ask.html", context)
    try:
        acts.ask(
            record, viewer, section=section, key=key, reason=context["reason"],
            until=_end_of_day(context["until"], viewer) or now, act_key=context["act_key"], now=now,
        )  # fmt: skip
    except acts.ExceptionError as error:
        return render(request, "definitions/exception_ask.html", {**context, "error": error}, status=422)
    messages.success(request, "Asked. You get a message when it is decided.")
    return redirect(context["back"])


@require_POST
def decide(request: HttpRequest, exception_id: uuid.UUID, act: str) -> HttpResponse:
    """Grant, refuse or end one; then back to where the viewer came from."""
    now, viewer = now_utc(), person_of(request)
    asked = (
        Event.objects.filter(kind=REQUESTED, data__exception=str(exception_id))
        .select_related("record")
        .first()
    )
    if asked is None or act not in {"grant", "refuse", "end"}:
        raise Http404
    record = get_object_or_404(Record.objects.for_person(viewer), pk=asked.record_id)
    waiver = next((w for w in acts.waivers_of([record.pk]) if w.id == str(exception_id)), None)
    if waiver is None:
        raise Http404
    note, act_key = request.POST.get("note", ""), request.POST.get("act_key") or str(uuid.uuid4())
    try:
        if act == "grant":
            until = _end_of_day(request.POST.get("until", ""), viewer)
            acts.grant(waiver, record, viewer, until=until, note=note, act_key=act_key, now=now)
        elif act == "refuse":
            acts.refuse(waiver, record, viewer, note=note, act_key=act_key, now=now)
        else:
            acts.end(waiver, record, viewer, act_key=act_key, now=now)
    except acts.ExceptionError as error:
        messages.warning(request, error.text)
    else:
        done = {"grant": "Exception granted.", "refuse": "Exception refused.", "end": "Exception ended."}
        messages.success(request, done[act])
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if is_ours else reverse("definitions:exceptions"))


# --- what it shows ---------------------------------------------------------------------------------------------


def _lines(viewer: Person, now: datetime) -> list[Line]:
    """Every exception of a year, newest request first. Six queries."""
    waivers = acts.waivers_since(viewer, now - SHOWN)
    records = {r.pk: r for r in Record.objects.filter(pk__in={w.record_id for w in waivers})}
    people = {pk for w in waivers for pk in (w.requested_by, w.decided_by) if pk}
    names = dict(Person.objects.filter(pk__in=people).values_list("pk", "name"))
    model, teams = load_model(), acts.deciding_teams(viewer)
    found = []
    for waiver in waivers:
        body = _body_of(model, waiver.section, waiver.key, now)
        state, owner = waiver.state_at(now), acts.owner_of(waiver.section, body)
        found.append(
            Line(
                waiver=waiver,
                state=state,
                record=records[waiver.record_id],
                check=acts.check_name(waiver.section, waiver.key, body),
                asked_by=names.get(waiver.requested_by or 0, "Somebody who left"),
                decided_by=names.get(waiver.decided_by or 0, ""),
                may_decide=state in {"open", "granted"} and acts.may_decide(viewer, waiver, owner, teams),
            )
        )
    return sorted(found, key=lambda x: (x.waiver.requested_at, x.waiver.id), reverse=True)


def _body_of(model: Model, section: str, key: str, now: datetime) -> Mapping[str, Any]:
    name = key.partition("/")[0]
    version = model.at(section, name, now) or next(reversed(model.history(section, name)), None)
    return version.body if version else {}


def _tab_of(state: str) -> str:
    return next(name for name, (_, states) in TABS.items() if state in states)


def _narrowed(lines: Sequence[Line], query: Mapping[str, str]) -> list[Line]:
    check, asked = query.get("check", ""), query.get("asked", "")
    return [
        x
        for x in lines
        if (not check or f"{x.waiver.section}/{x.waiver.key}" == check)
        and (not asked or str(x.waiver.requested_by) == asked)
    ]


def _filters(lines: Sequence[Line], query: Mapping[str, str]) -> list[dict[str, Any]]:
    checks = sorted({(f"{x.waiver.section}/{x.waiver.key}", x.check) for x in lines}, key=lambda c: c[1])
    people = sorted({(str(x.waiver.requested_by), x.asked_by) for x in lines}, key=lambda p: p[1])
    bars = [
        ("check", "Check", [("", "Any check"), *checks]),
        ("asked", "Asked by", [("", "Anyone"), *people]),
    ]
    return [
        {"name": name, "label": label, "value": query.get(name, ""), "choices": choices}
        for name, label, choices in bars
        if len(choices) > 2
    ]


def _grantings(lines: Sequence[Line], viewer: Person) -> list[Granting]:
    """By who decided; each manager reads their own and their people's, leaders and admins everybody's."""
    sees_all = viewer.is_admin or viewer.role == Role.LEADER
    people = {viewer.pk, *Person.objects.led_by(viewer).values_list("pk", flat=True)}
    told: dict[int, tuple[str, Counter[str]]] = {}
    for line in lines:
        person = line.waiver.decided_by
        if person is None or not (sees_all or person in people):
            continue
        _, counts = told.setdefault(person, (line.decided_by, Counter()))
        counts["refused" if line.state == "refused" else "granted"] += 1
    found = [Granting(name or "Somebody who left", c["granted"], c["refused"]) for name, c in told.values()]
    return sorted(found, key=lambda g: (-g.decided, g.name))


def _end_of_day(text: str, viewer: Person) -> datetime | None:
    """The last second of that day where the viewer is; None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), tzinfo=viewer.zone)
    except ValueError:
        return None
