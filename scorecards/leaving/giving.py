"""Somebody leaves: what is open goes to whoever was chosen, from now, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from effects.tick import ring
from handoffs import kinds
from handoffs.models import Handoff
from records.giving import Given, Taker, give
from records.models import AskedChange, OwnerMatch, Record
from records.services import Act, append_acts
from scorecards.leaving.open_work import (
    RECORDS,
    Kind,
    covers_of,
    handoffs_of,
    is_given,
    is_handoff_given,
    records_of,
    waiting_handoffs,
)
from teams.models import Leaving, Person
from teams.services import deactivate

MOST_LISTED = 1000
LEAVE = ""
"""Nobody was chosen: it stays where it is."""


class LeavingError(Exception):
    """It can't be done; ``text`` says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True)
class Option:
    """``value`` in the form: ``p7`` a person, ``q12`` a queue (by its owner match)."""

    value: str
    text: str
    group: str


def options_for(viewer: Person, person: Person) -> list[Option]:
    """Who may take it: the manager first, then the team, then everybody; and queues, for records. Three queries."""
    here = Person.objects.visible_to(viewer).active().exclude(pk=person.pk)
    last = person.memberships.order_by("-started_at").values_list("team", flat=True).first()
    mates = here.filter(memberships__team=last, memberships__ended_at=None) if last else here.none()
    team = set(mates.values_list("pk", flat=True))
    found = []
    for one in here.order_by("name", "pk"):
        group = "Manager" if one.pk == person.manager_id else "Team" if one.pk in team else "Others"
        found.append(Option(f"p{one.pk}", one.name, group))
    rank = {"Manager": 0, "Team": 1, "Others": 2}
    found.sort(key=lambda option: rank[option.group])
    found += [
        Option(f"q{q.pk}", f"{q.name} ({q.connection.label})", "Queues")
        for q in _queues(person).select_related("connection").order_by("name", "pk")
    ]
    return found


def _queues(person: Person) -> QuerySet[OwnerMatch]:
    """Of the CRMs in which this person owns things; another CRM's queue can take none of them."""
    owned_in = OwnerMatch.objects.filter(person=person, kind=OwnerMatch.Kind.PERSON).values("connection")
    return OwnerMatch.objects.filter(
        kind=OwnerMatch.Kind.QUEUE,
        is_active=True,
        connection__in=owned_in,
        connection__disconnected_at=None,
    )


def leave(person: Person, chosen: Mapping[Kind, str], *, by: Person, now: datetime, token: str) -> Leaving:
    """End access, and give each kind of open work to the option chosen for it. ``token`` makes it happen once.

    Raises LeavingError for oneself, for a system admin by somebody else, and for a taker who can't take it."""
    if person.pk == by.pk:
        raise LeavingError("You can't do this to yourself. Ask another admin.")
    if person.role == "system_admin" and by.role != "system_admin":
        raise LeavingError("Only a system admin changes a system admin.")
    takers = {kind: _taker(value, by, person, kind) for kind, value in chosen.items() if value != LEAVE}
    with transaction.atomic():
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        held = Leaving.objects.filter(person=person, given__token=token).first()
        if held is not None:
            return held
        leaving = Leaving.objects.create(person=person, left_at=now, by=by, given={"token": token})
        given: dict[str, Any] = {"token": token, "kinds": {}}
        name = f"leaving:{leaving.pk}"
        why = f"{person.name} left"
        for kind, (value, taker) in takers.items():
            count, told = _give(kind, person, taker, name, why, by, now)
            given["kinds"][kind.value] = {"to": value, "name": taker.name, "n": count, **told}
        leaving.given = given
        leaving.save(update_fields=["given"])
        if person.is_active:
            deactivate(person, now)
    ring("pipeline")
    return leaving


def _give(
    kind: Kind, person: Person, taker: Taker, name: str, why: str, by: Person, now: datetime
) -> tuple[int, dict[str, Any]]:
    """(how many, what the record of it says more)."""
    if kind in RECORDS:
        left = records_of(by, person, kind).exclude(is_given(now))
        records = list(left.select_related("connection").order_by("pk"))
        given: Given = give(records, taker, was=person.pk, name=name, by=by, why=why, now=now)
        by_hand = {text: len(ids) for text, ids in given.by_hand.items()}
        return len(records), {"asked": len(given.asked), "by_hand": by_hand}
    if kind is Kind.HANDOFFS:
        return _give_handoffs(person, taker, name, by, now), {}
    if kind is Kind.REPORTS:
        below = person.reports.active().visible_to(by).exclude(pk=taker.person)
        return below.update(manager=taker.person), {}
    return covers_of(person, now).exclude(person=taker.person).update(cover=taker.person), {}


def _give_handoffs(person: Person, taker: Taker, name: str, by: Person, now: datetime) -> int:
    rows = list(
        waiting_handoffs(handoffs_of(by, person), person)
        .exclude(is_handoff_given(person))
        .only("pk", "record_id", "template_key", "sender", "receiver")
    )
    acts = []
    for row in rows:
        for side in _sides(row, person):
            data = {
                "handoff": str(row.pk), "template": row.template_key, "side": side, "was": person.pk,
                "person": taker.person,
            }  # fmt: skip
            acts.append(Act(kinds.GIVEN, row.record_id, f"{name}:{side}:{row.pk}", now, data, by))
    append_acts(acts, now)
    return len(rows)


def _sides(row: Handoff, person: Person) -> list[str]:
    return [side for side in ("sender", "receiver") if getattr(row, f"{side}_id") == person.pk]


def _taker(value: str, by: Person, person: Person, kind: Kind) -> tuple[str, Taker]:
    pk = int(value[1:]) if value[1:].isdecimal() and len(value) < 12 else 0
    if value.startswith("q") and kind in RECORDS:
        queue = _queues(person).filter(pk=pk).first()
        if queue is not None:
            return value, Taker(queue.name, None, {queue.connection_id: queue.remote_id})
    if value.startswith("p"):
        taker = Person.objects.visible_to(by).active().exclude(pk=person.pk).filter(pk=pk).first()
        if taker is not None:
            rows = OwnerMatch.objects.filter(person=taker, kind=OwnerMatch.Kind.PERSON, is_active=True)
            ids = dict(rows.order_by("-remote_id").values_list("connection_id", "remote_id"))
            return value, Taker(taker.name, taker.pk, ids)
    raise LeavingError("Choose somebody who works here.")


# --- what became of it -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """Of what the CRMs were asked: how many are done, wait, or were refused (with words of the CRM)."""

    done: int
    waiting: int
    refused: int
    words: tuple[str, ...]


def progress_of(leaving: Leaving) -> Progress:
    """One query."""
    rows = list(
        AskedChange.objects.filter(key__startswith=f"leaving:{leaving.pk}:ask:").values_list("state", "text")
    )
    states = [state for state, _ in rows]
    words = dict.fromkeys(text for state, text in rows if state == AskedChange.State.REFUSED and text)
    return Progress(
        states.count(AskedChange.State.DONE),
        states.count(AskedChange.State.WAITING),
        states.count(AskedChange.State.REFUSED),
        tuple(words)[:5],
    )


def still_theirs(viewer: Person, person: Person, now: datetime) -> list[Record]:
    """What the CRMs still show as theirs, to be given there by hand; deals first."""
    return [
        record
        for kind in RECORDS
        for record in records_of(viewer, person, kind)
        .exclude(is_given(now))
        .select_related("connection")
        .order_by("title", "pk")[:MOST_LISTED]
    ]
