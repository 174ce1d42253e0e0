"""From a sandbox to production: what was tried on one connection becomes drafts for another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from definitions.catalogue import catalogue_from_db
from definitions.criteria import CriterionError, parse
from definitions.files.model_files import Applied, Change, ModelFaults, ModelTree, apply, check, plan
from definitions.lint.schema import Live
from definitions.lint.services import load_live
from definitions.models import Version
from definitions.sections import Body, Fault, sections
from definitions.versions import load_model
from records.models import Connection, FieldMapping, SchemaField
from teams.models import Person

Name = tuple[str, str]
"""(section, key)"""


@dataclass(frozen=True)
class NeededField:
    """A logical field that the promoted conditions read. ``remote_name``: where it lives in the sandbox, and so where
    it would live in production; ``is_there``: production has a field of that name; ``is_mapped``: and reads it."""

    object: str
    field: str
    label: str
    remote_object: str
    remote_name: str
    is_there: bool
    is_mapped: bool


@dataclass(frozen=True)
class Promotion:
    """What promoting would do. ``faults`` forbid it; ``mapped`` are the mappings it would add."""

    changes: tuple[Change, ...]
    needed: tuple[NeededField, ...]
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]

    @property
    def to_map(self) -> tuple[NeededField, ...]:
        return tuple(n for n in self.needed if n.is_there and not n.is_mapped)

    @property
    def absent(self) -> tuple[NeededField, ...]:
        return tuple(n for n in self.needed if not n.is_there and not n.is_mapped)

    @property
    def is_possible(self) -> bool:
        return bool(self.changes) and not self.faults and not self.absent


def promotable(source: Connection, now: datetime) -> dict[Name, Version]:
    """What is in force and names ``source``. One query."""
    model = load_model()
    return {
        (section, key): version
        for section in sections()
        for key, version in model.in_force(section, now).items()
        if names_connection(version.body, source.name)
    }


def plan_promotion(
    source: Connection, target: Connection, now: datetime, renamed: Mapping[Name, str] | None = None,
    only: Collection[Name] | None = None,
) -> Promotion:  # fmt: skip
    """What would change for ``target`` when what names ``source`` is promoted to it.

    ``renamed``: the key under which a thing lives in production, where it differs; ``only``: promote just these."""
    held = {n: v for n, v in promotable(source, now).items() if only is None or n in only}
    tree = _tree(held, source, target, now, renamed or {})
    checked = check(tree, now)
    changes = tuple(change for change in plan(tree, now) if change.kind != "removed")
    return Promotion(changes, _needed(held, source, target), checked.faults, checked.remarks)


def promote(
    source: Connection,
    target: Connection,
    *,
    by: Person,
    now: datetime,
    wanted_from: datetime | None = None,
    renamed: Mapping[Name, str] | None = None,
    only: Collection[Name] | None = None,
) -> Applied:
    """Add the mappings that are missing and open drafts; the teams agree to them like to any other.

    Raises ModelFaults when the plan has faults or production lacks a field. Safe to repeat."""
    with transaction.atomic():
        planned = plan_promotion(source, target, now, renamed, only)
        absent = [
            Fault(
                (),
                "no_field",
                f"{n.label}: {target.label} has no {n.remote_object}.{n.remote_name}; create it first",
            )
            for n in planned.absent
        ]
        if planned.faults or absent:
            raise ModelFaults([*planned.faults, *absent])
        _map(source, target, planned.to_map)
        held = {n: v for n, v in promotable(source, now).items() if only is None or n in only}
        applied = apply(
            _tree(held, source, target, now, renamed or {}),
            now=now,
            by=by,
            note=f"Promoted from {source.label}",
        )
        Version.objects.filter(pk__in=[v.pk for v in applied.drafted]).update(wanted_from=wanted_from)
    return applied


# --- bodies ----------------------------------------------------------------------------------------------------


def names_connection(body: Any, name: str) -> bool:
    """Whether a body says ``connection: name`` or ``in: [name]`` anywhere outside its conditions."""
    if isinstance(body, Mapping):
        if body.get("connection") == name:
            return True
        inside = body.get("in")
        if isinstance(inside, list) and name in inside:
            return True
        return any(names_connection(value, name) for value in body.values())
    return isinstance(body, list) and any(names_connection(value, name) for value in body)


def moved(body: Any, source: str, target: str) -> Any:
    """The body with ``target`` wherever it named ``source`` as a connection."""
    if isinstance(body, Mapping):
        found = {key: moved(value, source, target) for key, value in body.items()}
        if found.get("connection") == source:
            found["connection"] = target
        if isinstance(found.get("in"), list):
            found["in"] = list(dict.fromkeys(target if name == source else name for name in found["in"]))
        return found
    return [moved(value, source, target) for value in body] if isinstance(body, list) else body


def _tree(
    held: Mapping[Name, Version],
    source: Connection,
    target: Connection,
    now: datetime,
    renamed: Mapping[Name, str],
) -> ModelTree:
    """The moved bodies on top of everything else in force in their sections, so that nothing looks removed."""
    model = load_model()
    bodies: dict[str, dict[str, Body]] = {}
    for (section, key), version in held.items():
        items = bodies.setdefault(section, {k: v.body for k, v in model.in_force(section, now).items()})
        items[renamed.get((section, key)) or key] = moved(version.body, source.name, target.name)
    return ModelTree(bodies)


# --- fields ----------------------------------------------------------------------------------------------------


def _needed(held: Mapping[Name, Version], source: Connection, target: Connection) -> tuple[NeededField, ...]:
    live, catalogue = load_live(), catalogue_from_db()
    there = set(
        SchemaField.objects.filter(connection=target, gone_at=None).values_list("remote_object", "name")
    )
    reads: set[Name] = set()
    for (section, _), version in held.items():
        for place in sections()[section].places(version.body):
            try:
                criterion = parse(place.tree, catalogue, object=place.object)
            except CriterionError:
                continue  # told as a fault
            reads |= {(place.object, name) for name in criterion.fields()}
        reads |= {(one.object, one.field) for one in sections()[section].named(version.body)}
    return tuple(
        one
        for object_name, name in sorted(reads)
        for one in _homes(object_name, name, live, source, target, there)
    )


def _homes(
    object_name: str,
    name: str,
    live: Live,
    source: Connection,
    target: Connection,
    there: set[tuple[str, str]],
) -> Sequence[NeededField]:
    mapped = {f.remote_object for f in live.of(object_name, name, (target.name,)) if f.is_readable}
    return [
        NeededField(
            object_name,
            name,
            home.label,
            home.remote_object,
            home.remote_name,
            (home.remote_object, home.remote_name) in there or home.remote_name.startswith("="),
            home.remote_object in mapped,
        )
        for home in live.of(object_name, name, (source.name,))
    ]


def _map(source: Connection, target: Connection, wanted: Sequence[NeededField]) -> None:
    held = {
        (m.remote_object, m.field.object, m.field.name): m
        for m in source.mappings.select_related("field")
        if (m.remote_object, m.field.object, m.field.name)
        in {(n.remote_object, n.object, n.field) for n in wanted}
    }
    FieldMapping.objects.bulk_create(
        [
            FieldMapping(
                connection=target,
                field=m.field,
                remote_object=m.remote_object,
                remote_name=m.remote_name,
                has_history=m.has_history,
                value_map=m.value_map,
                links_to=m.links_to.replace(f"{source.name}:", f"{target.name}:"),
            )
            for m in held.values()
        ],
        ignore_conflicts=True,
    )
