"""Judging one record, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any as Anything
from typing import NamedTuple

from definitions.criteria.facts import Facts, Item
from definitions.criteria.items import Bounds, bounds_of, list_of, test_of
from definitions.criteria.moments import utc
from definitions.criteria.nodes import All, Any, Counted, Leaf, Node, Not, Staged
from definitions.criteria.targets.english import describe_condition
from definitions.criteria.targets.python.comparing import changes_at, compare
from definitions.criteria.values import State, see

MAX_ITEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LeafResult:
    """One condition as it was judged. `text` is the condition in words.

    Of a field: `state` says whether `value`, the stored value seen, is a value, empty or unknown; `value` is None
    unless it is a value. Of a list: `field` is its name (activities, related.deals, events, stages), `value` how many
    items surely pass, `perhaps` how many more may, and `items` the first few of both; `state` is unknown when the
    list can't be read.
    """

    path: str
    field: str
    op: str
    truth: bool | None
    state: State
    value: Anything
    text: str
    perhaps: int = 0
    items: tuple[Mapping[str, Anything], ...] = ()


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
    deciding: Sequence[LeafResult]
    changes_at: datetime | None


def evaluate(root: Node, facts: Facts, now: datetime) -> Evaluation:
    results: list[LeafResult] = []
    outcome = _judge(root, facts, utc(now), results)
    return Evaluation(outcome.truth, tuple(results), tuple(outcome.deciding), outcome.changes_at)


def _judge(node: Node, facts: Facts | Item, now: datetime, results: list[LeafResult] | None) -> _Outcome:
    """`results` None: nobody wants the reasons, as inside lists."""
    match node:
        case Leaf():
            return _judge_leaf(node, facts, now, results)
        case Counted() | Staged():
            return _judge_list(node, facts, now, results)
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
        last = max(certain) if len(certain) == len(moments) else None
        return _Outcome(settles, _deciding(settling), last)
    ahead = min((outcome.changes_at for outcome in outcomes if outcome.changes_at is not None), default=None)
    unknown = [outcome for outcome in outcomes if outcome.truth is None]
    if unknown:
        return _Outcome(None, _deciding(unknown), ahead)
    return _Outcome(not settles, _deciding(outcomes), ahead)


def _deciding(outcomes: list[_Outcome]) -> list[LeafResult]:
    return [result for outcome in outcomes for result in outcome.deciding]


def _judge_leaf(leaf: Leaf, facts: Facts | Item, now: datetime, results: list[LeafResult] | None) -> _Outcome:
    stored = facts.stored(leaf.field.name)
    seen = see(leaf.field.type, stored)
    truth = compare(leaf, seen, facts.stored, now)
    ahead = changes_at(leaf, seen, facts.stored, now)
    if results is None:
        return _Outcome(truth, (), ahead)
    value = stored if seen.state is State.VALUE else None
    result = LeafResult(
        leaf.path, leaf.field.name, leaf.op, truth, seen.state, value, describe_condition(leaf)
    )
    results.append(result)
    return _Outcome(truth, (result,), ahead)


def _judge_list(
    condition: Counted | Staged, facts: Facts | Item, now: datetime, results: list[LeafResult] | None
) -> _Outcome:
    name = list_of(condition)
    items = facts.items(name) if isinstance(facts, Facts) else None
    op = condition.op if isinstance(condition, Staged) else "count"
    text = describe_condition(condition) if results is not None else ""
    if items is None:
        outcome = _Outcome(None, (), None)
        result = LeafResult(condition.path, name, op, None, State.UNKNOWN, None, text)
    else:
        test = test_of(condition)
        judged = [(item, _judge_item(test, item, now)) for item in items]
        outcome = _count([one for _, one in judged], bounds_of(condition))
        sure = [item for item, one in judged if one.truth is True]
        perhaps = [item for item, one in judged if one.truth is None]
        seen = tuple(item.values for item in (*sure, *perhaps)[:MAX_ITEMS_SHOWN])
        result = LeafResult(
            condition.path, name, op, outcome.truth, State.VALUE, len(sure), text, len(perhaps), seen
        )
    if results is None:
        return outcome
    results.append(result)
    return outcome._replace(deciding=(result,))


def _judge_item(test: Node, item: Item, now: datetime) -> _Outcome:
    outcome = _judge(test, item, now, None)
    return outcome if item.is_sure or outcome.truth is False else outcome._replace(truth=None)


def _count(judged: list[_Outcome], bounds: Bounds) -> _Outcome:
    """Items of which it can't be told may or may not count."""
    sure = [one.changes_at for one in judged if one.truth is True]
    perhaps = [one.changes_at for one in judged if one.truth is None]
    out = [one.changes_at for one in judged if one.truth is False]
    least, most = len(sure), len(sure) + len(perhaps)
    parts: list[_Outcome] = []
    for bound, holds_above in ((bounds.at_least, True), (bounds.at_most, False)):
        if bound is None:
            continue
        # "at most n" is nothing but "not at least n + 1".
        needed = bound if holds_above else bound + 1
        if least >= needed:
            parts.append(_Outcome(holds_above, (), _nth(sure, least - needed + 1)))
        elif most < needed:
            parts.append(_Outcome(not holds_above, (), _nth(out, needed - most)))
        else:
            parts.append(_Outcome(None, (), _nth((*sure, *perhaps, *out), 1)))
    return _combine(parts, settles=False)


def _nth(moments: Iterable[datetime | None], number: int) -> datetime | None:
    """When the `number`th of these items has changed, None if so many never do: before, the count can't tip."""
    ahead = sorted(moment for moment in moments if moment is not None)
    return ahead[number - 1] if len(ahead) >= number else None
