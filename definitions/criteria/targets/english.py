"""A criterion in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from definitions.criteria.fields import FieldType
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Source, Staged, Window

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
STAGE_PHRASES = {
    "is_in": "is in the stage {stage}",
    "is_not_in": "is not in the stage {stage}",
    "has_been": "has ever been {stage}",
    "has_never_been": "has never been {stage}",
    "in_for_at_least": "has been {stage} for at least {window}",
    "in_for_less_than": "has been {stage} for less than {window}",
    "entered_within_last": "became {stage} within the last {window}",
}
ACTIVITIES = {
    "call": ("call", "calls"),
    "email": ("e-mail", "e-mails"),
    "meeting": ("meeting", "meetings"),
    "task": ("task", "tasks"),
    "message": ("message", "messages"),
    "any": ("activity", "activities"),
}
RELATIONS = {
    "deals": ("deal", "deals"),
    "people": ("person", "people"),
    "account": ("account", "accounts"),
    "account_deals": ("deal of the account", "deals of the account"),
    "account_people": ("person at the account", "people at the account"),
}


def describe(node: Node) -> str:
    """One sentence without its full stop, e.g. `Country is Germany and (A is yes or not (B is empty))`."""
    return _describe(node, outermost=True)


def describe_leaf(leaf: Leaf) -> str:
    operands = [_operand(leaf, text) for text in leaf.texts]
    operands += [_number(number) for number in leaf.numbers]
    operands += [_moment(moment) for moment in leaf.moments]
    if leaf.currency is not None:
        operands = [f"{leaf.currency.code} {operand}" for operand in operands]
    words = {"or": _listed(operands, "or"), "and": _listed(operands, "and"), "window": _window(leaf.window)}
    return f"{leaf.field.label} {PHRASES[leaf.op].format_map(words)}"


def describe_condition(condition: Leaf | Counted | Staged) -> str:
    """A leaf of any kind in words."""
    match condition:
        case Leaf():
            return describe_leaf(condition)
        case Counted():
            return _describe_counted(condition)
    words = {"stage": condition.label, "window": _window(condition.window)}
    return STAGE_PHRASES[condition.op].format_map(words)


def _describe_counted(counted: Counted) -> str:
    """E.g. `at least 2 meetings within the last 30 days where Direction is inbound`."""
    within = {"within_last": " within the last ", "within_next": " within the next "}.get(
        counted.window_op, ""
    )
    where = f" where {_describe(counted.where, outermost=False)}" if counted.where is not None else ""
    return f"{_describe_count(counted)}{within}{_window(counted.window)}{where}"


def _describe_count(counted: Counted) -> str:
    one, many = _nouns(counted)
    least, most = counted.at_least, counted.at_most
    if most is None:
        return f"at least {least:,} {one if least == 1 else many}"
    if most == 0:
        return f"no {one}"
    if least is None:
        return f"at most {most:,} {one if most == 1 else many}"
    if least == most:
        return f"exactly {most:,} {one if most == 1 else many}"
    return f"{least:,} to {most:,} {many}"


def _nouns(counted: Counted) -> tuple[str, str]:
    name = counted.name
    match counted.source:
        case Source.ACTIVITY:
            return ACTIVITIES[name]
        case Source.RELATED:
            return RELATIONS.get(name, (counted.object.replace("_", " "), name.replace("_", " ")))
    if name.startswith("signal."):
        said = name.removeprefix("signal.").replace("_", " ")
        return f"signal “{said}”", f"signals “{said}”"
    if name.startswith("handoff."):
        said = name.removeprefix("handoff.").replace("_", " ")
        return f"handoff {said}", f"handoffs {said}"
    return f"“{name}”", f"“{name}”"


def _describe(node: Node, *, outermost: bool) -> str:
    match node:
        case Leaf() | Counted() | Staged():
            return describe_condition(node)
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
