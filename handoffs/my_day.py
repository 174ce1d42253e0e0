"""My day: what needs one person now, today, later, and what waits for others (pure but for ``load_day``)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from definitions.models import Version
from definitions.versions import load_model
from handoffs import kinds
from handoffs.day import LATER, NOW, TODAY, WAITING, Chip, Day, Hours, Row
from handoffs.filling import form_state
from handoffs.links import Place, clock_href, handoff_href, load_places, menu_of, record_href
from handoffs.models import Handoff
from handoffs.sides import team_key_of
from handoffs.snoozing import Offer, calendar_of_team, menu_items, offers, snoozed_journeys, wake_item
from handoffs.templates import Template, template_of
from records.canonical import Unreadable, instant
from records.journey_data import JourneyData, RecordData
from records.loading import load_members
from records.models import Event
from slas.calendars.sections import calendar_spec
from slas.lateness import late_seconds
from slas.models import Clock
from slas.rules import parse_rule
from teams.access import business_units_of
from teams.models import Membership, Person, Role, Team
from teams.querysets import border

SOON = timedelta(hours=1)
MOST_ROWS = 300
MOST_LATE = 50
MOST_DUE = 10

LIVE = (*Clock.OPEN, *Clock.LATE, Clock.State.SEEN_LATE)


# --- composing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What rows are made of beside clocks and handoffs, loaded once."""

    person_id: int
    zone: tzinfo
    now: datetime
    journeys: Mapping[uuid.UUID, JourneyData]
    places: Mapping[str, Place]
    team_key: str = ""
    team_names: Mapping[str, str] = field(default_factory=dict)
    stage_names: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)

    def people_of(self, journey_id: uuid.UUID) -> list[RecordData]:
        journey = self.journeys.get(journey_id)
        return journey.of("person") if journey else []

    def value(self, journey_id: uuid.UUID, name: str) -> str:
        """The first value that any of the buyer's person records has, as text."""
        found = (r.values[name] for r in self.people_of(journey_id) if r.values.get(name))
        return str(next(found, ""))


def compose(
    known: Known, clocks: Sequence[Clock], handoffs: Sequence[Handoff]
) -> tuple[list[Row], list[Row]]:
    """(rows of mine, rows that wait for others), one row per journey, the most urgent first."""
    of_journey: dict[uuid.UUID, list[Clock]] = defaultdict(list)
    for clock in clocks:
        of_journey[clock.journey_id].append(clock)
    mine: dict[uuid.UUID, Row] = {}
    waiting: dict[uuid.UUID, Row] = {}
    for handoff in sorted(handoffs, key=lambda h: (h.opened_at, str(h.pk))):
        if is_move_of(handoff, known):
            about = [c for c in of_journey.get(handoff.journey_id, ()) if _is_about(c, handoff)]
            row = _handoff_row(handoff, min(about, key=_urgency, default=None), known)
            held = mine.get(handoff.journey_id)
            if held is None or _by_section(row) < _by_section(held):
                mine[handoff.journey_id] = row
        else:
            waiting[handoff.journey_id] = _waiting_row(handoff, known)
    for journey_id, held_clocks in of_journey.items():
        urgent = min((c for c in held_clocks if _is_own_work(c, known)), key=_urgency, default=None)
        if urgent is None:
            continue
        row = _clock_row(urgent, known)
        held = mine.get(journey_id)
        # The handoff's own page is the better place to act, unless another clock presses harder.
        if held is None or (_by_section(row) < _by_section(held) and row.urgent_at != held.urgent_at):
            mine[journey_id] = row
    rest = [row for journey_id, row in waiting.items() if journey_id not in mine]
    return sorted(mine.values(), key=_by_section), sorted(rest, key=lambda row: row.order)


def put_off(
    rows: Sequence[Row], until: Mapping[uuid.UUID, datetime], now: datetime, offered: Sequence[Offer]
) -> tuple[list[Row], list[Row]]:
    """(rows to show, rows put off): what is late is never put off, and only what isn't can be."""
    shown, snoozed = [], []
    for row in rows:
        if row.record_id is None or (row.urgent_at is not None and row.urgent_at <= now):
            shown.append(row)
        elif row.journey_id in until:
            at = until[row.journey_id]
            snoozed.append(
                replace(row, text="Back", at=at, more="", menu=(wake_item(row.record_id), *row.menu))
            )
        else:
            shown.append(replace(row, menu=(*row.menu, *menu_items(row.record_id, list(offered)))))
    return shown, snoozed


def is_move_of(handoff: Handoff, known: Known) -> bool:
    """Named for the move, or nobody who works here is named and it is the person's team's."""
    if handoff.whose_move not in (Handoff.Move.SENDER, Handoff.Move.RECEIVER):
        return False
    named = handoff.sender if handoff.whose_move == Handoff.Move.SENDER else handoff.receiver
    if named is not None and named.is_active:
        return named.pk == known.person_id
    return team_key_of(handoff, handoff.whose_move) == known.team_key


def section_of(urgent_at: datetime | None, now: datetime, zone: tzinfo) -> str:
    """Now: late or within the hour. Today: before the person's local midnight, or without a time. Else later."""
    if urgent_at is None:
        return TODAY
    if urgent_at <= now + SOON:
        return NOW
    return TODAY if urgent_at.astimezone(zone).date() <= now.astimezone(zone).date() else LATER


def _by_section(row: Row) -> tuple[int, tuple[bool, float, str]]:
    return ((NOW, TODAY, LATER).index(row.section), row.order)


def _urgency(clock: Clock) -> tuple[bool, float, str]:
    return (clock.due_at is None, clock.due_at.timestamp() if clock.due_at else 0.0, str(clock.pk))


def _is_own_work(clock: Clock, known: Known) -> bool:
    """What a handoff stops is done on the handoff, by whoever has its move."""
    stop, _ = parse_rule(clock.rule.key, clock.rule.body).stop
    is_on_handoff = stop.startswith("handoff_") or stop == "next_step_confirmed"
    return clock.owner_id == known.person_id and not is_on_handoff


def _is_about(clock: Clock, handoff: Handoff) -> bool:
    """Whether the clock runs until what this handoff waits for now."""
    stop, template = parse_rule(clock.rule.key, clock.rule.body).stop
    return template == handoff.template_key and stop in STOPS.get(Handoff.State(handoff.state), ())


STOPS = {
    Handoff.State.OPEN: ("handoff_sent",),
    Handoff.State.SENT_BACK: ("handoff_sent",),
    Handoff.State.SENT: ("handoff_answered", "handoff_accepted"),
    Handoff.State.SEEN: ("handoff_answered", "handoff_accepted"),
    Handoff.State.ACCEPTED: ("next_step_confirmed",),
}


ACT_OF_STOP: Mapping[str, str] = {
    "touch_by_team": "Call",
    "owner_in_team": "Take it",
    "meeting_booked": "Book a meeting",
    "meeting_held": "Hold the meeting",
    "field_set": "Fill it in",
    "stage_entered": "Move it on",
    "trigger_handled": "Deal with it",
}
"""What stops a clock -> the one button of its row."""


def _clock_row(clock: Clock, known: Known) -> Row:
    rule = parse_rule(clock.rule.key, clock.rule.body)
    people = known.people_of(clock.journey_id)
    href = record_href(clock.record_id)
    text, at, more = _what_happened(clock, rule.start, known)
    phone = known.value(clock.journey_id, "phone")
    action, action_href = ACT_OF_STOP.get(rule.stop[0], "Open"), href
    if rule.stop[0] == "touch_by_team" and phone:
        action_href = f"tel:{_dialable(phone)}"
    return Row(
        journey_id=clock.journey_id,
        section=section_of(clock.due_at, known.now, known.zone),
        title=_title(clock.journey_id, known),
        href=href,
        text=text,
        at=at,
        more=more,
        chip=_chip(clock, known.now),
        action=action,
        action_href=action_href,
        menu=tuple(
            menu_of(
                people,
                known.places,
                clock.record_id,
                clock.pk,
                waits_for_touch=rule.stop[0] == "touch_by_team",
            )
        ),
        urgent_at=clock.due_at,
        record_id=clock.record_id,
    )


def _what_happened(clock: Clock, start: tuple[str, str], known: Known) -> tuple[str, datetime | None, str]:
    """ "Requested a demo 14 min ago; viewed Pricing twice", or with the stage when no moment of theirs is known."""
    if start[0] != "stage_entered" or "/" in start[1]:
        return str((clock.receipt.get("start") or {}).get("what") or "Started"), clock.started_at, ""
    told = [
        part.strip() for part in known.value(clock.journey_id, "last_engagement").split(";") if part.strip()
    ]
    asked_at = _instant(known.value(clock.journey_id, "demo_requested_at"))
    if asked_at is not None:
        rest = [part for part in told if part.lower() != "requested a demo"]
        return "Requested a demo", asked_at, "; ".join(rest)
    stage = known.stage_names.get(start[1], "")
    more = "; ".join([told[0][:1].lower() + told[0][1:], *told[1:]]) if told else ""
    return f"Became {stage}" if stage else "Started", clock.started_at, more


def _handoff_row(handoff: Handoff, clock: Clock | None, known: Known) -> Row:
    template = template_of(handoff.template)
    text, at, more, suffix = _handoff_words(handoff, template, known)
    urgent_at = clock.due_at if clock else _urgent_without_clock(handoff, known.now)
    return Row(
        journey_id=handoff.journey_id,
        section=section_of(urgent_at, known.now, known.zone),
        title=f"{_company(handoff.journey_id, known)} · {suffix}",
        href=handoff_href(handoff.pk),
        text=text,
        at=at,
        more=more,
        chip=_chip(clock, known.now) if clock else _next_step_chip(handoff),
        action=ACTIONS[Handoff.State(handoff.state)],
        action_href=handoff_href(handoff.pk),
        menu=tuple(
            menu_of(
                known.people_of(handoff.journey_id),
                known.places,
                handoff.record_id,
                clock.pk if clock else None,
            )
        ),
        urgent_at=urgent_at,
        state=handoff.state,
        record_id=handoff.record_id,
    )


ACTIONS = {
    Handoff.State.OPEN: "Finish handoff",
    Handoff.State.SENT: "Accept",
    Handoff.State.SEEN: "Accept",
    Handoff.State.ASKED: "Answer",
    Handoff.State.SENT_BACK: "Answer",
    Handoff.State.ACCEPTED: "Confirm next step",
}


def _urgent_without_clock(handoff: Handoff, now: datetime) -> datetime | None:
    """Accepted: the next step's date. Sent: no rule says when, but the meeting it is for may be near."""
    step_at = handoff.next_step_at
    if handoff.state == Handoff.State.ACCEPTED:
        return step_at
    is_near = step_at is not None and now < step_at <= now + SOON
    return step_at if is_near and handoff.whose_move == Handoff.Move.RECEIVER else None


def _chip(clock: Clock, now: datetime) -> Chip:
    """A late one as its rule counts: working time does not grow overnight."""
    late = late_seconds(clock, now) if clock.calendar_id else None
    return Chip(clock.state, clock.due_at, clock_href(clock.pk), late)


def _next_step_chip(handoff: Handoff) -> Chip | None:
    if handoff.state == Handoff.State.ACCEPTED and handoff.next_step_at:
        return Chip("running", handoff.next_step_at)
    return None


def _handoff_words(
    handoff: Handoff, template: Template, known: Known
) -> tuple[str, datetime | None, str, str]:
    """(text, at, more, what stands behind the company)."""
    to_team = known.team_names.get(template.to_team, template.to_team)
    from_team = known.team_names.get(template.from_team, template.from_team)
    journey = known.journeys.get(handoff.journey_id)
    if handoff.state == Handoff.State.OPEN and journey is not None:
        fields = form_state(template, handoff.form, journey, known.now)
        needed = [f for f in fields if f.is_required]
        missing = [f.label for f in needed if f.is_missing]
        meeting = next((_instant(f.value) for f in fields if f.kind == "datetime" and f.value), None)
        rest = (
            f"{len(missing)} of {len(needed)} still missing: {', '.join(missing)}"
            if missing
            else "everything is there, send it"
        )
        suffix = f"handoff to {to_team}"
        return ("Meeting", meeting, rest, suffix) if meeting else (_capital(rest), None, "", suffix)
    if handoff.state == Handoff.State.SENT_BACK:
        reason = template.reason(handoff.reason)
        told = (reason.label if reason else "", handoff.reason_text)
        said = ": ".join(dict.fromkeys(text for text in told if text))
        by = handoff.receiver.name if handoff.receiver else to_team
        return f"“{said or 'No reason given'}”", handoff.answered_at, "", f"sent back by {by}"
    if handoff.state == Handoff.State.ASKED:
        by = handoff.receiver.name if handoff.receiver else to_team
        return f"“{known.questions.get(str(handoff.pk), '')}”", None, "", f"question from {by}"
    if handoff.state == Handoff.State.ACCEPTED:
        return "Next step", handoff.next_step_at, handoff.next_step, "confirm it with the buyer"
    by = handoff.sender.name if handoff.sender else from_team
    step = f"next step: {handoff.next_step}" if handoff.next_step else ""
    return f"{by} sent it", handoff.sent_at, step, f"handoff from {from_team}"


def _waiting_row(handoff: Handoff, known: Known) -> Row:
    template = template_of(handoff.template)
    is_with_receiver = handoff.whose_move == Handoff.Move.RECEIVER
    named = handoff.receiver if is_with_receiver else handoff.sender
    team = template.to_team if is_with_receiver else template.from_team
    who = named.name if named else known.team_names.get(team, team)
    words = {
        Handoff.State.OPEN: (f"{who} has not sent it yet, opened", handoff.opened_at),
        Handoff.State.SENT: (f"{who} has not opened it, sent", handoff.sent_at),
        Handoff.State.SEEN: (f"{who} has not answered, opened", handoff.seen_at),
        Handoff.State.ASKED: (f"You asked {who}", None),
        Handoff.State.ACCEPTED: (f"{who} accepted", handoff.answered_at),
        Handoff.State.SENT_BACK: (f"You sent it back to {who}", handoff.answered_at),
    }
    text, at = words[Handoff.State(handoff.state)]
    return Row(
        journey_id=handoff.journey_id,
        section=WAITING,
        title=f"{_company(handoff.journey_id, known)} · {template.name}",
        href=handoff_href(handoff.pk),
        text=text,
        at=at,
        more="",
        chip=None,
        action="Open",
        action_href=handoff_href(handoff.pk),
        menu=tuple(menu_of(known.people_of(handoff.journey_id), known.places, handoff.record_id, None)),
        urgent_at=handoff.next_step_at,
        state=handoff.state,
    )


def elsewhere_row(clock: Clock, known: Known) -> Row:
    """A clock of somebody who reports to the person, or of nobody."""
    row = _clock_row(clock, known)
    rule = parse_rule(clock.rule.key, clock.rule.body)
    owner = clock.owner.name if clock.owner else "Nobody"
    return replace(
        row, text=f"{owner} has it · {rule.name}", at=None, more="", action="Open", action_href=row.href
    )


def hours_of(calendars: Mapping[str, Version], team_key: str, now: datetime) -> Hours | None:
    """The working hours of a team on the calendar's own date of today; None for a team without a calendar."""
    body = next((v.body for v in calendars.values() if team_key in v.body.get("teams", [])), None)
    if body is None:
        return None
    today = now.astimezone(ZoneInfo(str(body["tz"])))
    spec = calendar_spec(body)
    date = today.date().isoformat()
    spans = spec.get("exceptions", {}).get(date)
    if spans is None:
        weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[today.weekday()]
        spans = [] if date in spec["holidays"] else spec["week"].get(weekday, [])
    return Hours(str(body.get("name", "")), tuple((str(begin), str(end)) for begin, end in spans))


def _title(journey_id: uuid.UUID, known: Known) -> str:
    people = known.people_of(journey_id)
    return next((r.title for r in people if r.title), "A buyer without a name")


def _company(journey_id: uuid.UUID, known: Known) -> str:
    return known.value(journey_id, "company") or _title(journey_id, known)


def _dialable(phone: str) -> str:
    return "".join(c for c in phone if c.isdigit() or c == "+")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _instant(value: object) -> datetime | None:
    try:
        return instant(value) if value else None
    except Unreadable:
        return None


# --- loading -------------------------------------------------------------------------------------------------------


def load_day(person: Person, now: datetime) -> Day:
    """Everything of one person's day, in a constant number of queries."""
    stay = Membership.objects.open().filter(person=person, team=OuterRef("pk"))
    teams = list(Team.objects.annotate(is_own=Exists(stay)).values_list("key", "name", "is_own"))
    team_key = next((key for key, _, is_own in teams if is_own), "")
    model = load_model()
    handoffs = list(_handoffs_of(person, team_key)[:MOST_ROWS])
    about = Q(owner=person) | Q(journey_id__in=[h.journey_id for h in handoffs])
    clocks = list(_clocks_within_border(person).filter(about).order_by("due_at", "pk")[:MOST_ROWS])
    late, due = _elsewhere(person, now)
    journey_ids = {c.journey_id for c in (*clocks, *late, *due)} | {h.journey_id for h in handoffs}
    known = Known(
        person_id=person.pk,
        zone=person.zone,
        now=now,
        journeys=load_members(journey_ids),
        places=load_places(),
        team_key=team_key,
        team_names={key: name for key, name, _ in teams},
        stage_names={
            key: str(version.body.get("short") or version.body["name"])
            for key, version in model.in_force("stages", now).items()
        },
        questions=_questions(handoffs),
    )
    rows, waiting = compose(known, clocks, handoffs)
    calendars = model.in_force("calendars", now)
    offered = offers(person.zone, now, calendar_of_team(team_key, calendars))
    rows, snoozed = put_off(rows, snoozed_journeys(person, now), now, offered)
    return Day(
        now=now,
        hours=hours_of(calendars, team_key, now),
        rows=tuple(rows),
        waiting=tuple(waiting),
        late_elsewhere=tuple(elsewhere_row(clock, known) for clock in late),
        due_elsewhere=tuple(elsewhere_row(clock, known) for clock in due),
        snoozed=tuple(snoozed),
        is_cut=len(clocks) == MOST_ROWS,
    )


def _clocks_within_border(person: Person) -> QuerySet[Clock]:
    return Clock.objects.filter(
        border(business_units_of(person), "record__business_unit"),
        state__in=LIVE,
        stopped_at=None,
        is_measured_only=False,
    ).select_related("rule", "calendar")


def _handoffs_of(person: Person, team_key: str) -> QuerySet[Handoff]:
    nobody_sends = (Q(sender=None) | Q(sender__is_active=False)) & Q(template__body__from_team=team_key)
    nobody_receives = (Q(receiver=None) | Q(receiver__is_active=False)) & Q(template__body__to_team=team_key)
    mine = Q(sender=person) | Q(receiver=person)
    if team_key:
        mine |= (nobody_sends & Q(whose_move="sender")) | (nobody_receives & Q(whose_move="receiver"))
    return Handoff.objects.for_person(person).open().filter(mine).with_people().order_by("opened_at", "pk")


def _elsewhere(person: Person, now: datetime) -> tuple[list[Clock], list[Clock]]:
    """What is late, and what falls due next, of the people who report to ``person``; for RevOps also of nobody."""
    if person.role == Role.REP:
        return [], []
    theirs = Q(owner__manager=person)
    if person.is_admin:
        theirs |= Q(owner=None)
    rows = _clocks_within_border(person).filter(theirs).select_related("rule", "calendar", "owner")
    # What gtmops itself heard of too late is nobody's delay.
    rows = rows.exclude(owner=person).exclude(state=Clock.State.SEEN_LATE).order_by("due_at", "pk")
    return list(rows.filter(due_at__lte=now)[:MOST_LATE]), list(rows.filter(due_at__gt=now)[:MOST_DUE])


def _questions(handoffs: Sequence[Handoff]) -> dict[str, str]:
    asked = [h for h in handoffs if h.state == Handoff.State.ASKED]
    if not asked:
        return {}
    rows = Event.objects.filter(record_id__in=[h.record_id for h in asked], kind=kinds.ASKED)
    return {
        str(e.data.get("handoff")): str(e.data.get("text", "")) for e in rows.order_by("occurred_at", "pk")
    }
