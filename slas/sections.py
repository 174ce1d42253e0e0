"""What slas adds to the model files: calendars and SLA rules."""

from __future__ import annotations

from definitions.sections import Body, Context, Fault, Section
from slas.calendars.business_time import Calendar
from slas.calendars.sections import calendar_spec
from slas.rules import RuleError, parse_rule


def rule_faults(key: str, body: Body, context: Context) -> list[Fault]:
    try:
        rule = parse_rule(key, body)
    except RuleError as error:
        return error.faults
    faults = [
        Fault((side,), "unknown", f"There is no team “{body[side]}”.")
        for side in ("from_team", "to_team")
        if body[side] not in context.teams
    ]
    for side, (word, subject) in (("start", rule.start), ("stop", rule.stop)):
        known = sorted(context.teams) if word in OF_TEAM else context.keys(OF_SECTION[word])
        if subject not in known:
            text = f"There is no “{subject}”. Known: {', '.join(known) or 'none yet'}."
            faults.append(Fault((side, word), "unknown", text))
    if rule.target.kind == "business" and not _has_calendar(rule.acting_team, context):
        text = f"Nobody wrote down when {rule.acting_team} works: give it a calendar."
        faults.append(Fault(("target", "business"), "no_calendar", text))
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
    try:
        Calendar.from_spec(calendar_spec(body))
    except (ValueError, TypeError, AttributeError) as error:
        return [Fault((), "calendar", str(error))]
    if not body.get("name"):
        return [Fault(("name",), "missing", "Give the calendar a name.")]
    return []


SECTIONS = (
    Section(
        name="calendars",
        label="Working hours",
        parse=calendar_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body: (
            f"Working hours of {', '.join(body.get('teams', [])) or 'no team'} in {body['tz']}."
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
