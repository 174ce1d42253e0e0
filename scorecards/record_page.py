"""One buyer's page: where they stand and why, whose move it is, and everything that happened."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When
from django.db.models.functions import JSONObject
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from definitions.bodies import DEFINITIONS, StageBody
from definitions.checklists import Check, CheckPart, checklists
from definitions.in_force import TypedModel, load_typed_model
from definitions.models import StageEntry
from handoffs.models import Handoff
from records.canonical import Unreadable, instant
from records.kinds import BASELINE, CHANGE, declared_kinds
from records.models import DesiredField, Event, OwnerMatch, Record
from records.own_fields import OWN_FIELD_BY_NAME
from scorecards.links import clock_href, handoff_href
from scorecards.record_list import title_parts
from slas.models import Clock, Correction
from teams.access import business_units_of
from teams.models import Person
from teams.querysets import border

MOST_ACTIVITIES = 200
MOST_EVENTS = 200
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
class Member:
    """A CRM row of the buyer: where it lies, and where people open it."""

    record: Record
    noun: str
    crm: str
    url: str
    is_this: bool


@dataclass(frozen=True)
class Seen:
    """A value as it was judged, in words; ``at`` instead when it is a moment."""

    label: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True)
class PartLine:
    """A condition, or a choice of several, with what was seen."""

    text: str
    state: str
    is_choice: bool
    seen_words: tuple[Seen, ...]


@dataclass(frozen=True)
class CheckSection:
    """A definition's check of one member."""

    check: Check
    member: Record
    parts: tuple[PartLine, ...]
    is_of_stage: bool

    @property
    def heading(self) -> str:
        """The sentence where it is about a stage; a definition beside the stages goes by its name."""
        return self.check.sentence if self.is_of_stage else self.check.name

    @property
    def crm(self) -> str:
        return self.member.connection.label

    @property
    def at(self) -> datetime | None:
        return self.member.modified_at_remote

    @property
    def noun(self) -> str:
        return noun_of(self.member)

    @property
    def definition_key(self) -> str:
        """Exit criteria stand on the page of their pipeline."""
        return self.check.key.partition("/")[0]


@dataclass(frozen=True)
class Due:
    name: str
    row: Clock
    href: str


@dataclass(frozen=True)
class HandoffLine:
    name: str
    row: Handoff
    href: str


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


@dataclass(frozen=True)
class RecordPage:
    record: Record
    company: str
    who: str
    members: list[Member]
    stages: list[dict[str, Any]]
    sentence: str
    sections: list[CheckSection]
    due: list[Due]
    finished: int
    corrections: list[dict[str, Any]]
    handoff_lines: list[HandoffLine]
    desired: list[dict[str, Any]]
    happened: list[Happening]
    owner_words: str
    origin_words: str
    is_cut: bool

    @property
    def has_stage_bar(self) -> bool:
        return self.record.object in {"person", "deal"}


def load_page(viewer: Person, record_id: uuid.UUID, now: datetime, *, key_only: bool) -> RecordPage:
    """Everything the page shows, in at most eleven queries. Raises Http404 outside the viewer's border."""
    rows = _members(viewer, record_id)
    record = next((r for r in rows if r.pk == record_id), None)
    if record is None:
        raise Http404
    activities = [r for r in rows if r.object == "activity" and r.pk != record_id]
    members = [r for r in rows if r.object != "activity" or r.pk == record_id]
    model = load_typed_model()
    stages = model.stages(now)
    entries = list(_entries(viewer, record))
    checks = checklists([r.pk for r in members], now, model)
    clocks = list(_clocks(viewer, record))
    handoffs = list(_handoffs(viewer, record))
    events = _events(members, key_only=key_only)
    labels = {
        (object_name, name): field.label or name
        for object_name, fields in model.catalogue.objects.items()
        for name, field in fields.items()
    }
    names = _rule_names(model)
    named = {s.definition for s in stages if s.definition}
    sections = [
        CheckSection(
            check,
            member,
            tuple(_part_line(p, member, labels) for p in check.parts),
            check.section != DEFINITIONS or check.key in named,
        )
        for member in members
        for check in checks.get(member.pk, [])
    ]
    sections.sort(key=lambda s: _section_order(s, stages))
    company, who = title_parts(record)
    return RecordPage(
        record=record,
        company=company,
        who=who,
        members=[_member(r, record) for r in members],
        stages=stage_bar(stages, entries),
        sentence=_sentence(sections),
        sections=sections,
        due=[
            Due(names.get(c.rule_key, c.rule_key), c, clock_href(c.pk))
            for c in clocks
            if c.stopped_at is None and c.state != Clock.State.CANCELLED
        ],
        finished=sum(c.stopped_at is not None for c in clocks),
        corrections=_corrections(clocks, names),
        handoff_lines=[
            HandoffLine(str(h.template.body.get("name") or h.template_key), h, handoff_href(h.pk))
            for h in handoffs
        ],
        desired=_desired(members),
        happened=list(
            _happened(
                events, activities, entries, stages, labels, {r.pk: r for r in rows}, handoffs, key_only
            )
        ),
        owner_words=record.owner.name
        if record.owner
        else ("A queue" if record.values.get("owner") else "Nobody"),
        origin_words=str(record.values.get("lead_origin") or "").replace("_", " "),
        is_cut=len(events) >= MOST_EVENTS or len(activities) >= MOST_ACTIVITIES,
    )


# --- loading -----------------------------------------------------------------------------------------------------


def _members(viewer: Person, record_id: uuid.UUID) -> list[Record]:
    """The record, the other records of its journey inside the border, and the latest activities. One query."""
    journey = Record.objects.filter(pk=record_id).values("journey_id")
    last = Case(When(object="activity", then=Value(1)), default=Value(0), output_field=IntegerField())
    this = Case(When(pk=record_id, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(
        Record.objects.for_person(viewer)
        .filter(Q(pk=record_id) | Q(journey__in=journey))
        .filter(Q(pk=record_id) | Q(deleted_at=None))
        .select_related("connection", "owner")
        .order_by(this, last, "-modified_at_remote", "pk")[: MOST_ACTIVITIES + 50]
    )


def _entries(viewer: Person, record: Record) -> Iterator[StageEntry]:
    where = Q(journey=record.journey_id) if record.journey_id else Q(record=record)
    inside = border(business_units_of(viewer), "record__business_unit")
    yield from (
        StageEntry.objects.filter(where)
        .filter(inside)
        .select_related("definition")
        .defer("snapshot")
        .order_by("occurred_at", "pk")
    )


def _clocks(viewer: Person, record: Record) -> Iterator[Any]:
    corrected = ArraySubquery(
        Correction.objects.filter(clock=OuterRef("pk"))
        .order_by("corrected_at")
        .values(json=JSONObject(old="old", new="new", at="corrected_at"))
    )
    where = Q(journey=record.journey_id) if record.journey_id else Q(record=record)
    yield from (
        Clock.objects.for_person(viewer)
        .filter(where)
        .select_related("owner", "team")
        .annotate(corrected=corrected)
        .order_by("due_at", "pk")
    )


def _handoffs(viewer: Person, record: Record) -> Iterator[Handoff]:
    where = Q(journey=record.journey_id) if record.journey_id else Q(record=record)
    yield from Handoff.objects.for_person(viewer).filter(where).with_people().order_by("-opened_at", "pk")


def _events(members: Sequence[Record], *, key_only: bool) -> list[Event]:
    found = (
        Event.objects.filter(record_id__in=[r.pk for r in members])
        .effective()
        .select_related("actor", "connection")
    )
    if key_only:
        found = found.filter(kind__in=[name for name, kind in declared_kinds().items() if kind.is_key])
    # An entry into a stage tells its own event.
    told = StageEntry.objects.filter(event=OuterRef("pk"))
    return list(found.filter(~Exists(told)).order_by("-occurred_at", "-pk")[:MOST_EVENTS])


# --- where they stand ----------------------------------------------------------------------------------------------


def stage_bar(stages: Sequence[StageBody], entries: Sequence[StageEntry]) -> list[dict[str, Any]]:
    """The stages of the model, as components/stage_bar.html takes them, by what the CRMs claim."""
    latest: dict[str, StageEntry] = {}
    passes: dict[str, int] = {}
    for entry in entries:
        latest[entry.stage] = entry
        passes[entry.stage] = max(passes.get(entry.stage, 1), entry.pass_number)
    is_open = [s for s in stages if s.key in latest and latest[s.key].left_at is None]
    been = [s for s in stages if s.key in latest]
    current = (is_open or been)[-1] if been else None
    bar = []
    for stage in stages:
        held = latest.get(stage.key)
        if current is None or (stage.order, stage.key) > (current.order, current.key):
            state = "ahead"
        elif stage is current:
            state = "current"
        else:
            state = "done" if held else "skipped"
        notes = []
        if passes.get(stage.key, 1) > 1:
            notes.append(_nth(passes[stage.key]))
        if held and held.left_at and (stage is current or state == "ahead"):
            notes.append("left since")
        bar.append(
            {
                "name": stage.short,
                "at": held.occurred_at if held else None,
                "state": state,
                "note": ", ".join(notes),
            }
        )
    return bar


def _nth(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number if number < 20 else number % 10, 'th') } time"


def _section_order(section: CheckSection, stages: Sequence[StageBody]) -> tuple[bool, int, str]:
    names = [s.definition for s in stages if s.definition]
    key = section.check.key
    return (section.check.section != DEFINITIONS, names.index(key) if key in names else len(names), key)


def _sentence(sections: Sequence[CheckSection]) -> str:
    """The first check of a stage that isn't passed; when all are, the last one's."""
    of_stages = [s.check for s in sections if s.check.section == DEFINITIONS and s.is_of_stage]
    open_ones = [c for c in of_stages if c.state != "met"]
    if of_stages:
        return (open_ones[0] if open_ones else of_stages[-1]).sentence
    return sections[0].heading if sections else ""


# --- beside and below ----------------------------------------------------------------------------------------------


def _member(row: Record, this: Record) -> Member:
    url = row.connection.record_url.replace("{object}", row.remote_object).replace("{id}", row.remote_id)
    return Member(row, noun_of(row), row.connection.label, url, row.pk == this.pk)


def noun_of(row: Record) -> str:
    """ "contact", "lead", "opportunity": the CRM's own word."""
    return row.remote_object.removesuffix("s").lower()


def _part_line(part: CheckPart, member: Record, labels: Mapping[tuple[str, str], str]) -> PartLine:
    seen = tuple(
        Seen(
            labels.get((member.object, c.field), c.field),
            "not connected" if c.state == "unknown" and c.field not in member.values else _seen_words(c.seen),
            _moment(c.seen) if isinstance(c.seen, str) and "T" in c.seen else None,
        )
        for c in part.conditions
    )
    return PartLine(part.text, part.state, part.is_choice, seen)


def _seen_words(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else _shortened(str(value), 120)


def _rule_names(model: TypedModel) -> dict[str, str]:
    names = {}
    for key in model.versions.keys("sla_rules"):
        history = model.versions.history("sla_rules", key)
        names[key] = str(history[-1].body.get("name") or key) if history else key
    return names


def _corrections(clocks: Sequence[Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "rule": names.get(clock.rule_key, clock.rule_key),
            "old": told["old"].get("state", ""),
            "new": told["new"].get("state", ""),
            "at": datetime.fromisoformat(told["at"]),
            "href": clock_href(clock.pk),
        }
        for clock in clocks
        for told in clock.corrected
    ]


def _desired(members: Sequence[Record]) -> list[dict[str, Any]]:
    by_id = {r.pk: r for r in members}
    rows = DesiredField.objects.filter(record_id__in=by_id).order_by("field", "record")
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        # The same value in both CRMs is one line.
        name = json.dumps([row.field, row.desired, row.state, row.hold])
        line = lines.setdefault(name, _desired_line(row))
        label = by_id[row.record_id].connection.label
        line["crms"] = f"{line['crms']}, {label}" if line["crms"] else label
    return list(lines.values())


def _desired_line(row: DesiredField) -> dict[str, Any]:
    own = OWN_FIELD_BY_NAME.get(row.field)
    return {
        "label": own.label if own else row.field,
        "crms": "",
        "desired": row.desired,
        "at": _moment(row.desired) if own and own.type == "datetime" else None,
        "is_url": own is not None and own.type == "url",
        "state": row.state,
        "hold": row.hold_reason if row.hold else "",
        "sent_at": row.sent_at,
    }


def _moment(value: Any) -> datetime | None:
    try:
        return instant(value) if value else None
    except Unreadable:
        return None


# --- what happened -------------------------------------------------------------------------------------------------


def _happened(
    events: Sequence[Event],
    activities: Sequence[Record],
    entries: Sequence[StageEntry],
    stages: Sequence[StageBody],
    labels: Mapping[tuple[str, str], str],
    records: Mapping[uuid.UUID, Record],
    handoffs: Sequence[Handoff],
    key_only: bool,
) -> list[Happening]:
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
    if entry.judgement == "met" and entry.definition is not None:
        detail = f"All conditions passed (version {entry.definition.number})"
    again = f", {_nth(entry.pass_number)}" if entry.pass_number > 1 else ""
    seen = "" if entry.is_exact else " (seen later: the CRM keeps no history of it)"
    return Happening(
        entry.occurred_at,
        f"Became {name}{again}{seen}",
        detail,
        source=record.connection.label if record else "",
        icon="flag",
        severity={"met": "ok", "missing": "soon"}.get(entry.judgement, "info"),
    )


def _activity_line(row: Record, *, key_only: bool) -> Happening | None:
    values = row.values
    at = _moment(values.get("occurred_at")) or row.modified_at_remote
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
        _shortened(notes) if notes != subject else "",
        who=row.owner.name if row.owner else "",
        source=row.connection.label,
        icon=ACTIVITY_ICONS.get(kind, "chat-dots"),
        href=row.connection.record_url.replace("{object}", row.remote_object).replace("{id}", row.remote_id),
    )


def plain_subject(text: str) -> str:
    """Without the "Email:" or "Call:" that a CRM puts in front itself."""
    return re.sub(r"^(e-?mail|call|meeting|task):\s*", "", " ".join(text.split()), flags=re.IGNORECASE)


def _shortened(text: str, length: int = 240) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


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
            _shortened(str(event.data.get("text") or "")) if event.kind.startswith("handoff.") else "",
            source="written by gtmops" if event.caused_by else event.connection.label,
            icon=_icon_of(event.kind),
            severity="late" if event.kind in {"deleted", "handoff.sent_back"} else "neutral",
            href=handoff_href(uuid.UUID(handoff)) if handoff in handoff_ids else "",
        )


def _icon_of(kind: str) -> str:
    if kind.startswith("handoff."):
        return "arrow-left-right"
    if kind.startswith("clock."):
        return "clock"
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
    if isinstance(value, str) and "T" in value and (at := _moment(value)):
        local = timezone.localtime(at)
        return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"
    return _shortened(str(value), 120)


def page_address(record_id: uuid.UUID) -> str:
    return reverse("records:record", args=[record_id])
