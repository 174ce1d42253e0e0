"""How large a tree may be. Checked before anything of it is read, without recursion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from definitions.criteria.faults import Fault

MAX_DEPTH = 12
MAX_LEAVES = 500
MAX_NODES = 2_000
MAX_VALUES = 500
MAX_TEXT = 1_000
MAX_COUNT = 1_000_000
MAX_WINDOW_MINUTES = 100 * 366 * 24 * 60
# More would not help anybody to mend the tree.
MAX_FAULTS = 100
GROUPS = ("all", "any", "not")
WHERE = "where"


def find_oversize(tree: Any, at: str) -> Fault | None:
    """What makes a tree too large to read; looks no further than the limits."""
    waiting = [(tree, 1)]
    leaves = nodes = 0
    while waiting:
        node, depth = waiting.pop()
        children = list(_children(node))
        nodes += 1
        leaves += not _is_group(node)
        if depth > MAX_DEPTH:
            return Fault(at, "too_deep", f"conditions may be nested {MAX_DEPTH} deep")
        if leaves > MAX_LEAVES or nodes + len(waiting) + len(children) > MAX_NODES:
            return Fault(at, "too_large", f"a criterion may hold {MAX_LEAVES} conditions")
        waiting.extend((child, depth + 1) for child in children)
    return None


def _is_group(node: Any) -> bool:
    return isinstance(node, Mapping) and any(key in node for key in GROUPS)


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for key in (*GROUPS, WHERE):
            below = node.get(key)
            if isinstance(below, list | tuple):
                yield from below[: MAX_NODES + 1]
            elif isinstance(below, Mapping):
                yield below
