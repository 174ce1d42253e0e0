"""Handoffs of a batch, and the acts people do on one; each act is an event, the row is their fold."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from definitions.models import StageEntry, Version
from definitions.versions import load_model
from handoffs import kinds
from handoffs.fold import ALLOWED, HandoffData, crm_answers, fold_handoff, ledger_of
from handoffs.models import Handoff
from handoffs.templates import Template, parse_template
from records.canonical import instant_text
from records.derived import write_derived
from records.ids import derive_id
from records.journey_data import Batch, JourneyData, RecordData
from records.loading import load_batch
from records.models import Journey, Record
from records.services import record_act
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
    model = load_model()
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
    """Write what the CRM's own fields say as acts, and the opening itself; done already, they are passed over."""
    template = template_of(opening.version)
    known = {e.key for e in opening.journey.events}
    about = {"handoff": str(opening.id), "template": template.key}
    acts: list[tuple[str, str, datetime, dict[str, Any]]] = [
        (kinds.OPENED, f"handoff:{opening.id}:opened", opening.entry.occurred_at, about)
    ]
    folded = _fold(opening, batch)
    if folded.sent_at is not None:
        for event, kind, reason, text in crm_answers(opening.journey, template, folded.sent_at):
            data = {**about, "source": event.connection, "reason": reason, "text": text}
            acts.append((kind, f"handoff:{opening.id}:crm:{event.key}"[:300], event.occurred_at, data))
    fresh = [act for act in acts if f"gtmops:{act[1]}" not in known]
    if fresh:
        record = Record.objects.get(pk=opening.record.id)
        for kind, key, at, data in fresh:
            record_act(kind, record=record, key=key, occurred_at=at, now=batch.now, data=data)


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
        is_cancelled=opening.record.deleted_at is not None,
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
    """One field of the form for a page: its value and where it came from (a connection's name, "form" or "")."""

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


def form_state(handoff: Handoff, now: datetime) -> list[FieldState]:
    """The form's fields with the values as they stand: what was filled in here, else what a CRM knows."""
    template = template_of(handoff.template)
    journey = load_batch([handoff.journey_id], now).journeys[handoff.journey_id]
    return _form_state(template, handoff.form, journey, now)


def _form_state(
    template: Template, form: Mapping[str, Any], journey: JourneyData, now: datetime
) -> list[FieldState]:
    found = []
    for spec in template.form:
        value, source = form.get(spec.key), "form"
        if not value:
            value, source = _known(spec.known_from, journey, now)
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
    if name == "meeting":
        ahead = [(at, a) for at, a in meetings(journey) if at >= now]
        return (instant_text(ahead[0][0]), ahead[0][1].connection) if ahead else (None, "")
    for record in journey.of("person"):
        if name and record.values.get(name):
            return record.values[name], record.connection
    return None, ""


# --- acts ----------------------------------------------------------------------------------------------------------


def may_act(person: Person, handoff: Handoff, kind: str) -> bool:
    """Acting belongs to whoever has the move, their team's members and manager, and RevOps."""
    if person.is_admin:
        return True
    side = (
        "to_team"
        if kind in (kinds.SEEN, kinds.ASKED, kinds.ACCEPTED, kinds.SENT_BACK, kinds.NEXT_STEP_CONFIRMED)
        else "from_team"
    )
    named = handoff.receiver_id if side == "to_team" else handoff.sender_id
    if person.pk == named:
        return True
    team = getattr(template_of(handoff.template), side)
    return Membership.objects.filter(person=person, ended_at=None, team__key=team).exists()


def fill(handoff: Handoff, actor: Person, values: Mapping[str, Any], *, key: str, now: datetime) -> Handoff:
    """Save fields of the form as they are, finished or not."""
    return _act(handoff, kinds.FILLED, actor, key, now, {"values": _clean(handoff, values)})


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
    template = template_of(handoff.template)
    given = _clean(handoff, values)
    journey = load_batch([handoff.journey_id], now).journeys[handoff.journey_id]
    state = _form_state(template, {**handoff.form, **given}, journey, now)
    missing = {f.key: f"{f.label} is needed." for f in state if f.is_missing}
    if missing:
        raise HandoffError(f"{len(missing)} of {len(state)} fields are still missing.", missing)
    if receiver is None and handoff.receiver_id is None:
        raise HandoffError("Say who receives it.", {"receiver": "Choose a person."})
    data = {
        "values": {f.key: f.value for f in state if f.value},
        "receiver": receiver.pk if receiver else handoff.receiver_id,
    }
    return _act(handoff, kinds.SENT, actor, key, now, data)


def see(handoff: Handoff, actor: Person, *, now: datetime) -> Handoff:
    """Note that the receiver has opened it; once per sending."""
    stamp = int(handoff.sent_at.timestamp()) if handoff.sent_at else 0
    return _act(handoff, kinds.SEEN, actor, f"seen:{stamp}", now, {})


def accept(handoff: Handoff, actor: Person, *, key: str, now: datetime) -> Handoff:
    return _act(handoff, kinds.ACCEPTED, actor, key, now, {})


def send_back(handoff: Handoff, actor: Person, *, reason: str, text: str, key: str, now: datetime) -> Handoff:
    """HandoffError for an unknown reason, or one that needs a text and has none."""
    found = template_of(handoff.template).reason(reason)
    if found is None:
        raise HandoffError("Say why it goes back.", {"reason": "Choose a reason."})
    if found.needs_text and not text.strip():
        raise HandoffError("This reason needs a few words.", {"text": "Say in a few words what is wrong."})
    return _act(handoff, kinds.SENT_BACK, actor, key, now, {"reason": found.key, "text": text.strip()})


def ask(handoff: Handoff, actor: Person, *, text: str, key: str, now: datetime) -> Handoff:
    if not text.strip():
        raise HandoffError("Write your question.", {"text": "Write your question."})
    return _act(handoff, kinds.ASKED, actor, key, now, {"text": text.strip()})


def answer(handoff: Handoff, actor: Person, *, text: str, key: str, now: datetime) -> Handoff:
    if not text.strip():
        raise HandoffError("Write your answer.", {"text": "Write your answer."})
    return _act(handoff, kinds.ANSWERED, actor, key, now, {"text": text.strip()})


def confirm_next_step(
    handoff: Handoff, actor: Person, values: Mapping[str, Any], *, key: str, now: datetime
) -> Handoff:
    """The buyer has confirmed the next step: the handoff is complete (not when the meeting is booked)."""
    given = _clean(handoff, values)
    step = {**handoff.form, **given}
    wrong = {k: "Say what was agreed, and when." for k in ("next_step", "next_step_at") if not step.get(k)}
    if wrong:
        raise HandoffError("The next step needs a text and a date.", wrong)
    return _act(handoff, kinds.NEXT_STEP_CONFIRMED, actor, key, now, {"values": given})


_REFUSALS = {
    kinds.SENT: "It has been sent already.",
    kinds.ACCEPTED: "It can be accepted only after it was sent, and only once.",
    kinds.SENT_BACK: "It can be sent back only while it waits for an answer.",
    kinds.ASKED: "A question can be asked only while it waits for an answer.",
    kinds.ANSWERED: "There is no open question.",
    kinds.FILLED: "It has been sent; ask the receiver to send it back if something must change.",
    kinds.NEXT_STEP_CONFIRMED: "The next step can be confirmed once the handoff is accepted.",
}


def _act(
    handoff: Handoff, kind: str, actor: Person, key: str, now: datetime, data: Mapping[str, Any]
) -> Handoff:
    """Lock the journey, check, append the event, fold the handoff again. The same ``key`` twice is one act."""
    if not may_act(actor, handoff, kind):
        raise HandoffError("This is not yours to do.")
    with transaction.atomic():
        Journey.objects.select_for_update().get(pk=handoff.journey_id)
        fresh = Handoff.objects.select_related("template", "record").get(pk=handoff.pk)
        act_key = f"handoff:{fresh.pk}:{kind}:{key}"[:300]
        if fresh.state not in ALLOWED[kind]:
            if kind == kinds.SEEN or fresh.record.events.filter(external_key=act_key).exists():
                return fresh
            raise HandoffError(_REFUSALS[kind])
        record_act(
            kind,
            record=fresh.record,
            key=act_key,
            occurred_at=now,
            now=now,
            actor=actor,
            data={**data, "handoff": str(fresh.pk), "template": fresh.template_key},
        )
        refresh(load_batch([fresh.journey_id], now))
        return Handoff.objects.select_related("template", "record").get(pk=fresh.pk)


def _clean(handoff: Handoff, values: Mapping[str, Any]) -> dict[str, Any]:
    """Only fields of the form, trimmed, as text; HandoffError for a field nobody knows or a text too long."""
    template = template_of(handoff.template)
    known = {f.key for f in template.form}
    unknown = sorted(set(values) - known)
    if unknown:
        raise HandoffError(f"The form has no field {', '.join(unknown)}.")
    cleaned = {k: str(v).replace("\x00", "").strip() for k, v in values.items() if v is not None}
    long = {k: "At most 10,000 characters." for k, v in cleaned.items() if len(v) > 10_000}
    if long:
        raise HandoffError("A text is too long.", long)
    return cleaned
