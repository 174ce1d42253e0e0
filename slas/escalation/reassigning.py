"""Giving work to the next person of a team: by rule, in turn, over those who are working now."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.db.models import Max

from effects.outbox import Intent
from records.asked import OWNER, AskError, ask
from records.models import OwnerMatch, Record
from records.services import record_act
from slas.escalation.roster import Roster
from slas.escalation.telling import ONCE, Case, effect_key, note
from slas.kinds import CLOCK_REASSIGNED
from slas.models import TakenStep
from slas.staff import Staff
from slas.steps import Step, To
from teams.models import Team

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Given:
    """``outcome``: "asked" of the CRM, or "proposed" to a manager; ``line``: what those told by the step read."""

    outcome: str = ""
    person: int | None = None
    line: str = ""
    intents: tuple[Intent, ...] = ()


def next_in_turn(people: Sequence[int], last: Mapping[int, tuple[datetime, int]]) -> int | None:
    """Who was given something least recently; who never was goes first. None when there is nobody."""
    return min(people, key=lambda pk: (last.get(pk, (NEVER, 0)), pk), default=None)


class Reassigning:
    """The turns of the teams that the steps of a batch name. One batch at a time counts on in a team."""

    def __init__(
        self,
        steps: Sequence[tuple[Case, Step]],
        records: Mapping[uuid.UUID, Record],
        roster: Roster,
        staff: Staff,
        now: datetime,
    ) -> None:
        self._records, self._roster, self._staff, self._now = records, roster, staff, now
        teams = {step.reassign for _, step in steps}
        if not teams:
            return
        with connection.cursor() as cursor:
            for team in sorted(teams):
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"reassign:{team}"])
        members = [pk for pk, someone in roster.people.items() if someone.team in teams]
        self._names = dict(Team.objects.filter(key__in=teams).values_list("key", "name"))
        last = TakenStep.objects.filter(given_to__in=members).order_by().values("given_to")
        self._last = {row["given_to"]: (row["at"], 0) for row in last.annotate(at=Max("taken_at"))}
        self._given: Counter[int] = Counter()
        matches = OwnerMatch.objects.filter(
            connection__in={records[case.clock.start.record_id].connection_id for case, _ in steps},
            person__in=members,
            kind=OwnerMatch.Kind.PERSON,
            is_active=True,
        )
        self._remote = {
            (crm, person): remote_id
            for crm, person, remote_id in matches.order_by("-remote_id").values_list(
                "connection_id", "person_id", "remote_id"
            )
        }

    def give(self, case: Case, step: Step) -> Given:
        """Ask the CRM to give it to whoever's turn it is; where that can't be, propose it to the manager."""
        record = self._records[case.clock.start.record_id]
        person = next_in_turn(self._candidates(case, step, record), self._last)
        team = self._names.get(step.reassign, step.reassign)
        if person is None:
            line = f"Nobody else of {team} is working now, so it stays where it is."
            return self._propose(case, step, None, f"Who takes it? {case.about}", line)
        name = self._roster.people[person].name
        self._given[person] += 1
        self._last[person] = (self._now, sum(self._given.values()))
        due_at = case.clock.due_at if step.when.is_warning else None
        key = effect_key(case.clock.id, step.name, ONCE, "reassign", due_at)
        try:
            ask(
                record, {OWNER: self._remote[record.connection_id, person]}, by=None,
                why=f"{case.clock.rule.name}: {step.when.words}, the next of {team}", key=key, now=self._now,
            )  # fmt: skip
        except AskError as refusal:
            line = f"{refusal.text} So this is only a proposal: it would be {name}'s turn."
            return self._propose(case, step, person, f"Give it to {name}? {case.about}", line)
        record_act(
            CLOCK_REASSIGNED, record=record, key=key, occurred_at=self._now, now=self._now,
            data={
                "clock": str(case.clock.id), "step": step.name, "team": step.reassign, "person": person,
                "name": name, "was": case.clock.holder.name if case.clock.holder else None,
            },
        )  # fmt: skip
        body = (
            f"{case.clock.rule.sentence}\nIt is your turn in {team}: {record.connection.label} is asked to "
            "make you its owner."
        )
        told = note(case, f"{step.name}:given", person, _severity(step), f"Now yours: {case.about}", body)
        line = f"{record.connection.label} is asked to give it to {name}."
        return Given(TakenStep.Outcome.ASKED, person, line, (told,))

    def _candidates(self, case: Case, step: Step, record: Record) -> list[int]:
        is_by_hours = case.clock.rule.target.needs_calendar
        return [
            pk
            for pk in self._roster.there(step.reassign, case.unit)
            if pk != case.owner_id
            and (record.connection_id, pk) in self._remote
            and (not is_by_hours or self._is_working(pk, step.reassign))
        ]

    def _is_working(self, person: int, team: str) -> bool:
        hours = self._staff.hours_at(person, team, self._now)
        return hours is not None and hours[1].is_open(self._now)

    def _propose(self, case: Case, step: Step, person: int | None, title: str, line: str) -> Given:
        managers = self._roster.reached(
            (To("manager"),),
            owner=case.owner_id,
            acting=case.clock.rule.acting_team,
            sender=case.clock.rule.from_team,
            unit=case.unit,
        )
        body = f"{case.clock.rule.sentence}\n{line}"
        intents = [note(case, f"{step.name}:proposed", pk, _severity(step), title, body) for pk in managers]
        # A proposal is nobody's turn taken.
        return Given(TakenStep.Outcome.PROPOSED, None, line, tuple(intents))


def _severity(step: Step) -> str:
    return "warning" if step.when.is_warning else "late"
