"""What forbids an SLA rule, and what only deserves a word: does it name what exists, can it ever count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from definitions.criteria import CriterionError, parse
from definitions.criteria.nodes import Leaf, conditions_of
from definitions.files.reading import Reader, unknown, unknown_keys
from definitions.sections import Body, Context, Fault, Part, path_parts
from slas.calendars.business_time import DAY_MINUTES, WEEKDAYS, read_shifts
from slas.durations import duration_words
from slas.rules import ANY, RULE_KEYS, Rule, RuleError, parse_rule
from slas.steps import STEP_KEYS, step_faults
from slas.targets import TIER_KEYS

OF_TEAM = ("owner_in_team", "touch_by_team", "meeting_booked", "meeting_held")
OF_FIELD = ("field_set",)
OF_SECTION = {
    "stage_entered": "stages",
    "trigger_fired": "triggers",
    "trigger_handled": "triggers",
}
"""Every other start and stop that names something of the model names a handoff."""

MAY_BE_ANY = ("touch_by_team", "meeting_booked", "meeting_held", "trigger_fired", "trigger_handled")
BY_MACHINE = ("owner_in_team",)


def rule_faults(key: str, body: Body, context: Context) -> list[Fault]:
    strange = _strange_keys(body, context)
    try:
        rule = parse_rule(key, body)
    except RuleError as error:
        return [*error.faults, *strange]
    faults = [
        Fault((side,), "unknown", unknown("team", body[side], context.teams))
        for side in ("from_team", "to_team")
        if body[side] not in context.teams
    ]
    faults += _naming_faults("start", rule.start, rule, context)
    faults += _naming_faults("stop", rule.stop, rule, context)
    if not _has_calendar(rule.acting_team, context):
        text = f"Nobody wrote down when {rule.acting_team} works: give it a calendar."
        faults += [
            Fault((*_target_path(body, i), tier.target.kind), "no_calendar", text)
            for i, tier in enumerate(rule.targets)
            if tier.target.needs_calendar
        ]
    faults += step_faults(rule.escalations, context.teams, _longest_seconds(rule))
    return [*faults, *_condition_faults(rule, context), *strange]


def _longest_seconds(rule: Rule) -> int | None:
    """Of the targets; None where one is counted in days, or ends with an event."""
    seconds = [tier.target.seconds for tier in rule.targets]
    return max(seconds) if all(seconds) else None


def _strange_keys(body: Body, context: Context) -> list[Fault]:
    """Keys that nothing reads, and signers that are no team."""
    read = Reader(body)
    read.some_of("agreed_by", context.teams, "team", required=False)
    faults = [*read.faults, *unknown_keys(body, RULE_KEYS)]
    for name, keys in (("escalate", STEP_KEYS), ("targets", TIER_KEYS)):
        rows = body.get(name)
        for i, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
            faults += unknown_keys(row, keys, name, i)
    return faults


def _naming_faults(side: str, said: tuple[str, str], rule: Rule, context: Context) -> list[Fault]:
    """A start or stop that names what isn't there."""
    word, subject = said
    if word == "signal" or (subject == ANY and word in MAY_BE_ANY):
        return []
    if word == "stage_entered" and "/" in subject:
        noun, known = "stage of a pipeline", sorted(_pipeline_stages(context))
    elif word in OF_TEAM:
        noun, known = "team", sorted(context.teams)
    elif word in OF_FIELD:
        noun, known = f"field of a {rule.on}", sorted(context.catalogue.objects.get(rule.on, {}))
    else:
        section = OF_SECTION.get(word, "handoffs")
        noun, known = section.removesuffix("s"), context.keys(section)
    return [] if subject in known else [Fault((side, word), "unknown", unknown(noun, subject, known))]


def _pipeline_stages(context: Context) -> Iterator[str]:
    for key, body in context.bodies.get("pipelines", {}).items():
        for stage in body.get("stages") or ():
            if isinstance(stage, Mapping):
                yield f"{key}/{stage.get('key')}"


def _has_calendar(team: str, context: Context) -> bool:
    calendars = context.bodies.get("calendars", {}).values()
    return any(team in (body.get("teams") or []) for body in calendars)


def _target_path(body: Body, i: int) -> tuple[Part, ...]:
    return ("targets", i, "target") if body.get("targets") is not None else ("target",)


# --- conditions ------------------------------------------------------------------------------------------------


def _condition_faults(rule: Rule, context: Context) -> list[Fault]:
    """What forbids the conditions of a rule: they must build, and read nothing but fields. What pauses or calls off
    has no window either: time alone must not stop a clock that nobody touched."""
    faults = []
    for path, tree, is_lasting in _conditions(rule):
        try:
            criterion = parse(tree, context.catalogue, object=subject_of(rule, context))
        except CriterionError as error:
            faults += [Fault((*path, *path_parts(f.path)), f.code, f.text) for f in error.faults]
            continue
        for one in conditions_of(criterion.root):
            if not isinstance(one, Leaf) or one.currency is not None:
                text = "use conditions on fields, without currencies, here"
                faults.append(Fault((*path, *path_parts(one.path)), "not_here", text))
            elif is_lasting and one.window is not None:
                text = "use conditions on fields, without “within” and currencies, here"
                faults.append(Fault((*path, *path_parts(one.path)), "not_here", text))
    return faults


def _conditions(rule: Rule) -> Iterator[tuple[tuple[Part, ...], Mapping[str, Any], bool]]:
    """(path, tree, whether it is looked at all the time the clock runs)."""
    for name, tree in (("pause_while", rule.pause_while), ("cancel_when", rule.cancel_when)):
        if tree is not None:
            yield (name,), tree, True
    if rule.where is not None:
        yield ("where",), rule.where, False
    for i, tier in enumerate(rule.targets):
        if tier.when is not None:
            yield ("targets", i, "when"), tier.when, False


def subject_of(rule: Rule, context: Context) -> str:
    """The object whose records a rule's clocks run on."""
    kind, subject = rule.start
    if kind in ("field_set", "signal"):
        return rule.on
    if kind == "trigger_fired":
        return str(_body(context, "triggers", subject).get("object") or "person")
    if kind == "stage_entered" and "/" in subject:
        return str(_body(context, "pipelines", subject.partition("/")[0]).get("object") or "deal")
    stage = subject
    if kind != "stage_entered":
        stage = str((_body(context, "handoffs", subject).get("opens_on") or {}).get("stage", ""))
    claim = _body(context, "stages", stage).get("claimed_when") or {}
    return str(claim.get("object") or "person")


def _body(context: Context, section: str, key: str) -> Body:
    found: Body = context.bodies.get(section, {}).get(key, {})
    return found


# --- what only deserves a word ---------------------------------------------------------------------------------


def rule_remarks(key: str, body: Body, context: Context) -> list[Fault]:
    """A promise in wall time that a closed weekend breaks before anybody is back. Routing is a machine's work."""
    rule = parse_rule(key, body)
    if rule.stop[0] in BY_MACHINE:
        return []
    calendars = context.bodies.get("calendars", {}).values()
    told = next((c for c in calendars if rule.acting_team in (c.get("teams") or [])), None)
    closed = longest_closed_seconds(told["week"]) if told and told.get("week") else 0
    text = (
        f"{rule.acting_team} is closed for up to {duration_words(closed)} on end: what starts "
        "before a weekend is late before anybody is back; use business time if people must act"
    )
    return [
        Fault((*_target_path(body, i), "elapsed"), "shorter_than_weekend", text)
        for i, tier in enumerate(rule.targets)
        if tier.target.kind == "elapsed" and tier.target.seconds < closed
    ]


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
