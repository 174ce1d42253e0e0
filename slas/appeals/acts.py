""" "This is not on me": say so, grant it, refuse it, take it back. Each act is an event; what stands is their fold."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.urls import reverse

from effects.outbox import Intent, enqueue
from records.ids import derive_id
from records.models import Event, Journey
from records.services import GTMOPS, record_act
from slas.appeals.facts import facts_of, who_had_it
from slas.appeals.fold import OPEN, AppealData
from slas.appeals.kinds import GRANTED, NOT_MINE, OPENED, REFUSED, WITHDRAWN
from slas.appeals.reasons import SAYINGS, Suggestion, suggest
from slas.appeals.rows import appeals_of, write_of_clock
from slas.models import Clock
from slas.querysets import LATE
from slas.retold import Retold, retell
from slas.rules import Rule
from slas.staff import Staff
from teams.models import Membership, Person, Role, Team

MOST_TEXT: Final = 2000
DECIDING: Final = (Role.MANAGER, Role.LEADER)


class AppealError(Exception):
    """It can't be done; ``text`` says why and what to do, ``fields`` which fields are wrong (name -> text)."""

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class NotYours(AppealError):
    """Somebody else had the clock, or has to decide."""


class KeyReused(AppealError):
    """The idempotency key stands for another act."""


# --- who may ---------------------------------------------------------------------------------------------------


def people_to_speak_for(actor: Person, clock: Clock, told: Retold) -> list[Person]:
    """Whom ``actor`` may say it for: themself first, then who reports to them; only of those who had the clock."""
    ids = ids_to_speak_for(actor, clock, told)
    people = Person.objects.in_bulk(ids)
    return [people[pk] for pk in ids if pk in people]


def ids_to_speak_for(actor: Person, clock: Clock, told: Retold) -> list[int]:
    """The same by their ids; no query."""
    if not actor.is_active:
        return []
    order = [pk for pk in who_had_it(clock, told) if actor.pk in (pk, told.staff.managers.get(pk))]
    return sorted(order, key=lambda pk: pk != actor.pk)


def other_team(rule: Rule, team: str | None) -> str:
    """The key of the team that decides for somebody of ``team``: the other side of the rule; empty: RevOps."""
    if rule.from_team == rule.to_team:
        return ""
    return rule.to_team if team == rule.from_team else rule.from_team


def deciding_teams(person: Person, staff: Staff | None = None) -> frozenset[str]:
    """The teams in whose name ``person`` decides as their manager or leader. One query, none for reps, and none where
    ``staff`` is loaded already."""
    if not person.is_active or person.role not in DECIDING:
        return frozenset()
    if staff is not None:
        return staff.teams_today(person.pk)
    return frozenset(Membership.objects.open().filter(person=person).values_list("team__key", flat=True))


def may_decide(
    person: Person, team: str, concerned: Sequence[int | None], teams: frozenset[str] | None = None
) -> bool:
    """Whether ``person`` may grant or refuse: a manager or leader of ``team``, or RevOps; none of ``concerned`` (who
    said it, and for whom). ``teams``: `deciding_teams(person)`, where it is known already."""
    if not person.is_active or person.pk in concerned:
        return False
    return person.is_admin or team in (deciding_teams(person) if teams is None else teams)


def may_withdraw(person: Person, concerned: Sequence[int | None]) -> bool:
    return person.is_active and person.pk in concerned


# --- acts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What the form says: ``person`` is for whom, None: oneself."""

    reason: str
    note: str = ""
    person: int | None = None


def open_appeal(clock: Clock, actor: Person, said: Said, *, act_key: str, now: datetime) -> AppealData:
    """Say that a late clock is not on somebody; granted at once where the data proves it.

    Raises NotYours, KeyReused, or AppealError: not late, said already, no reason, no words with ``other``."""
    note = _clean(said.note)
    told_words = {"reason": said.reason, "note": note, "person": said.person}
    proof: Suggestion | None = None

    def decide(fresh: Clock, appeals: Sequence[AppealData]) -> dict[str, Any]:
        nonlocal proof
        told = retell(fresh, now)
        allowed = people_to_speak_for(actor, fresh, told)
        person = next((p for p in allowed if said.person in (None, p.pk)), None)
        if person is None:
            raise NotYours("Only who had it, or their manager, can say that it is not on them.")
        if fresh.state not in LATE:
            raise AppealError("It is not late, so nothing counts against anybody.")
        if any(a.person_id == person.pk and a.stands for a in appeals):
            raise AppealError("It was said already. One at a time is decided.")
        facts = facts_of(fresh, told, person.pk)
        shown = suggest(facts) if facts else []
        proof = next((s for s in shown if s.reason == said.reason and s.is_proved), None)
        if said.reason not in SAYINGS:
            raise AppealError("Choose a reason.", {"reason": "Choose one of the reasons."})
        if not note and said.reason not in {s.reason for s in shown}:
            text = "Say in a few words what happened: our data does not show it."
            raise AppealError("Say what happened.", {"note": text})
        team = told.staff.team_at(person.pk, fresh.started_at)
        name = derive_id("appeal", str(fresh.pk), str(person.pk), str(actor.pk), act_key)
        return {"appeal": str(name), "person": person.pk, "team": other_team(told.rule, team)}

    event, appeal = _act(OPENED, clock, actor, told_words, decide, act_key, now, lambda: proof)
    if event is None:
        return appeal
    title = clock.record.title or "A record"
    if appeal.state == OPEN:
        whose = Person.objects.filter(pk=appeal.person_id).first()
        body = f"{SAYINGS[appeal.reason]}." + (f"\n{note}" if note else "")
        body += "\nGranted, it is left out of the attainment; the clock itself stays as it is."
        people = deciders(appeal, clock, actor)
        titles = {p.pk: f"Late, but not on {_name_for(p, whose, clock)}? {title}" for p in people}
        _tell(titles, appeal, OPENED, body, "slas:appeals", clock, now)
    elif appeal.person_id is not None and appeal.person_id != actor.pk:
        body = f"{actor.name} said so. {appeal.because}"
        _tell({appeal.person_id: f"Not on you: {title}"}, appeal, GRANTED, body, "", clock, now)
    return appeal


def grant(
    appeal: AppealData, clock: Clock, actor: Person, *, because: str = "", act_key: str, now: datetime
) -> AppealData:
    """Leave the clock out of the count."""
    return _decide(GRANTED, appeal, clock, actor, _clean(because), act_key, now)


def refuse(
    appeal: AppealData, clock: Clock, actor: Person, *, because: str, act_key: str, now: datetime
) -> AppealData:
    """Let it count, and say why."""
    because = _clean(because)
    if not because:
        raise AppealError("Say why not.", {"because": "Say why not, in a few words."})
    return _decide(REFUSED, appeal, clock, actor, because, act_key, now)


def withdraw(appeal: AppealData, clock: Clock, actor: Person, *, act_key: str, now: datetime) -> AppealData:
    """Take it back while nobody has decided."""

    def decide(_: Clock, appeals: Sequence[AppealData]) -> dict[str, Any]:
        fresh = _open_one(appeal, appeals)
        if not may_withdraw(actor, (fresh.opened_by, fresh.person_id)):
            raise NotYours("Only who said it can take it back.")
        return {}

    _, after = _act(WITHDRAWN, clock, actor, {"appeal": str(appeal.id)}, decide, act_key, now)
    return after


def say_not_mine(clock: Clock, actor: Person, note: str, *, act_key: str, now: datetime) -> list[int]:
    """Tell one's manager that a clock which is not late is not one's own. Returns who was told: the manager, else the
    team's managers, else RevOps. Raises NotYours, KeyReused, or AppealError without words."""
    note = _clean(note)
    if not note:
        raise AppealError("Say whose it is, or why it is not yours.", {"note": "Say it in a few words."})
    name, digest = f"appeal:{actor.pk}:{act_key}"[:300], _digest(NOT_MINE, clock.pk, {"note": note})
    with transaction.atomic():
        Journey.objects.select_for_update(no_key=True).get(pk=clock.journey_id)
        kept = Event.objects.filter(connection__name=GTMOPS, external_key=name).first()
        if kept is not None:
            _same(kept, digest)
            return [int(pk) for pk in kept.data["told"]]
        if not people_to_speak_for(actor, clock, retell(clock, now)):
            raise NotYours("Only who has it, or their manager, can say that it is not theirs.")
        manager = actor.manager if actor.manager and actor.manager.is_active else None
        team = clock.team.key if clock.team else ""
        told = [manager.pk] if manager else [p.pk for p in _managers(team, clock, (actor.pk,))]
        data = {"clock": str(clock.pk), "note": note, "digest": digest, "told": told}
        record_act(NOT_MINE, record=clock.record, key=name, occurred_at=now, now=now, actor=actor, data=data)
        title = f"Not {actor.name}’s: {clock.record.title or 'a record'} · {clock.rule.body['name']}"
        href = reverse("slas:clock", args=[clock.pk])
        stem = f"not_mine:{clock.pk}:{actor.pk}:{digest}"
        _enqueue(dict.fromkeys(told, title), stem, "warning", note, href, clock, now)
    return told


def _decide(
    kind: str, appeal: AppealData, clock: Clock, actor: Person, because: str, act_key: str, now: datetime
) -> AppealData:
    def decide(_: Clock, appeals: Sequence[AppealData]) -> dict[str, Any]:
        known = next((a for a in appeals if a.id == appeal.id), appeal)
        concerned = (known.opened_by, known.person_id)
        if not may_decide(actor, known.team, concerned):
            own = actor.pk in concerned
            raise NotYours(
                "Nobody decides in their own matter."
                if own
                else "A manager of the other team or RevOps decides on it."
            )
        _open_one(appeal, appeals)
        return {}

    said = {"appeal": str(appeal.id), "because": because}
    event, after = _act(kind, clock, actor, said, decide, act_key, now)
    if event is not None:
        done = "It does not count" if kind == GRANTED else "It counts"
        title = f"{done}: {clock.record.title or 'a record'} · {clock.rule.body['name']}"
        team = Team.objects.filter(key=after.team).first()
        body = f"{team.name if team else 'RevOps'} decided." + (f"\n{because}" if because else "")
        people = {p for p in (after.opened_by, after.person_id) if p is not None}
        _tell(dict.fromkeys(sorted(people), title), after, kind, body, "", clock, now)
    return after


def _open_one(appeal: AppealData, appeals: Sequence[AppealData]) -> AppealData:
    fresh = next((a for a in appeals if a.id == appeal.id), None)
    if fresh is None:
        raise AppealError("This is gone: the clock it was about is no longer there.")
    if fresh.state != OPEN:
        words = {"granted": "granted", "refused": "refused", "withdrawn": "taken back"}[fresh.state]
        raise AppealError(f"It was {words} meanwhile.")
    return fresh


Decide = Callable[[Clock, Sequence[AppealData]], dict[str, Any]]


def _act(
    kind: str,
    clock: Clock,
    actor: Person,
    said: Mapping[str, Any],
    decide: Decide,
    act_key: str,
    now: datetime,
    proof: Callable[[], Suggestion | None] = lambda: None,
) -> tuple[Event | None, AppealData]:
    """Lock the journey, check on what stands now, append the event, write the rows. The event is None for a repeat."""
    name, digest = f"appeal:{actor.pk}:{act_key}"[:290], _digest(kind, clock.pk, said)
    with transaction.atomic():
        Journey.objects.select_for_update(no_key=True).get(pk=clock.journey_id)
        kept = Event.objects.filter(connection__name=GTMOPS, external_key=name).first()
        if kept is not None:
            _same(kept, digest)
            return None, _by_id(appeals_of(clock.record_id), str(kept.data["appeal"]))
        fresh = Clock.objects.select_related("rule", "team", "start_event", "stop_event").get(pk=clock.pk)
        before = [a for a in appeals_of(clock.record_id) if a.clock == clock.pk]
        data = {**said, **decide(fresh, before), "clock": str(clock.pk), "digest": digest}
        event = record_act(
            kind, record=clock.record, key=name, occurred_at=now, now=now, actor=actor, data=data
        )
        if shown := proof():
            proved = {"appeal": data["appeal"], "clock": str(clock.pk), "because": shown.text, "proved": True}
            record_act(
                GRANTED, record=clock.record, key=f"{name}:proved", occurred_at=now, now=now, data=proved
            )
        after = appeals_of(clock.record_id)
        write_of_clock(clock.pk, after)
        return event, _by_id(after, str(data["appeal"]))


def _same(kept: Event, digest: str) -> None:
    if kept.data.get("digest") != digest:
        raise KeyReused("This idempotency key was used for something else. Send a new one.")


def _by_id(appeals: Sequence[AppealData], name: str) -> AppealData:
    return next(a for a in appeals if str(a.id) == name)


# --- who is told -----------------------------------------------------------------------------------------------


def deciders(appeal: AppealData, clock: Clock, actor: Person) -> list[Person]:
    """Whom to tell: managers and leaders of the other team inside the record's unit, else RevOps."""
    return _managers(appeal.team, clock, (actor.pk, appeal.person_id))


def _managers(team: str, clock: Clock, but: Sequence[int | None]) -> list[Person]:
    inside = Person.objects.active().exclude(pk__in=[pk for pk in but if pk is not None])
    if clock.record.business_unit_id is not None:
        inside = inside.filter(business_units=clock.record.business_unit_id)
    leading = inside.filter(role__in=DECIDING, memberships__team__key=team, memberships__ended_at=None)
    found = list(leading.order_by("pk").distinct())
    return found or list(inside.filter(role=Role.REVOPS_ADMIN).order_by("pk"))


def _name_for(reader: Person, whose: Person | None, clock: Clock) -> str:
    """As slas/visibility.py allows: leaders, admins and the manager read the name, others the team."""
    sees = reader.is_admin or reader.role == Role.LEADER
    if whose is not None and (sees or whose.manager_id == reader.pk):
        return whose.name
    return clock.team.name if clock.team else "a colleague"


def _tell(
    titles: Mapping[int, str],
    appeal: AppealData,
    what: str,
    body: str,
    route: str,
    clock: Clock,
    now: datetime,
) -> None:
    """``titles``: person id -> what they read first."""
    href = f"{reverse(route)}#appeal-{appeal.id}" if route else reverse("slas:clock", args=[appeal.clock])
    _enqueue(titles, f"{appeal.id}:{what}", "info", body, href, clock, now)


def _enqueue(
    titles: Mapping[int, str], stem: str, severity: str, body: str, href: str, clock: Clock, now: datetime
) -> None:
    payload = {"body": body, "href": href, "severity": severity, "record": str(clock.record_id)}
    intents = [
        Intent(
            channel="inbox", key=f"appeal:{stem}:{person}"[:300], order_key=f"appeal:{person}",
            payload={**payload, "title": title[:300], "person": person},
        )
        for person, title in titles.items()
    ]  # fmt: skip
    enqueue(intents, now=now)


def _clean(text: str) -> str:
    return str(text).replace("\x00", "").replace("\r\n", "\n").strip()[:MOST_TEXT]


def _digest(kind: str, clock_id: uuid.UUID, said: Mapping[str, Any]) -> str:
    text = json.dumps([kind, str(clock_id), said], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
