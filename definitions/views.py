"""The operating model as people read it; what changes it stands in ``agreement``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from definitions.agreement.differences import in_trees, in_words
from definitions.agreement.drafts import OPEN, Line, load_line
from definitions.agreement.impact import impact_of, judges_records
from definitions.agreement.parties import team_names
from definitions.agreement.speaking import speaker
from definitions.bodies import DEFINITIONS, STAGES
from definitions.files.model_yaml import write_yaml
from definitions.in_force import load_typed_model
from definitions.item_page import load_draft, load_parts, may_edit_line, standing_of, version_rows
from definitions.model_list import Wanted, count_judgements, item_of, load_list
from definitions.models import Version
from definitions.sections import Section, sections
from definitions.triggers.bodies import TRIGGERS
from effects.tick import now_utc
from records.models import Record
from teams.access import person_of

MOST_COUNTED = 200_000
TABS = (("", "Definition"), ("conditions", "Conditions"), ("versions", "Versions"), ("yaml", "File"))
STATES = [("", "All"), ("draft", "Unpublished changes"), ("proposed", "Waiting for agreement")]


@require_safe
@vary_on_headers("HX-Request")
def model(request: HttpRequest) -> HttpResponse:
    now = now_utc()
    viewer = person_of(request)
    texts = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:200]
        for name in ("section", "owner", "state")
    }
    wanted = Wanted(search=request.GET.get("q", "").replace("\x00", "").strip()[:200], **texts)
    found = load_list(viewer, wanted, now)
    known = list(sections().values())
    context: dict[str, Any] = {
        "groups": found.groups,
        "waiting": found.waiting if not wanted.is_narrowed else (),
        "is_empty": not found.total,
        "total": found.total,
        "found": found.found,
        "wanted": wanted,
        "filters": [
            _choice(
                "section", "Show", wanted.section, [("", "Everything"), *((s.name, s.label) for s in known)]
            ),
            _choice("owner", "Owner", wanted.owner, [("", "All"), *found.owners]),
            _choice("state", "State", wanted.state, STATES),
        ],
        "sections": known,
        "may_add": viewer.is_admin,
        "updated_at": now,
    }
    template = "definitions/model.html"
    if request.headers.get("HX-Request") == "true":
        template += "#found"
    return render(request, template, context)


def _choice(name: str, label: str, value: str, choices: list[tuple[str, str]]) -> dict[str, Any]:
    return {"name": name, "label": label, "value": value, "choices": choices}


@require_safe
@never_cache
def item(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """What is in force, or the version asked for; a draft with all that leads to its agreement."""
    now = now_utc()
    viewer = person_of(request)
    told, line = get_line(section, key)
    typed = load_typed_model()
    in_force = typed.versions.at(section, key, now)
    shown = get_version(line, request.GET.get("version", ""), in_force)
    tab = request.GET.get("tab", "")
    tab = tab if tab in dict(TABS) else ""
    counts = count_judgements(viewer)
    is_in_force = in_force is not None and shown.pk == in_force.pk
    standing, severity = standing_of(shown, in_force, now)
    speak = speaker(typed.catalogue, team_names())
    is_open = shown.state in OPEN
    may_edit = may_edit_line(viewer, line, now)
    own_query = (
        {} if is_in_force or in_force is None and shown is line.versions[0] else {"version": shown.number}
    )
    context: dict[str, Any] = {
        "item": item_of(told, shown, typed, team_names(), counts, is_in_force=is_in_force),
        "section": told,
        "is_word": section in {DEFINITIONS, STAGES, TRIGGERS},
        "body": shown.body,
        "shown": shown,
        "in_force": in_force,
        "is_in_force": is_in_force,
        "standing": standing,
        "standing_severity": severity,
        "draft": load_draft(line, shown, viewer, typed, now) if is_open else None,
        "open_draft": None if is_open else line.draft,
        "parts": load_parts(shown, typed, viewer, counts),
        "tab": tab,
        "tabs": [(name, label, _query(own_query, name)) for name, label in TABS],
        "fares": told.standing(viewer, {key: shown}, now).get(key, []) if is_in_force and not tab else [],
        "trees": in_trees(None, shown.body, speak) if tab == "conditions" and not is_open else [],
        "versions": version_rows(line, in_force, now, speak) if tab == "versions" else [],
        "yaml": write_yaml({section: {key: shown.body}}) if tab == "yaml" else "",
        "may_edit": may_edit,
        "may_retire": viewer.is_admin and line.latest is not None and not is_open,
        "begins_later": _begins_later(line, now),
        "updated_at": now,
    }  # fmt: skip
    return render(request, "definitions/item.html", context)


def _begins_later(line: Line, now: datetime) -> Version | None:
    at = line.latest.effective_from if line.latest else None
    return line.latest if at is not None and at > now else None


def _query(own: dict[str, Any], tab: str) -> str:
    query = {**own, **({"tab": tab} if tab else {})}
    return f"?{urlencode(query)}" if query else "."


@require_safe
def compare(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """Any two versions, in words and side by side."""
    now = now_utc()
    told, line = get_line(section, key)
    typed = load_typed_model()
    in_force = typed.versions.at(section, key, now)
    new = get_version(line, request.GET.get("to", ""), line.versions[0])
    before = [v for v in line.versions if v.number < new.number]
    old = get_version(line, request.GET.get("from", ""), new.based_on or (before[0] if before else new))
    speak = speaker(typed.catalogue, team_names())
    trees = in_trees(old.body, new.body, speak)
    numbers = [
        (str(v.number), f"Version {v.number}, {standing_of(v, in_force, now)[0].lower()}")
        for v in line.versions
    ]
    context = {
        "section": told,
        "line": line,
        "title": told.title(new.body) or key,
        "old": old,
        "new": new,
        "differences": in_words(old.body, new.body, speak),
        "trees": trees,
        "same_trees": [tree for tree in trees if tree.is_same],
        "filters": [
            _choice("from", "From", str(old.number), numbers), _choice("to", "To", str(new.number), numbers),
        ],
    }  # fmt: skip
    return render(request, "definitions/compare.html", context)


@require_safe
@never_cache
def impact(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """The part of a draft's page that counts; from a sample where there are very many records."""
    _, line = get_line(section, key)
    draft = line.draft
    if draft is None or not judges_records(section):
        raise Http404
    viewer = person_of(request)
    # Each number leads to exactly its records; where there are too many to count them all, it says so.
    is_exact = Record.objects.present().filter(object=draft.body.get("object")).count() <= MOST_COUNTED
    flips = impact_of(draft, draft.based_on, viewer, now_utc(), exact=is_exact)
    context = {"flips": flips, "draft": draft, "section": section, "key": key, "is_part": True}
    return render(request, "definitions/_impact.html", context)


# --- getting ---------------------------------------------------------------------------------------------------


def get_line(section: str, key: str) -> tuple[Section, Line]:
    """Raises Http404 for what nobody wrote."""
    told = sections().get(section)
    line = load_line(section, key)
    if told is None or not line.versions:
        raise Http404
    return told, line


def get_version(line: Line, number: str, default: Version | None) -> Version:
    """The version with this number, else ``default``, else the newest. Raises Http404 for a number there isn't."""
    if not number:
        wanted = default.pk if default else line.versions[0].pk
        return next((v for v in line.versions if v.pk == wanted), line.versions[0])
    found = next((v for v in line.versions if str(v.number) == number), None)
    if found is None:
        raise Http404
    return found


def draft_address(version: Version) -> str:
    """The page of one version."""
    return f"{reverse('definitions:item', args=[version.section, version.key])}?version={version.number}"
