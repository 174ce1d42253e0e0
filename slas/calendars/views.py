"""Working hours as a form: the week, the days that differ, whom it is for, and what a change would move."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from definitions.agreement import forms
from definitions.agreement.draft_views import Editing, editing_of, key_fault, store_draft
from definitions.agreement.parties import team_names
from definitions.files.model_files import faults_of
from definitions.sections import Body, sections
from definitions.versions import load_model
from definitions.views import get_line, get_version
from effects.tick import now_utc
from records.models import CatalogueField
from slas.calendars import hours_form
from slas.calendars.business_time import WEEKDAYS, Calendar
from slas.calendars.hours_form import HoursForm
from slas.calendars.looking_ahead import look_ahead
from slas.calendars.public_holidays import countries, place_name, subdivisions
from slas.calendars.sections import calendar_spec
from slas.calendars.times import DAY_NAMES
from slas.calendars.year_view import listed_years, months_of, own_days
from slas.foreseen import foresee_hours
from teams.access import person_of
from teams.forms import zone_names
from teams.models import Person

SECTION = "calendars"
BEGINNING: Body = {"week": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def hours_new(request: HttpRequest) -> HttpResponse:
    """Working hours that the model doesn't have yet, in the viewer's zone to begin with."""
    viewer = person_of(request)
    body = {**BEGINNING, "tz": viewer.time_zone}
    return _edit(request, Editing(sections()[SECTION], "", None, body, 0), viewer)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def hours(request: HttpRequest, key: str) -> HttpResponse:
    """The draft, or what is in force as the beginning of one; nothing is opened before something is saved."""
    editing = editing_of(request, SECTION, key)
    return editing if isinstance(editing, HttpResponse) else _edit(request, editing, person_of(request))


def _edit(request: HttpRequest, editing: Editing, viewer: Person) -> HttpResponse:
    now = now_utc()
    year = now.astimezone(viewer.zone).year
    if request.method != "POST":
        return _page(request, editing, hours_form.show(editing.body, year), now)
    form = hours_form.read(request.POST, year)
    if do := request.POST.get("do", ""):
        if not hours_form.act(form, do, request.POST):
            raise Http404
        answer = _page(request, editing, form, now)
        answer["HX-Trigger-After-Settle"] = "hours-changed"
        return answer
    key = editing.key or request.POST.get("key", "").strip() or forms.key_of(form.name)
    body = _checked(form, key, editing.body, viewer, now)
    if not editing.key and (fault := key_fault(SECTION, key)):
        form.fault("name", fault)
    if form.open_day is not None:
        form.fault("day", "Set this day, or close it, before you save.")
    if form.has_faults:
        return _page(request, editing, form, now, status=422)
    answer = store_draft(request, editing, key, viewer, body)
    if answer.status_code == 302 and form.wanted_from:
        answer["Location"] += f"&from={form.wanted_from}"
    return answer


def _checked(form: HoursForm, key: str, base: Body, viewer: Person, now: datetime) -> dict[str, Any]:
    """The body that the form says; what is wrong with it stands beside the fields."""
    hours_form.check(form, frozenset(zone_names()), {email: "" for email, _ in _people(viewer)})
    body = hours_form.body_of(form, base)
    if not form.has_faults:
        hours_form.place_faults(form, faults_of(SECTION, key, body, now))
    try:
        begins_at = forms.read_moment(form.wanted_from, viewer.zone)
    except ValueError:
        form.fault("wanted_from", "Write the day and time as in 2026-09-01 08:00.")
    else:
        if begins_at is not None and begins_at < now:
            form.fault("wanted_from", "That is over. Hours hold from now on at the earliest.")
    return body


def _page(
    request: HttpRequest, editing: Editing, form: HoursForm, now: datetime, *, status: int = 200
) -> HttpResponse:
    viewer = person_of(request)
    context = {
        "editing": editing,
        "form": form,
        "title": editing.section.title(editing.body) if editing.key else "",
        "revision": request.POST.get("revision", editing.revision),
        "days": [_day_row(form, day) for day in WEEKDAYS],
        "zones": zone_names(),
        "teams": list(team_names().items()),
        "people": _people(viewer),
        "regions": _regions(),
        "countries": countries(),
        "subdivisions": subdivisions(form.country),
        "place": place_name(form.country, form.subdivision or None) if form.country else "",
        "brought": listed_years(form, form.year) if form.country else [],
        "months": months_of(form, form.year),
        "own_days": own_days(form),
        "is_refused": status != 200,
        "zone": viewer.zone,
    }
    return render(request, "slas/hours/edit.html", context, status=status)


def _day_row(form: HoursForm, day: str) -> dict[str, Any]:
    """One line of the week; ``focus`` marks what takes the focus after a button was pressed."""
    return {
        "key": day,
        "name": DAY_NAMES[day],
        "blocks": [
            {"block": block, "index": i, "number": i + 1, "has_focus": form.focus == f"{day}-{i}"}
            for i, block in enumerate(form.week[day])
        ],
        "adds": form.focus == f"add-{day}",
        "copies": form.focus == f"copy-{day}",
    }


def _people(viewer: Person) -> list[tuple[str, str]]:
    return list(Person.objects.active().visible_to(viewer).order_by("name").values_list("email", "name"))


def _regions() -> list[str]:
    """The regions that the CRMs' field of that name offers."""
    found = CatalogueField.objects.filter(name="region").values_list("options", flat=True)
    return sorted({str(one) for options in found for one in options or ()})


# --- what it comes to ------------------------------------------------------------------------------------------


@require_POST
def hours_preview(request: HttpRequest) -> HttpResponse:
    """What the form, as it stands, makes of this week; nothing is kept."""
    viewer, now = person_of(request), now_utc()
    form = hours_form.read(request.POST, now.astimezone(viewer.zone).year)
    base = _base(request)
    hours_form.check(form, frozenset(zone_names()), {email: "" for email, _ in _people(viewer)})
    body = hours_form.body_of(form, base)
    context: dict[str, Any] = {"body": body, "ahead": None}
    if not form.has_faults:
        try:
            calendar = Calendar.from_spec(calendar_spec(body))
        except (ValueError, TypeError) as error:
            context["fault"] = str(error)
        else:
            context["ahead"] = look_ahead(calendar, body, now)
            context["zone"] = calendar.zone
    return render(request, "slas/hours/_ahead.html", context)


@require_POST
def hours_moves(request: HttpRequest) -> HttpResponse:
    """The open clocks that the form, as it stands, would move; nothing is kept."""
    viewer, now = person_of(request), now_utc()
    form = hours_form.read(request.POST, now.astimezone(viewer.zone).year)
    key = request.POST.get("key", "")
    body = _checked(form, key or "new", _base(request), viewer, now)
    if form.has_faults:
        return render(request, "slas/hours/_moves.html", {"foreseen": None})
    begins_at = forms.read_moment(form.wanted_from, viewer.zone)
    return _moves(request, key or "new", body, begins_at, viewer, now)


@require_safe
@never_cache
def hours_trial(request: HttpRequest, key: str) -> HttpResponse:
    """The open clocks that a draft would move if it came into force now."""
    _, line = get_line(SECTION, key)
    draft = get_version(line, request.GET.get("version", ""), line.draft)
    return _moves(request, key, draft.body, draft.wanted_from, person_of(request), now_utc())


def _moves(
    request: HttpRequest, key: str, body: Body, begins_at: datetime | None, viewer: Person, now: datetime
) -> HttpResponse:
    context: dict[str, Any] = {"foreseen": None, "begins_at": begins_at}
    try:
        context["zone"] = Calendar.from_spec(calendar_spec(body)).zone
        context["foreseen"] = foresee_hours(key, body, begins_at, viewer, now)
    except ValueError as error:
        context["fault"] = str(error)
    return render(request, "slas/hours/_moves.html", context)


def _base(request: HttpRequest) -> Mapping[str, Any]:
    """What the form doesn't show, of the version that it began with."""
    key = request.POST.get("key", "")
    version = load_model().at(SECTION, key, now_utc()) if key else None
    return version.body if version else {}
