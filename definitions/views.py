"""The operating model as people read it. Nothing is changed here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from definitions.bodies import (
    DEFINITIONS,
    PIPELINES,
    STAGES,
    definition_body,
    definition_sentence,
    pipeline_body,
)
from definitions.counting import Counts, count_version
from definitions.in_force import TypedModel, load_typed_model
from definitions.model_files import signers
from definitions.model_yaml import write_yaml
from definitions.models import Judgement, Version
from definitions.sections import Section, sections
from effects.tick import now_utc
from records.models import Record
from teams.access import person_of
from teams.models import Person, Team


@dataclass(frozen=True)
class Item:
    """One thing of the model as a list shows it."""

    section: str
    key: str
    title: str
    sentence: str
    owner: str
    agreed_by: str
    version: Version
    counts: Counts | None = None


@dataclass(frozen=True)
class ExitCheck:
    """A stage of a pipeline, and what must be true before a deal leaves it."""

    key: str
    name: str
    guidance: str
    sentence: str
    counts: Counts


@require_safe
def model(request: HttpRequest) -> HttpResponse:
    now = now_utc()
    typed = load_typed_model()
    counts = count_judgements(person_of(request))
    teams = _team_names()
    groups = [
        {"section": section, "items": _items(section, typed, teams, counts, now)}
        for section in sections().values()
    ]
    by_name = {
        group["section"].name: group["items"] for group in groups if isinstance(group["section"], Section)
    }
    context = {
        "stages": by_name.pop(STAGES, []),
        "definitions": by_name.pop(DEFINITIONS, []),
        "others": [(sections()[name].label, items) for name, items in by_name.items() if items],
        "is_empty": not any(group["items"] for group in groups),
        "updated_at": now,
    }
    return render(request, "definitions/model.html", context)


@require_safe
def item(request: HttpRequest, section: str, key: str) -> HttpResponse:
    now = now_utc()
    viewer = person_of(request)
    told = sections().get(section)
    versions = list(
        Version.objects.filter(section=section, key=key)
        .select_related("created_by")
        .prefetch_related("signatures__team", "signatures__person")
        .order_by("-number")
    )
    if told is None or not versions:
        raise Http404
    typed = load_typed_model()
    in_force = typed.versions.at(section, key, now)
    shown = next((v for v in versions if in_force and v.pk == in_force.pk), versions[0])
    counts = count_judgements(viewer)
    draft = next((v for v in versions if v.state in {"draft", "proposed"}), None)
    context: dict[str, Any] = {
        "item": _item(told, shown, typed, _team_names(), counts),
        "section": told,
        "body": shown.body,
        "in_force": in_force,
        "versions": [(v, _standing(v, in_force, now)) for v in versions],
        "tab": "yaml" if request.GET.get("tab") == "yaml" else "",
        "yaml": write_yaml({section: {key: shown.body}}),
        "updated_at": now,
    }
    if section == DEFINITIONS:
        inside = Record.objects.for_person(viewer)
        context["draft"] = draft
        context["draft_counts"] = count_version(draft, now, inside) if draft else None
    if section == PIPELINES:
        context["exits"] = _exits(key, shown, typed, counts)
    return render(request, "definitions/item.html", context)


def count_judgements(viewer: Person) -> Mapping[tuple[str, str], Counts]:
    """(section, key) -> current judgements of the records ``viewer`` may read. One query."""
    inside = Record.objects.for_person(viewer).present()
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    rows = Judgement.objects.filter(record__in=inside).order_by().values_list("section", "key", "state")
    for section, key, state, number in rows.annotate(number=Count("pk")):
        found[section, key][state] = number
    return {
        name: Counts(told.get("met", 0), told.get("missing", 0), told.get("unknown", 0))
        for name, told in found.items()
    }


def _items(
    section: Section,
    typed: TypedModel,
    teams: Mapping[str, str],
    counts: Mapping[tuple[str, str], Counts],
    now: datetime,
) -> list[Item]:
    held = typed.versions.in_force(section.name, now)
    keys = sorted(held, key=lambda key: (held[key].body.get("order") or 0, key))
    return [_item(section, held[key], typed, teams, counts) for key in keys]


def _item(
    section: Section,
    version: Version,
    typed: TypedModel,
    teams: Mapping[str, str],
    counts: Mapping[tuple[str, str], Counts],
) -> Item:
    body = version.body
    sentence = section.sentence(body) if section.name != DEFINITIONS else ""
    if section.name == DEFINITIONS:
        definition = definition_body(version.key, body, typed.catalogue)
        sentence = definition_sentence(definition)
    return Item(
        section=section.name,
        key=version.key,
        title=section.title(body) or version.key,
        sentence=sentence,
        owner=teams.get(str(body.get("owner")), str(body.get("owner") or "")),
        agreed_by=_listed([teams.get(key, key) for key in signers(body)] if body.get("agreed_by") else []),
        version=version,
        counts=counts.get((section.name, version.key), Counts()) if section.name == DEFINITIONS else None,
    )


def _exits(
    key: str, version: Version, typed: TypedModel, counts: Mapping[tuple[str, str], Counts]
) -> list[ExitCheck]:
    return [
        ExitCheck(
            key=f"{key}/{stage.key}",
            name=stage.name,
            guidance=stage.guidance,
            sentence=stage.exit_criterion.to_english() if stage.exit_criterion else stage.broken,
            counts=counts.get((PIPELINES, f"{key}/{stage.key}"), Counts()),
        )
        for stage in pipeline_body(key, version.body, typed.catalogue).stages
    ]


def _standing(version: Version, in_force: Version | None, now: datetime) -> str:
    """What a page says of a version."""
    if in_force is not None and version.pk == in_force.pk:
        return "In force"
    if version.state in {Version.State.DRAFT, Version.State.PROPOSED}:
        return "Draft" if version.state == Version.State.DRAFT else "Waiting for agreement"
    if version.effective_from is None:
        return "Withdrawn"
    if version.effective_from > now:
        return "Agreed, begins later"
    if version.retired_at is not None and version.retired_at <= now:
        return "Retired"
    return "Replaced"


def _team_names() -> dict[str, str]:
    return dict(Team.objects.values_list("key", "name"))


def _listed(names: list[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))
