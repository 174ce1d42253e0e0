"""What slas adds to the model files: calendars and SLA rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from definitions.criteria import CriterionError, parse
from definitions.criteria.nodes import Leaf, conditions_of
from definitions.files.reading import Reader, unknown, unknown_keys
from definitions.sections import Body, Context, Fault, Section, path_parts
from records.models import Record
from slas.calendars.business_time import DAY_MINUTES, WEEKDAYS, Calendar, read_shifts
from slas.calendars.sections import CALENDAR_KEYS, PLACE_KEYS, calendar_spec
from slas.durations import duration_words
from slas.models import Clock
from slas.rules import RULE_KEYS, Rule, RuleError, parse_rule
from slas.steps import STEP_KEYS


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
    return [*faults, *_condition_faults(rule, context), *strange]


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
    people = read.some_of("people", None, "e-mail address", required=False)
    regions = read.some_of("regions", None, "region", required=False)
    for name, mine in (("people", people), ("regions", regions)):
        for i, who in enumerate(mine):
            twin = _also_named(name, who, key, context)
            if twin:
                read.fault(
                    "repeated", f"“{who}” stands in the working hours “{twin}” too; remove one", name, i
                )
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


def _also_named(name: str, who: str, key: str, context: Context) -> str:
    """Another calendar that names the same person or region, "" for none."""
    return next(
        (
            other
            for other, body in sorted(context.bodies.get("calendars", {}).items())
            if other != key and who.lower() in [str(one).lower() for one in body.get(name) or []]
        ),
        "",
    )


def _condition_faults(rule: Rule, context: Context) -> list[Fault]:
    """What forbids the conditions that pause or call off: they must build, and read nothing but fields and no window:
    time alone must not stop a clock that nobody touched."""
    faults = []
    for name, tree in (("pause_while", rule.pause_while), ("cancel_when", rule.cancel_when)):
        if tree is None:
            continue
        object_name = _subject_of(rule, context)
        try:
            criterion = parse(tree, context.catalogue, object=object_name)
        except CriterionError as error:
            faults += [Fault((name, *path_parts(f.path)), f.code, f.text) for f in error.faults]
            continue
        for one in conditions_of(criterion.root):
            if not isinstance(one, Leaf) or one.window is not None or one.currency is not None:
                text = "use conditions on fields, without “within” and currencies, here"
                faults.append(Fault((name, *path_parts(one.path)), "not_here", text))
    return faults


def _subject_of(rule: Rule, context: Context) -> str:
    """The object whose records a rule's clocks run on."""
    kind, subject = rule.start
    stage = subject
    if kind != "stage_entered":
        stage = str(
            (context.bodies.get("handoffs", {}).get(subject, {}).get("opens_on") or {}).get("stage", "")
        )
    claim = context.bodies.get("stages", {}).get(stage, {}).get("claimed_when") or {}
    return str(claim.get("object") or "person")


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


def with_open_clocks() -> QuerySet[Record]:
    """Whose clocks still run by somebody's working hours: an edit of hours can move no other."""
    counting = Clock.objects.filter(state__in=Clock.OPEN, calendar__isnull=False)
    return Record.objects.filter(pk__in=counting.values("record"))


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
        population=lambda body: with_open_clocks(),
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
