"""A tree of conditions as a form field carries it: YAML, or JSON, which is YAML as well."""

from __future__ import annotations

import json
from typing import Any

from definitions.files.model_yaml import Unreadable, read_yaml, write_yaml
from definitions.sections import Fault, Part

MAX_CHARACTERS = 256 * 1024


Lines = dict[tuple[Part, ...], int]


def write_tree(tree: Any) -> str:
    """Readable YAML of a plain tree; '' for none. A text (one that could not be read) stays as it is."""
    if tree is None or isinstance(tree, str):
        return tree or ""
    return write_yaml(tree)


def read_tree(text: str) -> tuple[Any, Lines]:
    """(plain tree, line of each path); None for an empty text. Raises Unreadable with the lines of its faults.

    Only reads: what the tree may say, ``criteria.parse`` judges."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable([_fault("too_large", f"more than {MAX_CHARACTERS // 1024} KB of conditions")])
    if not text.strip():
        return None, {}
    if text.lstrip().startswith("{"):
        try:
            return read_json(text), {}
        except ValueError:
            pass  # YAML begins like this, too, and its reader names the line
    try:
        return read_yaml(text)
    except RecursionError:
        raise Unreadable([_fault("too_deep", "nested too deep")]) from None


def read_json(text: str | bytes) -> Any:
    """Plain JSON that can be kept and shown. Raises ValueError for all else."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates can be written nowhere
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _fault(code: str, text: str) -> Fault:
    return Fault((), code, text, line=1)
