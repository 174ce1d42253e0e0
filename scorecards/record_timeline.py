"""What happened to a buyer: stages, activities and events as lines of one timeline, newest first."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from definitions.bodies import StageBody
from definitions.evidence import exceptions
from definitions.judging.judge import PASSING
from definitions.models import StageEntry
from handoffs.models import Handoff
from records.kinds import BASELINE, CHANGE, FIELD_ASKED, FIELD_REFUSED, declared_kinds
from records.models import Event, OwnerMatch, Record
from records.own_fields import OWN_FIELD_BY_NAME
from scorecards.links import handoff_href
from scorecards.record_values import moment_of, nth, shortened

ACTIVITY_WORDS = {
    "call": "Call",
    "email": "E-mail",
    "meeting": "Meeting",
    "task": "Task",
    "message": "Message",
}
ACTIVITY_ICONS = {
    "call": "telephone",
    "email": "envelope",
    "meeting": "calendar-event",
    "task": "check2-square",
}


@dataclass(frozen=True)
class Happening:
    """One line of the timeline, as components/timeline.html takes it."""

    at: datetime
    text: str
    detail: str = ""
    who: str = ""
    source: str = ""
    icon: str = "dot"
    severity: str = "neutral"
    href: str = ""


def happened(
    events: Sequence[Event],
    activities: Sequence[Record],
    entries: Sequence[StageEntry],
    stages: Sequence[StageBody],
    labels: Mapping[tuple[str, str], str],
    records: Mapping[uuid.UUID, Record],
    handoffs: Sequence[Handoff],
    key_only: bool,
) -> list[Happening]:
    """``key_only``: without what only says that a value changed, or was sent by a machine."""
    found = [
        *(_entry_line(e, stages, records) for e in entries),
        *(line for a in activities if (line := _activity_line(a, key_only=key_only))),
        *_event_lines(events, labels, records, {str(h.pk) for h in handoffs}),
    ]
    return sorted(found, key=lambda h: h.at, reverse=True)


def _entry_line(
    entry: StageEntry, stages: Sequence[StageBody], records: Mapping[uuid.UUID, Record]
) -> Happening:
    name = next((s.short for s in stages if s.key == entry.stage), entry.stage)
    record = records.get(entry.record_id)
    detail = (
        f"Missing at the time: {'; '.join(entry.missing)}"
        if entry.judgement == "missing" and entry.missing
        else ""
    )
    is_passed = entry.judgement in PASSING
    if is_passed and entry.definition is not None:
        by = "Passed by exception" if entry.judgement == "waived" else "All conditions passed"
        detail = f"{by} (version {entry.definition.number})"
    again = f", {nth(entry.pass_number)}" if entry.pass_number > 1 else ""
    seen = "" if entry.is_exact else " (seen later: the CRM keeps no history of it)"
    return Happening(
        entry.occurred_at,
        f"Became {name}{again}{seen}",
        detail,
        source=record.connection.label if record else "",
        icon="flag",
        severity="ok" if is_passed else "soon" if entry.judgement == "missing" else "info",
    )


def _activity_line(row: Record, *, key_only: bool) -> Happening | None:
    values = row.values
    at = moment_of(values.get("occurred_at")) or row.modified_at_remote
    if at is None or (key_only and values.get("is_automated") is True):
        return None
    kind = str(values.get("kind") or "activity")
    notes = " ".join(str(values.get("notes") or "").split())
    subject = plain_subject(str(values.get("subject") or ""))
    marks = "".join(
        [
            " from the buyer" if values.get("direction") == "inbound" else "",
            ", sent automatically" if values.get("is_automated") is True else "",
        ]
    )
    word = ACTIVITY_WORDS.get(kind, kind.capitalize())
    told = subject.lower().startswith(word.lower())
    return Happening(
        at,
        f"{subject}{marks}" if told else f"{word}{marks}{': ' + subject if subject else ''}",
        shortened(notes) if notes != subject else "",
        who=row.owner.name if row.owner else "",
        source=row.connection.label,
        icon=ACTIVITY_ICONS.get(kind, "chat-dots"),
        href=row.connection.record_url.replace("{object}", row.remote_object).replace("{id}", row.remote_id),
    )


def plain_subject(text: str) -> str:
    """Without the "Email:" or "Call:" that a CRM puts in front itself."""
    return re.sub(r"^(e-?mail|call|meeting|task):\s*", "", " ".join(text.split()), flags=re.IGNORECASE)


def _event_lines(
    events: Sequence[Event],
    labels: Mapping[tuple[str, str], str],
    records: Mapping[uuid.UUID, Record],
    handoff_ids: set[str],
) -> Iterator[Happening]:
    kinds = declared_kinds()
    owners = _owner_names(events)
    for event in events:
        kind = kinds.get(event.kind)
        record = records.get(event.record_id)
        if kind is None or record is None:
            continue
        label = labels.get((record.object, event.field)) or (
            OWN_FIELD_BY_NAME[event.field].label if event.field in OWN_FIELD_BY_NAME else event.field
        )
        text = kind.sentence.format(
            actor=event.actor.name if event.actor else event.connection.label,
            field=label,
            old=_value_words(event.old, event, owners),
            new=_value_words(event.new, event, owners),
        )
        handoff = str(event.data.get("handoff", ""))
        yield Happening(
            event.occurred_at,
            text,
            shortened(_said(event)),
            source=source_of(event),
            icon=_icon_of(event.kind),
            severity="late" if event.kind in {"deleted", "handoff.sent_back", FIELD_REFUSED} else "neutral",
            href=handoff_href(uuid.UUID(handoff)) if handoff in handoff_ids else "",
        )


def source_of(event: Event) -> str:
    """Which CRM tells it, and that we wrote it: for somebody, or by ourselves."""
    if event.caused_by and event.data.get("asked"):
        return f"{event.actor.name if event.actor else 'a rule'} through gtmops"
    return "written by gtmops" if event.caused_by else event.connection.label


def _said(event: Event) -> str:
    """What a person wrote with an act."""
    if event.kind == FIELD_ASKED:
        return str(event.data.get("why") or "")
    if event.kind == FIELD_REFUSED:
        return str(event.data.get("text") or "")
    if event.kind.startswith("handoff."):
        return str(event.data.get("text") or "")
    if event.kind in exceptions.NAMES:
        return str(event.data.get("reason") or event.data.get("note") or "")
    return ""


def _icon_of(kind: str) -> str:
    if kind in exceptions.NAMES:
        return "patch-check"
    if kind.startswith("handoff."):
        return "arrow-left-right"
    if kind.startswith("clock."):
        return "clock"
    if kind in (FIELD_ASKED, FIELD_REFUSED):
        return "arrow-up-right-circle"
    return {BASELINE: "eye", CHANGE: "pencil", "deleted": "trash", "merged": "intersect"}.get(kind, "dot")


def _owner_names(events: Sequence[Event]) -> dict[tuple[int, str], str]:
    """(connection, owner id) -> name, for changes of owner. No query when there are none."""
    wanted = {
        str(value)
        for e in events
        if e.field in {"owner", "ae"}
        for value in (e.old, e.new)
        if value is not None
    }
    if not wanted:
        return {}
    rows = OwnerMatch.objects.filter(remote_id__in=wanted)
    return {
        (conn, remote): name for conn, remote, name in rows.values_list("connection_id", "remote_id", "name")
    }


def _value_words(value: Any, event: Event, owners: Mapping[tuple[int, str], str]) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if event.field in {"owner", "ae"}:
        return owners.get((event.connection_id, str(value)), str(value))
    if isinstance(value, str) and "T" in value and (at := moment_of(value)):
        local = timezone.localtime(at)
        return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"
    return shortened(str(value), 120)
