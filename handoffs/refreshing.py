"""The handoffs of a batch: opened, folded from their events and written; answers given in a CRM become acts."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from definitions.in_force import load_typed_model
from definitions.models import StageEntry, Version
from handoffs import kinds
from handoffs.filling import form_state
from handoffs.fold import OPEN, HandoffData, crm_answers, fold_handoff, ledger_of
from handoffs.models import Handoff
from handoffs.templates import template_of
from records.derived import write_derived
from records.ids import derive_id
from records.journey_data import Batch, JourneyData, RecordData
from records.kinds import BASELINE
from records.services import Act, append_acts
from records.stored import Where, rows_of_journeys

FIELDS = (
    "template", "journey", "record", "opened_by", "opened_at", "state", "whose_move", "sender", "receiver", "form",
    "sent_at", "seen_at", "answered_at", "answered_in", "completed_at", "reason", "reason_text", "next_step",
    "next_step_at", "next_step_confirmed_at",
)  # fmt: skip


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
    append_acts([act for opening in openings for act in _new_acts(opening, batch)], batch.now)
    rows = [_row(opening, _fold(opening, batch)) for opening in openings]
    scope = Where("journey_id = ANY (%s)", (list(batch.journeys),))
    batch.stand(Handoff, write_derived(Handoff, rows, fields=FIELDS, scope=scope).stands)


def _openings(batch: Batch) -> list[_Opening]:
    """One per template and entry into its stage since go-live; history opens nothing."""
    model = batch.once(load_typed_model).versions
    by_stage: dict[str, list[str]] = defaultdict(list)
    for key in model.keys("handoffs"):
        for version in model.history("handoffs", key)[-1:]:
            by_stage[template_of(version).opens_on_stage].append(key)
    entries = [e for e in batch.standing(StageEntry, rows_of_journeys(StageEntry)) if e.stage in by_stage]
    found = []
    for entry in sorted(entries, key=lambda e: (e.occurred_at, e.pk)):
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


def _new_acts(opening: _Opening, batch: Batch) -> list[Act]:
    """The opening, and what the CRM's own fields say, as acts, of those that are not in the log yet.

    A new act touches the record, so the next pass folds it."""
    template = template_of(opening.version)
    known = {e.key for e in opening.journey.events}
    about = {"handoff": str(opening.id), "template": template.key}
    record = opening.record.id
    acts = [Act(kinds.OPENED, record, f"handoff:{opening.id}:opened", opening.entry.occurred_at, about)]
    folded = _fold(opening, batch)
    if folded.state == OPEN and (sending := _sends_itself(opening, folded, batch.now)):
        at, values, source = sending
        data = {**about, "source": source, "values": values, "receiver": folded.receiver_id}
        acts.append(Act(kinds.SENT, record, f"handoff:{opening.id}:sent itself", at, data))
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
            acts.append(Act(answer.kind, record, key, answer.event.occurred_at, data))
    return [act for act in acts if f"gtmops:{act.key}" not in known]


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
