"""The handoff fold: from its ledger to its state and whose move it is (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from handoffs import kinds
from handoffs.templates import NEXT_STEP, NEXT_STEP_AT, Template
from records.canonical import Unreadable, instant
from records.journey_data import EventData, JourneyData, RecordData
from records.kinds import BASELINE

OPEN, SENT, SEEN, ASKED, ACCEPTED, SENT_BACK, COMPLETED, CANCELLED = (
    "open", "sent", "seen", "asked", "accepted", "sent_back", "completed", "cancelled",
)  # fmt: skip
WITH_RECEIVER = frozenset({SENT, SEEN})
ANSWERABLE = frozenset({SENT, SEEN, ASKED})
EDITABLE = frozenset({OPEN, SENT_BACK, ASKED})

MOVE = {
    OPEN: "sender", SENT: "receiver", SEEN: "receiver", ASKED: "sender", ACCEPTED: "receiver",
    SENT_BACK: "sender", COMPLETED: "nobody", CANCELLED: "nobody",
}  # fmt: skip

ALLOWED: Mapping[str, frozenset[str]] = {
    kinds.FILLED: EDITABLE,
    kinds.SENT: frozenset({OPEN, SENT_BACK}),
    kinds.SEEN: frozenset({SENT}),
    kinds.ASKED: WITH_RECEIVER,
    kinds.ANSWERED: frozenset({ASKED}),
    kinds.ACCEPTED: ANSWERABLE,
    kinds.SENT_BACK: ANSWERABLE,
    kinds.REASON_GIVEN: frozenset({SENT_BACK}),
    kinds.NEXT_STEP_CONFIRMED: frozenset({ACCEPTED}),
    kinds.GIVEN: frozenset({OPEN, SENT, SEEN, ASKED, ACCEPTED, SENT_BACK}),
}
"""In which states an act counts; at any other time it stays in the ledger and changes nothing."""


@dataclass(frozen=True)
class HandoffData:
    """A folded handoff; person ids are ours."""

    id: uuid.UUID
    opened_at: datetime
    state: str = OPEN
    form: Mapping[str, Any] = field(default_factory=dict)
    sender_id: int | None = None
    receiver_id: int | None = None
    sent_at: datetime | None = None
    seen_at: datetime | None = None
    answered_at: datetime | None = None
    answered_in: str = ""
    reason: str = ""
    reason_text: str = ""
    completed_at: datetime | None = None
    next_step_confirmed_at: datetime | None = None

    @property
    def whose_move(self) -> str:
        return MOVE[self.state]

    @property
    def next_step(self) -> str:
        return str(self.form.get(NEXT_STEP) or "")[:300]

    @property
    def next_step_at(self) -> datetime | None:
        try:
            value = self.form.get(NEXT_STEP_AT)
            return instant(value) if value else None
        except Unreadable:
            return None


def fold_handoff(
    handoff_id: uuid.UUID,
    opened_at: datetime,
    ledger: Iterable[EventData],
    *,
    sender_id: int | None,
    receiver_id: int | None,
    is_cancelled: bool = False,
) -> HandoffData:
    """State from the acts in order. ``sender_id`` and ``receiver_id`` hold until an act names who it was.

    ``is_cancelled``: its reason is gone (the record, or its stage); what was accepted stays."""
    handoff = HandoffData(handoff_id, opened_at, sender_id=sender_id, receiver_id=receiver_id)
    for event in ledger:
        if event.kind in ALLOWED and handoff.state in ALLOWED[event.kind]:
            handoff = _APPLY[event.kind](handoff, event)
    if is_cancelled and handoff.state not in (ACCEPTED, COMPLETED):
        handoff = replace(handoff, state=CANCELLED)
    return handoff


def ledger_of(journey: JourneyData, handoff_id: uuid.UUID) -> list[EventData]:
    """The handoff's events in order."""
    wanted = str(handoff_id)
    return [e for e in journey.events if e.kind.startswith("handoff.") and e.data.get("handoff") == wanted]


@dataclass(frozen=True)
class CrmAnswer:
    """An answer given in a CRM by our two fields, as the act it means."""

    event: EventData
    kind: str
    reason: str = ""
    text: str = ""


def crm_answers(journey: JourneyData, template: Template, since: datetime) -> list[CrmAnswer]:
    """Answers given in a CRM since ``since``, in order; a reason that follows later is one of its own."""
    found = []
    for record in journey.of("person"):
        answer, answered_at = "", since
        for event, value in _said(record, since):
            is_answer = _is_about(event, _ANSWER)
            if is_answer:
                answer, answered_at = str(value or "").strip().lower(), event.occurred_at
                if answer == "accept":
                    found.append(CrmAnswer(event, kinds.ACCEPTED))
            if answer != "send back" or (not is_answer and event.occurred_at == answered_at):
                continue
            _, told = record.value_at(_REASON, event.occurred_at)
            text = str(told or "").strip()
            reason = template.reason(text)
            kind = kinds.SENT_BACK if is_answer else kinds.REASON_GIVEN
            found.append(CrmAnswer(event, kind, reason.key if reason else "other", text))
    return sorted(found, key=lambda a: a.event.order)


_ANSWER, _REASON = "gtm_handoff_answer", "gtm_handoff_reason"


def _said(record: RecordData, since: datetime) -> list[tuple[EventData, Any]]:
    """What the two fields said since, in order. A first sight may be older than the handoff, so it says nothing."""
    said = [pair for name in (_ANSWER, _REASON) for pair in record.changes(name)]
    return sorted(
        (
            (event, value)
            for event, value in said
            if event.occurred_at >= since
            and not event.caused_by
            and not (event.kind == BASELINE and event.not_before and event.not_before < since)
        ),
        key=lambda pair: (pair[0].order, not _is_about(pair[0], _ANSWER)),
    )


def _is_about(event: EventData, name: str) -> bool:
    return event.field == name or (event.kind == BASELINE and name in event.data.get("values", {}))


def _filled(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(handoff, form={**handoff.form, **event.data.get("values", {})})


def _sent(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(
        _filled(handoff, event),
        state=SENT,
        sent_at=event.occurred_at,
        sender_id=event.data.get("sender") or handoff.sender_id,
        receiver_id=event.data.get("receiver") or handoff.receiver_id,
        seen_at=None,
        answered_at=None,
        answered_in="",
        reason="",
        reason_text="",
    )


def _seen(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(handoff, state=SEEN, seen_at=event.occurred_at)


def _asked(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(handoff, state=ASKED, seen_at=handoff.seen_at or event.occurred_at)


def _answered(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(_filled(handoff, event), state=SEEN)


def _accepted(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(
        handoff,
        state=ACCEPTED,
        answered_at=event.occurred_at,
        answered_in=event.data.get("source", "gtmops"),
        receiver_id=event.data.get("receiver") or handoff.receiver_id,
    )


def _sent_back(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(
        handoff,
        state=SENT_BACK,
        answered_at=event.occurred_at,
        answered_in=event.data.get("source", "gtmops"),
        reason=str(event.data.get("reason", "")),
        reason_text=str(event.data.get("text", "")),
    )


def _reason_given(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(
        handoff, reason=str(event.data.get("reason", "")), reason_text=str(event.data.get("text", ""))
    )


def _confirmed(handoff: HandoffData, event: EventData) -> HandoffData:
    return replace(
        _filled(handoff, event),
        state=COMPLETED,
        completed_at=event.occurred_at,
        next_step_confirmed_at=event.occurred_at,
    )


def _given(handoff: HandoffData, event: EventData) -> HandoffData:
    """While it is still theirs: whom a CRM or an act has named since stays."""
    side = "sender_id" if event.data.get("side") == "sender" else "receiver_id"
    if getattr(handoff, side) != event.data.get("was"):
        return handoff
    person: int | None = event.data.get("person")
    return replace(handoff, sender_id=person) if side == "sender_id" else replace(handoff, receiver_id=person)


_APPLY: Mapping[str, Callable[[HandoffData, EventData], HandoffData]] = {
    kinds.FILLED: _filled,
    kinds.SENT: _sent,
    kinds.SEEN: _seen,
    kinds.ASKED: _asked,
    kinds.ANSWERED: _answered,
    kinds.ACCEPTED: _accepted,
    kinds.SENT_BACK: _sent_back,
    kinds.REASON_GIVEN: _reason_given,
    kinds.NEXT_STEP_CONFIRMED: _confirmed,
    kinds.GIVEN: _given,
}
