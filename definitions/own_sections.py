"""The sections of the model files that this room brings: stages, definitions, pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from django.db.models import QuerySet

from definitions.bodies import (
    ALLOWED,
    DEFINITIONS,
    FLAGGED,
    PIPELINES,
    STAGES,
    definition_body,
    definition_sentence,
    exempt_tree,
)
from definitions.criteria import Catalogue, CriterionError, FieldType, parse
from definitions.files.reading import Reader, unknown
from definitions.lint.places import definition_places, pipeline_places, pipeline_values, stage_values
from definitions.sections import Body, Context, Fault, Part, Section, path_parts
from records.models import Record

MAX_VARIANTS = 20
MAX_KEY_FIELDS = 7
_MOST_NODES = 50_000
_KEY = re.compile(r"[a-z0-9_-]+")


def criterion_faults(tree: Any, context: Context, object_name: str, path: tuple[Part, ...]) -> list[Fault]:
    """What forbids a tree of conditions, each with its path below ``path``."""
    try:
        parse(tree, context.catalogue, object=object_name)
    except CriterionError as error:
        return [Fault((*path, *path_parts(f.path)), f.code, f.text) for f in error.faults]
    return []


def _read_common(read: Reader, context: Context, *, is_agreed: bool) -> None:
    read.text("name", most=120)
    read.one_of("owner", context.teams, "team")
    if is_agreed:
        read.some_of("agreed_by", context.teams, "team")


def _read_object(read: Reader, context: Context) -> str:
    return read.one_of("object", context.catalogue.objects, "object")


def read_conditions(
    read: Reader, name: str, context: Context, object_name: str, *, required: bool = False
) -> Any:
    """The tree under ``name``, its faults noted; None when it isn't there."""
    tree = read.get(name, required=required)
    if tree is not None and object_name in context.catalogue.objects:
        read.faults.extend(criterion_faults(tree, context, object_name, (*read.path, name)))
    return tree


def read_exclusions(read: Reader, context: Context, object_name: str) -> None:
    """``exclusions`` of a definition or trigger: each key, name, when and, if wanted, text."""
    known: set[str] = set()
    for _, row in read.each("exclusions", required=False):
        _read_key(row, known, "exclusion")
        row.text("name", most=120)
        row.text("text", required=False)
        read_conditions(row, "when", context, object_name, required=True)
        row.finish()


def _read_key(row: Reader, known: set[str], noun: str) -> str:
    key = row.text("key", most=80)
    if key and not _KEY.fullmatch(key):
        row.fault("bad_key", "a key has only letters a to z, digits, _ and -", "key")
    elif key in known:
        row.fault("repeated", f"another {noun} has the key “{key}”; give each its own", "key")
    known.add(key)
    return key


def _read_variants(read: Reader, context: Context, object_name: str) -> None:
    rows = list(read.each("variants"))
    if len(rows) > MAX_VARIANTS:
        read.fault("too_many", f"{len(rows)} variants; {MAX_VARIANTS} are allowed", "variants")
        rows = rows[:MAX_VARIANTS]
    known: set[str] = set()
    fallbacks: list[int] = []
    for i, row in rows:
        _read_key(row, known, "variant")
        row.text("name", most=120)
        if read_conditions(row, "when", context, object_name) is None:
            fallbacks.append(i)
        read_conditions(row, "criteria", context, object_name, required=True)
        row.finish()
    if rows and not fallbacks:
        read.fault(
            "no_fallback", "the last variant must have no “when”, so that every record has one", "variants"
        )
    for i in fallbacks[1:]:
        read.fault("two_fallbacks", "only one variant may be without “when”", "variants", i)
    if len(fallbacks) == 1 and fallbacks[0] != rows[-1][0]:
        read.fault(
            "fallback_not_last", "what stands after the variant without “when” never counts; move it to the end",
            "variants", fallbacks[0],
        )  # fmt: skip


def _read_key_fields(read: Reader, context: Context, object_name: str) -> None:
    fields = read.some_of(
        "key_fields", context.catalogue.objects.get(object_name), f"field of a {object_name}", required=False
    )
    if len(fields) > MAX_KEY_FIELDS:
        read.fault(
            "too_many", f"{len(fields)} key fields; {MAX_KEY_FIELDS} are allowed, few are read", "key_fields"
        )


def _parse_stage(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    _read_common(read, context, is_agreed=False)
    read.text("short", required=False, most=40)
    order = read.whole_number("order")
    read.text("sentence", most=500)
    read.one_of("definition", context.keys(DEFINITIONS), "definition", required=False)
    claimed_object = ""
    if (claim := read.inside("claimed_when", required=False)) is not None:
        claim.text("connection", most=60)
        claimed_object = _read_object(claim, context)
        if claimed_object in context.catalogue.objects:
            claim.one_of("field", context.catalogue.objects[claimed_object], f"field of a {claimed_object}")
        else:
            claim.text("field")
        claim.some_of("values", None, "value")
        claim.finish()
    if key in read.some_of("may_follow", context.keys(STAGES), "stage", required=False):
        read.fault("follows_itself", "a stage can't follow itself; remove it", "may_follow")
    read.one_of("backward", (ALLOWED, FLAGGED), "answer", required=False)
    read.text("guidance", required=False)
    _read_key_fields(read, context, claimed_object)
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
    read.text("play", required=False)
    read_exclusions(read, context, object_name)
    if read.get("variants") is None:
        read_conditions(read, "criteria", context, object_name, required=True)
    else:
        _read_variants(read, context, object_name)
        if read.get("criteria") is not None:
            read.fault("criteria_and_variants", "write either criteria or variants, not both", "criteria")
    read.faults.extend(_circles(key, body, context))
    return read.finish()


def _circles(key: str, body: Body, context: Context) -> list[Fault]:
    """Conditions that read what the definition helps to decide: its stages, and the handoffs that open on them."""
    stages = {name for name, told in context.bodies.get(STAGES, {}).items() if told.get("definition") == key}
    opening = {
        name: opens_on.get("stage")
        for name, told in context.bodies.get("handoffs", {}).items()
        if isinstance(opens_on := told.get("opens_on"), Mapping)
    }
    mine = sorted(name for name, stage in opening.items() if stage in stages)
    faults = []
    for path, leaf in _leaves(body, ()):
        stage, event = leaf.get("stage"), leaf.get("event")
        if isinstance(stage, str) and stage in stages:
            text = f"this definition says what the stage “{stage}” means, so it can't read who is in it"
            faults.append(Fault((*path, "stage"), "reads_itself", text))
        # Which handoff an event is about is not known here: it may be another's, if there is one.
        if isinstance(event, str) and event.startswith("handoff.") and mine and len(mine) == len(opening):
            text = f"the handoff “{mine[0]}” opens when this definition's stage begins, so it can't read that"
            faults.append(Fault((*path, "event"), "reads_itself", text))
    return faults


def _leaves(tree: Any, path: tuple[Part, ...]) -> Iterator[tuple[tuple[Part, ...], Mapping[str, Any]]]:
    """Every mapping in a body with its path; what is nested too deep is refused elsewhere."""
    waiting = [(path, tree)]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        here, node = waiting.pop()
        if isinstance(node, Mapping):
            yield here, node
            waiting.extend(((*here, str(name)), below) for name, below in node.items())
        elif isinstance(node, list | tuple):
            waiting.extend(((*here, i), below) for i, below in enumerate(node))


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
    read_conditions(read, "when", context, object_name)
    read.one_of("skips", (ALLOWED, FLAGGED), "answer", required=False)
    read.one_of("backward", (ALLOWED, FLAGGED), "answer", required=False)
    _read_exempt_below(read, context, object_name)
    read.made("warn_until", _read_day, required=False)
    read.flag("moves_in_gtmops")
    seen: dict[str, set[str]] = {"key": set(), "value": set()}
    rows = list(read.each("stages"))
    keys = [str(row.body.get("key")) for _, row in rows]
    for _, stage in rows:
        for name, known in seen.items():
            text = stage.text(name, most=80)
            if text in known:
                stage.fault("repeated", f"another stage has the {name} “{text}”; give each its own", name)
            known.add(text)
        stage.text("name", most=120)
        stage.text("guidance", required=False)
        stage.flag("is_lost")
        _read_reason(stage, context, object_name)
        _read_key_fields(stage, context, object_name)
        if stage.body.get("key") in stage.some_of(
            "may_follow", keys, "stage of this pipeline", required=False
        ):
            stage.fault("follows_itself", "a stage can't follow itself; remove it", "may_follow")
        for name in ("entry_criteria", "exit_criteria"):
            read_conditions(stage, name, context, object_name)
        stage.finish()
    return read.finish()


def _read_exempt_below(read: Reader, context: Context, object_name: str) -> None:
    told = read.inside("exempt_below", required=False)
    if told is None:
        return
    for name in ("field", "value"):
        told.get(name, required=True)
    told.text("currency", required=False, most=10)
    fields = context.catalogue.objects.get(object_name)
    field = fields.get(told.body["field"]) if fields and isinstance(told.body.get("field"), str) else None
    if field is not None and field.type not in (FieldType.MONEY, FieldType.NUMBER):
        told.fault("not_an_amount", f"{field.label} is no number; name a money or number field", "field")
    elif fields is not None and {"field", "value"} <= told.body.keys():
        told.faults.extend(criterion_faults(exempt_tree(told.body), context, object_name, told.path))
    told.finish()


def _read_reason(stage: Reader, context: Context, object_name: str) -> None:
    told = stage.inside("reason", required=False)
    if told is None:
        return
    fields = context.catalogue.objects.get(object_name)
    told.some_of("choices", None, "choice", required=False)
    for name, required in (("field", True), ("text", False)):
        if fields is None:
            told.text(name, required=required)
        else:
            told.one_of(name, fields, f"field of a {object_name}", required=required)
    told.finish()


def _read_day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"“{value}” is no day; write it like 2026-12-31") from None


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


def _definition_sentence(body: Body, catalogue: Catalogue) -> str:
    return definition_sentence(definition_body(str(body.get("name")), body, catalogue))


def _pipeline_sentence(body: Body, catalogue: Catalogue) -> str:
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


def _stage_sentence(body: Body, catalogue: Catalogue) -> str:
    return str(body.get("sentence") or "")


SECTIONS = (
    Section(
        STAGES, "Stages", _parse_stage, _title, _stage_sentence, _lint_stage, _stage_population,
        named=stage_values,
    ),
    Section(
        DEFINITIONS, "Definitions", _parse_definition, _title, _definition_sentence, _lint_definition,
        _definition_population, places=definition_places,
    ),
    Section(
        PIPELINES, "Pipelines", _parse_pipeline, _title, _pipeline_sentence, _lint_pipeline, _pipeline_population,
        places=pipeline_places, named=pipeline_values,
    ),
)  # fmt: skip
