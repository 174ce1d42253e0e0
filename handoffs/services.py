"""Handoffs of a batch, and the acts people do on one; each act is an event, the row is their fold."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from definitions.in_force import load_typed_model
from definitions.models import StageEntry, Version
from handoffs import kinds
from handoffs.fold import ALLOWED, OPEN, HandoffData, crm_answers, fold_handoff, ledger_of
from handoffs.models import Handoff
from handoffs.templates import (
    MEETING,
    MEETING_SUBJECT,
    NEXT_STEP,
    NEXT_STEP_AT,
    FormField,
    Template,
    parse_template,
)
from records.canonical import Unreadable, instant, instant_text
from records.derived import write_derived
from records.ids import derive_id
from records.journey_data import Batch, JourneyData, RecordData
from records.kinds import BASELINE
from records.loading import load_batch, load_members
from records.models import Event, Journey, Record
from records.querysets import EventQuerySet
from records.services import GTMOPS, record_act
from slas.durations import duration_words
from slas.evidence import meetings
from teams.models import Membership, Person

FIELDS = (
    "template", "journey", "record", "opened_by", "opened_at", "state", "whose_move", "sender", "receiver", "form",
    "sent_at", "seen_at", "answered_at", "answered_in", "completed_at", "reason", "reason_text", "next_step",
    "next_step_at", "next_step_confirmed_at",
)  # fmt: skip


class HandoffError(Exception):
    """The act can't be done; ``text`` says why and what to do, ``fields`` which fields are wrong (key -> text)."""

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class NotYours(HandoffError):
    """The move belongs to somebody else."""


class Stale(HandoffError):
    """The handoff has moved on since the page was shown."""


class KeyReused(HandoffError):
    """The idempotency key stands for another act."""


def template_of(version: Version) -> Template:
    """The template of a version; parsed once per process, since a version never changes."""
    if version.pk not in _templates:
        _templates[version.pk] = parse_template(version.key, version.body)
    return _templates[version.pk]


_templates: dict[int, Template] = {}


# --- the fold of a batch ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Opening:
    journey: JourneyData
    record: RecordData
    entry: StageEntry
    version: Version
    id: uuid.UUID


def refresh(batch: Batch) -> None:
    """Open, fold and write the handoffs of the batch's journeys; answers given in a CRM become acts."""
    openings = list(_openings(batch))
    rows = []
    for opening in openings:
        _remember_acts(opening, batch)
        rows.append(_row(opening, _fold(opening, batch)))
    write_derived(Handoff, rows, fields=FIELDS, scope=Q(journey_id__in=list(batch.journeys)))


def _openings(batch: Batch) -> list[_Opening]:
    """One per template and entry into its stage since go-live; history opens nothing."""
    model = batch.once(load_typed_model).versions
    by_stage: dict[str, list[str]] = defaultdict(list)
    for key in model.keys("handoffs"):
        for version in model.history("handoffs", key)[-1:]:
            by_stage[template_of(version).opens_on_stage].append(key)
    entries = StageEntry.objects.filter(journey_id__in=list(batch.journeys), stage__in=by_stage)
    found = []
    for entry in entries.order_by("occurred_at", "pk"):
        journey = batch.journeys[entry.journey_id]
        record = journey.record(entry.record_id)
        if record is None or record.go_live_at is None or entry.occurred_at < record.go_live_at:
            continue
        event = next((e for e in record.events if e.id == entry.event_id), None)
        for key in by_stage[entry.stage]:
            in_force = model.at("handoffs", key, entry.occurred_at)
            if in_force is not None and event is not None:
                handoff_id = derive_id("handoff", key, record.key, event.key)
                found.append(_Opening(journey, record, entry, in_force, handoff_id))
    return found


def _remember_acts(opening: _Opening, batch: Batch) -> None:
    """Write the opening, and what the CRM's own fields say, as acts; done already, they are passed over.

    A new act touches the record, so the next pass folds it."""
    template = template_of(opening.version)
    known = {e.key for e in opening.journey.events}
    about = {"handoff": str(opening.id), "template": template.key}
    acts: list[tuple[str, str, datetime, dict[str, Any]]] = [
        (kinds.OPENED, f"handoff:{opening.id}:opened", opening.entry.occurred_at, about)
    ]
    folded = _fold(opening, batch)
    if folded.state == OPEN and (sending := _sends_itself(opening, folded, batch.now)):
        at, values, source = sending
        data = {**about, "source": source, "values": values, "receiver": folded.receiver_id}
        acts.append((kinds.SENT, f"handoff:{opening.id}:sent itself", at, data))
    if folded.sent_at is not None:
        for answer in crm_answers(opening.journey, template, folded.sent_at):
            data = {
                **about,
                "source": answer.event.connection,
                "reason": answer.reason,
                "text": answer.text,
                "receiver": folded.receiver_id,
            }
            key = f"handoff:{opening.id}:crm:{answer.event.key}"[:300]
            acts.append((answer.kind, key, answer.event.occurred_at, data))
    for kind, key, at, data in acts:
        if f"gtmops:{key}" not in known:
            record_act(
                kind, record=Record(pk=opening.record.id), key=key, occurred_at=at, now=batch.now, data=data
            )


_BEFORE = timedelta(seconds=1)
"""The CRMs' history knows no smaller step."""


def _sends_itself(
    opening: _Opening, folded: HandoffData, now: datetime
) -> tuple[datetime, dict[str, Any], str] | None:
    """(since when, values, connection) once everything needed stands in the CRM and nobody has begun the form here.

    A rep who keeps good notes in the CRM never has to open gtmops (A1).
    """
    template = template_of(opening.version)
    state = form_state(template, folded.form, opening.journey, now)
    if folded.form or folded.receiver_id is None or any(field.is_missing for field in state):
        return None
    told_by = {spec.known_from for spec in template.form}
    events = [event for record in opening.journey.records for event in record.events]
    changed = [event.occurred_at for event in events if event.kind != BASELINE and event.field in told_by]
    seen = [event.occurred_at for event in events if event.kind == BASELINE]
    said = [a.event.occurred_at for a in crm_answers(opening.journey, template, opening.entry.occurred_at)]
    # What was there when we first looked had come before whoever received it answered.
    seen = [min([at, *(answered_at - _BEFORE for answered_at in said)]) for at in seen]
    since = max((at for at in (*changed, *seen) if at <= now), default=now)
    values = {field.key: field.value for field in state if field.value}
    return max(since, opening.entry.occurred_at), values, opening.record.connection


def _fold(opening: _Opening, batch: Batch) -> HandoffData:
    template = template_of(opening.version)
    owner = batch.owner_of(opening.record.connection, opening.record.values.get("owner"))
    receiver = batch.owner_of(opening.record.connection, opening.record.values.get(template.receiver_field))
    return fold_handoff(
        opening.id,
        opening.entry.occurred_at,
        ledger_of(opening.journey, opening.id),
        sender_id=owner.person_id if owner else None,
        receiver_id=receiver.person_id if receiver else None,
        is_cancelled=opening.record.deleted_at is not None or opening.entry.left_at is not None,
    )


def _row(opening: _Opening, folded: HandoffData) -> Handoff:
    return Handoff(
        pk=folded.id,
        template_key=opening.version.key,
        template_id=opening.version.pk,
        journey_id=opening.journey.id,
        record_id=opening.record.id,
        opened_by_id=opening.entry.event_id,
        opened_at=folded.opened_at,
        state=folded.state,
        whose_move=folded.whose_move,
        sender_id=folded.sender_id,
        receiver_id=folded.receiver_id,
        form=dict(folded.form),
        sent_at=folded.sent_at,
        seen_at=folded.seen_at,
        answered_at=folded.answered_at,
        answered_in=folded.answered_in,
        completed_at=folded.completed_at,
        reason=folded.reason,
        reason_text=folded.reason_text,
        next_step=folded.next_step,
        next_step_at=folded.next_step_at,
        next_step_confirmed_at=folded.next_step_confirmed_at,
    )


# --- what is known and missing -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldState:
    """One field of the form for a page: its value and where it came from (a connection's name, "form" or "").

    ``value`` is canonical: text, a number, or an instant as text."""

    key: str
    label: str
    kind: str
    is_required: bool
    value: Any
    source: str
    choices: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        return self.is_required and not self.value


def form_state(
    template: Template, form: Mapping[str, Any], journey: JourneyData, now: datetime
) -> list[FieldState]:
    """The form's fields with the values as they stand: what was filled in here, else what a CRM knows."""
    found = []
    for spec in template.form:
        value, source = form.get(spec.key), "form"
        known, known_in = _known(spec.known_from, journey, now)
        if not value or value == known:
            value, source = known, known_in
        found.append(
            FieldState(
                spec.key,
                spec.label,
                spec.kind,
                spec.is_required,
                value,
                source if value else "",
                spec.choices,
            )
        )
    return found


def _known(name: str, journey: JourneyData, now: datetime) -> tuple[Any, str]:
    if name == MEETING:
        ahead = [(at, a) for at, a in meetings(journey) if at >= now]
        return (instant_text(ahead[0][0]), ahead[0][1].connection) if ahead else (None, "")
    if name == MEETING_SUBJECT:
        ahead = [(at, a) for at, a in meetings(journey) if at >= now and a.values.get("subject")]
        return (ahead[0][1].values["subject"], ahead[0][1].connection) if ahead else (None, "")
    for record in journey.of("person"):
        if name and record.values.get(name):
            return record.values[name], record.connection
    return None, ""


# --- who may act -------------------------------------------------------------------------------------------------

RECEIVER_ACTS = frozenset(
    {kinds.SEEN, kinds.ASKED, kinds.ACCEPTED, kinds.SENT_BACK, kinds.NEXT_STEP_CONFIRMED}
)


def may_act_for(person: Person, handoff: Handoff, side: str) -> bool:
    """Whether ``person`` may act for the ``sender`` or ``receiver``: the one who is named, their manager, RevOps.

    While nobody who still works here is named, anyone of that side's team. At most one query."""
    if not person.is_active:
        return False
    if person.is_admin:
        return True
    named = handoff.receiver if side == "receiver" else handoff.sender
    if named is not None and named.is_active:
        return person.pk in (named.pk, named.manager_id)
    return Membership.objects.open().filter(person=person, team__key=team_key_of(handoff, side)).exists()


def team_key_of(handoff: Handoff, side: str) -> str:
    template = template_of(handoff.template)
    return template.to_team if side == "receiver" else template.from_team


def possible_receivers(handoff: Handoff, viewer: Person) -> list[Person]:
    """The active people of the receiving team whom ``viewer`` may see."""
    people = Person.objects.visible_to(viewer).active()
    return list(
        people.filter(
            memberships__ended_at__isnull=True, memberships__team__key=team_key_of(handoff, "receiver")
        )
    )


# --- acts ----------------------------------------------------------------------------------------------------------


def fill(handoff: Handoff, actor: Person, values: Mapping[str, Any], *, key: str, now: datetime) -> Handoff:
    """Save fields of the form as they are, finished or not; what says nothing new leaves no trace."""
    given = _clean(handoff, values)

    def data(fresh: Handoff, journey: JourneyData) -> Mapping[str, Any] | None:
        news = _news(fresh, given, journey, now)
        return {"values": news} if news else None

    return _act(handoff, kinds.FILLED, actor, key, now, given, data)


def send(
    handoff: Handoff,
    actor: Person,
    values: Mapping[str, Any],
    *,
    receiver: Person | None = None,
    key: str,
    now: datetime,
) -> Handoff:
    """Send it with everything that is known; HandoffError names the fields that are still missing."""
    given = _clean(handoff, values)

    def data(fresh: Handoff, journey: JourneyData) -> Mapping[str, Any]:
        news = _news(fresh, given, journey, now)
        state = form_state(template_of(fresh.template), {**fresh.form, **news}, journey, now)
        missing = {f.key: f"{f.label} is needed." for f in state if f.is_missing}
        to = receiver or fresh.receiver
        if to is None:
            missing["receiver"] = "Choose who receives it."
        elif receiver is not None and not _is_of_receiving_team(fresh, receiver):
            missing["receiver"] = "Choose someone of the receiving team."
        if missing or to is None:
            raise HandoffError(_missing_words(len(missing)), missing)
        return {
            "values": {f.key: f.value for f in state if f.value},
            "sender": fresh.sender_id or actor.pk,
            "receiver": to.pk,
        }

    said = {**given, "receiver": receiver.pk if receiver else None}
    return _act(handoff, kinds.SENT, actor, key, now, said, data)


def see(handoff: Handoff, actor: Person, *, now: datetime) -> Handoff:
    """Note that the receiver has opened it; once per sending."""
    if handoff.state not in ALLOWED[kinds.SEEN]:
        return handoff
    stamp = int(handoff.sent_at.timestamp()) if handoff.sent_at else 0
    return _act(handoff, kinds.SEEN, actor, f"seen:{handoff.pk}:{stamp}", now, {}, lambda *_: {})


def accept(handoff: Handoff, actor: Person, *, key: str, now: datetime) -> Handoff:
    """Whoever accepts for a team is its receiver from then on; who accepts for another leaves it theirs."""

    def data(fresh: Handoff, _: JourneyData) -> Mapping[str, Any]:
        return {"receiver": fresh.receiver_id or actor.pk}

    return _act(handoff, kinds.ACCEPTED, actor, key, now, {}, data)


def send_back(handoff: Handoff, actor: Person, *, reason: str, text: str, key: str, now: datetime) -> Handoff:
    """HandoffError for an unknown reason, or one that needs a text and has none."""
    text = _text(text)
    found = template_of(handoff.template).reason(reason)
    if found is None:
        raise HandoffError("Say why it goes back.", {"reason": "Choose a reason."})
    if found.needs_text and not text:
        raise HandoffError("This reason needs a few words.", {"text": "Say in a few words what is wrong."})
    _check_length({"text": text})
    said = {"reason": found.key, "text": text}
    return _act(handoff, kinds.SENT_BACK, actor, key, now, said, lambda *_: said)


def ask(handoff: Handoff, actor: Person, *, text: str, key: str, now: datetime) -> Handoff:
    return _say(handoff, kinds.ASKED, actor, text, "Write your question.", key, now)


def answer(handoff: Handoff, actor: Person, *, text: str, key: str, now: datetime) -> Handoff:
    return _say(handoff, kinds.ANSWERED, actor, text, "Write your answer.", key, now)


def confirm_next_step(
    handoff: Handoff, actor: Person, values: Mapping[str, Any], *, key: str, now: datetime
) -> Handoff:
    """The buyer has confirmed the next step: the handoff is complete (not when the meeting is booked)."""
    given = _clean(handoff, values, more=_STEP_FIELDS)

    def data(fresh: Handoff, journey: JourneyData) -> Mapping[str, Any]:
        known = {f.key: f.value for f in form_state(template_of(fresh.template), fresh.form, journey, now)}
        step = {key: given.get(key, known.get(key)) for key in (NEXT_STEP, NEXT_STEP_AT)}
        wrong = {k: text for k, text in _STEP_FAULTS.items() if not step.get(k)}
        if wrong:
            raise HandoffError("The next step needs a text and a date.", wrong)
        return {"values": {**given, **step}}

    return _act(handoff, kinds.NEXT_STEP_CONFIRMED, actor, key, now, given, data)


_STEP_FIELDS = (
    FormField(NEXT_STEP, "Agreed next step", "text", is_required=True),
    FormField(NEXT_STEP_AT, "Date of the next step", "datetime", is_required=True),
)
_STEP_FAULTS = {NEXT_STEP: "Say what was agreed with the buyer.", NEXT_STEP_AT: "Say when."}


def _say(
    handoff: Handoff, kind: str, actor: Person, text: str, wanted: str, key: str, now: datetime
) -> Handoff:
    said = {"text": _text(text)}
    if not said["text"]:
        raise HandoffError(wanted, {"text": wanted})
    _check_length(said)
    return _act(handoff, kind, actor, key, now, said, lambda *_: said)


Said = Callable[[Handoff, JourneyData], Mapping[str, Any] | None]


def _act(
    handoff: Handoff, kind: str, actor: Person, key: str, now: datetime, said: Mapping[str, Any], data: Said
) -> Handoff:
    """Lock the journey, check on what stands now, append the event, fold the handoff again.

    ``said`` is what the person gave: the same ``key`` with the same is one act, with another is KeyReused. ``data``
    makes of it what the event keeps, seeing what stands now; None leaves no event.
    """
    act_key = f"act:{actor.pk}:{key}"[:300]
    digest = _digest(kind, handoff.pk, said)
    with transaction.atomic():
        fresh = _lock(handoff)
        if is_done(act_key, digest):
            return fresh
        if not may_act_for(actor, fresh, "receiver" if kind in RECEIVER_ACTS else "sender"):
            raise NotYours("This is not yours to do: the one who has it, their manager and RevOps can.")
        if fresh.state not in ALLOWED[kind]:
            raise Stale(_refusal(fresh, kind, now))
        kept = data(fresh, load_members([fresh.journey_id])[fresh.journey_id])
        if kept is None:
            return fresh
        about = {"handoff": str(fresh.pk), "template": fresh.template_key, "digest": digest}
        record_act(
            kind,
            record=fresh.record,
            key=act_key,
            occurred_at=_after_all(fresh, now),
            now=now,
            actor=actor,
            data={**kept, **about},
        )
        refresh(load_batch([fresh.journey_id], now))
        return _fresh(fresh.pk)


def _after_all(handoff: Handoff, now: datetime) -> datetime:
    """When an act counts: after all that it follows, also where a CRM's clock is ahead of ours."""
    last = ledger(handoff).last()
    return max(now, last.occurred_at + timedelta(microseconds=1)) if last else now


def is_done(act_key: str, digest: str) -> bool:
    """Whether this act is in the log. Raises KeyReused where its key stands for another."""
    done = Event.objects.filter(connection__name=GTMOPS, external_key=act_key).values_list("data", flat=True)
    for kept in done:
        if kept.get("digest") != digest:
            raise KeyReused("This idempotency key was used for something else. Send a new one.")
        return True
    return False


def _digest(kind: str, handoff_id: uuid.UUID, said: Mapping[str, Any]) -> str:
    text = json.dumps([kind, str(handoff_id), said], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _fresh(pk: uuid.UUID) -> Handoff:
    return Handoff.objects.with_people().get(pk=pk)


def _lock(handoff: Handoff) -> Handoff:
    """The handoff as it stands, its journey locked as the pipeline does. Raises Stale when it is being moved."""
    locked = Journey.objects.select_for_update(no_key=True).filter(pk=handoff.journey_id).first()
    fresh = Handoff.objects.with_people().filter(pk=handoff.pk).first()
    if locked is None or fresh is None or fresh.journey_id != locked.pk:
        raise Stale("The buyer's records were joined just now. Reload the page and try again.")
    return fresh


def _missing_words(count: int) -> str:
    return "One thing is still missing." if count == 1 else f"{count} things are still missing."


def _is_of_receiving_team(handoff: Handoff, person: Person) -> bool:
    memberships = Membership.objects.open().filter(team__key=team_key_of(handoff, "receiver"))
    return person.is_active and memberships.filter(person=person).exists()


# --- what stood in the way -----------------------------------------------------------------------------------------

_DONE = {
    kinds.SENT: "sent it",
    kinds.ASKED: "asked a question",
    kinds.ANSWERED: "answered the question",
    kinds.ACCEPTED: "accepted it",
    kinds.SENT_BACK: "sent it back",
    kinds.NEXT_STEP_CONFIRMED: "confirmed the next step",
}
_REFUSALS = {
    kinds.SENT: "It can't be sent now.",
    kinds.ACCEPTED: "It can be accepted once it was sent.",
    kinds.SENT_BACK: "It can be sent back while it waits for an answer.",
    kinds.ASKED: "A question can be asked while it waits for an answer.",
    kinds.ANSWERED: "There is no open question.",
    kinds.FILLED: "What was sent can be changed after it comes back.",
    kinds.NEXT_STEP_CONFIRMED: "The next step can be confirmed once the handoff is accepted.",
}


def _refusal(handoff: Handoff, kind: str, now: datetime) -> str:
    """ "Felix Brandt accepted it 2 min ago.", and what can be done instead."""
    last = ledger(handoff).filter(kind__in=_DONE).last()
    if handoff.state == Handoff.State.CANCELLED:
        return "It is no longer needed: the record has left the stage that opened it."
    if last is None:
        return _REFUSALS[kind]
    who = last.actor.name if last.actor else str(last.data.get("source") or "Somebody").capitalize()
    minutes = int((now - last.occurred_at).total_seconds()) // 60
    when = f"{duration_words(minutes * 60)} ago" if minutes > 0 else "just now"
    return f"{who} {_DONE[last.kind]} {when}. {_REFUSALS[kind]}"


def ledger(handoff: Handoff) -> EventQuerySet:
    """Its events in order, with who did them."""
    rows = Event.objects.filter(
        record=handoff.record_id, kind__startswith="handoff.", data__handoff=str(handoff.pk)
    )
    return rows.select_related("actor")


# --- what people give ----------------------------------------------------------------------------------------------

MAX_TEXT = 10_000


def _text(value: Any) -> str:
    return str(value).replace("\x00", "").replace("\r\n", "\n").strip()


def _check_length(texts: Mapping[str, str]) -> None:
    long = {k: "At most 10,000 characters." for k, v in texts.items() if len(v) > MAX_TEXT}
    if long:
        raise HandoffError("A text is too long.", long)


def _clean(handoff: Handoff, values: Mapping[str, Any], more: Sequence[FormField] = ()) -> dict[str, str]:
    """Only fields of the form, as canonical text; HandoffError for what is no field, too long or not of its kind."""
    known = {f.key: f for f in (*more, *template_of(handoff.template).form)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise HandoffError(f"The form has no field {', '.join(unknown)}.")
    cleaned = {k: _text(v) for k, v in values.items() if v is not None}
    _check_length(cleaned)
    wrong = {}
    for key, value in cleaned.items():
        if known[key].kind == "choice" and value and value not in known[key].choices:
            wrong[key] = f"Choose one of {', '.join(known[key].choices)}."
        if known[key].kind == "datetime" and value:
            try:
                cleaned[key] = instant_text(instant(value))
            except Unreadable:
                wrong[key] = "Say a date and a time."
    if wrong:
        raise HandoffError("One thing can't be read." if len(wrong) == 1 else "Some can't be read.", wrong)
    return cleaned


def _news(handoff: Handoff, given: Mapping[str, str], journey: JourneyData, now: datetime) -> dict[str, str]:
    """What ``given`` says that is not shown already; clearing what only a CRM says is no news either."""
    shown = {f.key: f for f in form_state(template_of(handoff.template), handoff.form, journey, now)}
    return {
        key: value
        for key, value in given.items()
        if value != _text(shown[key].value or "") and (value or shown[key].source == "form")
    }
