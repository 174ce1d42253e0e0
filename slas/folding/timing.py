"""How the due time of one clock follows from what was known at an instant (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from slas.counting import InHands
from slas.folding.setting import Case
from slas.folding.tiers import Chosen, Tiers
from slas.hands import Hand, Pause, due_time, hands, learned_turns
from slas.rules import Rule
from slas.steps import Planned, planned


@dataclass(frozen=True)
class Timing:
    """``known_at`` of each question: by what was known then."""

    case: Case

    @cached_property
    def _all_tiers(self) -> list[tuple[datetime, Tiers]]:
        """From when on they count, oldest first."""
        case = self.case
        told = [
            (case.start.at, case.rule, case.conditions),
            *((m.since, m.rule, m.conditions) for m in case.moves),
        ]
        return [(since, Tiers.of(rule, when, case.record, case.start)) for since, rule, when in told]

    def _tiers(self, known_at: datetime) -> Tiers:
        moved = [tiers for since, tiers in self._all_tiers[1:] if since <= known_at]
        return moved[-1] if moved else self._all_tiers[0][1]

    @cached_property
    def pauses(self) -> tuple[Pause, ...]:
        return tuple(
            Pause(spell.begin, spell.learned_at, spell.end, spell.end_learned_at, spell.because)
            for spell in self.case.conditions.pauses(self.case.record)
        )

    @cached_property
    def region(self) -> str:
        return str(self.case.record.value_at("region", self.case.start.at)[1] or "")

    @property
    def is_before_event(self) -> bool:
        return self.case.rule.target.kind == "before"

    def rule(self, known_at: datetime) -> Rule:
        """With the target of its tier."""
        return self._tiers(known_at).rule_at(known_at)

    def moved_by(self, known_at: datetime) -> int | None:
        return next((m.version_id for m in reversed(self.case.moves) if m.since <= known_at), None)

    def chosen(self, known_at: datetime) -> Chosen:
        return self._tiers(known_at).at(known_at)

    def hands(self, known_at: datetime) -> list[Hand]:
        case = self.case
        return hands(case.rule, case.start.at, case.owned, case.staff, known_at, self.region)

    def hand_at(self, at: datetime, known_at: datetime) -> Hand:
        found = self.hands(known_at)
        return next((hand for hand in reversed(found) if hand.begin <= at), found[0])

    def due_at(self, known_at: datetime) -> datetime | None:
        """None for a target before an event, whose plans tell."""
        if self.is_before_event:
            return None
        rule = self.rule(known_at)
        in_hands = self.hands(known_at) if rule.target.needs_calendar else []
        return due_time(rule, self.case.start.at, in_hands, self._known(known_at))

    def plan(self, due_at: datetime | None, known_at: datetime, told_at: datetime) -> tuple[Planned, ...]:
        """The steps of the rule; ``told_at``: when its tier was last told."""
        rule = self.rule(told_at)
        if not rule.escalations:
            return ()
        is_timed = any(step.when.kind != "breached" for step in rule.escalations)
        in_hands = self.hands(known_at) if is_timed and rule.target.needs_calendar else []
        counts = InHands(rule, in_hands, self._known(known_at))
        return planned(rule.escalations, self.case.start.at, due_at, counts)

    def is_paused(self, at: datetime) -> bool:
        return any(p.begin <= at and (p.end is None or at < p.end) for p in self._known(at))

    def _known(self, at: datetime) -> Sequence[Pause]:
        return [pause for p in self.pauses if (pause := p.known(at)) is not None]

    def turns(self) -> list[datetime]:
        """The instants until now at which the due time may move."""
        case = self.case
        if self.is_before_event:
            return []
        found = {at for p in self.pauses for at in (p.learned_at, p.end_learned_at) if at is not None}
        found |= {move.since for move in case.moves}
        for _, tiers in self._all_tiers:
            found |= tiers.turns(case.start.learned_at)
        if any(tier.target.needs_calendar for _, tiers in self._all_tiers for tier in tiers.rule.targets):
            found |= learned_turns(case.rule, case.owned, case.staff, self.region)
        return sorted(at for at in found if case.start.learned_at < at <= case.batch.now)
