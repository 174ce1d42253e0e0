"""What slas adds to the model files about touches: the section ``touches``."""

from __future__ import annotations

from definitions.files.reading import Reader
from definitions.sections import Body, Context, Fault
from slas.touch_rules import (
    KINDS,
    LONGEST_PATTERN,
    MOST_PATTERNS,
    MOST_STARS,
    TouchRules,
    parse_touch_rules,
)

TOUCHES = "touches"
MOST_OUTCOMES = 20
WORDS = {"call": "calls", "email": "e-mails", "meeting": "meetings", "message": "messages"}


def touch_faults(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    read.text("name", most=120)
    read.some_of("agreed_by", context.teams, "team", required=False)
    kinds = read.some_of("kinds", KINDS, "kind of activity")
    read.some_of("inbound", kinds or KINDS, "kind of activity that counts", required=False)
    for i, pattern in enumerate(read.some_of("auto_replies", None, "subject", required=False)):
        _check_pattern(read, i, pattern)
    _check_size(read, "auto_replies", MOST_PATTERNS)
    read.flag("form_bookings")
    read.flag("self_reported")
    read.some_of("not_held", None, "outcome of a meeting", required=False)
    _check_size(read, "not_held", MOST_OUTCOMES)
    other = next((name for name in context.keys(TOUCHES) if name != key), None)
    if other is not None:
        read.fault("repeated", f"“{other}” says it already; there is one answer to what counts as a touch")
    return read.finish()


def _check_pattern(read: Reader, i: int, pattern: str) -> None:
    if not pattern.strip().strip("*"):
        read.fault("matches_all", "this would match every subject; write some letters", "auto_replies", i)
    elif len(pattern) > LONGEST_PATTERN:
        text = f"{len(pattern)} letters; {LONGEST_PATTERN} are allowed"
        read.fault("too_long", text, "auto_replies", i)
    elif pattern.count("*") > MOST_STARS:
        read.fault("too_many", f"at most {MOST_STARS} stars in one subject", "auto_replies", i)


def _check_size(read: Reader, name: str, most: int) -> None:
    told = read.body.get(name)
    if isinstance(told, list | tuple) and len(told) > most:
        read.fault("too_many", f"{len(told)} entries; {most} are allowed", name)


def touch_sentence(body: Body) -> str:
    """What counts and what doesn't, in words."""
    rules = parse_touch_rules(body)
    parts = [
        f"A person of the team reached the buyer when {_listed(rules.kinds)} of theirs say so",
        _inbound_words(rules),
    ]
    if rules.form_bookings:
        parts.append("a meeting that the buyer booked with one of them counts from the booking on")
    parts.append(
        "“I already called” counts, marked as self-reported"
        if rules.self_reported
        else "what people report themselves doesn't count"
    )
    never = ["what a machine sent", "tasks"]
    if rules.auto_replies:
        shown = ", ".join(f"“{p}”" for p in rules.auto_replies[:3])
        more = ", …" if len(rules.auto_replies) > 3 else ""
        never.append(f"automatic answers ({shown}{more})")
    if rules.not_held:
        never.append("meetings that fell through")
    return f"{'; '.join(part for part in parts if part)}. Never: {', '.join(never)}."


def _inbound_words(rules: TouchRules) -> str:
    if not rules.inbound:
        return "what the buyer sent or began doesn't count"
    return f"of what the buyer began only {_listed(rules.inbound)} count"


def _listed(kinds: frozenset[str]) -> str:
    names = [WORDS[kind] for kind in KINDS if kind in kinds]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
