"""Judging one record in Python, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any as Anything
from typing import NamedTuple

from definitions.criteria.catalogue import FieldType
from definitions.criteria.facts import Facts
from definitions.criteria.moments import next_change, range_of, utc
from definitions.criteria.nodes import All, Any, Leaf, Node, Not
from definitions.criteria.targets.english import describe_leaf
from definitions.criteria.values import Seen, State, fold, see


@dataclass(frozen=True, slots=True)
class LeafResult:
    """One condition as it was judged.

    `state` says whether `value`, the stored value seen, is a value, empty or unknown; `value` is None
    unless it is a value. `text` is the condition in words.
    """

    path: str
    field: str
    op: str
    truth: bool | None
    state: State
    value: Anything
    text: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`truth` None is unknown. `leaves` holds every condition in tree order, `deciding` those that made
    the truth what it is. Before `recheck_at` time alone cannot change the truth; None means never.
    """

    truth: bool | None
    leaves: tuple[LeafResult, ...]
    deciding: tuple[LeafResult, ...]
    recheck_at: datetime | None


class _Outcome(NamedTuple):
    truth: bool | None
    deciding: list[LeafResult]
    changes_at: datetime | None


def evaluate(root: Node, facts: Facts, now: datetime) -> Evaluation:
    results: list[LeafResult] = []
    outcome = _judge(root, facts, utc(now), results)
    return Evaluation(outcome.truth, tuple(results), tuple(outcome.deciding), outcome.changes_at)


def _judge(node: Node, facts: Facts, now: datetime, results: list[LeafResult]) -> _Outcome:
    match node:
        case Leaf():
            return _judge_leaf(node, facts, now, results)
        case Not(child):
            outcome = _judge(child, facts, now, results)
            return outcome._replace(truth=None if outcome.truth is None else not outcome.truth)
        case All(children):
            return _combine([_judge(child, facts, now, results) for child in children], settles=False)
        case Any(children):
            return _combine([_judge(child, facts, now, results) for child in children], settles=True)


def _combine(outcomes: list[_Outcome], *, settles: bool) -> _Outcome:
    """Kleene's `all` (settled by a False) or `any` (settled by a True)."""
    settling = [outcome for outcome in outcomes if outcome.truth is settles]
    if settling:
        # The truth stands until the last of the settling ones has changed.
        moments = [outcome.changes_at for outcome in settling]
        certain = [moment for moment in moments if moment is not None]
        changes_at = max(certain) if len(certain) == len(moments) else None
        return _Outcome(settles, _deciding(settling), changes_at)
    ahead = [outcome.changes_at for outcome in outcomes if outcome.changes_at is not None]
    changes_at = min(ahead, default=None)
    unknown = [outcome for outcome in outcomes if outcome.truth is None]
    if unknown:
        return _Outcome(None, _deciding(unknown), changes_at)
    return _Outcome(not settles, _deciding(outcomes), changes_at)


def _deciding(outcomes: list[_Outcome]) -> list[LeafResult]:
    return [result for outcome in outcomes for result in outcome.deciding]


def _judge_leaf(leaf: Leaf, facts: Facts, now: datetime, results: list[LeafResult]) -> _Outcome:
    stored = facts.stored(leaf.field.name)
    seen = see(leaf.field.type, stored)
    truth = _compare(leaf, seen, now)
    value = stored if seen.state is State.VALUE else None
    result = LeafResult(leaf.path, leaf.field.name, leaf.op, truth, seen.state, value, describe_leaf(leaf))
    results.append(result)
    changes_at = next_change(leaf, seen.moment, now) if seen.state is State.VALUE else None
    return _Outcome(truth, [result], changes_at)


def _compare(leaf: Leaf, seen: Seen, now: datetime) -> bool | None:
    if seen.state is State.UNKNOWN:
        return None
    if leaf.op == "is_empty":
        return seen.state is State.EMPTY
    if leaf.op == "is_not_empty":
        return seen.state is State.VALUE
    if seen.state is State.EMPTY:
        return False
    if leaf.moments or leaf.window:
        lowest, end = range_of(leaf, now)
        return (lowest is None or lowest <= seen.moment) and (end is None or seen.moment < end)
    if leaf.numbers:
        return _compare_number(leaf, seen)
    if leaf.op in ("is_true", "is_false"):
        return seen.flag is (leaf.op == "is_true")
    return _compare_text(leaf, seen)


def _compare_number(leaf: Leaf, seen: Seen) -> bool:
    number, first, last = seen.number, leaf.numbers[0], leaf.numbers[-1]
    match leaf.op:
        case "is" | "is_any_of":
            return number in leaf.numbers
        case "is_not" | "is_none_of":
            return number not in leaf.numbers
        case "at_least":
            return number >= first
        case "at_most":
            return number <= first
        case "more_than":
            return number > first
        case "less_than":
            return number < first
        case "between":
            return first <= number <= last
    raise AssertionError(leaf.op)


def _compare_text(leaf: Leaf, seen: Seen) -> bool:
    folds = leaf.field.type is FieldType.TEXT
    text = fold(seen.text) if folds else seen.text
    wanted = [fold(one) for one in leaf.texts] if folds else leaf.texts
    match leaf.op:
        case "is" | "is_any_of":
            return text in wanted
        case "is_not" | "is_none_of":
            return text not in wanted
        case "contains":
            return wanted[0] in text
        case "starts_with":
            return text.startswith(wanted[0])
        case "includes_any":
            return not seen.choices.isdisjoint(wanted)
        case "includes_all":
            return seen.choices.issuperset(wanted)
        case "includes_none":
            return seen.choices.isdisjoint(wanted)
    raise AssertionError(leaf.op)
