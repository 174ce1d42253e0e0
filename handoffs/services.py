"""The acts people do on a handoff; each is an event, the row is their fold."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from handoffs import kinds
from handoffs.errors import HandoffError, KeyReused, NotYours, Stale
from handoffs.filling import check_length, form_state, news_of, plain_text, read_values
from handoffs.fold import ALLOWED
from handoffs.models import Handoff
from handoffs.refreshing import refresh
from handoffs.sides import RECEIVER_ACTS, is_of_receiving_team, may_act_for
from handoffs.templates import NEXT_STEP, NEXT_STEP_AT, FormField, template_of
from records.journey_data import JourneyData
from records.loading import load_batch, load_members
from records.models import Event, Journey
from records.querysets import EventQuerySet
from records.services import GTMOPS, record_act
from slas.durations import duration_words
from teams.models import Person


def fill(handoff: Handoff, actor: Person, values: Mapping[str, Any], *, key: str, now: datetime) -> Handoff:
    """Save fields of the form as they are, finished or not; what says nothing new leaves no trace."""
    given = read_values(handoff, values)

    def data(fresh: Handoff, journey: JourneyData) -> Mapping[str, Any] | None:
        news = news_of(fresh, given, journey, now)
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
    given = read_values(handoff, values)

    def data(fresh: Handoff, journey: JourneyData) -> Mapping[str, Any]:
        news = news_of(fresh, given, journey, now)
        state = form_state(template_of(fresh.template), {**fresh.form, **news}, journey, now)
        missing = {f.key: f"{f.label} is needed." for f in state if f.is_missing}
        to = receiver or fresh.receiver
        if to is None:
            missing["receiver"] = "Choose who receives it."
        elif receiver is not None and not is_of_receiving_team(fresh, receiver):
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
    text = plain_text(text)
    found = template_of(handoff.template).reason(reason)
    if found is None:
        raise HandoffError("Say why it goes back.", {"reason": "Choose a reason."})
    if found.needs_text and not text:
        raise HandoffError("This reason needs a few words.", {"text": "Say in a few words what is wrong."})
    check_length({"text": text})
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
    given = read_values(handoff, values, more=_STEP_FIELDS)

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
    said = {"text": plain_text(text)}
    if not said["text"]:
        raise HandoffError(wanted, {"text": wanted})
    check_length(said)
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


def ledger(handoff: Handoff) -> EventQuerySet:
    """Its events in order, with who did them."""
    rows = Event.objects.filter(
        record=handoff.record_id, kind__startswith="handoff.", data__handoff=str(handoff.pk)
    )
    return rows.select_related("actor")


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
