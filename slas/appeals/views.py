"""This is not on me: the form, the appeals that wait for a decision, and the decision."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from effects.tick import now_utc
from slas.appeals import acts, counting
from slas.appeals.facts import facts_of
from slas.appeals.page import line_of, reasons
from slas.appeals.reasons import SAYINGS, suggest
from slas.appeals.rows import appeals_among, appeals_of
from slas.models import Appeal, Clock
from slas.querysets import LATE, AppealQuerySet
from slas.retold import retell
from slas.visibility import names_for
from teams.access import person_of
from teams.models import Person, Role, Team
from teams.paging import page_of

PER_PAGE: Final = 50
TABS: Final = {
    "open": ("To decide", ("open",)),
    "granted": ("Do not count", ("granted",)),
    "refused": ("Count", ("refused", "withdrawn")),
}


@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, clock_id: uuid.UUID) -> HttpResponse:
    """Say that a late clock is not on somebody; of one that is not late, tell the manager that it is not theirs."""
    now, viewer = now_utc(), person_of(request)
    clock = get_object_or_404(_clocks(viewer), pk=clock_id)
    told = retell(clock, now)
    people = acts.people_to_speak_for(viewer, clock, told)
    asked = request.POST if request.method == "POST" else request.GET
    person = _chosen(people, asked.get("person", ""))
    context: dict[str, Any] = {
        "clock": clock,
        "back": reverse("slas:clock", args=[clock.pk]),
        "people": people,
        "person": person,
        "is_self": person is not None and person.pk == viewer.pk,
        "reason": asked.get("reason", ""),
        "note": asked.get("note", ""),
        "act_key": asked.get("act_key") or str(uuid.uuid4()),
    }
    if clock.state not in LATE:
        return _not_mine(request, clock, viewer, context)
    facts = facts_of(clock, told, person.pk) if person else None
    shown, others = reasons(suggest(facts) if facts else [], is_self=context["is_self"])
    standing = [a for a in appeals_among(told.events) if a.clock == clock.pk and a.stands]
    team = acts.other_team(told.rule, told.staff.team_at(person.pk, clock.started_at) if person else None)
    context |= {
        "shown": shown,
        "others": others,
        "reason": context["reason"] or (shown[0].key if shown else ""),
        "standing": next((a for a in standing if person and a.person_id == person.pk), None),
        "deciding": Team.objects.filter(key=team).first(),
    }
    if request.method != "POST":
        return render(request, "slas/appeal.html", context)
    try:
        said = acts.Said(asked.get("reason", ""), asked.get("note", ""), person.pk if person else None)
        done = acts.open_appeal(clock, viewer, said, act_key=context["act_key"], now=now)
    except acts.AppealError as error:
        return render(request, "slas/appeal.html", {**context, "error": error}, status=422)
    messages.success(
        request,
        "It does not count: the data shows it."
        if done.was_proved
        else "Said. You get a message when it is decided.",
    )
    return redirect(context["back"])


def _not_mine(request: HttpRequest, clock: Clock, viewer: Person, context: Mapping[str, Any]) -> HttpResponse:
    if request.method != "POST":
        return render(request, "slas/not_mine.html", context)
    try:
        acts.say_not_mine(clock, viewer, context["note"], act_key=context["act_key"], now=now_utc())
    except acts.AppealError as error:
        return render(request, "slas/not_mine.html", {**context, "error": error}, status=422)
    messages.success(request, "Said. Until somebody else owns it in the CRM, the clock stays with you.")
    return redirect(context["back"])


@require_safe
def appeals(request: HttpRequest) -> HttpResponse:
    """Which late clocks should not count?"""
    viewer = person_of(request)
    teams, names = acts.deciding_teams(viewer), names_for(viewer)
    found = Appeal.objects.for_person(viewer).told_to(viewer, teams)
    states = {row["state"]: row["n"] for row in found.order_by().values("state").annotate(n=Count("pk"))}
    counts = {tab: sum(states.get(s, 0) for s in TABS[tab][1]) for tab in TABS}
    tab = request.GET.get("show", "")
    if tab not in TABS:
        tab = next((name for name in TABS if counts[name]), "open")
    team, reason = request.GET.get("team", ""), request.GET.get("reason", "")
    shown = found.filter(state__in=TABS[tab][1]).with_clock().order_by("-opened_at", "pk")
    shown = shown.filter(team__key=team) if team else shown
    shown = shown.filter(reason=reason) if reason in SAYINGS else shown
    page = page_of(request, shown, PER_PAGE)
    context = {
        "tab": tab,
        "tabs": [(name, label, counts[name]) for name, (label, _) in TABS.items()],
        "page": page,
        "lines": [line_of(row, viewer, names, teams) for row in page.object_list],
        "filter_bar": _filters(team, reason),
        "hidden": [("show", tab)],
        "is_filtered": bool(team or reason),
        "act_key": str(uuid.uuid4()),
        "deciders": _readable(counting.rates_of_deciders(found), viewer),
        "managers": _readable(counting.rates_of_managers(found), viewer),
        "least": counting.LEAST,
    }
    return render(request, "slas/appeals.html", context)


@require_POST
def decide(request: HttpRequest, appeal_id: uuid.UUID, act: str) -> HttpResponse:
    """Grant, refuse or take back; then back to where the viewer came from."""
    now, viewer = now_utc(), person_of(request)
    row = get_object_or_404(_readable_appeals(viewer), pk=appeal_id)
    if act not in {"grant", "refuse", "withdraw"}:
        raise Http404
    clock = get_object_or_404(_clocks(viewer), pk=row.clock_id)
    data = next((a for a in appeals_of(clock.record_id) if a.id == appeal_id), None)
    if data is None:
        raise Http404
    because, act_key = request.POST.get("because", ""), request.POST.get("act_key") or str(uuid.uuid4())
    try:
        if act == "grant":
            acts.grant(data, clock, viewer, because=because, act_key=act_key, now=now)
        elif act == "refuse":
            acts.refuse(data, clock, viewer, because=because, act_key=act_key, now=now)
        else:
            acts.withdraw(data, clock, viewer, act_key=act_key, now=now)
    except acts.AppealError as error:
        messages.warning(request, error.text)
    else:
        done = {"grant": "It does not count.", "refuse": "It counts.", "withdraw": "Taken back."}
        messages.success(request, done[act])
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if is_ours else reverse("slas:appeals"))


def _clocks(viewer: Person) -> Any:
    clocks = Clock.objects.for_person(viewer).with_names()
    return clocks.select_related("start_event__connection", "stop_event__record__connection")


def _readable_appeals(viewer: Person) -> AppealQuerySet:
    return Appeal.objects.for_person(viewer).told_to(viewer, acts.deciding_teams(viewer))


def _chosen(people: Sequence[Person], asked: str) -> Person | None:
    return next((p for p in people if str(p.pk) == asked), people[0] if people else None)


def _readable(rates: Sequence[counting.Rate], viewer: Person) -> list[counting.Rate]:
    """Each manager reads their own line, leaders and admins everybody's; a rep none."""
    if viewer.is_admin or viewer.role == Role.LEADER:
        return list(rates)
    return [r for r in rates if r.person_id == viewer.pk] if viewer.role == Role.MANAGER else []


def _filters(team: str, reason: str) -> list[dict[str, Any]]:
    teams = list(Team.objects.values_list("key", "name"))
    bars = [
        ("team", "Who decides", team, [("", "Any team"), *teams]),
        ("reason", "Reason", reason, [("", "Any reason"), *SAYINGS.items()]),
    ]
    return [{"name": n, "label": label, "value": value, "choices": c} for n, label, value, c in bars]
