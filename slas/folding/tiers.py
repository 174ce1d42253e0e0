"""What was known of the subject at the start: whether the rule is for it, and how much time it gives (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from definitions.criteria import Criterion, Facts, FieldType
from definitions.criteria.nodes import Leaf, conditions_of
from records.canonical import Unreadable, instant
from records.journey_data import EventData, RecordData
from records.kinds import BASELINE, CHANGE, FIELD_LOST
from slas.conditions import Conditions, Spell
from slas.folding.clock import Start
from slas.rules import Rule
from slas.targets import Tier

SAME_MINUTE = timedelta(minutes=1)
"""A form writes one field after the other: what is said so soon after the start was said with it."""

NEW = timedelta(hours=1)
"""What a record says at first sight it said when it was made, if that is no longer ago."""


@dataclass(frozen=True)
class AtStart:
    """The subject's values of one instant, as they became known."""

    record: RecordData
    at: datetime

    @property
    def horizon(self) -> datetime:
        return self.at + SAME_MINUTE

    def told(self, fields: frozenset[str]) -> Iterator[EventData]:
        """What says something of these fields at the instant, or in hindsight: a moment says itself when it was."""
        for event in self.record.events:
            is_whole = event.kind == BASELINE and not fields.isdisjoint(event.data.get("values", {}))
            is_change = event.kind in (CHANGE, FIELD_LOST) and event.field in fields
            if is_whole or (is_change and event.occurred_at <= self.horizon):
                yield event

    def truth(self, criterion: Criterion, known_at: datetime) -> bool | None:
        """Three-fold: None where what was known at ``known_at`` doesn't tell."""
        values: dict[str, Any] = {}
        moments = _moments(criterion)
        for event in self.told(criterion.fields()):
            if event.observed_at > known_at:
                continue
            if event.kind == CHANGE:
                values[event.field] = event.new
            elif event.kind == FIELD_LOST:
                values.pop(event.field, None)
            elif self._was_so(event):
                values |= event.data.get("values", {})
            else:
                told = event.data.get("values", {})
                past = {name: told[name] for name in moments & told.keys() if self._is_past(told[name])}
                values = past | values
        return criterion.evaluate(Facts(values), self.horizon).truth

    def _was_so(self, look: EventData) -> bool:
        """Whether what a look showed held at the instant already."""
        made_at = look.not_before
        is_new = made_at is not None and look.occurred_at - made_at <= NEW and made_at <= self.horizon
        return look.occurred_at <= self.horizon or is_new

    def _is_past(self, value: object) -> bool:
        try:
            return instant(value) <= self.horizon
        except Unreadable:
            return False

    def turns(self, criterion: Criterion, since: datetime) -> list[EventData]:
        """What was learned of it after ``since``, in the order of learning."""
        found = (event for event in self.told(criterion.fields()) if event.observed_at > since)
        return sorted(found, key=lambda event: (event.observed_at, event.order))


def _moments(criterion: Criterion) -> frozenset[str]:
    """Fields of the criterion that hold a moment."""
    leaves = (one for one in conditions_of(criterion.root) if isinstance(one, Leaf))
    return frozenset(leaf.field.name for leaf in leaves if leaf.field.type is FieldType.DATETIME)


def admitted(start: Start, record: RecordData, where: Criterion | None) -> Start | None:
    """The start as the rule's ``where`` leaves it: None when it never was true then; learned of once it was known to be
    true; called off when it turned out not to be."""
    if where is None:
        return start
    facts = AtStart(record, start.at)
    admitted_at = start.learned_at if facts.truth(where, start.learned_at) is True else None
    for event in facts.turns(where, start.learned_at):
        is_true = facts.truth(where, event.observed_at) is True
        if admitted_at is None and is_true:
            admitted_at = event.observed_at
        elif admitted_at is not None and not is_true:
            over = Spell(start.at, event.observed_at, event, because=f"not “{where.to_english()}”")
            return replace(start, learned_at=admitted_at, calls_off=(*start.calls_off, over))
    return None if admitted_at is None else replace(start, learned_at=admitted_at)


@dataclass(frozen=True)
class Chosen:
    """A tier, and the names of those before it of which nobody can tell whether they fit."""

    tier: Tier
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tiers:
    """Which tier of a rule counts, by what was known at an instant."""

    rule: Rule
    conditions: Conditions
    facts: AtStart
    _kept: dict[datetime, Chosen]

    @classmethod
    def of(cls, rule: Rule, conditions: Conditions, record: RecordData, start: Start) -> Tiers:
        return cls(rule, conditions, AtStart(record, start.at), {})

    def at(self, known_at: datetime) -> Chosen:
        """The first of which it is true. What can't be told doesn't fit."""
        if len(self._criteria) < 2:
            return Chosen(self.rule.targets[-1] if self.rule.targets else Tier("", None, self.rule.target))
        if known_at not in self._kept:
            self._kept[known_at] = self._choose(known_at)
        return self._kept[known_at]

    def _choose(self, known_at: datetime) -> Chosen:
        unknown: list[str] = []
        for tier, criterion in zip(self.rule.targets, self._criteria, strict=True):
            truth = None if criterion is None else self.facts.truth(criterion, known_at)
            if tier.when is None or truth is True:
                return Chosen(tier, tuple(unknown))
            if truth is None:
                unknown.append(tier.name)
        return Chosen(self.rule.targets[-1], tuple(unknown))

    def turns(self, since: datetime) -> set[datetime]:
        """When something was learned that may fit another tier."""
        asked = [criterion for criterion in self._criteria if criterion is not None]
        return {event.observed_at for one in asked for event in self.facts.turns(one, since)}

    @cached_property
    def _criteria(self) -> tuple[Criterion | None, ...]:
        """As the rule's targets; None too where one can't be built now, so that nobody can tell."""
        told = self.conditions.tiers
        return told if len(told) == len(self.rule.targets) else ()

    def rule_at(self, known_at: datetime) -> Rule:
        return self.rule.with_tier(self.at(known_at).tier)
