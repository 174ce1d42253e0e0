"""What the page of one handoff shows, for whoever looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from handoffs import kinds
from handoffs.filling import FieldState, form_state
from handoffs.fold import ANSWERABLE, EDITABLE
from handoffs.links import Place, load_places, record_href
from handoffs.models import Handoff
from handoffs.services import ledger
from handoffs.sides import may_act_for, possible_receivers, team_key_of
from handoffs.templates import NEXT_STEP, NEXT_STEP_AT, Template, template_of
from records.canonical import Unreadable, instant
from records.journey_data import JourneyData
from records.kinds import CHANGE, event_kind
from records.loading import load_batch
from records.models import CatalogueField, Event, Record
from records.own_fields import OWN_FIELD_BY_NAME
from records.related import find_related
from records.relations import relation
from slas.evidence import activity_at
from slas.models import Clock
from slas.rules import parse_rule
from teams.models import Person, Team

Face = Literal["sender", "receiver", "confirm", "reader"]
SECONDS_A_FIELD = {"long_text": 40, "text": 15, "datetime": 10, "choice": 5}
LAST_DEEDS = 5


@dataclass(frozen=True)
class Fact:
    """A value with where it comes from."""

    label: str
    value: str
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class FormRow:
    """One field of the form. ``value`` is what the input holds, ``shown`` what is read; both in the viewer's zone."""

    key: str
    label: str
    kind: str
    is_required: bool
    value: str
    shown: str
    source: str
    at: datetime | None
    choices: tuple[str, ...]
    error: str = ""

    @property
    def is_missing(self) -> bool:
        return not self.shown


@dataclass(frozen=True)
class Deed:
    """Something the buyer did, or that was done with them."""

    at: datetime
    text: str
    source: str


@dataclass(frozen=True)
class HandoffPage:
    handoff: Handoff
    template: Template
    face: Face
    from_team: str
    to_team: str
    title: str
    href: str
    missing: Sequence[FormRow]
    filled: Sequence[FormRow]
    facts: Sequence[Fact]
    buyer_words: str
    last_engagement: str
    deeds: Sequence[Deed]
    step: FormRow
    step_at: FormRow
    question: str
    question_from: str
    receivers: Sequence[Person]
    history: Sequence[Mapping[str, Any]]
    clocks: Sequence[tuple[str, Clock]]
    places: Sequence[tuple[Place, str]]
    answer_label: str
    zone_name: str

    @property
    def rows(self) -> list[FormRow]:
        return [*self.missing, *self.filled]

    @property
    def done(self) -> int:
        return sum(1 for row in self.rows if row.is_required and not row.is_missing)

    @property
    def total(self) -> int:
        return sum(1 for row in self.rows if row.is_required)

    @property
    def effort(self) -> str:
        """ "about 1 min", by what is still missing."""
        seconds = sum(SECONDS_A_FIELD[row.kind] for row in self.missing if row.is_required)
        return f"about {max(1, round(seconds / 60))} min" if seconds else "ready to send"

    @property
    def known_count(self) -> int:
        return len(self.filled) + len(self.facts)

    @property
    def reason_label(self) -> str:
        reason = self.template.reason(self.handoff.reason) if self.handoff.reason else None
        return reason.label if reason else ""


def load_page(handoff: Handoff, viewer: Person, now: datetime) -> HandoffPage:
    """``handoff`` with its people, record and template loaded."""
    template = template_of(handoff.template)
    journey = load_batch([handoff.journey_id], now).journeys[handoff.journey_id]
    places = load_places()
    rows = [
        _form_row(s, journey, places, viewer.zone) for s in form_state(template, handoff.form, journey, now)
    ]
    by_key = {row.key: row for row in rows}
    events = list(ledger(handoff))
    asked = next((e for e in reversed(events) if e.kind == kinds.ASKED), None)
    teams = dict(Team.objects.values_list("key", "name"))
    face = face_of(handoff, viewer)
    people = journey.of("person")
    return HandoffPage(
        handoff=handoff,
        template=template,
        face=face,
        from_team=teams.get(template.from_team, template.from_team),
        to_team=teams.get(template.to_team, template.to_team),
        title=handoff.record.title or str(handoff.record),
        href=record_href(handoff.record_id),
        missing=[row for row in rows if row.is_missing],
        filled=[row for row in rows if not row.is_missing],
        facts=[
            *_facts(template.already_known, journey, places, viewer.zone),
            *_account_facts(handoff.record, viewer),
        ],
        buyer_words=_first(journey, template.buyer_words),
        last_engagement=_first(journey, "last_engagement"),
        deeds=deeds(journey, places, now)[:LAST_DEEDS],
        step=by_key.get(NEXT_STEP) or _own_row(NEXT_STEP, "Agreed next step", "text"),
        step_at=by_key.get(NEXT_STEP_AT) or _own_row(NEXT_STEP_AT, "Date of the next step", "datetime"),
        question=str(asked.data.get("text", "")) if asked and handoff.state == Handoff.State.ASKED else "",
        question_from=asked.actor.name if asked and asked.actor else "",
        receivers=possible_receivers(handoff, viewer)
        if face == "sender" and (handoff.receiver is None or not handoff.receiver.is_active)
        else [],
        history=[_told(event, template, places) for event in reversed(events)],
        clocks=list(_clocks(handoff)),
        places=[
            (places[r.connection], places[r.connection].url_of(r.remote_object, r.remote_id))
            for r in people
            if r.connection in places and places[r.connection].record_url
        ],
        answer_label=OWN_FIELD_BY_NAME["gtm_handoff_answer"].label,
        zone_name=viewer.time_zone.replace("_", " "),
    )


def _first(journey: JourneyData, name: str) -> str:
    return next((str(r.values[name]) for r in journey.of("person") if r.values.get(name)), "")


def face_of(handoff: Handoff, viewer: Person) -> Face:
    """Which side of the page: the side whose move it is, then the side that still may act, else reading."""
    if handoff.state in EDITABLE and may_act_for(viewer, handoff, "sender"):
        return "sender"
    if handoff.state in ANSWERABLE and may_act_for(viewer, handoff, "receiver"):
        return "receiver"
    if handoff.state == Handoff.State.ACCEPTED and may_act_for(viewer, handoff, "receiver"):
        return "confirm"
    return "reader"


def is_receiver(handoff: Handoff, viewer: Person) -> bool:
    """Whether opening the page means that it was seen: a manager's or an admin's look does not."""
    if handoff.receiver is not None and handoff.receiver.is_active:
        return handoff.receiver_id == viewer.pk
    stays = viewer.memberships.filter(ended_at__isnull=True, team__key=team_key_of(handoff, "receiver"))
    return stays.exists()


def _own_row(key: str, label: str, kind: str) -> FormRow:
    return FormRow(key, label, kind, True, "", "", "", None, ())


def _form_row(state: FieldState, journey: JourneyData, places: Mapping[str, Place], zone: tzinfo) -> FormRow:
    shown = value = "" if state.value is None else str(state.value)
    if state.kind == "datetime" and value:
        value, shown = local_input(value, zone), _date_words(value, zone)
    source, at = "", None
    if state.source == "form":
        source = "Filled in here"
    elif state.source:
        source = places[state.source].label if state.source in places else state.source
        at = _known_since(journey, state.source, state.key)
    return FormRow(
        state.key, state.label, state.kind, state.is_required, value, shown, source, at, state.choices
    )


def _account_facts(record: Record, viewer: Person) -> Iterator[Fact]:
    """The account the buyer belongs to, by its CRM or by matching, with what else is open there. Five queries."""
    ways = [
        way for name in ("account", "account_deals") if (way := relation(record.object, name)) is not None
    ]
    found = find_related({record.object: ways}, {record.object: {record.pk}}).get(record.pk, {})
    ids = {pk for related in found.values() for pk in related}
    rows = list(
        Record.objects.for_person(viewer).present().filter(pk__in=ids).select_related("owner", "connection")
    )
    n = sum(1 for row in rows if row.object == "deal" and not row.values.get("is_closed"))
    for account in sorted(
        (row for row in rows if row.object == "account"), key=lambda row: (row.title, row.pk)
    ):
        told = [str(account)]
        if account.owner is not None:
            told.append(f"owned by {account.owner.name}")
        if n:
            told.append(f"{n:,} open deal{'' if n == 1 else 's'} there")
        yield Fact("Account", ", ".join(told), account.connection.label, account.modified_at_remote)


def _facts(
    names: Sequence[str], journey: JourneyData, places: Mapping[str, Place], zone: tzinfo
) -> Iterator[Fact]:
    labels = dict(CatalogueField.objects.filter(object="person", name__in=names).values_list("name", "label"))
    for name in names:
        for record in journey.of("person"):
            value = record.values.get(name)
            if value in (None, "", []):
                continue
            place = places.get(record.connection)
            yield Fact(
                labels.get(name, name.replace("_", " ").capitalize()),
                _value_words(value, zone),
                place.label if place else record.connection,
                _known_since(journey, record.connection, name),
            )
            break


def _known_since(journey: JourneyData, connection: str, name: str) -> datetime | None:
    moments = [
        event.occurred_at
        for record in journey.of("person", [connection])
        for event, _ in record.changes(name)
    ]
    return max(moments, default=None)


def deeds(journey: JourneyData, places: Mapping[str, Place], now: datetime) -> list[Deed]:
    """What the buyer did and what was done with them, newest first: requests, views, calls, messages, meetings."""
    found: list[Deed] = []
    seen: set[tuple[str, str]] = set()

    def add(at: datetime | None, text: str, connection: str) -> None:
        if at is None or at > now or (at.isoformat(), text) in seen:
            return
        seen.add((at.isoformat(), text))
        place = places.get(connection)
        found.append(Deed(at, text, place.label if place else connection))

    for record in journey.of("person"):
        for name, text in (
            ("demo_requested_at", "Requested a demo"),
            ("webinar_attended_at", "Attended a webinar"),
        ):
            add(_instant(record.values.get(name)), text, record.connection)
        for name, text in (
            ("pricing_page_views", "Viewed Pricing"),
            ("content_downloads", "Downloaded content"),
        ):
            # The first sight of a record says how often, not when.
            latest = [(e.occurred_at, v) for e, v in record.changes(name) if v and e.kind == CHANGE]
            if latest:
                at, value = latest[-1]
                add(at, f"{text} ({value} in all)", record.connection)
    words = {"call": "Call", "email": "E-mail", "meeting": "Meeting", "message": "Message"}
    for activity in journey.activities:
        kind = str(activity.values.get("kind"))
        if kind not in words or activity.deleted_at is not None:
            continue
        subject = str(activity.values.get("subject") or "")
        says_kind = subject.lower().startswith((kind, words[kind].lower()))
        text = subject if says_kind else f"{words[kind]}: {subject}" if subject else words[kind]
        add(activity_at(activity), text, activity.connection)
    return sorted(found, key=lambda deed: deed.at, reverse=True)


def _clocks(handoff: Handoff) -> Iterator[tuple[str, Clock]]:
    rows = Clock.objects.filter(journey=handoff.journey_id, is_measured_only=False)
    rows = rows.select_related("rule", "calendar")
    for clock in rows.order_by("started_at", "pk"):
        rule = parse_rule(clock.rule.key, clock.rule.body)
        if handoff.template_key in (rule.start[1], rule.stop[1]) and clock.started_at >= handoff.opened_at:
            yield rule.name, clock


_ICONS = {
    kinds.OPENED: ("plus-lg", "neutral"),
    kinds.FILLED: ("pencil", "neutral"),
    kinds.SENT: ("send", "info"),
    kinds.SEEN: ("eye", "neutral"),
    kinds.ASKED: ("chat-left-dots", "soon"),
    kinds.ANSWERED: ("reply", "info"),
    kinds.ACCEPTED: ("check-lg", "ok"),
    kinds.SENT_BACK: ("reply", "soon"),
    kinds.REASON_GIVEN: ("chat-left-text", "soon"),
    kinds.NEXT_STEP_CONFIRMED: ("check-circle-fill", "ok"),
}


def _told(event: Event, template: Template, places: Mapping[str, Place]) -> dict[str, Any]:
    """An event of the ledger as components/timeline.html takes it."""
    source = str(event.data.get("source", ""))
    place = places[source].label if source in places else source
    actor = event.actor.name if event.actor else (f"Someone in {place}" if place else "Someone")
    reason = template.reason(str(event.data.get("reason", ""))) if event.data.get("reason") else None
    labels = {f.key: f.label for f in template.form}
    detail = ": ".join(t for t in (reason.label if reason else "", str(event.data.get("text", ""))) if t)
    if event.kind == kinds.FILLED:
        detail = ", ".join(labels.get(key, key) for key in event.data.get("values", {}))
    icon, severity = _ICONS[event.kind]
    return {
        "at": event.occurred_at,
        "text": event_kind(event.kind).sentence.format(actor=actor),
        "detail": detail,
        "source": place,
        "icon": icon,
        "severity": severity,
    }


# --- values as people read and write them --------------------------------------------------------------------------


def local_input(value: str, zone: tzinfo) -> str:
    """An instant as an input of type datetime-local holds it; what is no instant stays as it is."""
    at = _instant(value)
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else value


def from_local_input(value: str, zone: tzinfo) -> str:
    """The other way; seconds are not asked for."""
    try:
        local = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()


def _date_words(value: str, zone: tzinfo) -> str:
    at = _instant(value)
    if at is None:
        return value
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def _value_words(value: Any, zone: tzinfo) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    at = _instant(value) if text.endswith("Z") and text[4:5] == "-" else None
    return _date_words(text, zone) if at else _capital(text.replace("_", " ") if text.islower() else text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _instant(value: Any) -> datetime | None:
    try:
        return instant(value) if value else None
    except Unreadable:
        return None
