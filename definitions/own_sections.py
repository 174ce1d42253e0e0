"""The sections of the model files that this room brings: stages, definitions, pipelines."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet

from definitions.bodies import DEFINITIONS, PIPELINES, STAGES, build_criterion, defined_sentence
from definitions.catalogue import catalogue_from_db
from definitions.criteria import CriterionError, parse
from definitions.reading import Reader, unknown
from definitions.sections import Body, Context, Fault, Part, Section
from records.models import Record

_PATH_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def criterion_faults(tree: Any, context: Context, object_name: str, path: tuple[Part, ...]) -> list[Fault]:
    """What forbids a tree of conditions, each with its path below ``path``."""
    try:
        parse(tree, context.catalogue, object=object_name)
    except CriterionError as error:
        return [Fault((*path, *_parts(f.path)), f.code, f.text) for f in error.faults]
    return []


def _parts(path: str) -> tuple[Part, ...]:
    """``$.all[0].value`` as ("all", 0, "value")."""
    return tuple(name or int(index) for name, index in _PATH_PART.findall(path))


def _read_common(read: Reader, context: Context, *, is_agreed: bool) -> None:
    read.text("name", most=120)
    read.one_of("owner", context.teams, "team")
    if is_agreed:
        read.some_of("agreed_by", context.teams, "team")


def _read_object(read: Reader, context: Context) -> str:
    return read.one_of("object", context.catalogue.objects, "object")


def _parse_stage(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    _read_common(read, context, is_agreed=False)
    read.text("short", required=False, most=40)
    order = read.whole_number("order")
    read.text("sentence", most=500)
    read.one_of("definition", context.keys(DEFINITIONS), "definition", required=False)
    if (claim := read.inside("claimed_when", required=False)) is not None:
        claim.text("connection", most=60)
        object_name = _read_object(claim, context)
        if object_name in context.catalogue.objects:
            claim.one_of("field", context.catalogue.objects[object_name], f"field of a {object_name}")
        else:
            claim.text("field")
        claim.some_of("values", None, "value")
        claim.finish()
    twin = next(
        (
            other
            for other, told in sorted(context.bodies.get(STAGES, {}).items())
            if other != key and told.get("order") == order
        ),
        None,
    )
    if twin is not None and "order" in body:
        read.fault("same_order", f"stage “{twin}” has the order {order} too; give each its own", "order")
    return read.finish()


def _parse_definition(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    _read_common(read, context, is_agreed=True)
    object_name = _read_object(read, context)
    read.some_of("in", None, "connection", required=False)
    read.text("text")
    read.some_of("examples", None, "example", required=False)
    tree = read.get("criteria", required=True)
    if tree is not None and object_name in context.catalogue.objects:
        read.faults.extend(criterion_faults(tree, context, object_name, ("criteria",)))
    return read.finish()


def _parse_pipeline(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    _read_common(read, context, is_agreed=True)
    object_name = _read_object(read, context)
    fields = context.catalogue.objects.get(object_name)
    read.text("connection", most=60)
    if fields is None:
        read.text("stage_field")
    else:
        read.one_of("stage_field", fields, f"field of a {object_name}")
    if (when := read.get("when")) is not None and fields is not None:
        read.faults.extend(criterion_faults(when, context, object_name, ("when",)))
    seen: dict[str, set[str]] = {"key": set(), "value": set()}
    for i, stage in read.each("stages"):
        for name, known in seen.items():
            text = stage.text(name, most=80)
            if text in known:
                stage.fault("repeated", f"another stage has the {name} “{text}”; give each its own", name)
            known.add(text)
        stage.text("name", most=120)
        stage.text("guidance", required=False)
        if (tree := stage.get("exit_criteria")) is not None and fields is not None:
            read.faults.extend(criterion_faults(tree, context, object_name, ("stages", i, "exit_criteria")))
        stage.finish()
    return read.finish()


def _lint_connections(body: Body, context: Context, name: str) -> list[Fault]:
    told = body.get(name) or []
    wanted = [told] if isinstance(told, str) else list(told)
    return [
        Fault(
            (name,),
            "unknown_connection",
            unknown("connection", c, context.connections) + " (nothing is judged)",
        )
        for c in wanted
        if c not in context.connections
    ]


def _lint_stage(key: str, body: Body, context: Context) -> list[Fault]:
    claim = body.get("claimed_when")
    if claim is None:
        return [Fault((), "no_claim", "no CRM shows this stage: no record is ever in it")]
    faults = _lint_connections(claim, context, "connection")
    known = context.catalogue.objects[claim["object"]][claim["field"]]
    faults += [
        Fault(("values", i), "dead_value", unknown(f"option of {known.label}", value, known.options))
        for i, value in enumerate(claim["values"])
        if known.options and value not in known.options
    ]
    return [Fault(("claimed_when", *f.path), f.code, f.text) for f in faults]


def _lint_definition(key: str, body: Body, context: Context) -> list[Fault]:
    return _lint_connections(body, context, "in")


def _lint_pipeline(key: str, body: Body, context: Context) -> list[Fault]:
    faults = _lint_connections(body, context, "connection")
    known = context.catalogue.objects[body["object"]][body["stage_field"]]
    return faults + [
        Fault(
            ("stages", i, "value"),
            "dead_value",
            unknown(f"option of {known.label}", s["value"], known.options),
        )
        for i, s in enumerate(body["stages"])
        if known.options and s["value"] not in known.options
    ]


def _title(body: Body) -> str:
    return str(body.get("name") or "")


def _definition_sentence(body: Body) -> str:
    criterion, broken = build_criterion(body.get("criteria"), catalogue_from_db(), str(body.get("object")))
    return defined_sentence(body, criterion, broken)


def _pipeline_sentence(body: Body) -> str:
    stages = body.get("stages") or ()
    guarded = [str(s.get("name")) for s in stages if s.get("exit_criteria")]
    names = ", ".join(str(s.get("name")) for s in stages)
    return f"{names}. Checked before leaving: {', '.join(guarded) or 'none'}."


def _records_of(object_name: str, connections: tuple[str, ...]) -> QuerySet[Record]:
    found = Record.objects.filter(object=object_name)
    return found.filter(connection__name__in=connections) if connections else found


def _stage_population(body: Body) -> QuerySet[Record]:
    claim = body.get("claimed_when")
    return _records_of(claim["object"], (claim["connection"],)) if claim else Record.objects.none()


def _definition_population(body: Body) -> QuerySet[Record]:
    return _records_of(str(body.get("object")), tuple(body.get("in") or ()))


def _pipeline_population(body: Body) -> QuerySet[Record]:
    return _records_of(str(body.get("object")), (str(body.get("connection")),))


def _stage_sentence(body: Body) -> str:
    return str(body.get("sentence") or "")


SECTIONS = (
    Section(
        STAGES, "Stages", _parse_stage, _title, _stage_sentence, _lint_stage, _stage_population,
    ),
    Section(
        DEFINITIONS, "Definitions", _parse_definition, _title, _definition_sentence, _lint_definition,
        _definition_population,
    ),
    Section(
        PIPELINES, "Pipelines", _parse_pipeline, _title, _pipeline_sentence, _lint_pipeline, _pipeline_population,
    ),
)  # fmt: skip
