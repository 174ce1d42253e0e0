"""A touch that no CRM has told ("I already called"), said by whoever made it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.urls import reverse

from effects.outbox import Intent, enqueue
from effects.registry import why_not
from records.loading import load_batch
from records.models import Event, Journey, Record
from records.services import GTMOPS, record_act
from slas import services
from slas.in_force import rule_of
from slas.kinds import TOUCH_REPORTED
from slas.models import Clock
from slas.rules import ANY
from teams.models import Membership, Person

KINDS: Final = {"call": "Call", "email": "E-mail", "meeting": "Meeting", "message": "Message"}
STOPPABLE: Final = frozenset({*Clock.OPEN, *Clock.LATE, Clock.State.SEEN_LATE})
LONGEST_NOTE = 2000
OTHERS = "This is not yours to say: who has it, their manager, the acting team and RevOps can."


class TouchError(Exception):
    """It can't be said; ``text`` says why, ``fields`` which values are wrong (name -> text)."""

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class NotYours(TouchError):
    """Somebody else's to say."""


class NothingWaits(TouchError):
    """No clock of this buyer waits for a touch (any more)."""


class KeyReused(TouchError):
    """The idempotency key stands for another touch."""


@dataclass(frozen=True)
class Waiting:
    """A clock that a touch of ``team`` would stop. ``team`` is a key, or ``any``."""

    clock: Clock
    team: str
    acting_team: str


@dataclass(frozen=True)
class Reported:
    """``in_crm``: why it stands in gtmops only, in words; empty when it is written to the CRM too."""

    event: Event
    clocks: Sequence[Clock]
    in_crm: str

    @property
    def words(self) -> str:
        done = [c for c in self.clocks if c.stopped_at is not None]
        stopped = f"{len(done)} clock{'s' if len(done) > 1 else ''} stopped. " if done else ""
        crm = f"It stands in gtmops only: {self.in_crm}" if self.in_crm else "It is written to the CRM, too."
        return f"Noted, as told by you. {stopped}{crm}"


def waiting_clocks(record: Record) -> list[Waiting]:
    """Clocks of the record's buyer that a touch would stop or take back, the most urgent first. One query."""
    if record.journey_id is None:
        return []
    rows = Clock.objects.filter(journey_id=record.journey_id, stopped_at=None).select_related("rule", "owner")
    return [found for clock in rows.order_by("due_at", "pk") if (found := waiting_of(clock))]


def waiting_of(clock: Clock) -> Waiting | None:
    """What a touch would do to a clock that is loaded with its rule; None for nothing. History is only measured."""
    if clock.stopped_at is not None or clock.is_measured_only or clock.state not in STOPPABLE:
        return None
    rule = rule_of(clock.rule)
    kind, team = rule.stop
    return Waiting(clock, team, rule.acting_team) if kind == "touch_by_team" else None


def team_of(person: Person) -> str:
    """The key of the team a person is in now; empty without one. One query."""
    stay = Membership.objects.open().filter(person=person).values_list("team__key", flat=True).first()
    return stay or ""


def may_report(person: Person, waiting: Waiting, team: str) -> bool:
    """Who has the clock, their manager, anybody of the acting team or of the one that must touch, RevOps.

    ``team``: the person's own."""
    if not person.is_active:
        return False
    owner = waiting.clock.owner
    is_named = owner is not None and person.pk in (owner.pk, owner.manager_id)
    return person.is_admin or is_named or team in (waiting.team, waiting.acting_team)


def possible_people(waiting: Sequence[Waiting]) -> list[Person]:
    """Whose touch would count, by name."""
    teams = {w.team for w in waiting}
    members = Person.objects.active().filter(memberships__ended_at=None, memberships__team__isnull=False)
    if ANY not in teams:
        members = members.filter(memberships__team__key__in=teams)
    return list(members.distinct().order_by("name", "pk"))


def report_touch(
    record: Record,
    by: Person,
    kind: str,
    at: datetime,
    note: str,
    *,
    key: str,
    now: datetime,
    person: Person | None = None,
) -> Reported:
    """Append ``touch.reported``, fold the clocks at once, and have the activity written to the CRM where that is on.

    ``person``: whose touch it was, where not ``by``'s own. The same ``key`` with the same values is one touch.
    Raises TouchError.
    """
    said = {"kind": kind, "at": at.isoformat(), "note": note.strip(), "person": person.pk if person else None}
    act_key = f"touch:{by.pk}:{key}"[:300]
    digest = _digest(record.pk, said)
    with transaction.atomic():
        journey = Journey.objects.select_for_update(of=("self",), no_key=True).filter(records=record).first()
        done = Event.objects.filter(connection__name=GTMOPS, external_key=act_key).first()
        if done is not None:
            if done.data.get("digest") != digest:
                raise KeyReused("This key was used for another touch. Send a new one.")
            return Reported(done, [], str(done.data.get("in_crm", "")))
        if journey is None:
            raise NothingWaits("This record belongs to no buyer, so nothing waits for a touch.")
        waiting = waiting_clocks(record)
        if not waiting:
            raise NothingWaits("Nothing of this buyer waits for a call or message any more.")
        team = team_of(by)
        mine = [w for w in waiting if may_report(by, w, team)]
        if not mine:
            raise NotYours(OTHERS)
        whose = person or _whose(by, mine, team)
        _check(mine, whose, kind, at, note, now)
        payload = _payload(record, whose, by, kind, at, note, act_key)
        in_crm = why_not("crm_touch", payload)
        event = record_act(
            TOUCH_REPORTED,
            record=record,
            key=act_key,
            occurred_at=at,
            now=now,
            actor=by,
            data={
                "team": mine[0].team, "person": whose.pk, "kind": kind, "at": at.isoformat(), "note": note.strip(),
                "in_crm": in_crm, "digest": digest,
            },
        )  # fmt: skip
        if event is None:  # somebody used the key since we looked
            raise KeyReused("This key was used for another touch. Send a new one.")
        if not in_crm:
            enqueue([Intent("crm_touch", act_key, payload)], now=now)
        services.refresh(load_batch([journey.pk], now))
        clocks = Clock.objects.filter(pk__in=[w.clock.pk for w in mine])
        return Reported(event, list(clocks.order_by("due_at", "pk")), in_crm)


def reported_at(by: Person, key: str) -> datetime | None:
    """When the touch was that ``by`` reported under this key; None where there is none."""
    told = Event.objects.filter(connection__name=GTMOPS, external_key=f"touch:{by.pk}:{key}"[:300])
    at = told.values_list("data__at", flat=True).first()
    return datetime.fromisoformat(at) if at else None


def _whose(by: Person, waiting: Sequence[Waiting], team: str) -> Person:
    if any(w.team in (team, ANY) for w in waiting):
        return by
    owner = waiting[0].clock.owner
    if owner is None:
        raise TouchError("Say whose touch it was.", {"person": "Choose who reached the buyer."})
    return owner


def _check(
    waiting: Sequence[Waiting], whose: Person, kind: str, at: datetime, note: str, now: datetime
) -> None:
    wrong: dict[str, str] = {}
    if kind not in KINDS:
        wrong["kind"] = "Choose what it was."
    if at > now:
        wrong["at"] = "This lies in the future. Say it when it has happened."
    elif at < (began := min(w.clock.started_at for w in waiting)):
        wrong["at"] = (
            f"The clock began only on {began:%d %b %Y at %H:%M} UTC; what came before doesn't count."
        )
    if len(note) > LONGEST_NOTE:
        wrong["note"] = f"At most {LONGEST_NOTE} letters."
    if not any(w.team in (team_of(whose), ANY) for w in waiting):
        wrong["person"] = f"{whose.name} is not in the team that must reach the buyer."
    if wrong:
        raise TouchError(" ".join(wrong.values()), wrong)


def _payload(
    record: Record, whose: Person, by: Person, kind: str, at: datetime, note: str, key: str
) -> dict[str, Any]:
    told_by = f"logged from gtmops by {by.name}"
    return {
        "record": str(record.pk),
        "person": whose.pk,
        "kind": kind,
        "at": at.isoformat(),
        "title": f"{KINDS.get(kind, kind)} ({told_by})",
        "body": note.strip(),
        "href": reverse("records:record", args=[record.pk]),
        "touch": key,
    }


def _digest(record_id: uuid.UUID, said: Mapping[str, Any]) -> str:
    text = json.dumps([str(record_id), said], sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
