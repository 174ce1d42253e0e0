"""From a plain tree, written by anyone, to a criterion that is valid by construction."""

from __future__ import annotations

from typing import Any

from definitions.criteria.catalogue import Catalogue
from definitions.criteria.criterion import Criterion
from definitions.criteria.faults import CriterionError, Fault
from definitions.criteria.parsing.conditions import Parser
from definitions.criteria.parsing.limits import find_oversize
from definitions.criteria.parsing.refusals import shown

__all__ = ["parse"]


def parse(tree: Any, catalogue: Catalogue, *, object: str, at: str = "$") -> Criterion:  # noqa: A002 (the agreed signature)
    """Check a plain tree and build its criterion. `at` is the path of the tree itself, where it is a part of more.

    Raises CriterionError with the faults; a tree too deep or too large is refused before it is read.
    """
    if object not in catalogue.objects:
        raise CriterionError([Fault(at, "unknown_object", f"there is no object {shown(object)}")])
    oversize = find_oversize(tree, at)
    if oversize is not None:
        raise CriterionError([oversize])
    parser = Parser(catalogue, object)
    root = parser.attempt(parser.read, tree, at)
    if parser.faults or root is None:
        raise CriterionError(parser.faults)
    return Criterion(object, root)
