"""What slas adds to the model files: calendars and SLA rules."""

from __future__ import annotations

from definitions.reading import Reader, unknown, unknown_keys
from definitions.sections import Body, Context, Fault, Section
from slas.calendars.business_time import Calendar
from slas.calendars.sections import CALENDAR_KEYS, PLACE_KEYS, calendar_spec
from slas.rules import RULE_KEYS, STEP_KEYS, RuleError, parse_rule


def rule_faults(key: str, body: Body, context: Context) -> list[Fault]:
    strange = _strange_in_rule(body, context)
    try:
        rule = parse_rule(key, body)
    except RuleError as error:
        return [*error.faults, *strange]
    faults = [
        Fault((side,), "unknown", unknown("team", body[side], context.teams))
        for side in ("from_team", "to_team")
        if body[side] not in context.teams
    ]
    for side, (word, subject) in (("start", rule.start), ("stop", rule.stop)):
        noun = "team" if word in OF_TEAM else OF_SECTION[word].removesuffix("s")
        known = context.teams if word in OF_TEAM else context.keys(OF_SECTION[word])
        if subject not in known:
            faults.append(Fault((side, word), "unknown", unknown(noun, subject, known)))
    if rule.target.kind == "business" and not _has_calendar(rule.acting_team, context):
        text = f"Nobody wrote down when {rule.acting_team} works: give it a calendar."
        faults.append(Fault(("target", "business"), "no_calendar", text))
    return faults + strange


def _strange_in_rule(body: Body, context: Context) -> list[Fault]:
    """Keys that nothing reads, and signers that are no team."""
    read = Reader(body)
    read.some_of("agreed_by", context.teams, "team", required=False)
    faults = [*read.faults, *unknown_keys(body, RULE_KEYS)]
    steps = body.get("escalate")
    for i, step in enumerate(steps if isinstance(steps, list | tuple) else ()):
        faults += unknown_keys(step, STEP_KEYS, "escalate", i)
    return faults


OF_TEAM = ("owner_in_team", "touch_by_team")
OF_SECTION = {
    "stage_entered": "stages",
    "handoff_opened": "handoffs",
    "handoff_sent": "handoffs",
    "handoff_answered": "handoffs",
}


def _has_calendar(team: str, context: Context) -> bool:
    calendars = context.bodies.get("calendars", {}).values()
    return any(team in (body.get("teams") or []) for body in calendars)


def calendar_faults(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    read.text("name", most=120)
    read.some_of("teams", context.teams, "team", required=False)
    faults = [
        *read.faults,
        *unknown_keys(body, CALENDAR_KEYS),
        *unknown_keys(body.get("holidays_of"), PLACE_KEYS, "holidays_of"),
    ]
    try:
        Calendar.from_spec(calendar_spec(body))
    except (ValueError, TypeError) as error:
        faults.append(Fault((), "calendar", str(error)))
    return faults


SECTIONS = (
    Section(
        name="calendars",
        label="Working hours",
        parse=calendar_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body: (
            f"Working hours of {', '.join(body.get('teams') or []) or 'no team'} in {body['tz']}."
        ),
    ),
    Section(
        name="sla_rules",
        label="Clocks",
        parse=rule_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body: str(body["sentence"]),
    ),
)
