"""How much of a target has counted, and when so much will have, in the hands and pauses as known (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Literal

from slas.hands import Hand, Pause, due_time
from slas.rules import Rule


@dataclass(frozen=True)
class InHands:
    """Counts as the rule's target does: business time of whoever has it, else elapsed time; never during a pause."""

    rule: Rule
    in_hands: Sequence[Hand]
    pauses: Sequence[Pause]

    def seconds(self, begin: datetime, end: datetime) -> int:
        """What counts of [begin, end)."""
        turns = {begin, end, *(h.begin for h in self.in_hands), *(p.begin for p in self.pauses)}
        turns |= {p.end for p in self.pauses if p.end is not None}
        return sum(self._counted(a, b) for a, b in pairwise(sorted(at for at in turns if begin <= at <= end)))

    def after(self, begin: datetime, seconds: int) -> datetime | None:
        """When so much has counted since ``begin``. None while a pause lasts, and when nobody wrote down the hours."""
        kind: Literal["business", "elapsed"] = "business" if self.rule.target.needs_calendar else "elapsed"
        rule = replace(self.rule, target=replace(self.rule.target, kind=kind, seconds=seconds))
        return due_time(rule, begin, self._from(begin), self.pauses)

    def _counted(self, begin: datetime, end: datetime) -> int:
        if any(p.begin <= begin and (p.end is None or begin < p.end) for p in self.pauses):
            return 0
        if not self.rule.target.needs_calendar:
            return int((end - begin).total_seconds())
        hand = next(iter(self._from(begin)), None)
        if hand is None or hand.is_away or hand.calendar is None:
            return 0
        return hand.calendar.elapsed(begin, end)

    def _from(self, at: datetime) -> Sequence[Hand]:
        """The stretches that last at ``at`` or begin later."""
        past = [i for i, hand in enumerate(self.in_hands) if hand.begin <= at]
        return self.in_hands[past[-1] :] if past else self.in_hands
