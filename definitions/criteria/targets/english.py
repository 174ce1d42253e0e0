"""A criterion in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from definitions.criteria.catalogue import FieldType
from definitions.criteria.nodes import All, Any, Leaf, Node, Not, Window

PHRASES = {
    "is": "is {or}",
    "is_not": "is not {or}",
    "is_any_of": "is {or}",
    "is_none_of": "is not {or}",
    "contains": "contains {or}",
    "starts_with": "starts with {or}",
    "at_least": "is at least {or}",
    "at_most": "is at most {or}",
    "more_than": "is more than {or}",
    "less_than": "is less than {or}",
    "between": "is between {and}",
    "is_true": "is yes",
    "is_false": "is no",
    "before": "is before {or}",
    "after": "is after {or}",
    "is_on": "is on {or}",
    "within_last": "is within the last {window}",
    "within_next": "is within the next {window}",
    "more_than_ago": "is more than {window} ago",
    "includes_any": "includes {or}",
    "includes_all": "includes {and}",
    "includes_none": "does not include {or}",
    "is_empty": "is empty",
    "is_not_empty": "is not empty",
}


def describe(node: Node) -> str:
    """One sentence without its full stop, e.g. `Country is Germany and (A is yes or not (B is empty))`."""
    return _describe(node, outermost=True)


def describe_leaf(leaf: Leaf) -> str:
    operands = [_operand(leaf, text) for text in leaf.texts]
    operands += [_number(number) for number in leaf.numbers]
    operands += [_moment(moment) for moment in leaf.moments]
    words = {"or": _listed(operands, "or"), "and": _listed(operands, "and"), "window": _window(leaf.window)}
    return f"{leaf.field.label} {PHRASES[leaf.op].format_map(words)}"


def _describe(node: Node, *, outermost: bool) -> str:
    match node:
        case Leaf():
            return describe_leaf(node)
        case Not(child):
            return f"not ({_describe(child, outermost=True)})"
        case All(children):
            word = " and "
        case Any(children):
            word = " or "
    if len(children) == 1:
        return _describe(children[0], outermost=outermost)
    text = word.join(_describe(child, outermost=False) for child in children)
    return text if outermost else f"({text})"


def _operand(leaf: Leaf, text: str) -> str:
    return f"“{text}”" if leaf.field.type is FieldType.TEXT else leaf.field.options.get(text, text)


def _listed(words: list[str], conjunction: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def _number(number: Decimal) -> str:
    return f"{int(number):,}" if number == number.to_integral_value() else f"{number:,f}"


def _moment(moment: date | datetime) -> str:
    day = f"{moment.day} {moment:%B} {moment.year}"
    if not isinstance(moment, datetime):
        return day
    moment = moment.astimezone(UTC)
    seconds = f":{moment:%S}" if moment.second or moment.microsecond else ""
    fraction = f".{moment:%f}" if moment.microsecond else ""
    return f"{day} {moment:%H:%M}{seconds}{fraction} UTC"


def _window(window: Window | None) -> str:
    if window is None:
        return ""
    return f"{window.count:,} {window.unit if window.count != 1 else window.unit[:-1]}"
