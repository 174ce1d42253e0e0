"""One buyer's page: where they stand and why, whose move it is, and everything that happened."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    ExpressionWrapper,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import JSONObject
from django.http import Http404
from django.urls import reverse

from definitions.evidence.exception_acts import MOST_DAYS
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging.checklists import checks_of, facts_of
from definitions.models import Firing, Judgement, Passage, StageEntry, Version
from handoffs.models import Handoff
from records.kinds import declared_kinds
from records.loading import batch_of
from records.models import DesiredField, Event, Record
from records.own_fields import OWN_FIELD_BY_NAME
from scorecards.links import clock_href, handoff_href
from scorecards.record_checks import (
    CheckSection,
    Told,
    noun_of,
    read_log,
    sections_of,
    seen_of,
    sentence_of,
)
from scorecards.record_list import title_parts
from scorecards.record_stages import (
    Fired,
    PassageLine,
    StageNow,
    body_of,
    current_stage,
    firings_of,
    here_of,
    lifecycle_now,
    passage_lines,
    pipeline_bar,
    pipeline_now,
    stage_bar,
    stays_of,
)
from scorecards.record_timeline import Happening, happened, source_of
from scorecards.record_values import Seen, moment_of
from slas.models import Clock, Correction
from slas.touches import may_report, waiting_of
from teams.access import business_units_of
from teams.models import Membership, Person
from teams.querysets import border

MOST_ACTIVITIES = 200
MOST_EVENTS = 200
MOST_LOADED = 1000
"""Records of one buyer, activities among them: a check counts them, the page shows fewer."""


@dataclass(frozen=True)
class Member:
    """A CRM row of the buyer: where it lies, and where people open it."""

    record: Record
    noun: str
    crm: str
    url: str
    is_this: bool


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
class Play:
    """The next step that was agreed in advance, and for what."""

    text: str
    because: str


@dataclass(frozen=True)
class RecordPage:
    record: Record
    company: str
    who: str
    members: list[Member]
    stages: list[dict[str, Any]]
    stage_now: StageNow | None
    sentence: str
    sections: list[CheckSection]
    passages: list[PassageLine]
    firings: list[Fired]
    plays: list[Play]
    due: list[Due]
    touch_href: str
    finished: int
    corrections: list[dict[str, Any]]
    handoff_lines: list[HandoffLine]
    desired: list[dict[str, Any]]
    happened: list[Happening]
    owner_words: str
    origin_words: str
    is_cut: bool
    act_key: str
    first_day: datetime
    last_day: datetime

    @property
    def of_stages(self) -> list[CheckSection]:
        """What the page opens on; what is beside the stages is folded."""
        return [section for section in self.sections if section.is_of_stage]

    @property
    def others(self) -> list[CheckSection]:
        return [section for section in self.sections if not section.is_of_stage]

    @property
    def has_stage_bar(self) -> bool:
        return self.record.object in {"person", "deal"}


def load_page(viewer: Person, record_id: uuid.UUID, now: datetime, *, key_only: bool) -> RecordPage:
    """Everything the page shows, in at most eleven queries. Raises Http404 outside the viewer's border."""
    of_buyer = _of_buyer(viewer, record_id)
    rows = [r for r in of_buyer if r.is_inside and (r.pk == record_id or r.deleted_at is None)]  # type: ignore[attr-defined]  # annotated
    record = next((r for r in rows if r.pk == record_id), None)
    if record is None:
        raise Http404
    activities = [r for r in rows if r.object == "activity" and r.pk != record_id][:MOST_ACTIVITIES]
    members = [r for r in rows if r.object != "activity" or r.pk == record_id]
    model = load_typed_model()
    log = list(_log(of_buyer))
    facts = facts_of(batch_of(of_buyer, log, now), model)
    stages = model.stages(now)
    entries = list(_entries(viewer, record))
    stays = stays_of(members)
    of_deal = [s for s in stays if s.record_id == record.pk]
    pipeline = body_of(model, of_deal[-1].pipeline, now) if of_deal else None
    judgements = _judgements(members, model)
    told = read_log(members, log)
    checks = checks_of(judgements, model, now, viewer=viewer, waivers=told.waivers, facts=facts)
    clocks = list(_clocks(viewer, record))
    handoffs = list(_handoffs(viewer, record))
    events = _shown(members, log, entries, key_only=key_only)
    labels = {
        (object_name, name): field.label or name
        for object_name, fields_by_name in model.catalogue.objects.items()
        for name, field in fields_by_name.items()
    }
    names = _rule_names(model)
    sections = sections_of(
        members, checks, told, model.catalogue, stages, viewer, now, here_of(members, stays)
    )
    firings = firings_of(members, model, now)
    company, who = title_parts(record)
    seen = partial(_key_field, record, members, told, model)
    in_stage = current_stage(stages, entries)
    return RecordPage(
        record=record,
        company=company,
        who=who,
        members=[_member(r, record) for r in members],
        stages=pipeline_bar(pipeline, of_deal) if pipeline else stage_bar(stages, entries),
        stage_now=pipeline_now(pipeline, of_deal, seen)
        if pipeline
        else lifecycle_now(in_stage, entries, seen)
        if record.object == "person"
        else None,
        sentence=sentence_of(sections, record.object),
        sections=sections,
        passages=passage_lines(pipeline, of_deal, viewer, record.owner, _through(log)) if pipeline else [],
        firings=firings,
        plays=_plays(sections, firings),
        due=[
            Due(names.get(c.rule_key, c.rule_key), c, clock_href(c.pk))
            for c in clocks
            if c.stopped_at is None and c.state != Clock.State.CANCELLED
        ],
        touch_href=_touch_href(viewer, record, clocks),
        finished=sum(c.stopped_at is not None for c in clocks),
        corrections=_corrections(clocks, names),
        handoff_lines=[
            HandoffLine(str(h.template.body.get("name") or h.template_key), h, handoff_href(h.pk))
            for h in handoffs
        ],
        desired=_desired(members),
        happened=happened(
            events, activities, entries, stages, labels, {r.pk: r for r in rows}, handoffs, key_only
        ),
        owner_words=record.owner.name
        if record.owner
        else ("A queue" if record.values.get("owner") else "Nobody"),
        origin_words=str(record.values.get("lead_origin") or "").replace("_", " "),
        is_cut=len(events) >= MOST_EVENTS or len(activities) >= MOST_ACTIVITIES,
        act_key=str(uuid.uuid4()),
        first_day=now,
        last_day=now + timedelta(days=MOST_DAYS),
    )


# --- loading -----------------------------------------------------------------------------------------------------


def _of_buyer(viewer: Person, record_id: uuid.UUID) -> list[Record]:
    """The record, the other records of its journey, and the latest activities; each with its own judgements, stays in
    stages, firings and what we write (as plain rows). One query.

    Checks are judged on all of them; what is not ``is_inside`` the viewer's border is shown nowhere."""
    inside = border(business_units_of(viewer))
    journey = Record.objects.filter(pk=record_id).values("journey_id")
    last = Case(When(object="activity", then=Value(1)), default=Value(0), output_field=IntegerField())
    this = Case(When(pk=record_id, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(
        Record.objects.filter(Q(pk=record_id) | Q(journey__in=journey))
        .select_related("connection", "owner")
        .annotate(
            is_inside=ExpressionWrapper(inside, BooleanField()),
            judged=_rows(
                Judgement.objects.order_by("section", "key"),
                "section", "key", "version_id", "state", "variant", "exclusion", "paper",
            ),
            stays=_rows(
                Passage.objects.order_by("entered_at", "id"),
                "pipeline", "stage", "event_id", "entered_at", "left_at", "left_to", "arrival", "is_allowed",
                "exit_judgement", "missing",
            ),
            fired=_rows(
                Firing.objects.order_by("-fired_at", "id"), "trigger", "fired_at", "ended_at", "handled_at", "because"
            ),
            wanted=_rows(
                DesiredField.objects.order_by("field"),
                "field", "desired", "state", "hold", "hold_reason", "sent_at",
            ),
        )
        .order_by(this, last, "-modified_at_remote", "pk")[: MOST_LOADED]
    )  # fmt: skip


def _rows(found: QuerySet[Any], *names: str) -> ArraySubquery:
    plain = {name: name for name in names}
    return ArraySubquery(found.filter(record=OuterRef("pk")).values(row=JSONObject(**plain)))


def _judgements(members: Sequence[Record], model: TypedModel) -> list[Judgement]:
    """With their record and version, out of what `_members` has read."""
    versions: dict[int, Version] = {v.pk: v for v in model.versions.all()}
    return [
        Judgement(record=row, version=versions[told["version_id"]], **_without(told, "version_id"))
        for row in members
        for told in row.judged  # type: ignore[attr-defined]  # annotated by _members
        if told["version_id"] in versions
    ]


def _without(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != name}


def _entries(viewer: Person, record: Record) -> Iterator[StageEntry]:
    where = Q(journey=record.journey_id) if record.journey_id else Q(record=record)
    inside = border(business_units_of(viewer), "record__business_unit")
    yield from (
        StageEntry.objects.filter(where)
        .filter(inside)
        .select_related("definition")
        .annotate(recycle_reason=KeyTextTransform("recycle_reason", "snapshot"))
        .defer("snapshot")
        .order_by("occurred_at", "pk")
    )


def _touch_href(viewer: Person, record: Record, clocks: Sequence[Any]) -> str:
    """Where the viewer says that they reached the buyer; empty where nothing waits for it, or it is not theirs."""
    for clock in clocks:
        waiting = waiting_of(clock)
        if waiting and may_report(viewer, waiting, clock.team_of_viewer or ""):
            return reverse("slas:touch", args=[record.pk])
    return ""


def _clocks(viewer: Person, record: Record) -> Iterator[Any]:
    corrected = ArraySubquery(
        Correction.objects.filter(clock=OuterRef("pk"))
        .order_by("corrected_at")
        .values(json=JSONObject(old="old", new="new", at="corrected_at"))
    )
    team = Membership.objects.open().filter(person=viewer).values("team__key")[:1]
    where = Q(journey=record.journey_id) if record.journey_id else Q(record=record)
    yield from (
        Clock.objects.for_person(viewer)
        .filter(where)
        .select_related("owner", "team", "calendar", "rule")
        .annotate(corrected=corrected, team_of_viewer=Subquery(team))
        .order_by("due_at", "pk")
    )


def _handoffs(viewer: Person, record: Record) -> Iterator[Handoff]:
    where = Q(journey=record.journey_id) if record.journey_id else Q(record=record)
    yield from Handoff.objects.for_person(viewer).filter(where).with_people().order_by("-opened_at", "pk")


def _log(rows: Sequence[Record]) -> QuerySet[Event]:
    """All that happened to them, oldest first. One query."""
    found = Event.objects.filter(record_id__in=[r.pk for r in rows]).effective()
    return found.select_related("actor", "connection").order_by("occurred_at", "pk")


def _through(log: Sequence[Event]) -> dict[int, str]:
    """Event id -> who asked for the change from here."""
    return {e.pk: source_of(e) for e in log if e.caused_by and e.data.get("asked")}


def _shown(
    members: Sequence[Record], log: Sequence[Event], entries: Sequence[StageEntry], *, key_only: bool
) -> list[Event]:
    """The latest events of the members; an entry into a stage tells its own event."""
    told = {entry.event_id for entry in entries}
    ids = {row.pk for row in members}
    key = {name for name, kind in declared_kinds().items() if kind.is_key}
    found = [
        e
        for e in reversed(log)
        if e.record_id in ids and e.pk not in told and (not key_only or e.kind in key)
    ]
    return found[:MOST_EVENTS]


# --- beside --------------------------------------------------------------------------------------------------------


def _key_field(record: Record, members: Sequence[Record], told: Told, model: TypedModel, name: str) -> Seen:
    """The value of a key field: the record's own, else of the first member of the same kind that has one."""
    same = [record, *(m for m in members if m.object == record.object and m.pk != record.pk)]
    holder = next((m for m in same if m.values.get(name) is not None), None)
    holder = holder or next((m for m in same if name in m.values), record)
    return seen_of(holder, name, holder.values.get(name), told, model.catalogue)


def _plays(sections: Sequence[CheckSection], firings: Sequence[Fired]) -> list[Play]:
    """What was agreed to do now: for the triggers that hold, and for the last check of a stage that is passed."""
    found = [Play(f.play, f.name) for f in firings if f.play and f.is_open]
    passed = [s.check for s in sections if s.is_of_stage and s.check.is_passed and s.check.play]
    found += [Play(check.play, check.name) for check in passed[-1:]]
    return found


def _member(row: Record, this: Record) -> Member:
    url = row.connection.record_url.replace("{object}", row.remote_object).replace("{id}", row.remote_id)
    return Member(row, noun_of(row), row.connection.label, url, row.pk == this.pk)


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
    lines: dict[str, dict[str, Any]] = {}
    told = [(row, wanted) for row in members for wanted in row.wanted]  # type: ignore[attr-defined]  # annotated
    for row, wanted in sorted(told, key=lambda pair: (pair[1]["field"], str(pair[0].pk))):
        # The same value in both CRMs is one line.
        name = json.dumps([wanted["field"], wanted["desired"], wanted["state"], wanted["hold"]])
        line = lines.setdefault(name, _desired_line(wanted))
        label = row.connection.label
        line["crms"] = f"{line['crms']}, {label}" if line["crms"] else label
    return list(lines.values())


def _desired_line(wanted: Mapping[str, Any]) -> dict[str, Any]:
    own = OWN_FIELD_BY_NAME.get(wanted["field"])
    return {
        "label": own.label if own else wanted["field"],
        "crms": "",
        "desired": wanted["desired"],
        "at": moment_of(wanted["desired"]) if own and own.type == "datetime" else None,
        "is_url": own is not None and own.type == "url",
        "state": wanted["state"],
        "hold": wanted["hold_reason"] if wanted["hold"] else "",
        "sent_at": moment_of(wanted["sent_at"]),
    }


def page_address(record_id: uuid.UUID) -> str:
    return reverse("records:record", args=[record_id])
