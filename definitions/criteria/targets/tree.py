"""A criterion back as plain data, in one canonical form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any as Anything

from definitions.criteria.nodes import All, Any, Leaf, Node, Not
from definitions.criteria.operators import OPERATORS, Takes


def unparse(node: Node) -> dict[str, Anything]:
    match node:
        case Leaf():
            return _unparse_leaf(node)
        case Not(child):
            return {"not": unparse(child)}
        case All(children):
            return {"all": [unparse(child) for child in children]}
        case Any(children):
            return {"any": [unparse(child) for child in children]}


def plain_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def plain_moment(moment: date | datetime) -> str:
    """A date as YYYY-MM-DD, an instant as YYYY-MM-DDTHH:MM:SS[.ffffff]Z."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _unparse_leaf(leaf: Leaf) -> dict[str, Anything]:
    plain: dict[str, Anything] = {"field": leaf.field.name, "op": leaf.op}
    if leaf.window is not None:
        return plain | {"value": {leaf.window.unit: leaf.window.count}}
    operands: list[Anything] = [
        *leaf.texts,
        *map(plain_number, leaf.numbers),
        *map(plain_moment, leaf.moments),
    ]
    match OPERATORS[leaf.op].takes:
        case Takes.NOTHING:
            return plain
        case Takes.ONE:
            return plain | {"value": operands[0]}
        case _:
            return plain | {"value": operands}
