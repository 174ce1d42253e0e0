"""Reading conditions on lists (activities, related records, events) and on stages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from definitions.criteria.nodes import Counted, Node, Source, Staged, Window
from definitions.criteria.parsing.limits import WHERE
from definitions.criteria.parsing.operands import read_count, read_window, storable
from definitions.criteria.parsing.refusals import RefusedError, shown
from records.relations import RELATIONS, Relation, Via, relation

if TYPE_CHECKING:
    from definitions.criteria.parsing.conditions import Parser

LIST_KEYS = ("activity", "related", "stage", "event")
ACTIVITY_KINDS = ("call", "email", "meeting", "task", "message")
EVERY_KIND = "any"
COUNT_KEYS = ("at_least", "at_most")
WINDOW_OPS = {"within": "within_last", "within_next": "within_next"}
STAGE_OPS = ("is_in", "is_not_in", "has_been", "has_never_been")
TIMED_STAGE_OPS = ("in_for_at_least", "in_for_less_than", "entered_within_last")
SIGNAL = "signal."
MAX_SIGNAL = 80
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,39}([.][a-z0-9_]{1,40}){0,3}")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,80}(/[A-Za-z0-9_-]{1,80})?")


def read_list(parser: Parser, kind: str, node: Mapping[Any, Any], path: str) -> Counted | Staged:
    """One condition on a list. Faults that leave the rest readable go to the parser."""
    match kind:
        case "activity":
            return _read_activity(parser, node, path)
        case "related":
            return _read_related(parser, node, path)
        case "event":
            return _read_event(parser, node, path)
    return _read_stage(parser, node, path)


def _read_activity(parser: Parser, node: Mapping[Any, Any], path: str) -> Counted:
    parser.expect_keys(node, ("activity", *COUNT_KEYS, *WINDOW_OPS, WHERE), path)
    kinds = (*ACTIVITY_KINDS, EVERY_KIND)
    kind = parser.attempt(_one_of, parser, node["activity"], kinds, "activity", f"{path}.activity")
    return _counted(parser, Source.ACTIVITY, kind or EVERY_KIND, "activity", node, path)


def _read_related(parser: Parser, node: Mapping[Any, Any], path: str) -> Counted:
    parser.expect_keys(node, ("related", *COUNT_KEYS, WHERE), path)
    found = parser.attempt(_find_relation, parser, node["related"], f"{path}.related")
    return _counted(
        parser, Source.RELATED, found.name if found else "", found.object if found else "", node, path
    )


def _read_event(parser: Parser, node: Mapping[Any, Any], path: str) -> Counted:
    parser.expect_keys(node, ("event", *COUNT_KEYS, "within", WHERE), path)
    name = parser.attempt(_read_event_name, parser, node["event"], f"{path}.event")
    return _counted(parser, Source.EVENT, name or "", "", node, path)


def _read_stage(parser: Parser, node: Mapping[Any, Any], path: str) -> Staged:
    parser.expect_keys(node, ("stage", "op", "value"), path)
    known = parser.catalogue.stages
    key = parser.attempt(_read_stage_key, parser, node["stage"], known, f"{path}.stage") or ""
    label = (known or parser.catalogue.stage_labels).get(key) or key.replace("_", " ").replace("/", " / ")
    if "op" not in node:
        raise RefusedError(f"{path}.op", "missing_key", "the condition needs an op")
    op = _one_of(parser, node["op"], (*STAGE_OPS, *TIMED_STAGE_OPS), "operator", f"{path}.op", "unknown_op")
    path_of_value = f"{path}.value"
    if op in STAGE_OPS:
        if "value" in node:
            raise RefusedError(path_of_value, "unexpected_value", f"{op} takes no value")
        return Staged(path, key, label, op)
    if "value" not in node:
        raise RefusedError(path_of_value, "missing_key", f"{op} takes {{unit: count}}")
    return Staged(path, key, label, op, read_window(op, node["value"], path_of_value))


def _counted(
    parser: Parser, source: Source, name: str, object_name: str, node: Mapping[Any, Any], path: str
) -> Counted:
    at_least = _read_bound(parser, node, "at_least", path, least=1)
    at_most = _read_bound(parser, node, "at_most", path, least=0)
    if "at_least" not in node and "at_most" not in node:
        at_least = 1
    if at_least is not None and at_most is not None and at_least > at_most:
        parser.note(f"{path}.at_most", "wrong_value", "at_most is less than at_least")
    op, window = _read_within(parser, node, path)
    where = None
    if WHERE in node and (source is Source.EVENT or object_name):
        where = _read_where(parser, source, object_name, node[WHERE], f"{path}.{WHERE}")
    return Counted(path, source, name, object_name, at_least, at_most, op, window, where)


def _read_where(parser: Parser, source: Source, object_name: str, tree: Any, path: str) -> Node | None:
    if source is Source.EVENT:
        return parser.read_where(tree, None, path)
    if object_name not in parser.catalogue.objects:
        parser.note(path, "unknown_object", f"there is no object {shown(object_name)} to read fields of")
        return None
    return parser.read_where(tree, object_name, path)


def _read_bound(parser: Parser, node: Mapping[Any, Any], key: str, path: str, *, least: int) -> int | None:
    if key not in node:
        return None
    return parser.attempt(read_count, node[key], f"{path}.{key}", least=least)


def _read_within(parser: Parser, node: Mapping[Any, Any], path: str) -> tuple[str, Window | None]:
    told = [key for key in WINDOW_OPS if key in node]
    if len(told) > 1:
        parser.note(path, "wrong_value", "only one of within and within_next can stand here")
    for key in told[:1]:
        window = parser.attempt(read_window, key, node[key], f"{path}.{key}")
        if window is not None:
            return WINDOW_OPS[key], window
    return "", None


def _find_relation(parser: Parser, name: Any, path: str) -> Relation:
    object_name = parser.object or ""
    extra = parser.catalogue.relations.get(object_name, {})
    if isinstance(name, str) and name in extra:
        return Relation(name, extra[name], Via.JOURNEY)
    found = relation(object_name, name, parser.catalogue.objects) if isinstance(name, str) else None
    if found is None:
        known = sorted({*RELATIONS.get(object_name, {}), *extra})
        text = f"there is nothing related called {shown(name)}{parser.hint(name, known)}"
        raise RefusedError(path, "unknown_relation", f"{text}; known are {', '.join(known)}")
    return found


def _read_event_name(parser: Parser, name: Any, path: str) -> str:
    known = parser.catalogue.events
    if known is not None and not (isinstance(name, str) and name in known):
        raise RefusedError(
            path, "unknown_event", f"there is no event {shown(name)}{parser.hint(name, sorted(known))}"
        )
    if isinstance(name, str) and name.startswith(SIGNAL) and 0 < len(name) - len(SIGNAL) <= MAX_SIGNAL:
        return storable(name, path)
    if not isinstance(name, str) or not _EVENT.fullmatch(name) or name == SIGNAL:
        text = f"an event is written like handoff.accepted or signal.report_exported, not {shown(name)}"
        raise RefusedError(path, "unknown_event", text)
    return name


def _read_stage_key(parser: Parser, key: Any, known: Mapping[str, str] | None, path: str) -> str:
    if known is not None and not (isinstance(key, str) and key in known):
        raise RefusedError(path, "unknown_stage", f"there is no stage {shown(key)}{parser.hint(key, known)}")
    if not isinstance(key, str) or not _STAGE.fullmatch(key):
        raise RefusedError(path, "unknown_stage", f"a stage is a key, or pipeline/stage, not {shown(key)}")
    return key


def _one_of(
    parser: Parser, value: Any, known: Collection[str], noun: str, path: str, code: str = "wrong_value"
) -> str:
    if not isinstance(value, str) or value not in known:
        text = f"there is no {noun} {shown(value)}{parser.hint(value, known)}; use {', '.join(known)}"
        raise RefusedError(path, code, text)
    return value
