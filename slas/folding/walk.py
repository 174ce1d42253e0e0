"""One clock, walked through what we learned instant by instant: results stand, and are only corrected (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from records.ids import derive_id
from records.journey_data import EventData
from slas.evidence import Proof
from slas.folding.clock import (
    BREACHED,
    CANCELLED,
    DUE,
    LATE,
    MET,
    NOT_VERIFIED,
    PAUSED,
    RUNNING,
    SEEN_LATE,
    WITHDRAWN,
    Check,
    CorrectionData,
    Result,
    Retarget,
)
from slas.folding.stops import distinct
from slas.folding.timing import Timing


@dataclass(frozen=True)
class Learned:
    """One thing learned at ``at`` through ``cause``; ``apply`` tells the walk. ``rank`` orders one instant."""

    at: datetime
    rank: int
    apply: Callable[[Walk], None]
    cause: EventData | None = None


@dataclass
class Walk:
    """The clock as it stood after each instant at which we learned something.

    ``told_at``: up to when what was learned still counted for its time. ``no_data``: sources that can't be read, for a
    clock that is only measured; else its check says so."""

    clock_id: uuid.UUID
    timing: Timing
    is_measured_only: bool
    due_at: datetime | None
    told_at: datetime
    no_data: tuple[str, ...] = ()
    due_learned_at: datetime | None = None
    retargets: list[Retarget] = field(default_factory=list)
    cancelled_at: datetime | None = None
    because: str = ""
    plans: dict[str, datetime | None] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    deleted_at: datetime | None = None
    gone_because: str = ""
    was_late: bool = False
    result: Result = field(default_factory=lambda: Result(RUNNING))
    corrections: list[CorrectionData] = field(default_factory=list)

    def plan(self, key: str, at: datetime | None, learned_at: datetime) -> None:
        """The event that it must come before is now planned for ``at``. A result that stands is not moved by it."""
        self.plans[key] = at
        due_at = min((at for at in self.plans.values() if at), default=None)
        if due_at != self.due_at and not self.result.is_frozen:
            self.due_at, self.due_learned_at = due_at, learned_at

    def retarget(self, at: datetime) -> None:
        """Hands, hours, pauses or the tier have changed. A clock that is done or announced late keeps its due time."""
        if self.result.is_frozen:
            return
        self.told_at = at
        due_at = self.timing.due_at(at)
        if due_at != self.due_at:
            self.retargets.append(Retarget(at, self.due_at, due_at))
            self.due_at, self.due_learned_at = due_at, at

    def cancel(self, at: datetime, because: str) -> None:
        """Only the first time counts: who comes back starts a new clock."""
        if self.cancelled_at is None:
            self.cancelled_at, self.because = at, because

    def gain(self, proof: Proof) -> None:
        self.proofs.append(proof)

    def lose(self, proof: Proof) -> None:
        self.proofs = [held for held in self.proofs if held.event.key != proof.event.key]

    def live(self, deleted_at: datetime | None, because: str = "") -> None:
        """Gone, or back (None). A merge may be told together with a deletion, which says less."""
        self.gone_because = because or (self.gone_because if deleted_at else "")
        self.deleted_at = deleted_at

    def ask(self, check: Check) -> None:
        # Nobody is late with a record that was gone before we had looked.
        if self.deleted_at is None:
            self.checks.append(check)

    def through(self, learned: list[Learned]) -> None:
        """All of it, instant by instant: what one reading of the CRM brought is one truth."""
        learned.sort(key=lambda item: (item.at, item.rank))
        for at, items in groupby(learned, key=lambda item: item.at):
            causes = []
            for item in items:
                item.apply(self)
                causes += [item.cause] if item.cause else []
            if not self.is_measured_only:
                self._settle(at, causes)
        if self.is_measured_only or not learned:
            self.result = self._stand()

    @property
    def check(self) -> Check | None:
        """The first re-reading that was asked for when the time had come; one that is answered goes first."""
        asked = [c for c in self.checks if self.due_at is not None and c.asked_at >= self.due_at]
        return min(asked, key=lambda c: (not c.answers, c.done_at or c.asked_at), default=None)

    @property
    def counted(self) -> list[Proof]:
        """What counts towards the stop, each once, oldest first."""
        return sorted(distinct(self.proofs), key=lambda p: (p.at, p.event.order))

    @property
    def stop(self) -> Proof | None:
        """What met it: the first proof, or of a rule that wants several the last of so many."""
        wanted = self.timing.case.rule.at_least
        counted = self.counted[:wanted]
        if len(counted) < wanted:
            return None
        return replace(counted[-1], learned_at=max(proof.learned_at for proof in counted))

    def _settle(self, at: datetime, causes: Sequence[EventData]) -> None:
        old, new = self.result, self._stand()
        if old.is_frozen and causes and _contradicts(old, new):
            cause = min(causes, key=lambda event: event.order)
            key = derive_id("correction", str(self.clock_id), cause.key)
            self.corrections.append(CorrectionData(key, old.as_json(), new.as_json(), cause, at))
        self.result = new
        self.was_late = self.was_late or new.state in LATE

    def _gone(self) -> Result:
        return Result(CANCELLED, cancelled_at=self.deleted_at, because=self.gone_because)

    def _stand(self) -> Result:
        """The result by everything known so far."""
        due, check, now = self.due_at, self.check, self.timing.case.batch.now
        called_off, stop = self.cancelled_at, self.stop
        if stop and (due is None or stop.at <= due):
            return Result(WITHDRAWN if self.was_late else MET, stop)
        if called_off and (due is None or called_off <= due) and (stop is None or called_off <= stop.at):
            return Result(CANCELLED, cancelled_at=called_off, because=self.because)
        if due is not None and self.is_measured_only:
            if self.deleted_at and self.deleted_at <= due:
                return self._gone()
            late = NOT_VERIFIED if self.no_data and stop is None else BREACHED
            return Result(late, stop, due) if due <= now else Result(RUNNING)
        if due is not None and max(self.timing.case.start.learned_at, self.due_learned_at or due) > due:
            if self.deleted_at and stop is None:
                return self._gone()
            return Result(SEEN_LATE, stop)
        if check and check.answers:
            return Result(BREACHED if check.was_readable else NOT_VERIFIED, stop, due)
        if self.deleted_at:
            return self._gone()
        if due is None and self.timing.is_paused(now):
            return Result(PAUSED)
        return Result(DUE if check else RUNNING)


def _contradicts(old: Result, new: Result) -> bool:
    """A late clock that stops at last is only completed; anything else changes what was said."""
    if old.state == new.state and old.stopped_at is None:
        return old.breached_at != new.breached_at
    return (old.state, old.stopped_at, old.breached_at) != (new.state, new.stopped_at, new.breached_at)
