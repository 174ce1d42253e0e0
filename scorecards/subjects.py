"""Journeys of a batch as metrics see them, with all that their conclusions say; a constant number of queries."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from definitions.in_force import load_typed_model
from definitions.models import StageEntry
from handoffs.models import Handoff
from records.journey_data import Batch, JourneyData, RecordData
from records.standing import standing
from records.stored import Where, rows_of_journeys, rows_where
from scorecards.metrics.base import Concluded, Entered, HandedOver, Held, Subject
from scorecards.metrics.first_touch import TOUCH
from scorecards.segments import segments_of
from slas.evidence import holdings, moment_of
from slas.in_force import load_staff, load_team_ids, load_touches, load_versions, rule_of
from slas.models import Appeal, Clock
from slas.querysets import LATE
from slas.rules import Rule
from slas.staff import Staff
from slas.touch_rules import TouchHistory
from slas.why_late import longest_party, why_late
from teams.models import Person


def load_subjects(batch: Batch) -> list[Subject]:
    entries: dict[uuid.UUID, list[Entered]] = defaultdict(list)
    stands = batch.standing(StageEntry, rows_of_journeys(StageEntry))
    for e in sorted(stands, key=lambda e: (e.occurred_at, e.pk)):
        entries[e.journey_id].append(Entered(e.pk, e.stage, e.record_id, e.occurred_at, e.pass_number))
    model = batch.once(load_typed_model).versions
    staff, touch_rules = batch.once(load_staff, model), batch.once(load_touches, model)
    rules: dict[str, Rule] = {}
    clocks: dict[uuid.UUID, list[Concluded]] = defaultdict(list)
    teams_by_id = {pk: key for key, pk in batch.once(load_team_ids).items()}
    excepted = {a.clock_id for a in batch.standing(Appeal, _appeals) if a.state == Appeal.State.GRANTED}
    rows = sorted(batch.standing(Clock, rows_of_journeys(Clock)), key=lambda c: (c.started_at, c.pk))
    versions = batch.once(load_versions, model)
    for c in rows:
        rule = rules[c.rule_key] = rule_of(versions[c.rule_id])
        team = teams_by_id.get(c.team_id) if c.team_id is not None else None
        clocks[c.journey_id].append(_concluded(c, rule, staff, team, is_excused=c.pk in excepted))
    handed: dict[uuid.UUID, list[HandedOver]] = defaultdict(list)
    stood = batch.standing(Handoff, rows_of_journeys(Handoff))
    for h in sorted(stood, key=lambda h: (h.opened_at, h.pk)):
        handed[h.journey_id].append(
            HandedOver(h.pk, h.template_key, h.record_id, h.opened_at, h.sent_at, h.state)
        )
    units = batch.once(load_units_of_people)
    teams = {key: (rule.from_team, rule.to_team) for key, rule in rules.items()}
    given_until = _given_until(rules.values(), staff)
    return [
        Subject(
            j.id,
            entries[j.id],
            clocks[j.id],
            handed[j.id],
            segments_of(j),
            touched_at=_touched_at(j, batch.now, touch_rules) if clocks[j.id] else (),
            owners={pk: _owners(j, pk, batch, staff, units) for pk in {c.record_id for c in clocks[j.id]}},
            given_until=given_until,
            teams=teams,
        )
        for j in batch.journeys.values()
    ]


def without_person(clock: Clock) -> str:
    """The queue (or "Nobody") that had it longest before a person did; while nobody does, who has it now."""
    if clock.segments:
        held: dict[str, int] = defaultdict(int)
        for segment in clock.segments:
            if segment["party"] == "system":
                held[str(segment["who"])] += int(segment["seconds"])
        return max(sorted(held), key=lambda who: held[who], default="")
    return str(clock.receipt.get("holder") or "Nobody") if clock.owner_id is None else ""


def _appeals(journeys: list[uuid.UUID]) -> list[Appeal]:
    where = "clock_id IN (SELECT id FROM slas_clock WHERE journey_id = ANY (%s))"
    return rows_where(Appeal, Where(where, (journeys,)))


def _concluded(clock: Clock, rule: Rule, staff: Staff, team: str | None, *, is_excused: bool) -> Concluded:
    return Concluded(
        clock.pk,
        clock.rule_key,
        clock.record_id,
        clock.started_at,
        clock.state,
        asks_for=rule.stop[0],
        stopped_at=clock.stopped_at,
        without_person=without_person(clock),
        began_with=rule.start,
        at_least=rule.at_least,
        due_at=clock.due_at,
        is_excused=is_excused and clock.state in LATE,
        dimensions={
            "owner": clock.owner_id,
            "team": team,
            "tier": str(clock.receipt.get("tier") or "") or None,
            **(_lateness(clock, rule, staff) if clock.state in LATE else {}),
        },
    )


def _lateness(clock: Clock, rule: Rule, staff: Staff) -> dict[str, str]:
    """Who had it longest, and why it was late."""
    away = staff.away.get(clock.owner_id or 0, ())
    return {
        "party": longest_party(clock.segments) or clock.has_it,
        "reason": why_late(
            is_verified=clock.state != Clock.State.BREACHED_NOT_VERIFIED and not clock.receipt.get("no_data"),
            acts=rule.acts,
            segments=clock.segments,
            has_it=clock.has_it,
            started_at=clock.started_at,
            due_at=clock.due_at,
            absences=[(a.begin, a.end) for a in away if a.cover is None and a.withdrawn_at is None],
        ),
    }


def _touched_at(journey: JourneyData, now: datetime, rules: TouchHistory) -> list[datetime]:
    """When people reached the buyer, each activity once, by what counted as a touch then."""
    found = []
    for activity in journey.activities:
        at = moment_of(activity.values)
        if at is None or at > now or activity.deleted_at is not None:
            continue
        if rules.at(at).counts(activity.values):
            found.append(at)
    return sorted(found)


def _owners(
    journey: JourneyData, record_id: uuid.UUID, batch: Batch, staff: Staff, units: Mapping[int, set[int]]
) -> Sequence[Held]:
    record = journey.record(record_id)
    if record is None:
        return ()
    return [
        Held(
            held.begin,
            held.person_id,
            staff.team_at(held.person_id, held.begin) or "",
            _is_of_unit(held.person_id, record, units),
            _is_of_region(held.person_id, record, held.begin, staff),
        )
        for held in holdings(journey, record, batch, staff)
        if held.person_id is not None
    ]


def _is_of_unit(person: int, record: RecordData, units: Mapping[int, set[int]]) -> bool:
    """Records and people without a unit belong everywhere."""
    return record.business_unit_id is None or person not in units or record.business_unit_id in units[person]


def _is_of_region(person: int, record: RecordData, at: datetime, staff: Staff) -> bool:
    """False only where calendars name both the buyer's region and the person, and not in one calendar."""
    region = str(record.values.get("region") or "")
    if not region or region not in staff.regional or person not in staff.own:
        return True
    theirs, regional = staff.hours_at(person, "", at), staff.hours_at(None, "", at, region)
    return theirs is None or regional is None or theirs[0] == regional[0]


@standing("teams_person_business_units")
def load_units_of_people() -> Mapping[int, set[int]]:
    """Person -> units, of those who have any. One query."""
    found: dict[int, set[int]] = defaultdict(set)
    for person, unit in Person.business_units.through.objects.values_list("person_id", "businessunit_id"):
        found[person].add(unit)
    return dict(found)


def _given_until(rules: Iterator[Rule] | Any, staff: Staff) -> Callable[[datetime], datetime]:
    """By the hours of the team that must touch; by the days of the calendar where nobody wrote hours down."""
    team = next((rule.to_team for rule in rules if rule.stop[0] == TOUCH), "")
    days = settings.GTMOPS.worked_days

    def until(at: datetime) -> datetime:
        hours = staff.calendar_at(team, at)
        return hours[1].add_days(at, days).astimezone(UTC) if hours else at + timedelta(days=days)

    return until
