"""The editor of conditions: what it offers, what a tree says and counts while it is edited, and the tree as text.

Whatever comes in goes through `criteria.parse`; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from definitions.bodies import DEFINITIONS, definition_body
from definitions.builder import tree_text
from definitions.builder.catalogue import OBJECT_WORDS, builder_catalogue
from definitions.builder.enforced import places_of
from definitions.builder.outcomes import Tried
from definitions.builder.trying import count
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue, Criterion, CriterionError, Fault, parse
from definitions.files.model_yaml import Unreadable
from definitions.sections import path_parts
from definitions.versions import version_at
from effects.tick import now_utc
from teams.access import person_of

MAX_BYTES = 512 * 1024
MAX_CONNECTIONS = 50
BAR_WIDTH = 1000


class Unusable(ValueError):
    """A body that no editor sends; the text says what is wrong."""


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    return JsonResponse(builder_catalogue(person_of(request), now_utc()))


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """{object, tree, connections, section, key, part, unfinished} to the sentence, counts, examples, and faults."""
    try:
        body = _read_body(request)
        object_name, connections = _text(body, "object"), _connections(body)
    except Unusable as error:
        return JsonResponse({"error": str(error)}, status=400)
    known = catalogue_from_db()
    faults: list[Fault] = []
    criterion: Criterion | None = None
    if body.get("tree") is not None:
        try:
            criterion = parse(body["tree"], known, object=object_name)
        except CriterionError as error:
            faults = error.faults
    tried = None
    if criterion is not None:
        now = now_utc()
        against = _in_force(body, known) if body.get("part") == "criteria" else None
        tried = count(
            criterion, person_of(request), now,
            against=against if against is not None and against.object == object_name else None,
            connections=connections,
        )  # fmt: skip
    unfinished = body.get("unfinished")
    context = {
        "criterion": criterion,
        "sentence": _sentence(criterion, object_name),
        "faults": faults,
        "root_faults": [f for f in faults if f.path == "$"],
        "tried": tried,
        "bar": _bar(tried),
        "flips": tried.flips if tried else None,
        "enforced": list(places_of([("", criterion)], object_name, connections)),
        "unfinished": unfinished if isinstance(unfinished, int) else 0,
    }
    return JsonResponse(
        {
            "faults": [{"path": f.path, "code": f.code, "text": f.text} for f in faults],
            "words": tried.words if tried else "",
            "is_sampled": bool(tried and tried.is_sampled),
            "leaves": {
                path: {"met": c.met, "missing": c.missing, "unknown": c.unknown}
                for path, c in (tried.leaves if tried else {}).items()
            },
            "html": render_to_string("definitions/builder/_preview.html", context, request=request),
        }
    )


@require_POST
def text(request: HttpRequest) -> HttpResponse:
    """{tree} to {text}; {text, object} to {tree, faults}, without the tree while the text can't be read."""
    try:
        body = _read_body(request)
        if "text" not in body:
            return JsonResponse({"text": tree_text.write_tree(_plain_tree(body.get("tree")))})
        told, object_name = _text(body, "text", most=MAX_BYTES), _text(body, "object")
    except Unusable as error:
        return JsonResponse({"error": str(error)}, status=400)
    try:
        tree, lines = tree_text.read_tree(told)
    except Unreadable as error:
        return JsonResponse({"faults": [{"line": f.line, "text": f.text} for f in error.faults]})
    faults = []
    if tree is not None:
        try:
            parse(tree, catalogue_from_db(), object=object_name)
        except CriterionError as error:
            faults = [{"line": _line(f, lines), "text": f.text} for f in error.faults]
    if tree is not None and not isinstance(tree, Mapping):
        return JsonResponse({"faults": faults})
    return JsonResponse({"tree": tree, "faults": faults})


@require_safe
def try_conditions(request: HttpRequest) -> HttpResponse:
    """Any condition over any object, counted as it is written."""
    known = [name for name in catalogue_from_db().objects if name in OBJECT_WORDS and name != "activity"]
    wanted = request.GET.get("object", "")
    context = {
        "objects": [(name, OBJECT_WORDS[name]) for name in OBJECT_WORDS if name in known],
        "object": wanted if wanted in known else "person",
        "is_empty": not known,
        "tree": None,
    }
    return render(request, "definitions/builder/try.html", context)


# --- reading what comes in -------------------------------------------------------------------------------------


def _read_body(request: HttpRequest) -> Mapping[str, Any]:
    if len(request.body) > MAX_BYTES:
        raise Unusable(f"more than {MAX_BYTES // 1024} KB")
    try:
        body = tree_text.read_json(request.body)
    except ValueError as error:
        raise Unusable("the body is no JSON that can be read") from error
    if not isinstance(body, dict):
        raise Unusable("the body is no mapping")
    return body


def _text(body: Mapping[str, Any], name: str, *, most: int = 120) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > most or "\x00" in value and most <= 120:
        raise Unusable(f"“{name}” must be a text of up to {most} characters")
    return value


def _connections(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("connections", [])
    if not isinstance(value, list) or len(value) > MAX_CONNECTIONS:
        raise Unusable("“connections” must be a short list")
    if not all(isinstance(one, str) and len(one) <= 60 and "\x00" not in one for one in value):
        raise Unusable("a connection is a text")
    return tuple(value)


def _plain_tree(tree: Any) -> Any:
    if tree is not None and not isinstance(tree, Mapping):
        raise Unusable("a tree is a mapping")
    return tree


def _line(fault: Fault, lines: tree_text.Lines) -> int:
    """The line of the innermost part that the text has."""
    path = path_parts(fault.path)
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


# --- what it says ----------------------------------------------------------------------------------------------


def _in_force(body: Mapping[str, Any], known: Catalogue) -> Criterion | None:
    """The condition in force in the same place, without the definition's exclusions: those are edited apart."""
    section, key = body.get("section"), body.get("key")
    if section != DEFINITIONS or not isinstance(key, str) or not key or len(key) > 80 or "\x00" in key:
        return None
    version = version_at(DEFINITIONS, key, now_utc())
    return None if version is None else definition_body(key, version.body, known).criterion


def _sentence(criterion: Criterion | None, object_name: str) -> str:
    if criterion is None:
        return ""
    noun = object_name.capitalize() or "Record"
    article = "An" if noun[:1] in "AEIOU" else "A"
    return f"{article} {noun.lower()} passes when {criterion.to_english()}."


def _bar(tried: Tried | None) -> list[dict[str, Any]]:
    """The parts of the bar in BAR_WIDTH units, with their numbers."""
    if tried is None or tried.is_too_slow or not tried.total:
        return []
    parts: list[dict[str, Any]] = []
    at = 0.0
    for state in ("met", "unknown", "missing"):
        number = getattr(tried, state)
        width = BAR_WIDTH * number / max(tried.met + tried.missing + tried.unknown, 1)
        parts.append({"state": state, "number": number, "x": round(at, 1), "width": round(width, 1)})
        at += width
    return parts
