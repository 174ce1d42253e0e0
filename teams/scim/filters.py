"""SCIM filters as conditions of ours. The library reads the grammar; what may be asked is listed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q
from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    ValuePath,
)

MOST_CHARACTERS = 2000
NOBODY = Q(pk__in=())

Column = Callable[[Any], Q]


def condition_of(text: str, columns: Mapping[str, Column]) -> Q:
    """``columns``: name of an attribute in small letters -> condition for a value. Raises InvalidFilterException,
    and nothing else, for whatever can't be read or isn't offered."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidFilterException(detail=f"A filter may have {MOST_CHARACTERS} characters at most.")
    if not text.isprintable():
        raise InvalidFilterException(detail="A filter holds printable characters only.")
    return _read(ScimFilter(text).ast, columns)


def _read(node: FilterNode, columns: Mapping[str, Column]) -> Q:
    if isinstance(node, LogicalExpr):
        join = and_ if node.op == LogicalOperator.and_ else or_
        return reduce(join, (_read(term, columns) for term in node.terms))
    if isinstance(node, Not):
        return ~_read(node.expr, columns)
    if isinstance(node, Comparison):
        return _compare(_name(node.attr_path), node, columns)
    if isinstance(node, ValuePath):
        return _within(_name(node.attr_path), node.val_filter, columns)
    raise InvalidFilterException(detail=f"“{node}” can't be asked here; {_offered(columns)}")


def _within(name: str, node: FilterNode, columns: Mapping[str, Column]) -> Q:
    """`emails[type eq "work" and value eq "…"]`: of each kind we keep one, so that only the value counts."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_ else (node,)
    found = []
    for term in terms:
        if not isinstance(term, Comparison) or term.op != CompareOperator.eq:
            raise InvalidFilterException(detail=f"“{term}” can't be asked of {name}; {_offered(columns)}")
        if _name(term.attr_path) == "value":
            found.append(_compare(name, term, columns))
        elif _name(term.attr_path) not in {"type", "primary"}:
            raise InvalidFilterException(detail=f"{term.attr_path} of {name} can't be asked for.")
    if not found:
        raise InvalidFilterException(detail=f"Say which value of {name} you look for.")
    return reduce(and_, found)


def _compare(name: str, node: Comparison, columns: Mapping[str, Column]) -> Q:
    column = columns.get(name)
    if column is None or node.op != CompareOperator.eq:
        raise InvalidFilterException(
            detail=f"“{node.attr_path} {node.op.value}” can't be asked here; {_offered(columns)}"
        )
    return column(node.value)


def _name(path: AttrPath) -> str:
    parts = [path.attr.lower(), (path.sub_attr or "").lower()]
    return ".".join(part for part in parts if part)


def _offered(columns: Mapping[str, Column]) -> str:
    return f"with eq you may ask for {', '.join(sorted(columns))}."


# --- columns -------------------------------------------------------------------------------------------------------


def text_column(condition: Callable[[str], Q]) -> Column:
    """For a text; another kind of value, or a text no row can hold, finds nobody."""

    def of(value: Any) -> Q:
        return condition(value) if isinstance(value, str) and is_storable(value) else NOBODY

    return of


def id_column(field: str) -> Column:
    return text_column(lambda value: Q(**{field: int(value)}) if is_id(value) else NOBODY)


def bool_column(field: str) -> Column:
    """`true`, and "True" as Entra ID sends it."""

    def of(value: Any) -> Q:
        word = str(value).lower()
        return Q(**{field: word == "true"}) if word in {"true", "false"} else NOBODY

    return of


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def is_storable(text: str) -> bool:
    """PostgreSQL keeps no NUL, and UTF-8 no half of a pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
