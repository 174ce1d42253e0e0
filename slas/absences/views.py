"""Who is away: the list and the month, writing an absence down and taking it back, calendars that are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from effects.fetching import CannotFetch
from effects.tick import now_utc
from slas.absences import feeds, month
from slas.absences.forms import AbsenceForm, FeedForm, sign_found
from slas.absences.ics import Found, FoundAbsence, NotACalendar, read_absences
from slas.foreseen import foresee_absence
from slas.staff import Away
from teams.absences import (
    AbsenceRefused,
    check_absence,
    enter_absence,
    in_care_of,
    may_enter_for,
    people_away,
    span_words,
    withdraw_absence,
)
from teams.access import person_of
from teams.models import Absence, AbsenceFeed, Person, Team
from teams.services import team_at

MOST_LISTED = 200


@dataclass(frozen=True)
class Line:
    """One absence of the list. ``of_calendar``: it is changed in the calendar it was read from."""

    absence: Absence
    span: str
    may_change: bool
    of_calendar: bool


@require_safe
@never_cache
def absences(request: HttpRequest) -> HttpResponse:
    viewer, now = person_of(request), now_utc()
    teams = list(Team.objects.all())
    chosen = _chosen_team(request, teams, viewer, now)
    today = now.astimezone(viewer.zone).date()
    shown = month.read_month(request.GET.get("month", ""), today)
    people = Person.objects.active().visible_to(viewer).order_by("name")
    if chosen is not None:
        people = people.in_team(chosen)
    members = list(people[:MOST_LISTED])
    ids = {person.pk for person in members} | {viewer.pk}
    mine = set(in_care_of(viewer).values_list("pk", flat=True))
    begin, end = month.bounds(shown)
    ahead = (
        Absence.objects.standing()
        .filter(person__in=ids, ends_at__gt=now)
        .select_related("person", "cover")
        .order_by("starts_at", "pk")[:MOST_LISTED]
    )
    lines = [_line(absence, mine) for absence in ahead]
    context = {
        "lines": lines,
        "own": [line for line in lines if line.absence.person_id == viewer.pk],
        "others": [line for line in lines if line.absence.person_id != viewer.pk],
        "rows": month.rows_of(members, people_away([p.pk for p in members], begin, end), shown),
        "days": month.days_of(shown),
        "month": shown,
        "before": month.month_before(shown),
        "after": month.month_after(shown),
        "today": today,
        "teams": teams,
        "team": chosen,
        "feeds": feeds.shown_feeds(list(mine), [t.pk for t in feeds.teams_in_care_of(viewer)]),
        "away_now": sum(1 for line in lines if line.absence.starts_at <= now),
    }
    return render(request, "slas/absences/list.html", context)


def _chosen_team(request: HttpRequest, teams: list[Team], viewer: Person, now: datetime) -> Team | None:
    """The team asked for, by default the viewer's own; None for everybody."""
    wanted = request.GET.get("team")
    if wanted is None:
        return team_at(viewer, now)
    return next((team for team in teams if team.key == wanted), None)


def _line(absence: Absence, mine: set[int]) -> Line:
    of_calendar = absence.source.startswith("feed:")
    may = absence.person_id in mine
    return Line(absence, span_words(absence, absence.person), may and not of_calendar, of_calendar)


# --- writing one down ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def absence_add(request: HttpRequest) -> HttpResponse:
    viewer = person_of(request)
    if request.method != "POST":
        asked = request.GET.get("person", "")
        initial = {"person": asked if asked.isdecimal() else viewer.pk}
        return _form(request, AbsenceForm(initial=initial, viewer=viewer), None)
    return _save(request, AbsenceForm(request.POST, viewer=viewer), None)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def absence_edit(request: HttpRequest, absence_id: int) -> HttpResponse:
    """Changing one takes it back and writes a new one down: what it has moved until now stays true."""
    viewer = person_of(request)
    old = _get(viewer, absence_id)
    if request.method != "POST":
        return _form(request, AbsenceForm.of(old, viewer), old)
    return _save(request, AbsenceForm(request.POST, viewer=viewer), old)


def _save(request: HttpRequest, form: AbsenceForm, old: Absence | None) -> HttpResponse:
    viewer, now = person_of(request), now_utc()
    if not form.is_valid():
        return _form(request, form, old, status=422)
    if old is not None and form.cleaned_data["person"] != old.person:
        form.add_error("person", "Take this one back, and write one down for the other person.")
        return _form(request, form, old, status=422)
    begin, end = form.span()
    person, cover = form.cleaned_data["person"], form.cleaned_data["cover"]
    if request.POST.get("do") == "look":
        form.place(check_absence(person, begin, end, cover, now, instead_of=old).faults)
        return _form(request, form, old, status=422 if form.errors else 200)
    try:
        saved = enter_absence(person, begin, end, cover, viewer, now, instead_of=old)
    except AbsenceRefused as error:
        form.place(error.faults)
        return _form(request, form, old, status=422)
    who = "You are" if person == viewer else f"{person.name} is"
    messages.success(request, f"{who} away {span_words(saved, person)}{_covers(saved)}.")
    return redirect("slas:absences")


def _covers(absence: Absence) -> str:
    return f", {absence.cover.name} covers" if absence.cover else ", nobody covers"


def _form(request: HttpRequest, form: AbsenceForm, old: Absence | None, *, status: int = 200) -> HttpResponse:
    viewer = person_of(request)
    context: dict[str, Any] = {"form": form, "old": old, "is_alone": in_care_of(viewer).count() == 1}
    if form.is_bound:
        context |= _said(form, old, viewer, now_utc())
    return render(request, "slas/absences/edit.html", context, status=status)


@require_POST
def absence_moves(request: HttpRequest) -> HttpResponse:
    """What the form, as it stands, would move; nothing is kept."""
    viewer, now = person_of(request), now_utc()
    form = AbsenceForm(request.POST, viewer=viewer)
    asked = request.POST.get("instead_of", "")
    old = _get(viewer, int(asked)) if asked.isdecimal() and len(asked) < 18 else None
    return render(request, "slas/absences/_moves.html", _said(form, old, viewer, now))


def _said(form: AbsenceForm, old: Absence | None, viewer: Person, now: datetime) -> dict[str, Any]:
    """What it would move and what is worth a word, for a form that can be read."""
    if not form.is_valid():
        return {"foreseen": None}
    person, cover = form.cleaned_data["person"], form.cleaned_data["cover"]
    begin, end = form.span()
    checked = check_absence(person, begin, end, cover, now, instead_of=old)
    if checked.faults:
        return {"foreseen": None, "faults": list(checked.faults.values())}
    away = Away(begin, end, cover.pk if cover else None, now)
    foreseen = foresee_absence(person, viewer, now, add=[away], withdraw=[old] if old else [])
    return {
        "foreseen": foreseen,
        "warnings": checked.warnings,
        "person": person,
        "cover": cover,
        "zone": person.zone,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def absence_withdraw(request: HttpRequest, absence_id: int) -> HttpResponse:
    viewer, now = person_of(request), now_utc()
    found = _get(viewer, absence_id)
    if request.method == "POST":
        withdraw_absence(found, viewer, now)
        messages.success(request, f"Taken back: {found.person.name}, {span_words(found, found.person)}.")
        return redirect("slas:absences")
    context = {
        "absence": found,
        "span": span_words(found, found.person),
        "foreseen": foresee_absence(found.person, viewer, now, withdraw=[found]),
        "person": found.person,
        "zone": found.person.zone,
    }
    return render(request, "slas/absences/withdraw.html", context)


def _get(viewer: Person, absence_id: int) -> Absence:
    """An absence that stands and that the viewer may change. Raises Http404."""
    found: Absence = get_object_or_404(
        Absence.objects.standing().select_related("person", "cover"),
        pk=absence_id,
        person__in=Person.objects.visible_to(viewer),
    )
    if found.source.startswith("feed:") or not may_enter_for(viewer, found.person):
        raise Http404
    return found


# --- calendars that are read -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def feed_add(request: HttpRequest) -> HttpResponse:
    """Look at what a calendar would bring, then let it be read from now on; or take a file once."""
    viewer, now = person_of(request), now_utc()
    teams = feeds.teams_in_care_of(viewer)
    if request.method != "POST":
        return render(request, "slas/absences/feed.html", {"form": FeedForm(viewer=viewer, teams=teams)})
    form = FeedForm(request.POST, request.FILES, viewer=viewer, teams=teams)
    if not form.is_valid():
        return render(request, "slas/absences/feed.html", {"form": form}, status=422)
    data = form.cleaned_data
    if (taken := data["taken"]) and form.person is not None and request.POST.get("do") == "take":
        return _take(request, taken, form.person, data["cover"], viewer, now)
    try:
        if file := data["file"]:
            members = feeds.members_of(form.person, None)
            return _looked(request, form, read_absences(file.read(), form.matching, members, now))
        if request.POST.get("do") == "look":
            return _looked(request, form, feeds.look(data["url"], form.matching, form.person, form.team, now))
        feed = feeds.subscribe(
            data["url"], form.matching, form.person, form.team, data["cover"], viewer, now
        )  # fmt: skip
    except (CannotFetch, NotACalendar) as error:
        form.add_error("file" if data["file"] else "url", str(error))
        return render(request, "slas/absences/feed.html", {"form": form}, status=422)
    messages.success(request, f"The calendar at {feed.host} is read now, and again from time to time.")
    return redirect("slas:absences")


def _take(
    request: HttpRequest,
    taken: list[FoundAbsence],
    person: Person,
    cover: Person | None,
    viewer: Person,
    now: datetime,
) -> HttpResponse:
    count = feeds.take(taken, person, cover, viewer, now).added
    messages.success(request, f"{count} absence{'' if count == 1 else 's'} of {person.name} written down.")
    return redirect("slas:absences")


def _looked(request: HttpRequest, form: FeedForm, found: Found) -> HttpResponse:
    """What it would bring; of a file the times go along, signed, since a browser does not send it twice."""
    people = Person.objects.in_bulk({a.person_id for a in found.absences})
    shown = [
        (people[a.person_id], span_words(Absence(starts_at=a.begin, ends_at=a.end), people[a.person_id]))
        for a in found.absences[:20]
    ]
    context = {
        "form": form,
        "found": found,
        "shown": shown,
        "remarks": feeds.remarks(found),
        "taken": sign_found(found.absences) if form.cleaned_data["file"] and found.absences else "",
    }
    return render(request, "slas/absences/feed.html", context)


@require_POST
def feed_act(request: HttpRequest, feed_id: int, act: str) -> HttpResponse:
    """``read``: at once; ``remove``: no more, and what it brought is taken back."""
    viewer, now = person_of(request), now_utc()
    feed = get_object_or_404(
        AbsenceFeed.objects.select_related("person", "team"), pk=feed_id, removed_at=None
    )
    if not feeds.may_change(viewer, feed):
        raise Http404
    if act == "read":
        feeds.read_now(feed, viewer, now)
        messages.success(request, f"The calendar at {feed.host} is read in a moment.")
    elif act == "remove":
        count = feeds.unsubscribe(feed, viewer, now)
        messages.success(
            request,
            f"The calendar at {feed.host} is read no more; {count} absence{'' if count == 1 else 's'} taken back.",
        )
    else:
        raise Http404
    return redirect("slas:absences")
