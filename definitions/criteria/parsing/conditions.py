"""Reading groups and comparisons of fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any as Anything

from definitions.criteria.catalogue import Catalogue
from definitions.criteria.fields import Field, FieldType
from definitions.criteria.nodes import All, Any, Leaf, Node, Not
from definitions.criteria.operators import NUMERIC, OPERATORS, TEMPORAL, Operator, Takes
from definitions.criteria.parsing.limits import GROUPS, MAX_VALUES
from definitions.criteria.parsing.lists import LIST_KEYS, read_list
from definitions.criteria.parsing.noting import Notes
from definitions.criteria.parsing.operands import (
    is_reversed,
    read_currency,
    read_moment,
    read_number,
    read_text,
    read_window,
    without_repeats,
)
from definitions.criteria.parsing.properties import property_of
from definitions.criteria.parsing.refusals import RefusedError, shown

LEAF_KEYS = ("field", "op", "value")
MONEY_KEYS = (*LEAF_KEYS, "currency")
KINDS = ("field", *LIST_KEYS)


class Parser(Notes):
    """Reads one tree over the fields of an object; None: over the properties of an event. `is_inside`: the tree is
    the `where` of a list, and may hold no other list."""

    def __init__(self, catalogue: Catalogue, object_name: str | None, *, is_inside: bool = False) -> None:
        super().__init__()
        self.catalogue = catalogue
        self.object = object_name
        self.is_inside = is_inside

    def read(self, node: Anything, path: str) -> Node:
        if not isinstance(node, Mapping):
            raise RefusedError(path, "not_a_condition", f"a condition is a mapping, not {shown(node)}")
        kinds = [key for key in (*GROUPS, *KINDS) if key in node]
        groups = [key for key in kinds if key in GROUPS]
        if len(groups) > 1 or (not groups and len(kinds) > 1):
            raise RefusedError(path, "not_a_condition", f"only one of {', '.join(kinds)} can stand here")
        if not kinds:
            text = f"a condition has one of {', '.join(KINDS)}, or one of all, any, not"
            raise RefusedError(path, "not_a_condition", text)
        if groups:
            self.expect_keys(node, groups, path)
            return self._read_group(groups[0], node[groups[0]], f"{path}.{groups[0]}")
        if kinds[0] == "field":
            return self._read_leaf(node, path)
        if self.is_inside:
            raise RefusedError(
                path, "nested_list", f"where reads fields only, so {kinds[0]} can't stand here"
            )
        return read_list(self, kinds[0], node, path)

    def read_where(self, tree: Anything, object_name: str | None, path: str) -> Node | None:
        """The conditions on the items of a list; faults end up here."""
        inside = Parser(self.catalogue, object_name, is_inside=True)
        inside.faults, inside.hints = self.faults, self.hints
        root = inside.attempt(inside.read, tree, path)
        self.hints = inside.hints
        return root

    def _find_field(self, node: Mapping[Anything, Anything], path: str) -> Field:
        if self.object is None:
            return property_of(node, path)
        name = node["field"]
        fields = self.catalogue.objects.get(self.object, {})
        field = fields.get(name) if isinstance(name, str) else None
        if field is None:
            text = f"there is no field {shown(name)}{self.hint(name, fields)}"
            raise RefusedError(path, "unknown_field", text)
        return field

    def _read_group(self, kind: str, below: Anything, path: str) -> Node:
        if kind == "not":
            return Not(self.read(below, path))
        if not isinstance(below, list | tuple):
            raise RefusedError(path, "wrong_value", f"{kind} takes a list of conditions, not {shown(below)}")
        if not below:
            raise RefusedError(path, "empty_group", f"{kind} needs at least one condition")
        children = tuple(self.attempt_each(self.read, below, path))
        return All(children) if kind == "all" else Any(children)

    def _read_leaf(self, node: Mapping[Anything, Anything], path: str) -> Leaf:
        field = self.attempt(self._find_field, node, f"{path}.field")
        has_currency = "currency" in node and (field is None or field.type is FieldType.MONEY)
        self.expect_keys(node, MONEY_KEYS if has_currency else LEAF_KEYS, path)
        operator = self._read_operator(node, f"{path}.op")
        if field is None:
            # Its type is not known, so neither is what fits it.
            return Leaf(path, Field("", FieldType.TEXT, ""), operator.name)
        if field.type not in operator.types:
            fitting = ", ".join(name for name, known in OPERATORS.items() if field.type in known.types)
            text = f"{operator.name} does not fit {field.name}, a {field.type} field; use {fitting}"
            raise RefusedError(f"{path}.op", "op_not_for_type", text)
        leaf = Leaf(path, field, operator.name)
        if has_currency:
            leaf = self._with_currency(leaf, operator, node["currency"], f"{path}.currency")
        path = f"{path}.value"
        if operator.takes is Takes.NOTHING:
            if "value" in node:
                raise RefusedError(path, "unexpected_value", f"{operator.name} takes no value")
            return leaf
        if "value" not in node:
            raise RefusedError(path, "missing_key", f"{operator.name} takes {operator.takes}")
        if operator.takes is Takes.WINDOW:
            return replace(leaf, window=read_window(leaf.op, node["value"], path, of=field.type))
        return self._read_operands(leaf, operator, node["value"], path)

    def _with_currency(self, leaf: Leaf, operator: Operator, told: Anything, path: str) -> Leaf:
        if operator.takes is Takes.NOTHING:
            self.note(path, "unexpected_value", f"{operator.name} takes no currency")
            return leaf
        currency = self.attempt(read_currency, told, self.catalogue.currencies, path)
        return leaf if currency is None else replace(leaf, currency=currency)

    def _read_operator(self, node: Mapping[Anything, Anything], path: str) -> Operator:
        if "op" not in node:
            raise RefusedError(path, "missing_key", "the condition needs an op")
        name = node["op"]
        operator = OPERATORS.get(name) if isinstance(name, str) else None
        if operator is None:
            text = f"there is no operator {shown(name)}{self.hint(name, OPERATORS)}"
            raise RefusedError(path, "unknown_op", text)
        return operator

    def _read_operands(self, leaf: Leaf, operator: Operator, value: Anything, path: str) -> Leaf:
        if operator.takes is Takes.ONE:
            return self._with_operands(leaf, lambda read: [read(value, path)])
        if not isinstance(value, list | tuple):
            raise RefusedError(
                path, "wrong_value", f"{operator.name} takes {operator.takes}, not {shown(value)}"
            )
        if not value or (operator.takes is Takes.RANGE and len(value) != 2):
            raise RefusedError(path, "wrong_value", f"{operator.name} takes {operator.takes}")
        if len(value) > MAX_VALUES:
            raise RefusedError(path, "too_large", f"a list may hold {MAX_VALUES} values")
        known_faults = len(self.faults)
        filled = self._with_operands(leaf, lambda read: self.attempt_each(read, value, path))
        if operator.takes is Takes.RANGE:
            if len(self.faults) == known_faults and is_reversed(filled):
                raise RefusedError(path, "wrong_value", "the lowest value comes first")
            return filled
        return replace(filled, texts=without_repeats(filled.texts), numbers=without_repeats(filled.numbers))

    def _with_operands(
        self, leaf: Leaf, each: Callable[[Callable[[Anything, str], Anything]], list[Anything]]
    ) -> Leaf:
        if leaf.field.type in NUMERIC:
            return replace(leaf, numbers=tuple(each(read_number)))
        if leaf.field.type in TEMPORAL:
            return replace(leaf, moments=tuple(each(lambda value, path: read_moment(leaf, value, path))))
        return replace(
            leaf, texts=tuple(each(lambda value, path: self._read_option(leaf.field, value, path)))
        )

    def _read_option(self, field: Field, value: Anything, path: str) -> str:
        text = read_text(field, value, path)
        if field.options and text not in field.options:
            said = f"{field.name} has no option {shown(text)}{self.hint(text, field.options)}"
            raise RefusedError(path, "unknown_option", said)
        return text
