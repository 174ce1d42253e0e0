"""Where conditions and hand-written CRM values stand in the bodies of this room. Pure; for bodies that parse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from definitions.sections import Body, Named, Part, Place


def definition_places(body: Body) -> list[Place]:
    """Conditions of a definition or a trigger: exclusions, variants, criteria."""
    object_name, connections = str(body.get("object") or ""), tuple(body.get("in") or ())
    found = [*_of_each(body, "exclusions", "when"), *_of_each(body, "variants", "when", "criteria")]
    if body.get("criteria") is not None:
        found.append((("criteria",), body["criteria"]))
    return [Place(path, object_name, connections, tree) for path, tree in found]


def pipeline_places(body: Body) -> list[Place]:
    """Conditions of a pipeline: what belongs to it, and what stages ask for."""
    object_name, connections = str(body.get("object") or "deal"), (str(body.get("connection") or ""),)
    found = [*_of_each(body, "stages", "entry_criteria", "exit_criteria")]
    if body.get("when") is not None:
        found.insert(0, (("when",), body["when"]))
    return [Place(path, object_name, connections, tree) for path, tree in found]


def stage_values(body: Body) -> list[Named]:
    """The CRM values by which a lifecycle stage is claimed."""
    claim = body.get("claimed_when")
    if not isinstance(claim, Mapping):
        return []
    return [
        Named(("claimed_when", "values", i), claim["object"], claim["field"], claim["connection"], str(value))
        for i, value in enumerate(claim.get("values") or ())
    ]


def pipeline_values(body: Body) -> list[Named]:
    """The CRM's own names of a pipeline's stages."""
    return [
        Named(
            ("stages", i, "value"),
            str(body.get("object") or "deal"),
            str(body.get("stage_field") or ""),
            str(body.get("connection") or ""),
            str(stage.get("value") or ""),
        )
        for i, stage in enumerate(body.get("stages") or ())
    ]


def _of_each(body: Body, name: str, *keys: str) -> Iterator[tuple[tuple[Part, ...], Any]]:
    for i, row in enumerate(body.get(name) or ()):
        for key in keys:
            if isinstance(row, Mapping) and row.get(key) is not None:
                yield (name, i, key), row[key]
