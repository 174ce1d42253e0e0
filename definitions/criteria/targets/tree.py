"""A criterion back as plain data, in one canonical form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any as Anything

from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Staged
from definitions.criteria.operators import OPERATORS, Takes

WITHIN = {"within_last": "within", "within_next": "within_next"}


def unparse(node: Node) -> dict[str, Anything]:
    match node:
        case Leaf():
            return _unparse_leaf(node)
        case Counted():
            return _unparse_counted(node)
        case Staged():
            plain: dict[str, Anything] = {"stage": node.stage, "op": node.op}
            return plain | ({"value": {node.window.unit: node.window.count}} if node.window else {})
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
    currency = {"currency": leaf.currency.code} if leaf.currency is not None else {}
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
            return plain | {"value": operands[0]} | currency
        case _:
            return plain | {"value": operands} | currency


def _unparse_counted(node: Counted) -> dict[str, Anything]:
    plain: dict[str, Anything] = {node.source.value: node.name}
    bounds = {"at_least": node.at_least, "at_most": node.at_most}
    plain |= {key: bound for key, bound in bounds.items() if bound is not None}
    if node.window is not None:
        plain[WITHIN[node.window_op]] = {node.window.unit: node.window.count}
    if node.where is not None:
        plain["where"] = unparse(node.where)
    return plain
