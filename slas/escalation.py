"""Who is told that a clock is late: once each, through the outbox, never for history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.urls import reverse

from effects.outbox import Intent, enqueue
from records.models import Record
from slas.fold import ClockData
from slas.models import Clock
from slas.rules import duration_words
from teams.models import Membership, Person


def announce(clocks: Sequence[ClockData], now: datetime) -> None:
    """Write the escalations of clocks that have just become late, in the transaction that decided it."""
    live = [c for c in clocks if not c.is_measured_only and c.rule.escalations]
    if not live:
        return
    titles = dict(Record.objects.filter(pk__in=[c.start.record_id for c in live]).values_list("pk", "title"))
    owners = {c.holder.person_id for c in live if c.holder and c.holder.person_id}
    managers = dict(
        Person.objects.filter(pk__in=owners, manager__is_active=True).values_list("pk", "manager_id")
    )
    leads = _team_managers({c.rule.acting_team for c in live})
    intents = []
    for clock in live:
        owner = clock.holder.person_id if clock.holder else None
        for step in clock.rule.escalations:
            people = list(_people(step.to, owner, managers, leads.get(clock.rule.acting_team, ())))
            # "Nobody owns it" must still reach somebody.
            people = people or list(leads.get(clock.rule.acting_team, ()))
            for person in dict.fromkeys(people):
                intents += [
                    _intent(clock, step.when, person, channel, titles[clock.start.record_id])
                    for channel in step.by
                ]
    enqueue(intents, now=now)


def _people(
    to: Iterable[str], owner: int | None, managers: dict[int, int | None], leads: Sequence[int]
) -> Iterable[int]:
    for word in to:
        if word == "owner" and owner:
            yield owner
        elif word == "manager" and owner and managers.get(owner):
            yield managers[owner] or 0
        elif word == "team_manager":
            yield from leads


def _team_managers(teams: set[str]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    rows = Membership.objects.filter(
        team__key__in=teams, ended_at=None, person__role="manager", person__is_active=True
    )
    for team, person in rows.order_by("person_id").values_list("team__key", "person_id"):
        found[team] = (*found.get(team, ()), person)
    return found


def _intent(clock: ClockData, when: str, person: int, channel: str, title: str) -> Intent:
    late = (
        " (not verified: the CRM can't be read)"
        if clock.result.state == Clock.State.BREACHED_NOT_VERIFIED
        else ""
    )
    who = clock.holder.name if clock.holder else "Nobody"
    return Intent(
        channel=channel,
        key=f"clock:{clock.id}:{when}:{person}:{channel}",
        order_key=f"clock:{clock.id}:{channel}",
        payload={
            "person": person,
            "severity": "late",
            "title": f"Late: {title or 'a record'} · {clock.rule.name}{late}",
            "body": f"{clock.rule.sentence}\nIt was due within {_target(clock)}. {who} has it.",
            "href": reverse("slas:clock", args=[clock.id]),
        },
    )


def _target(clock: ClockData) -> str:
    target = clock.rule.target
    if target.kind == "before":
        return f"the time before the {target.event}"
    return duration_words(target.seconds) + (" of business time" if target.kind == "business" else "")
