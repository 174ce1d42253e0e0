"""What slas adds to the model files: calendars and SLA rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from definitions.reading import Reader, unknown, unknown_keys
from definitions.sections import Body, Context, Fault, Section
from slas.calendars.business_time import DAY_MINUTES, WEEKDAYS, Calendar, read_shifts
from slas.calendars.sections import CALENDAR_KEYS, PLACE_KEYS, calendar_spec
from slas.rules import RULE_KEYS, STEP_KEYS, RuleError, duration_words, parse_rule


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
    if rule.target.needs_calendar and not _has_calendar(rule.acting_team, context):
        text = f"Nobody wrote down when {rule.acting_team} works: give it a calendar."
        faults.append(Fault(("target", rule.target.kind), "no_calendar", text))
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


def rule_remarks(key: str, body: Body, context: Context) -> list[Fault]:
    """A promise in wall time that a closed weekend breaks before anybody is back. Routing is a machine's work."""
    rule = parse_rule(key, body)
    if rule.target.kind != "elapsed" or rule.stop[0] == "owner_in_team":
        return []
    told = next(
        (
            c
            for c in context.bodies.get("calendars", {}).values()
            if rule.acting_team in (c.get("teams") or [])
        ),
        None,
    )
    closed = longest_closed_seconds(told["week"]) if told and told.get("week") else 0
    if closed <= rule.target.seconds:
        return []
    text = (
        f"{rule.acting_team} is closed for up to {duration_words(closed)} on end: what starts "
        "before a weekend is late before anybody is back; use business time if people must act"
    )
    return [Fault(("target", "elapsed"), "shorter_than_weekend", text)]


def calendar_remarks(key: str, body: Body, context: Context) -> list[Fault]:
    if body.get("holidays_of") or body.get("holidays"):
        return []
    text = "it knows no holidays: clocks run on them; name the country under holidays_of, or list the days"
    return [Fault((), "no_holidays", text)]


def longest_closed_seconds(week: Mapping[str, Any]) -> int:
    """The longest stretch of an ordinary week in which nobody works, by the wall clock; 0 for a week never open."""
    open_minutes = sorted(
        (day * DAY_MINUTES + start, day * DAY_MINUTES + end)
        for day, name in enumerate(WEEKDAYS)
        for start, end in read_shifts(week.get(name))
    )
    if not open_minutes:
        return 0
    first = (open_minutes[0][0] + 7 * DAY_MINUTES, 0)
    longest, open_until = 0, open_minutes[0][1]
    for start, end in (*open_minutes[1:], first):
        longest, open_until = max(longest, start - open_until), max(open_until, end)
    return longest * 60


SECTIONS = (
    Section(
        name="calendars",
        label="Working hours",
        parse=calendar_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body: (
            f"Working hours of {', '.join(body.get('teams') or []) or 'no team'} in {body['tz']}."
        ),
        lint=calendar_remarks,
    ),
    Section(
        name="sla_rules",
        label="Clocks",
        parse=rule_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body: str(body["sentence"]),
        lint=rule_remarks,
    ),
)
