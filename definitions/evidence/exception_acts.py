"""Asking for an exception, and deciding on it: each act is an event, what stands is their fold."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.urls import reverse

from definitions.bodies import DEFINITIONS, PIPELINES
from definitions.evidence.exceptions import (
    ENDED,
    GRANTED,
    IN_FORCE,
    NAMES,
    OPEN,
    PASSED,
    REFUSED,
    REQUESTED,
    Waiver,
    fold,
)
from definitions.models import Judgement, Version
from definitions.services import refresh
from effects.outbox import Intent, enqueue
from records.canonical import instant_text
from records.ids import derive_id
from records.loading import load_batch
from records.models import Event, Journey, Record
from records.services import GTMOPS, record_act
from teams.access import business_units_of
from teams.models import Membership, Person, Role
from teams.querysets import border

MOST_DAYS: Final = 180
"""Longer than that is no exception: the definition should say so."""
MOST_TEXT: Final = 2000


class ExceptionError(Exception):
    """It can't be done; ``text`` says why and what to do, ``fields`` which fields are wrong (name -> text)."""

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class NotYours(ExceptionError):
    """Somebody else has to decide it, or may ask for it."""


class KeyReused(ExceptionError):
    """The idempotency key stands for another act."""


# --- reading ---------------------------------------------------------------------------------------------------


def waivers_of(record_ids: Sequence[uuid.UUID]) -> list[Waiver]:
    """Every exception of these records, oldest first. One query."""
    return _folded(Event.objects.filter(record_id__in=list(record_ids), kind__in=NAMES))


def waivers_since(viewer: Person, since: datetime) -> list[Waiver]:
    """What was asked for from ``since`` on, of records that ``viewer`` may read. One query."""
    inside = border(business_units_of(viewer), "record__business_unit")
    return _folded(Event.objects.filter(inside, kind__in=NAMES, occurred_at__gte=since))


def _folded(events: Any) -> list[Waiver]:
    rows = events.effective().order_by("occurred_at", "pk")
    return fold(rows.values_list("kind", "record_id", "actor_id", "occurred_at", "data"))


# --- who may ---------------------------------------------------------------------------------------------------


def may_ask(person: Person, record: Record) -> bool:
    """The record's owner, their manager, RevOps; anyone while nobody who works here owns it."""
    owner = record.owner
    if not person.is_active:
        return False
    return (
        person.is_admin or owner is None or not owner.is_active or person.pk in (owner.pk, owner.manager_id)
    )


def deciding_teams(person: Person) -> frozenset[str]:
    """The teams for whose checks ``person`` decides as their manager or leader. One query."""
    if not person.is_active or person.role not in (Role.MANAGER, Role.LEADER):
        return frozenset()
    return frozenset(Membership.objects.open().filter(person=person).values_list("team__key", flat=True))


def may_decide(person: Person, waiver: Waiver, owner: str, teams: frozenset[str] | None = None) -> bool:
    """Whether ``person`` may grant, refuse or end it: a manager of the team ``owner`` or RevOps; never one's own.

    ``teams``: `deciding_teams(person)`, where it is known already."""
    if not person.is_active or person.pk == waiver.requested_by:
        return False
    return person.is_admin or owner in (deciding_teams(person) if teams is None else teams)


def owner_of(section: str, body: Mapping[str, Any]) -> str:
    """The key of the team that decides: the owner of the definition or pipeline."""
    return str(body.get("owner") or "") if section in (DEFINITIONS, PIPELINES) else ""


def approvers(owner: str, record: Record, but: int | None) -> list[int]:
    """Whom to tell of a request: managers and leaders of the team inside the record's unit, else RevOps admins."""
    inside = Person.objects.active()
    if record.business_unit_id is not None:
        inside = inside.filter(business_units=record.business_unit_id)
    inside = inside.exclude(pk=but)
    managers = inside.filter(
        role__in=(Role.MANAGER, Role.LEADER), memberships__team__key=owner, memberships__ended_at=None
    )
    found = list(managers.order_by("pk").values_list("pk", flat=True))
    return found or list(inside.filter(role=Role.REVOPS_ADMIN).order_by("pk").values_list("pk", flat=True))


# --- acts ------------------------------------------------------------------------------------------------------


def ask(
    record: Record,
    actor: Person,
    *,
    section: str,
    key: str,
    reason: str,
    until: datetime,
    paths: Sequence[str] = (),
    act_key: str,
    now: datetime,
) -> Waiver:
    """Ask to go on without meeting a check. Raises ExceptionError: nothing is missing, asked for already, no reason,
    an expiry that is past or too far."""
    reason = _clean(reason)
    wrong = {}
    if not reason:
        wrong["reason"] = "Say why, so that somebody can decide."
    if until <= now:
        wrong["until"] = "Choose a day that is still to come."
    elif until > now + timedelta(days=MOST_DAYS):
        wrong["until"] = f"At most {MOST_DAYS} days; what lasts longer belongs into the definition."
    if wrong:
        raise ExceptionError("One thing is missing." if len(wrong) == 1 else "Two things are missing.", wrong)
    said = {"section": section, "key": key, "reason": reason, "until": instant_text(until)}

    def decide(waivers: list[Waiver]) -> dict[str, Any]:
        if not may_ask(actor, record):
            raise NotYours("The owner of the record, their manager or RevOps can ask for it.")
        judgement = Judgement.objects.filter(record=record, section=section, key=key).first()
        if judgement is None or judgement.state != "missing" or judgement.exclusion:
            raise ExceptionError("Nothing of this check is missing that an exception could be granted for.")
        same = [w for w in waivers if (w.section, w.key) == (section, key)]
        if any(w.state == OPEN for w in same):
            raise ExceptionError("It was asked for already and waits for a decision.")
        if any(w.is_in_force(now) for w in same):
            raise ExceptionError("An exception is in force already.")
        name = str(
            derive_id(
                "exception", str(record.pk), section, key, str(actor.pk), _digest(act_key, record.pk, said)
            )
        )
        return {**said, "exception": name, "paths": list(paths)}

    event, waiver = _act(REQUESTED, record, actor, said, decide, act_key, now)
    if event is not None:
        version = _version_of(record, section, key)
        body = version.body if version else {}
        told = approvers(owner_of(section, body), record, actor.pk)
        title = f"{actor.name} asks for an exception: {record}"
        _tell(told, waiver, "requested", title, f"{check_name(section, key, body)}\n{reason}", now)
    return waiver


def grant(
    waiver: Waiver, record: Record, actor: Person, *, until: datetime | None = None, note: str = "", act_key: str,
    now: datetime,
) -> Waiver:  # fmt: skip
    """Let the record go on until then; ``until`` None takes what was asked for."""
    end = until or waiver.until
    if end <= now or end > now + timedelta(days=MOST_DAYS):
        text = f"Choose a day from tomorrow to {MOST_DAYS} days ahead."
        raise ExceptionError(text, {"until": text})
    said = {"until": instant_text(end), "note": _clean(note), "approved_by": actor.pk}
    return _decide(GRANTED, waiver, record, actor, said, act_key, now)


def refuse(
    waiver: Waiver, record: Record, actor: Person, *, note: str, act_key: str, now: datetime
) -> Waiver:
    """Say no, and why."""
    note = _clean(note)
    if not note:
        raise ExceptionError("Say why not.", {"note": "Say why not, in a few words."})
    return _decide(REFUSED, waiver, record, actor, {"note": note}, act_key, now)


def end(waiver: Waiver, record: Record, actor: Person, *, act_key: str, now: datetime) -> Waiver:
    """End one in force before its day."""
    return _decide(ENDED, waiver, record, actor, {}, act_key, now)


def go_on(
    record: Record, actor: Person, *, section: str, key: str, reason: str, paths: Sequence[str], act_key: str,
    now: datetime,
) -> None:  # fmt: skip
    """Keep that somebody went on without a check that only warns, and why. It waives nothing."""
    name = derive_id("exception", str(record.pk), section, key, str(actor.pk), act_key)
    data = {
        "section": section, "key": key, "reason": _clean(reason), "until": instant_text(now), "exception": str(name),
        "paths": list(paths),
    }  # fmt: skip
    record_act(
        PASSED,
        record=record,
        key=f"exception:{name}:passed",
        occurred_at=now,
        now=now,
        actor=actor,
        data=data,
    )


_NEEDED = {GRANTED: OPEN, REFUSED: OPEN, ENDED: IN_FORCE}
_DONE = {GRANTED: "granted", REFUSED: "refused", ENDED: "ended early"}


def _decide(
    kind: str,
    waiver: Waiver,
    record: Record,
    actor: Person,
    said: dict[str, Any],
    act_key: str,
    now: datetime,
) -> Waiver:
    def decide(waivers: list[Waiver]) -> dict[str, Any]:
        fresh = next((w for w in waivers if w.id == waiver.id), None)
        version = _version_of(record, waiver.section, waiver.key)
        owner = owner_of(waiver.section, version.body) if version else ""
        if fresh is None:
            raise ExceptionError("This exception is gone.")
        if not may_decide(actor, fresh, owner):
            own = actor.pk == fresh.requested_by
            raise NotYours(
                "Nobody decides on what they asked for themself."
                if own
                else "A manager of the owning team or RevOps decides on it."
            )
        if fresh.state_at(now) != _NEEDED[kind]:
            raise ExceptionError(f"It was {_past(fresh.state_at(now))} meanwhile.")
        return {**said, "section": waiver.section, "key": waiver.key}

    event, after = _act(kind, record, actor, {**said, "exception": waiver.id}, decide, act_key, now)
    if event is not None and waiver.requested_by is not None and waiver.requested_by != actor.pk:
        title = f"Exception {_DONE[kind]}: {record}"
        body = f"{actor.name} decided." + (f"\n{said['note']}" if said.get("note") else "")
        _tell([waiver.requested_by], after, kind, title, body, now)
    return after


def _act(
    kind: str,
    record: Record,
    actor: Person,
    said: Mapping[str, Any],
    decide: Callable[[list[Waiver]], dict[str, Any]],
    act_key: str,
    now: datetime,
) -> tuple[Event | None, Waiver]:
    """Lock the journey, check on what stands now, append the event, judge anew. The event is None for a repeat."""
    name = f"exception:{actor.pk}:{act_key}"[:300]
    digest = _digest(kind, record.pk, said)
    with transaction.atomic():
        if record.journey_id is not None:
            Journey.objects.select_for_update(no_key=True).get(pk=record.journey_id)
        kept = Event.objects.filter(connection__name=GTMOPS, external_key=name).first()
        waivers = waivers_of([record.pk])
        if kept is not None:
            if kept.data.get("digest") != digest:
                raise KeyReused("This idempotency key was used for something else. Send a new one.")
            return None, _by_id(waivers, str(kept.data["exception"]))
        data = {**said, **decide(waivers), "digest": digest}
        event = record_act(kind, record=record, key=name, occurred_at=now, now=now, actor=actor, data=data)
        if record.journey_id is not None:
            refresh(load_batch([record.journey_id], now))
        return event, _by_id(waivers_of([record.pk]), str(data["exception"]))


def _by_id(waivers: Sequence[Waiver], name: str) -> Waiver:
    return next(w for w in waivers if w.id == name)


def _version_of(record: Record, section: str, key: str) -> Version | None:
    row = Judgement.objects.filter(record=record, section=section, key=key).select_related("version").first()
    return row.version if row else None


def check_name(section: str, key: str, body: Mapping[str, Any]) -> str:
    """ "Marketing qualified lead", or "New business: leaving Negotiation"."""
    name = str(body.get("name") or key.partition("/")[0])
    if section != PIPELINES:
        return name
    stage = key.partition("/")[2]
    rows = [row for row in body.get("stages") or () if row.get("key") == stage]
    return f"{name}: leaving {rows[0].get('name') if rows else stage}"


def _tell(people: Sequence[int], waiver: Waiver, what: str, title: str, body: str, now: datetime) -> None:
    href = f"{reverse('definitions:exceptions')}#exception-{waiver.id}"
    payload = {"title": title, "body": body, "href": href, "severity": "info"}
    enqueue(
        [
            Intent(
                channel="inbox",
                key=f"exception:{waiver.id}:{what}:{person}",
                order_key=f"exception:{waiver.id}:{person}",
                payload={**payload, "person": person},
            )
            for person in people
        ],
        now=now,
    )


def _past(state: str) -> str:
    return {"granted": "granted", "refused": "refused", "ended": "ended", "expired": "over"}.get(state, state)


def _clean(text: str) -> str:
    return str(text).replace("\x00", "").replace("\r\n", "\n").strip()[:MOST_TEXT]


def _digest(kind: str, record_id: uuid.UUID, said: Mapping[str, Any]) -> str:
    text = json.dumps([kind, str(record_id), said], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
