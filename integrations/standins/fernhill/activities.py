"""What people did: Salesforce Tasks and Events, HubSpot calls, meetings and e-mails."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from random import Random

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.deals import Deal
from integrations.standins.fernhill.moments import at, local_day, next_open, next_open_day
from integrations.standins.fernhill.notes import Notes
from integrations.standins.fernhill.people import Person, team
from integrations.standins.fernhill.prospect import Note, Prospect
from integrations.standins.hubspot_schema import association_type
from integrations.standins.load import INTEGRATION_USER_ID
from integrations.standins.world import Row, Value, salesforce_id

AUTOMATIC_SUBJECT = "Email: Thank you for your interest in Fernhill"


def plan(builder: WorldBuilder) -> None:
    """The notes of everyone who was touched: the first touch, a few more, a meeting before Qualified."""
    random = builder.random("activities")
    notes = Notes(builder.random("activity notes"))
    for p in builder.prospects:
        if p.touched_at and p.owner:
            _plan_person(builder, p, p.owner, p.touched_at, notes, random)


def _plan_person(
    builder: WorldBuilder, p: Prospect, owner: Person, touched_at: datetime, notes: Notes, random: Random
) -> None:
    unit = p.unit or "fleet"
    kind = random.choices(("call", "email", "hubspot_call"), (62, 29, 9))[0]
    text = notes.mail(unit) if kind == "email" else notes.call(unit)
    p.notes.append(Note(kind, touched_at, owner, text))
    until = p.qualified_at or min(touched_at + timedelta(days=12), builder.moments.ago(minutes=20))
    room = (until - touched_at).total_seconds()
    if room < 3600:
        return
    for _ in range(random.choice((0, 1, 1, 2) if p.qualifies else (0, 0, 1, 1))):
        moment = touched_at + timedelta(seconds=room * random.uniform(0.1, 0.8))
        kind = random.choice(("call", "email"))
        text = notes.mail(unit) if kind == "email" else notes.call(unit)
        p.notes.append(Note(kind, moment, owner, text))
    if p.qualified_at and p.story != "present-qualified" and room > 5 * 3600:
        booked = touched_at + timedelta(seconds=room * random.uniform(0.05, 0.3))
        start = p.qualified_at - timedelta(minutes=random.uniform(35, 90))
        p.notes.append(Note("meeting", start, owner, notes.meeting(unit), booked_at=booked))
        _book_introduction(builder, p, notes, random)


def _book_introduction(builder: WorldBuilder, p: Prospect, notes: Notes, random: Random) -> None:
    """The meeting with the account executive: booked within two days of Qualified by most, later or never by some."""
    chance = random.random()
    if p.qualified_at is None or p.executive is None or not p.executive.active or chance > 0.94:
        return
    hours = random.uniform(0.3, 22) if chance < 0.82 else random.uniform(80, 170)
    booked = next_open(p.office, p.qualified_at + timedelta(hours=hours)) + timedelta(
        minutes=random.uniform(0, 50)
    )
    if booked >= builder.moments.ago(hours=1):
        return
    day = next_open_day(p.office, local_day(p.office, booked) + timedelta(days=random.randint(0, 4)))
    start = at(p.office, day, 30 * random.randint(19, 32))
    p.notes.append(Note("meeting", start, p.executive, notes.meeting(p.unit or "fleet"), booked_at=booked))


def task_rows(builder: WorldBuilder) -> list[Row]:
    """Completed calls and e-mails, and the e-mails that a machine sent (owner: the integration user)."""
    random = builder.random("tasks")
    notes = Notes(builder.random("task notes"))
    numbers = count(1)
    rows = []
    for p in builder.prospects:
        if p.synced and p.mql_at and (p.queued or p.n % 13 == 0):
            rows.append(_automatic_task(next(numbers), p, p.mql_at + timedelta(minutes=2)))
        human = [note for note in p.notes if note.kind in ("call", "email")]
        rows += [_task(next(numbers), note, {"WhoId": p.lead_id}, random) for note in human]
    for deal in builder.deals:
        for note in _deal_notes(builder, deal, notes, random, ("call", "email")):
            who: dict[str, Value] = {"WhoId": deal.prospect.sales_contact_id, "WhatId": deal.id}
            rows.append(_task(next(numbers), note, who, random))
    return rows


def _deal_notes(
    builder: WorldBuilder, deal: Deal, notes: Notes, random: Random, kinds: tuple[str, ...]
) -> list[Note]:
    """At most one note per kind somewhere along the deal's way."""
    found = []
    start = deal.path[0][1]
    end = deal.path[-1][1] if deal.is_closed else builder.moments.ago(hours=2)
    unit = deal.prospect.unit or "fleet"
    for kind in kinds:
        if random.random() < 0.45 and end - start > timedelta(days=2):
            at = start + (end - start) * random.uniform(0.05, 0.9)
            text = {"call": notes.call, "email": notes.mail, "meeting": notes.meeting}[kind](unit)
            at = min(next_open(deal.prospect.office, at) + timedelta(minutes=random.uniform(0, 200)), end)
            found.append(Note(kind, at, deal.owner, text))
    return found


def _task(number: int, note: Note, about: dict[str, Value], random: Random) -> Row:
    at = note.at.replace(microsecond=0)
    is_call = note.kind == "call"
    first_line = note.text.split("\n", maxsplit=1)[0]
    return {
        "id": salesforce_id("00T", number),
        "created": at,
        "modified": at,
        "fields": {
            "WhatId": None,
            **about,
            "Subject": "Call" if is_call else f"Email: {first_line}"[:255],
            "Description": note.text,
            "Type": "Call" if is_call else "Email",
            "TaskSubtype": "Call" if is_call else "Email",
            "Status": "Completed",
            "Priority": "Normal",
            "IsClosed": True,
            "ActivityDate": at.date(),
            "CompletedDateTime": at,
            "CallType": "Outbound" if is_call else None,
            "CallDurationInSeconds": random.choice((18, 25, 40, 95, 210, 380, 610, 900)) if is_call else None,
            "OwnerId": note.by.user_id,
        },
    }


def _automatic_task(number: int, p: Prospect, at: datetime) -> Row:
    at = at.replace(microsecond=0)
    return {
        "id": salesforce_id("00T", number),
        "created": at,
        "modified": at,
        "fields": {
            "WhoId": p.lead_id,
            "WhatId": None,
            "Subject": AUTOMATIC_SUBJECT,
            "Description": "Sent automatically.",
            "Type": "Email",
            "TaskSubtype": "ListEmail",
            "Status": "Completed",
            "Priority": "Normal",
            "IsClosed": True,
            "ActivityDate": at.date(),
            "CompletedDateTime": at,
            "OwnerId": INTEGRATION_USER_ID,
        },
    }


def event_rows(builder: WorldBuilder) -> list[Row]:
    random = builder.random("events")
    notes = Notes(builder.random("event notes"))
    numbers = count(1)
    rows = [
        _event(next(numbers), note, {"WhoId": p.lead_id})
        for p in builder.prospects
        for note in p.notes
        if note.kind == "meeting"
    ]
    for deal in builder.deals:
        for note in _deal_notes(builder, deal, notes, random, ("meeting",)):
            note.booked_at = max(note.at - timedelta(days=random.uniform(0.5, 6)), deal.path[0][1])
            who: dict[str, Value] = {"WhoId": deal.prospect.sales_contact_id, "WhatId": deal.id}
            rows.append(_event(next(numbers), note, who))
    return rows


def _event(number: int, note: Note, about: dict[str, Value]) -> Row:
    start = _whole_quarter(note.at)
    created = min(note.booked_at or note.at, note.at).replace(microsecond=0)
    return {
        "id": salesforce_id("00U", number),
        "created": created,
        "modified": created,
        "fields": {
            "WhatId": None,
            **about,
            "Subject": note.text[:255],
            "Type": "Meeting",
            "StartDateTime": start,
            "EndDateTime": start + timedelta(minutes=30),
            "ActivityDateTime": start,
            "ActivityDate": start.date(),
            "DurationInMinutes": 30,
            "OwnerId": note.by.user_id,
        },
    }


def _whole_quarter(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def hubspot_rows(builder: WorldBuilder) -> dict[str, list[Row]]:
    """Calls that representatives logged in HubSpot, and what Customer Success does with customers."""
    random = builder.random("engagements")
    notes = Notes(builder.random("engagement notes"))
    numbers = count(54_000_000_001, 29)
    calls: list[Row] = []
    meetings: list[Row] = []
    emails: list[Row] = []
    for p in builder.prospects:
        calls += [_hubspot_call(next(numbers), p, note) for note in p.notes if note.kind == "hubspot_call"]
        if p.closed_at:
            owner = random.choice(team("CS", office=p.office, unit=p.unit))
            for kind, rows in (("call", calls), ("meeting", meetings), ("email", emails)):
                if random.random() < 0.5:
                    note = _customer_note(builder, p, owner, kind, notes, random)
                    rows.append(
                        {"call": _hubspot_call, "meeting": _hubspot_meeting, "email": _hubspot_email}[kind](
                            next(numbers), p, note
                        )
                    )
    return {"calls": calls, "meetings": meetings, "emails": emails}


def _customer_note(
    builder: WorldBuilder, p: Prospect, owner: Person, kind: str, notes: Notes, random: Random
) -> Note:
    unit = p.unit or "fleet"
    since = p.closed_at or builder.anchor
    at = since + (builder.moments.ago(hours=1) - since) * random.uniform(0.05, 1)
    text = {"call": notes.call, "meeting": notes.criteria, "email": notes.mail}[kind](unit)
    return Note(kind, at, owner, text)


def _engagement(number: int, kind: str, p: Prospect, note: Note, fields: dict[str, Value]) -> Row:
    at = note.at.replace(microsecond=0)
    return {
        "id": str(number),
        "created": at,
        "modified": at,
        "fields": {"hs_timestamp": at, "hubspot_owner_id": note.by.owner_id, **fields},
        "associations": [
            {"to_type": "contacts", "to_id": p.contact_id, "type_id": association_type(kind, "contacts")}
        ],
    }


def _hubspot_call(number: int, p: Prospect, note: Note) -> Row:
    fields: dict[str, Value] = {
        "hs_call_title": f"Call with {p.first_name} {p.last_name}",
        "hs_call_body": note.text,
        "hs_call_direction": "OUTBOUND",
        "hs_call_status": "COMPLETED",
        "hs_call_duration": 60_000 + 1000 * (number % 900),
    }
    return _engagement(number, "calls", p, note, fields)


def _hubspot_meeting(number: int, p: Prospect, note: Note) -> Row:
    start = _whole_quarter(note.at)
    fields: dict[str, Value] = {
        "hs_meeting_title": f"Check-in with {p.first_name} {p.last_name}",
        "hs_meeting_body": note.text,
        "hs_meeting_start_time": start,
        "hs_meeting_end_time": start + timedelta(minutes=45),
        "hs_meeting_outcome": "COMPLETED",
    }
    return _engagement(number, "meetings", p, note, fields)


def _hubspot_email(number: int, p: Prospect, note: Note) -> Row:
    fields: dict[str, Value] = {
        "hs_email_subject": note.text,
        "hs_email_direction": "EMAIL",
        "hs_email_status": "SENT",
    }
    return _engagement(number, "emails", p, note, fields)
