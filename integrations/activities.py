"""One-shot writes to the CRMs: a task for whoever must act (``crm_task``), a touch that was told here (``crm_touch``).

Both are off until a connection's switch says otherwise. No CRM takes a key that makes a repeat harmless, so the text
bears a mark, and before anything is created the record's activities are searched for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from django.conf import settings

from effects.registry import NotNow, NotWanted, Refused
from effects.tick import now_utc
from integrations.base import NewActivity
from integrations.breaking import mark_broken
from integrations.errors import Misconfigured, Reconnect, Rejected, RetryLater
from integrations.models import ActivitySwitches
from integrations.registry import connector_for, is_crm
from records.canonical import instant
from records.ids import record_id
from records.kinds import TOUCH_WRITTEN
from records.models import Connection, OwnerMatch, Record
from records.services import record_act
from teams.models import Person

What = Literal["task", "touch"]
PAUSED_SECONDS: Final = 60.0
STALE: Final = timedelta(days=2)
"""A task that waited so long past its due time for writing to go on is nobody's work any more."""
_SWITCH = {"task": "creates_tasks", "touch": "logs_touches"}
_ACT = {"task": "creating tasks", "touch": "logging what people say they did"}


def deliver_task(key: str, payload: Mapping[str, Any]) -> None:
    """``payload``: record, person, title, body, href, due_at."""
    record, why = _target(payload, "task")
    if record is None:
        raise NotWanted(f"No task was created: {why}")
    _wait_while_paused(record.connection)
    due_at = instant(payload["due_at"]) if payload.get("due_at") else now_utc()
    if now_utc() - due_at > STALE:
        raise NotWanted("No task was created: writing was paused until long after it was due.")
    _create(key, payload, record, "task", due_at)


def deliver_touch(key: str, payload: Mapping[str, Any]) -> None:
    """``payload``: record, person, kind, at, title, body, href, touch (the key of its event)."""
    record, why = _target(payload, "touch")
    if record is None:
        raise NotWanted(f"It stands in gtmops only: {why}")
    _wait_while_paused(record.connection)
    remote_object, remote_id = _create(key, payload, record, payload["kind"], instant(payload["at"]))
    now = now_utc()
    # What comes back from the CRM with the next pull is this touch, and no second one.
    record_act(
        TOUCH_WRITTEN,
        record=record,
        key=f"{payload['touch']}:written"[:300],
        occurred_at=now,
        now=now,
        data={
            "touch": payload["touch"],
            "activity": str(record_id(record.connection.name, remote_object, remote_id)),
        },
    )


def why_no_task(payload: Mapping[str, Any]) -> str:
    return _target(payload, "task")[1]


def why_no_touch(payload: Mapping[str, Any]) -> str:
    return _target(payload, "touch")[1]


def mark_of(key: str) -> str:
    return f"gtmops ref {hashlib.blake2b(key.encode(), digest_size=6).hexdigest()}"


def _target(payload: Mapping[str, Any], what: What) -> tuple[Record | None, str]:
    """(the record to write about, why there is none): the one named, else another person record of its buyer."""
    named = Record.objects.select_related("connection", "journey").filter(pk=str(payload["record"])).first()
    if named is None:
        return None, "the record is gone."
    candidates = [named]
    if named.journey is not None:
        others = Record.objects.present().filter(journey=named.journey, object="person")
        candidates += others.exclude(pk=named.pk).select_related("connection").order_by("pk")
    on = dict(ActivitySwitches.objects.values_list("connection_id", _SWITCH[what]))
    reasons = []
    for record in candidates:
        why = _why_not(record, is_on=on.get(record.connection_id, False), what=what)
        if not why:
            return record, ""
        reasons.append(why)
    return None, reasons[0]


def _why_not(record: Record, *, is_on: bool, what: What) -> str:
    crm = record.connection
    if not is_crm(crm.kind):
        return f"{crm.label} is no CRM that can be written to."
    if record.deleted_at or record.merged_into_id:
        return f"it is no longer in {crm.label}."
    if not crm.is_writing or crm.go_live_at is None:
        return f"writing to {crm.label} is off."
    if crm.state != Connection.State.ACTIVE:
        return f"{crm.label} is not connected."
    return "" if is_on else f"{_ACT[what]} in {crm.label} is not switched on."


def _wait_while_paused(crm: Connection) -> None:
    if crm.writing_paused_at is not None:
        raise NotNow(f"Writing to {crm.label} is paused.", seconds=PAUSED_SECONDS, is_try=False)


def _create(key: str, payload: Mapping[str, Any], record: Record, kind: Any, at: datetime) -> tuple[str, str]:
    """The activity's remote object and id, created now or by a worker that died since."""
    crm = record.connection
    mark = mark_of(key)
    activity = NewActivity(
        kind=kind,
        remote_object=record.remote_object,
        remote_id=record.remote_id,
        owner=_owner(crm, payload["person"]),
        subject=" ".join(str(payload["title"]).split()),
        text=_text(payload, mark),
        at=at.astimezone(UTC),
        mark=mark,
    )
    try:
        connector = connector_for(crm)
        return connector.find_activity(activity) or connector.create_activity(activity)
    except (Rejected, Misconfigured) as error:
        raise Refused(f"{crm.label} did not take it: {error}") from error
    except Reconnect as error:
        mark_broken(crm, str(error), now_utc())
        raise Refused(str(error)) from error
    except RetryLater as error:
        if error.at is None:
            raise
        raise NotNow(str(error), seconds=max(1.0, (error.at - now_utc()).total_seconds())) from error


def _owner(crm: Connection, person_id: int) -> str:
    row = (
        OwnerMatch.objects.filter(
            connection=crm, person=person_id, kind=OwnerMatch.Kind.PERSON, is_active=True
        )
        .order_by("pk")
        .first()
    )
    if row is None:
        name = Person.objects.filter(pk=person_id).values_list("name", flat=True).first()
        raise Refused(f"{name or 'This person'} is no active user of {crm.label}.")
    return row.remote_id


def _text(payload: Mapping[str, Any], mark: str) -> str:
    href = str(payload.get("href", ""))
    address = f"{settings.SITE_URL}{href}" if href.startswith("/") else href
    return "\n".join(part for part in (str(payload.get("body", "")).strip(), address, mark) if part)
