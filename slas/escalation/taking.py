"""The steps of a batch of clocks: which are taken now, and when to look again."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from effects.outbox import Intent, enqueue
from records.models import Record
from records.stored import Where, rows_where
from slas.escalation.reassigning import Given, Reassigning
from slas.escalation.roster import Roster, load_roster
from slas.escalation.telling import Case, intents_of, note
from slas.fold import LATE, RUNNING, WITHDRAWN, ClockData
from slas.models import TakenStep
from slas.staff import Staff
from slas.steps import Planned, Standing, Taken, due_steps, next_step_at, open_steps

IN_TIME = "in_time"
"""The name under which it is remembered that a breach was taken back."""


@dataclass(frozen=True)
class _Open:
    """One clock's steps that may still be taken."""

    clock: ClockData
    steps: Sequence[Planned]


class StepsOfBatch:
    """The steps of clocks that have just been folded, in the transaction that writes them.

    History has none. ``late_before``: ids of clocks that were late already; their breach was announced then."""

    def __init__(
        self, clocks: Sequence[ClockData], late_before: Collection[uuid.UUID], now: datetime
    ) -> None:
        self._now = now
        mine = [c for c in clocks if c.rule.escalations and not c.is_measured_only]
        self._taken: dict[uuid.UUID, list[TakenStep]] = defaultdict(list)
        for row in _taken_before([c.id for c in mine]):
            self._taken[row.clock_id].append(row)
        self._open = {c.id: self._look(c, c.id in late_before) for c in mine}
        self._back = [c for c in mine if c.result.state == WITHDRAWN and self._told_of(c)]

    def next_at(self, clock: ClockData) -> datetime | None:
        """When the next step of a clock will be due, once those due now are taken."""
        found = self._open.get(clock.id)
        return next_step_at(found.steps, self._now) if found else None

    def take(self, staff: Staff) -> None:
        """Take what is due: tell, give to the next person, and remember it. No query when nothing is."""
        due = [(found.clock, p) for found in self._open.values() for p in due_steps(found.steps, self._now)]
        if not due and not self._back:
            return
        due.sort(key=lambda item: (item[1].at, item[0].id, item[1].step.name))
        records = Record.objects.select_related("connection").in_bulk(
            {clock.start.record_id for clock in (*self._back, *(item[0] for item in due))}
        )
        cases = {
            clock.id: Case(clock, record.title, record.business_unit_id)
            for clock in (*self._back, *(item[0] for item in due))
            if (record := records.get(clock.start.record_id)) is not None
        }
        roster = load_roster(self._now)
        steps = [(cases[clock.id], plan) for clock, plan in due if clock.id in cases]
        given = Reassigning(
            [(case, p.step) for case, p in steps if p.step.reassign], records, roster, staff, self._now
        )
        intents: list[Intent] = []
        rows: list[TakenStep] = []
        for case, plan in steps:
            told, row = self._take_one(case, plan, roster, given)
            intents += told
            rows.append(row)
        for clock in self._back:
            told, row = self._take_back(cases[clock.id])
            intents += told
            rows.append(row)
        TakenStep.objects.bulk_create(rows)
        enqueue(list({intent.key: intent for intent in intents}.values()), now=self._now)

    def _look(self, clock: ClockData, was_late: bool) -> _Open:
        result = clock.result
        standing = Standing(
            is_running=result.state == RUNNING,
            is_late=result.state in LATE,
            is_over=result.stopped_at is not None or clock.is_given_up,
        )
        taken = [Taken(row.step, row.due_at, row.taken_at) for row in self._taken[clock.id]]
        if was_late:
            taken += [
                Taken(p.step.name, p.due_at, p.at) for p in clock.plan if p.step.when.kind == "breached"
            ]
        return _Open(clock, open_steps(clock.plan, standing, taken))

    def _take_one(
        self, case: Case, plan: Planned, roster: Roster, reassigning: Reassigning
    ) -> tuple[list[Intent], TakenStep]:
        rule, step = case.clock.rule, plan.step
        people = (
            roster.reached(
                step.to, owner=case.owner_id, acting=rule.acting_team, sender=rule.from_team, unit=case.unit
            )
            if step.to
            else []
        )
        given = reassigning.give(case, step) if step.reassign else Given()
        intents = list(intents_of(case, step, _zones(people, roster), given.line))
        row = TakenStep(
            clock_id=case.clock.id,
            step=step.name,
            due_at=plan.due_at,
            taken_at=self._now,
            people=list(dict.fromkeys([*people, *(i.payload["person"] for i in given.intents)])),
            outcome=given.outcome,
            given_to_id=given.person,
        )
        return [*intents, *given.intents], row

    # --- a breach that was taken back ---

    def _told_of(self, clock: ClockData) -> list[int]:
        """Who was told that it is late, while nobody has told them better."""
        rows = self._taken[clock.id]
        if any(row.step == IN_TIME for row in rows):
            return []
        warnings = {step.name for step in clock.rule.escalations if step.when.is_warning}
        return list(dict.fromkeys(who for row in rows if row.step not in warnings for who in row.people))

    def _take_back(self, case: Case) -> tuple[list[Intent], TakenStep]:
        clock = case.clock
        people = self._told_of(clock)
        stop = clock.result.stop
        what = f"{stop.what} by {stop.who}" if stop and stop.who else stop.what if stop else "It was done"
        body = f"{clock.rule.sentence}\n{what} was in time; we learned of it only after it was called late."
        intents = [
            note(case, IN_TIME, person, "info", f"In time after all: {case.about}", body) for person in people
        ]
        last = max(self._taken[clock.id], key=lambda row: row.taken_at)
        row = TakenStep(
            clock_id=clock.id, step=IN_TIME, due_at=last.due_at, taken_at=self._now, people=people
        )
        return intents, row


def _taken_before(clocks: list[uuid.UUID]) -> list[TakenStep]:
    """Also of clocks that are made anew: a row outlives its clock."""
    if not clocks:
        return []
    return rows_where(TakenStep, Where("clock_id = ANY (%s)", (clocks,)), "ORDER BY taken_at, id")


def _zones(people: Sequence[int], roster: Roster) -> Mapping[int, str]:
    return {pk: roster.people[pk].time_zone if pk in roster.people else "UTC" for pk in people}
