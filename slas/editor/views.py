"""The pages on which an SLA rule is written as a sentence, and what they say while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from definitions.agreement import drafts, forms
from definitions.agreement.draft_views import Editing, editing_of, key_fault, store_draft
from definitions.files.model_files import faults_of
from definitions.sections import Fault as ModelFault
from definitions.sections import sections
from effects.tick import now_utc
from slas.calendars.business_time import WEEKDAYS
from slas.editor.controls import controls_of, read, rearranged, with_row
from slas.editor.example import Example, example_of
from slas.editor.fields import control_at, form_of
from slas.editor.offers import Offers, load_offers
from slas.editor.posted import Fault, Values
from slas.editor.wording import sentence_of, start_words
from slas.in_force import load_staff
from slas.rules import RuleError, parse_rule
from slas.time_bar import Stretch, moment_words, stretches
from slas.visibility import Names
from teams.access import person_of
from teams.models import Person

SECTION = "sla_rules"
NEW: Mapping[str, Any] = {
    "acts": "receiver",
    "evidence": ["person", "activity"],
    "target": {"business": "1h"},
}
"""What a new rule begins with, so that nobody faces an empty page."""

DAYS = (
    ("mon", "Monday"), ("tue", "Tuesday"), ("wed", "Wednesday"), ("thu", "Thursday"), ("fri", "Friday"),
    ("sat", "Saturday"), ("sun", "Sunday"),
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new_rule(request: HttpRequest) -> HttpResponse:
    editing = Editing(sections()[SECTION], "", None, NEW, 0)
    if request.method != "POST":
        return _shown(request, editing, controls_of(NEW))
    key = request.POST.get("key", "").strip() or forms.key_of(request.POST.get("name", ""))
    fault = Fault("key", key_fault(SECTION, key)) if key else Fault("name", "Give it a name.")
    return _typed(request, editing, key, fault if fault.text else None)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit_rule(request: HttpRequest, key: str) -> HttpResponse:
    """The draft, or what is in force as the beginning of one; nothing is opened before something is saved."""
    editing = editing_of(request, SECTION, key)
    if isinstance(editing, HttpResponse):
        return editing
    draft = editing.version
    if draft is None:
        # Whether open clocks move is asked anew for every version.
        body = {k: v for k, v in editing.body.items() if k != "open_clocks"}
        editing = replace(editing, body=body)
    if request.method == "POST":
        return _typed(request, editing, key)
    faults = faults_of(SECTION, key, draft.body, now_utc()) if draft else []
    return _shown(request, editing, controls_of(editing.body), faults=faults)


@require_POST
def look(request: HttpRequest) -> JsonResponse:
    """The form as it is typed, to its sentence, what is wrong beside which control, and an example on a time line."""
    now, offers = now_utc(), load_offers(now_utc())
    base = base_of(request.POST.get("key", ""))
    values = values_of(request.POST)
    found = read(values, base, generate=lambda body: sentence_of(body, offers.names))
    faults = faults_of(SECTION, request.POST.get("key", "") or "new", found.body, now)
    wrong = {fault.control: fault.text for fault in found.faults}
    for fault in faults:
        wrong.setdefault(control_at(fault.path), fault.text)
    context = _look(found.body, offers, person_of(request), request.POST, now)
    return JsonResponse(
        {
            "sentence": sentence_of(found.body, offers.names),
            "faults": wrong,
            "html": render_to_string("slas/editor/_look.html", context, request=request),
        }
    )


def _typed(request: HttpRequest, editing: Editing, key: str, fault: Fault | None = None) -> HttpResponse:
    """What was sent: rows come and go, or it is kept as a draft. Nothing typed is lost."""
    posted = request.POST
    values = values_of(posted)
    if any(name in posted for name in ("add", "remove", "move")):
        added = posted.get("add", "")
        values = with_row(values, added) if added in ("tiers", "escalate") else rearranged(values)
        return _shown(request, editing, values, key=key, focus=_new_row(added, values))
    offers = load_offers(now_utc())
    found = read(values, editing.body, generate=lambda body: sentence_of(body, offers.names))
    unread = [*found.faults, *([fault] if fault else [])]
    if unread:
        return _shown(request, editing, values, key=key, unread=unread, status=422)
    answer = store_draft(request, editing, key, person_of(request), found.body)
    if answer.status_code != 302:
        return answer
    if faults := faults_of(SECTION, key, found.body, now_utc()):
        count = f"{len(faults)} thing{'' if len(faults) == 1 else 's'}"
        messages.warning(request, f"{count} to mend before it can be agreed: see below.")
        return redirect("slas:edit_rule", key)
    return answer


def _shown(
    request: HttpRequest,
    editing: Editing,
    values: Values,
    *,
    key: str = "",
    unread: list[Fault] | None = None,
    faults: list[ModelFault] | None = None,
    focus: str = "",
    status: int = 200,
) -> HttpResponse:
    now = now_utc()
    offers = load_offers(now)
    posted = request.POST if request.method == "POST" else QueryDict()
    body = read(values, editing.body).body
    generated = sentence_of(body, offers.names)
    own = bool(posted.get("sentence_own")) if posted else _has_own_sentence(editing, offers)
    form = form_of(values, offers, generated, own_sentence=own, unread=unread or (), faults=faults or ())
    key = key or editing.key
    context = {
        "form": form,
        "editing": editing,
        "section": editing.section,
        "key": key,
        "key_faults": [f.text for f in unread or () if f.control == "key"],
        "is_new": not editing.key,
        "is_refused": status != 200,
        "fault_count": len(unread or ()) + len(faults or ()),
        "focus": focus,
        "title": str(editing.body.get("name") or editing.key),
        "revision": posted.get("revision", editing.revision),
        "object": str(body.get("on") or offers.names.subjects.get(_stage(body), "person")),
        "yaml_href": f"{_general(editing)}?as=yaml",
        **_look(body, offers, person_of(request), posted, now),
    }
    return render(request, "slas/editor/rule.html", context, status=status)


def _look(
    body: Mapping[str, Any], offers: Offers, viewer: Person, posted: QueryDict, now: datetime
) -> dict[str, Any]:
    """The sentence and its example; no example while the body is no rule yet."""
    day, at = posted.get("example_day", ""), _time(posted.get("example_time", ""))
    found: Example | None = None
    generated, own = sentence_of(body, offers.names), str(body.get("sentence") or "")
    try:
        rule = parse_rule("rule", {"name": "-", "sentence": "-", **body})
    except RuleError:
        pass
    else:
        staff = load_staff(offers.model)
        weekday = WEEKDAYS.index(day) if day in WEEKDAYS else None
        found = example_of(
            rule, staff, now, viewer.zone, offers.names.teams, begins=start_words(body, offers.names),
            weekday=weekday, at=at,
        )  # fmt: skip
    return {
        "sentence": generated or own,
        "own_sentence": own if generated and own != generated else "",
        "example": found,
        "lines": [(line, _bar(line.segments, found, offers)) for line in found.lines] if found else [],
        "days": DAYS,
        "example_day": day or (WEEKDAYS[found.start.astimezone(found.zone).weekday()] if found else "fri"),
        "example_time": posted.get("example_time", "")
        or (f"{found.start.astimezone(found.zone):%H:%M}" if found else "17:40"),
    }


def _bar(segments: Any, example: Example, offers: Offers) -> list[Stretch]:
    last = moment_words(segments[-1].end, example.zone) if segments else ""
    return stretches(segments, offers.looks, Names(frozenset(), sees_all=True), example.zone, f"due {last}")


# --- reading ---------------------------------------------------------------------------------------------------


def values_of(posted: QueryDict) -> dict[str, list[str]]:
    return {
        name: [str(value) for value in values]
        for name, values in posted.lists()
        if name not in ("csrfmiddlewaretoken", "key", "revision", "example_day", "example_time")
    }


def base_of(key: str) -> Mapping[str, Any]:
    """What a form of this rule began with."""
    line = drafts.load_line(SECTION, key) if key else None
    version = (line.draft or line.latest) if line else None
    return version.body if version else NEW


def _has_own_sentence(editing: Editing, offers: Offers) -> bool:
    told = editing.body.get("sentence")
    return bool(told) and told != sentence_of(editing.body, offers.names)


def _stage(body: Mapping[str, Any]) -> str:
    start = body.get("start")
    return str(start.get("stage_entered", "")) if isinstance(start, Mapping) else ""


def _general(editing: Editing) -> str:
    if not editing.key:
        return reverse("definitions:new", args=[SECTION])
    return reverse("definitions:edit", args=[SECTION, editing.key])


def _new_row(added: str, values: Values) -> str:
    """The first control of the row that was added."""
    count = int((values.get(f"{added}-count") or ["0"])[-1])
    return {"tiers": f"tiers-{count - 2}-name", "escalate": f"escalate-{count - 1}-when"}.get(added, "")


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        return None
