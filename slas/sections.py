"""What slas adds to the model files: calendars and SLA rules."""

from __future__ import annotations

from definitions.sections import Body, Context, Fault, Section
from slas.calendars.business_time import Calendar
from slas.calendars.sections import calendar_spec
from slas.rules import RuleError, parse_rule


def rule_faults(key: str, body: Body, context: Context) -> list[Fault]:
    try:
        parse_rule(key, body)
    except RuleError as error:
        return error.faults
    return []


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
