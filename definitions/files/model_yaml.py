"""From YAML text to plain bodies and back. Refuses what a reader couldn't follow or a machine couldn't bound.

Only plain values: no aliases, no tags, no merge keys, no repeated keys. Every value keeps its line for faults."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from definitions.sections import Fault, Part

MAX_BYTES = 512 * 1024
MAX_DEPTH = 40
MAX_WHOLE_NUMBER = 2**53
_TAG = "tag:yaml.org,2002:"

Lines = dict[tuple[Part, ...], int]

# Readers look for these first, in this order; jsonb keeps none.
_ORDER = (
    "key", "name", "label", "short", "order", "owner", "kind", "required", "teams", "from_team", "to_team", "agreed_by",
    "object", "connection", "in", "stage_field", "when", "sentence", "text", "examples", "claimed_when", "definition",
    "opens_on", "receiver", "field", "op", "values", "value", "start", "stop", "target", "acts", "evidence", "to", "by",
    "all", "any", "not", "guidance", "exit_criteria", "criteria", "stages",
    "tz", "week", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "country", "subdivision",
)  # fmt: skip
_RANK = {name: i for i, name in enumerate(_ORDER)}


class Unreadable(ValueError):
    """The text is no model file. ``faults`` says where and why."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


def read_yaml(text: str, *, file: str = "") -> tuple[Any, Lines]:
    """(plain value, line of each path). Raises Unreadable."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise Unreadable(
            [_fault(file, 1, "too_large", f"more than {MAX_BYTES // 1024} KB; split it by section")]
        )
    try:
        _refuse_depth(text, file)
        root = YAML(typ="safe", pure=True).compose(io.StringIO(text))
    except Unreadable:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = error.problem or error.context or "not YAML"
        raise Unreadable([_fault(file, mark.line + 1 if mark else 1, "not_yaml", words)]) from error
    except (YAMLError, ValueError) as error:
        raise Unreadable([_fault(file, 1, "not_yaml", str(error).splitlines()[0])]) from error
    reader = _Reader(file)
    value = reader.read(root, ()) if root is not None else None
    if reader.faults:
        raise Unreadable(reader.faults)
    return value, reader.lines


def write_yaml(value: Any) -> str:
    """Readable YAML in a stable order; ``read_yaml`` gives the same value back."""
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 118
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_dressed(value), out)
    return out.getvalue()


def _refuse_depth(text: str, file: str) -> None:
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1
                raise Unreadable([_fault(file, line, "too_deep", f"nested more than {MAX_DEPTH} deep")])
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


class _Reader:
    """Walks the composed nodes once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.lines: Lines = {}
        self._seen: set[int] = set()

    def read(self, node: Node, path: tuple[Part, ...]) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._seen:
            self._refuse(line, "alias", "anchors and aliases (& and *) aren't read here; write it out")
            return None
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            if self._tag(node) != "seq":
                self._refuse(line, "tag", f"the tag {node.tag} isn't read here; remove it")
            return [self.read(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: MappingNode, path: tuple[Part, ...]) -> dict[str, Any]:
        if self._tag(node) != "map":
            self._refuse(node.start_mark.line + 1, "tag", f"the tag {node.tag} isn't read here; remove it")
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or self._tag(key_node) in {"merge", "null"}:
                self._refuse(line, "key", "a key must be a plain text")
                continue
            key = str(key_node.value)
            if not _can_be_kept(key):
                self._refuse(line, "key", "a key must be a plain text")
                continue
            if key in found:
                self._refuse(line, "repeated", f"“{key}” stands here twice; remove one")
                continue
            self.lines[(*path, key)] = line
            found[key] = self.read(value_node, (*path, key))
        return found

    def _scalar(self, node: Node, line: int) -> Any:
        tag, text = self._tag(node), str(node.value)
        try:
            match tag:
                case "str" | "timestamp":
                    if not _can_be_kept(text):
                        raise ValueError
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    is_based = text.lstrip("+-")[:2].lower() in {"0x", "0o"}
                    number = int(text.replace("_", ""), 0 if is_based else 10)
                    if abs(number) > MAX_WHOLE_NUMBER:
                        raise ValueError
                    return number
                case "float":
                    value = float(text)
                    if not math.isfinite(value):
                        raise ValueError
                    return value
        except ValueError:
            self._refuse(
                line, "value", f"“{text[:40]}” can't be kept as a value; put it in quotes or shorten it"
            )
            return None
        self._refuse(line, "tag", f"the tag {node.tag} isn't read here; remove it")
        return None

    def _tag(self, node: Node) -> str:
        return str(node.tag).removeprefix(_TAG)

    def _refuse(self, line: int, code: str, text: str) -> None:
        self.faults.append(_fault(self.file, line, code, text))


def _can_be_kept(text: str) -> bool:
    """PostgreSQL's jsonb holds neither NUL nor lone surrogates."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _fault(file: str, line: int, code: str, text: str) -> Fault:
    return Fault((), code, text, file=file, line=line)


def in_order(body: Mapping[str, Any]) -> list[str]:
    """The keys of a body as a reader wants them."""
    return sorted(body, key=lambda name: (_RANK.get(name, len(_RANK)), name))


def _dressed(value: Any, *, is_top: bool = True) -> Any:
    """Order, and one line for what is short: lists of plain values, and mappings of such inside a list."""
    if isinstance(value, Mapping):
        names = list(value) if is_top else in_order(value)
        mapping = CommentedMap((name, _dressed(value[name], is_top=False)) for name in names)
        if not is_top and value and all(_is_plain(v) for v in value.values()) and len(str(value)) < 90:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list | tuple):
        sequence = CommentedSeq(_dressed(v, is_top=False) for v in value)
        if all(_is_plain(v) or isinstance(v, list) for v in value) and len(str(value)) < 100:
            sequence.fa.set_flow_style()
            for inner in sequence:
                if isinstance(inner, CommentedSeq):
                    inner.fa.set_flow_style()
        return sequence
    if isinstance(value, str) and value.startswith("?"):
        # ruamel writes it bare on a line of several values, where it reads it back as a key.
        return SingleQuotedScalarString(value)
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(v) and not isinstance(v, list) for v in value)
    return not isinstance(value, Mapping)
