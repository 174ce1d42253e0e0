"""People from the CRMs: what is proposed, the rules that say teams, and what was done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from effects.tick import now_utc
from integrations.people.applying import APPLY, KEEP, OUT, SAME, apply, load_plan, load_rules
from integrations.people.planning import State, count, suggest_team
from integrations.people.showing import TO_DECIDE, WORDS, Row, Words, load_queues, load_words, shown, table
from records.csv_files import csv_answer
from records.models import Connection
from teams.access import business_units_of, person_of
from teams.models import PeopleRule, PeopleSetting, Person, Team
from teams.paging import page_of

PER_PAGE = 100
QUEUES = "queues"
NEW_TEAM = "new"


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """The proposals; posted: what was chosen of those on the page, or all of them as proposed."""
    viewer = person_of(request)
    if request.method == "POST":
        return _apply(request, viewer)
    state, text = request.GET.get("state", ""), request.GET.get("q", "")
    proposals = load_plan(viewer, now_utc())
    words = Words(proposals)
    rows = [words.row(one) for one in proposals]
    queues = load_queues()
    n = count(proposals)
    found = shown(rows, state, text) if state != QUEUES else []
    page = page_of(request, found, PER_PAGE)
    deciding = [row for row in rows if row.choices and row.choices[0][0] == APPLY]
    context = {
        "page": page,
        "state": state,
        "search": text,
        "filter_bar": [
            {"name": "state", "label": "Show", "value": state, "choices": _filters(n, len(queues))}
        ],
        "queues": [q for q in queues if text.casefold() in q.name.casefold()] if state == QUEUES else None,
        "waiting": sum(n[one] for one in TO_DECIDE),
        "is_any_owner": bool(rows or queues),
        "can_apply": any(row.choices for row in page.object_list),
        "all_count": len(deciding),
        "shown_count": sum(1 for row in page.object_list if row.choices and row.choices[0][0] == APPLY),
        "units": list(business_units_of(viewer)),
        "crms": ", ".join(
            Connection.objects.filter(owner_matches__isnull=False).distinct().values_list("label", flat=True)
        ),
        "unruled": sum(1 for word in load_words(load_rules()) if not word.is_ruled),
    }
    return render(request, "integrations/people/people.html", context)


def _filters(n: Any, queues: int) -> list[tuple[str, str]]:
    found = [("", f"To decide · {sum(n[one] for one in TO_DECIDE):,}")]
    found += [(str(state), f"{word} · {n[state]:,}") for state, (word, _) in WORDS.items() if n[state]]
    return [*found, (QUEUES, f"Queues · {queues:,}"), ("all", "Everybody")]


def _apply(request: HttpRequest, viewer: Person) -> HttpResponse:
    now = now_utc()
    if "all" in request.POST:
        proposals = load_plan(viewer, now)
        words = Words(proposals)
        choices: dict[str, tuple[str, str]] = {
            one.key: (APPLY, one.digest)
            for one in proposals
            if (row := words.row(one)).choices and row.choices[0][0] == APPLY
        }
    else:
        choices = {
            key: (str(what), str(request.POST.get(f"digest-{key}", "")))
            for name, what in request.POST.items()
            if name.startswith("do-") and (key := name[3:]) and _is_choice(str(what))
        }
    units = business_units_of(viewer).filter(pk__in=_ids(request.POST.getlist("units")))
    result = apply(choices, by=viewer, units=list(units), now=now)
    left = count(load_plan(viewer, now))
    context = {"result": result, "leavers": left[State.LEFT], "waiting": sum(left[one] for one in TO_DECIDE)}
    return render(request, "integrations/people/result.html", context)


def _is_choice(what: str) -> bool:
    return what in (APPLY, KEEP, OUT) or (what.startswith(SAME) and what[len(SAME) :].isdecimal())


def _ids(told: list[str]) -> list[int]:
    return [int(one) for one in told if one.isdecimal() and len(one) < 10]


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The list as it is filtered, as CSV."""
    proposals = load_plan(person_of(request), now_utc())
    words = Words(proposals)
    rows: list[Row] = [words.row(one) for one in proposals]
    header, lines = table(shown(rows, request.GET.get("state", ""), request.GET.get("q", "")))
    return csv_answer("people-from-crms", header, lines)


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Which of the CRMs' words means which team, and whether leavers lose access at once."""
    person_of(request)
    known = load_rules()
    words = load_words(known)
    if request.method == "POST":
        _save_rules(request, {word.field: word for word in words})
        messages.success(request, "Saved. The people below follow these rules.")
        return redirect("integrations:people")
    teams = list(Team.objects.values_list("pk", "key", "name"))
    setting = PeopleSetting.objects.first()
    context = {
        "words": [
            {"word": word, "chosen": word.team if word.is_ruled else suggest_team(word.text, teams)}
            for word in words
        ],
        "teams": teams,
        "deactivates_at_once": bool(setting and setting.deactivates_at_once),
    }
    return render(request, "integrations/people/rules.html", context)


@transaction.atomic
def _save_rules(request: HttpRequest, words: dict[str, Any]) -> None:
    teams = set(Team.objects.values_list("pk", flat=True))
    held = {(row.source, row.text.lower()): row for row in PeopleRule.objects.select_for_update(no_key=True)}
    for field, word in words.items():
        told = request.POST.get(field)
        if told is None:
            continue
        team = int(told) if told.isdecimal() and int(told) in teams else None
        if told == NEW_TEAM:
            team = _new_team(word.text).pk
        row = held.get((word.source, word.text.lower()))
        if row is None:
            PeopleRule.objects.create(source=word.source, text=word.text, team_id=team)
        elif row.team_id != team:
            row.team_id = team
            row.save(update_fields=["team"])
    setting = PeopleSetting.objects.first() or PeopleSetting()
    setting.deactivates_at_once = "deactivates_at_once" in request.POST
    setting.save()


def _new_team(name: str) -> Team:
    """The team of that name, made where there is none."""
    key = slugify(name)[:60] or "team"
    team, _ = Team.objects.get_or_create(key=key, defaults={"name": name[:120]})
    return team
