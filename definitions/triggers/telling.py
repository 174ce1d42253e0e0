"""Who is told that a trigger fired: whoever is responsible in the owner team, once, never for history."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.text import Truncator

from definitions.triggers.bodies import TriggerBody
from definitions.triggers.fold import Fired
from definitions.triggers.kinds import FIRED
from effects.outbox import Intent, enqueue
from records.models import Event, Record
from records.services import gtmops_connection, touch
from teams.models import Membership, Person, Role

LEADING = (Role.MANAGER, Role.LEADER)
CHANNELS = ("inbox", "email")


def announce(fired: Sequence[tuple[Fired, TriggerBody]], now: datetime) -> None:
    """Write it into the records' history and tell the responsible, in the transaction that decided it.

    What fired before go-live, has ended or is handled is not news. A constant number of statements."""
    news = [(one, body) for one, body in fired if one.is_open and not one.is_measured_only]
    if not news:
        return
    told_before = set(
        Event.objects.filter(external_key__in=[event_key(one.id) for one, _ in news]).values_list(
            "external_key", flat=True
        )
    )
    news = [(one, body) for one, body in news if event_key(one.id) not in told_before]
    if not news:
        return
    ours = gtmops_connection()
    Event.objects.bulk_create(
        [
            Event(
                connection=ours, external_key=event_key(one.id), kind=FIRED, record_id=one.record_id,
                occurred_at=one.fired_at, observed_at=now,
                data={"trigger": one.trigger, "firing": str(one.id), "name": body.name, "owner": body.owner},
            )
            for one, body in news
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    records = Record.objects.only("title", "business_unit_id", "owner_id").in_bulk(
        {one.record_id for one, _ in news}
    )
    people = responsible_of([(records[one.record_id], body.owner) for one, body in news])
    enqueue(
        [
            _intent(one, body, records[one.record_id], person, channel)
            for (one, body), persons in zip(news, people, strict=True)
            for person in persons
            for channel in CHANNELS
        ],
        now=now,
    )
    # The fields in the CRM say it from the next conclusion on: a journey nothing happened to is never written.
    touch((one.record_id for one, _ in news), now)


def event_key(firing: uuid.UUID) -> str:
    return f"firing:{firing}"


def responsible_of(asked: Sequence[tuple[Record, str]]) -> list[list[int]]:
    """For each (record, team): the record's owner if active and in the team, else the team's managers who may read the
    record, else RevOps. Four queries."""
    teams = {team for _, team in asked}
    open_rows = Membership.objects.open().filter(team__key__in=teams, person__is_active=True)
    members: dict[str, set[int]] = defaultdict(set)
    leads: dict[str, list[int]] = defaultdict(list)
    for team, person, role in open_rows.order_by("person_id").values_list(
        "team__key", "person_id", "person__role"
    ):
        members[team].add(person)
        if role in LEADING:
            leads[team].append(person)
    revops = Person.objects.active().filter(role=Role.REVOPS_ADMIN).order_by("pk")
    admins = list(revops.values_list("pk", flat=True))
    units = _units_of([*admins, *(p for team in leads.values() for p in team)])
    found = []
    for record, team in asked:
        if record.owner_id in members[team] and record.owner_id is not None:
            found.append([record.owner_id])
            continue
        readers = _readers(leads[team], record, units) or _readers(admins, record, units)
        found.append(readers)
    return found


def _units_of(people: Iterable[int]) -> Mapping[int, set[int]]:
    units: dict[int, set[int]] = defaultdict(set)
    grants = Person.business_units.through._default_manager.filter(person_id__in=list(people))
    for person, unit in grants.values_list("person_id", "businessunit_id"):
        units[person].add(unit)
    return units


def _readers(people: Sequence[int], record: Record, units: Mapping[int, set[int]]) -> list[int]:
    unit = record.business_unit_id
    return [p for p in people if unit is None or unit in units.get(p, ())]


def _intent(one: Fired, body: TriggerBody, record: Record, person: int, channel: str) -> Intent:
    because = "; ".join(one.because)
    text = [f"Next step: {body.play}"] if body.play else []
    if because:
        text.append(f"Because: {Truncator(because).chars(400)}")
    return Intent(
        channel=channel,
        key=f"firing:{one.id}:{person}:{channel}",
        order_key=f"firing:{one.id}:{channel}",
        payload={
            "person": person,
            "severity": "info",
            "title": f"Expansion signal: {body.name} · {record.title or 'a record'}",
            "body": "\n".join(text),
            "href": reverse("records:record", args=[record.pk]),
        },
    )
