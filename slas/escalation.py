"""Who is told that a clock is late: once each, through the outbox, never for history."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from effects.outbox import Intent, enqueue
from records.models import Record
from slas.evidence import NOBODY
from slas.fold import NOT_VERIFIED, ClockData
from slas.steps import Step
from teams.models import Membership, Person, Role

LEADING = (Role.MANAGER, Role.LEADER)


def announce(clocks: Sequence[ClockData], now: datetime) -> None:
    """Write the escalations of clocks that have just become late, in the transaction that decided it."""
    live = [c for c in clocks if not c.is_measured_only and c.rule.escalations]
    if not live:
        return
    records = Record.objects.only("title", "business_unit_id").in_bulk({c.start.record_id for c in live})
    roster = _load_roster(live)
    intents = {
        intent.key: intent
        for clock in live
        for step in clock.rule.escalations
        for person in roster.people(clock, step, records[clock.start.record_id].business_unit_id)
        for channel in step.by
        for intent in [_intent(clock, step, person, channel, records[clock.start.record_id].title)]
    }
    enqueue(list(intents.values()), now=now)


@dataclass(frozen=True)
class _Roster:
    """Who may be told: managers by person, leading people by team, admins; ``units`` are the borders they read in."""

    active: frozenset[int]
    manager_of: Mapping[int, int]
    leads: Mapping[str, Sequence[int]]
    admins: Sequence[int]
    units: Mapping[int, frozenset[int]]

    def people(self, clock: ClockData, step: Step, unit: int | None) -> list[int]:
        """The people of a step who may read it. What nobody owns must still reach somebody: the team, else an admin."""
        team = self._readers(self.leads.get(clock.rule.acting_team, ()), unit)
        owner = clock.holder.person_id if clock.holder and clock.holder.person_id in self.active else None
        manager = self.manager_of.get(owner) if owner else None
        named = {
            "owner": [owner] if owner else [],
            "manager": [manager] if manager else [],
            "team_manager": team,
        }
        told = [person for word in step.to for person in named.get(word.kind, ())]
        return list(dict.fromkeys(told or team or self._readers(self.admins, unit)))

    def _readers(self, people: Iterable[int], unit: int | None) -> list[int]:
        return [p for p in people if unit is None or unit in self.units.get(p, frozenset())]


def _load_roster(clocks: Sequence[ClockData]) -> _Roster:
    owners = {c.holder.person_id for c in clocks if c.holder and c.holder.person_id}
    owned = list(
        Person.objects.active().filter(pk__in=owners).values_list("pk", "manager_id", "manager__is_active")
    )
    leads: dict[str, list[int]] = defaultdict(list)
    rows = Membership.objects.open().filter(
        team__key__in={c.rule.acting_team for c in clocks}, person__role__in=LEADING, person__is_active=True
    )
    for team, person in rows.order_by("person_id").values_list("team__key", "person_id"):
        leads[team].append(person)
    revops = Person.objects.active().filter(role=Role.REVOPS_ADMIN).order_by("pk")
    admins = list(revops.values_list("pk", flat=True))
    units: dict[int, set[int]] = defaultdict(set)
    grants = Person.business_units.through._default_manager.filter(
        person_id__in=[*admins, *(p for team in leads.values() for p in team)]
    )
    for person, unit in grants.values_list("person_id", "businessunit_id"):
        units[person].add(unit)
    return _Roster(
        active=frozenset(pk for pk, _, _ in owned),
        manager_of={pk: manager for pk, manager, is_active in owned if manager and is_active},
        leads=leads,
        admins=admins,
        units={person: frozenset(found) for person, found in units.items()},
    )


def effect_key(clock_id: uuid.UUID, when: str = "", person: int = 0, channel: str = "") -> str:
    """The key of one escalation; without the rest the stem that all of a clock's share."""
    return f"clock:{clock_id}:{when}:{person}:{channel}" if when else f"clock:{clock_id}:"


def _intent(clock: ClockData, step: Step, person: int, channel: str, title: str) -> Intent:
    doubt = " (not verified: the CRM can't be read)" if clock.result.state == NOT_VERIFIED else ""
    who = clock.holder.name if clock.holder else NOBODY
    has_it = "It is done by now" if clock.result.stop else f"{who} has it"
    return Intent(
        channel=channel,
        key=effect_key(clock.id, step.name, person, channel),
        order_key=f"clock:{clock.id}:{channel}",
        payload={
            "person": person,
            "severity": "late",
            "title": f"Late: {title or 'a record'} · {clock.rule.name}{doubt}",
            "body": f"{clock.rule.sentence}\nIt was due {clock.rule.target.words}. {has_it}.",
            "href": reverse("slas:clock", args=[clock.id]),
        },
    )
